//! Asks on the terminal for what must not be seen.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::{Age, Secret, SecretInputError};

/// Longest line that a terminal takes, in bytes.
const MAX_LINE: usize = 4096;

const INTERRUPT: u8 = 3;

/// Asks for a secret, for a new one twice.
pub(crate) fn ask_for(secret: Secret, age: Age) -> Result<Zeroizing<String>, SecretInputError> {
    let Secret { what, flags } = secret;
    // The terminal itself is asked, whatever is piped in; but not where nobody would see the question.
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return Err(SecretInputError::NoTerminal { what, flags });
    }
    let ask = |question: String| {
        ask(&question).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => SecretInputError::Interrupted,
            _ => SecretInputError::Terminal(error),
        })
    };
    let first = ask(format!("{what}: "))?;
    // An empty one is refused by the caller: no need to type it again.
    if age == Age::New && !first.is_empty() && *ask(format!("{what} again: "))? != *first {
        return Err(SecretInputError::EntriesDiffer { what });
    }
    Ok(first)
}

/// Asks on the process's own terminal, whatever its standard streams are. An error of the kind `Interrupted` says that
/// Ctrl-C was typed.
fn ask(question: &str) -> io::Result<Zeroizing<String>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    // First, lest what is typed at once be seen.
    let quiet = Quiet::begin(&terminal)?;
    (&terminal).write_all(question.as_bytes())?;
    let line = read_line(&terminal);
    (&terminal).write_all(b"\n")?;
    drop(quiet);
    line
}

fn read_line(mut terminal: &File) -> io::Result<Zeroizing<String>> {
    // Reserved at its bound, so that no shorter copy is left behind by growth.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    let mut byte = Zeroizing::new([0]);
    loop {
        match terminal.read(&mut *byte) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match byte[0] {
            b'\n' => break,
            INTERRUPT => return Err(ErrorKind::Interrupted.into()),
            other if other.is_ascii_control() && other != b'\t' => {
                return Err(io::Error::new(ErrorKind::InvalidData, "a control character was typed"));
            }
            _ if line.len() == MAX_LINE => return Err(io::Error::new(ErrorKind::InvalidData, "it is too long")),
            other => line.push(other),
        }
    }
    match std::str::from_utf8(&line) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")),
    }
}

/// A terminal that shows nothing of what is typed, and where Ctrl-C ends the line instead of the process: a process that
/// ended here would leave the terminal as it is now. Lines are edited as usual.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        modes
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        modes.local_modes.insert(LocalModes::ICANON);
        modes.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(terminal, OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // Nothing better can be done when it fails.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
