//! Commands of other tools: shown as a shell takes them, run without one.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cryptokit::secret::SecretString;

use super::TrustError;
use crate::printable::printable;

/// Most characters shown of what a failing tool said.
const MAX_OUTPUT: usize = 2000;

/// A program by its absolute path, with its arguments.
///
/// Its `Display` is one line for a shell, with everything quoted that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Invocation {
    /// Nothing of it passes through a shell.
    pub(super) fn new<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned())
                .collect(),
        }
    }

    /// Runs it to its end, without input, and gives what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// [`TrustError::Start`]; [`TrustError::Failed`] with what it said.
    pub fn run(&self) -> Result<Vec<u8>, TrustError> {
        self.run_with_secret(None)
    }

    /// As [`Self::run`], with a secret in an environment variable, where arguments refer to it.
    pub(super) fn run_with_secret(&self, secret: Option<(&str, &SecretString)>) -> Result<Vec<u8>, TrustError> {
        let mut command = Command::new(&self.program);
        // What is read of its output is in the language of the C locale.
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .env("LC_ALL", "C.UTF-8");
        if let Some((name, value)) = secret {
            command.env(name, value.expose_secret());
        }
        let output = command.output().map_err(|source| TrustError::Start {
            program: self.program.clone(),
            source,
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said: Vec<_> = String::from_utf8_lossy(&said).lines().map(printable).collect();
        Err(TrustError::Failed {
            command: self.to_string(),
            status: output.status.to_string(),
            output: said.join("\n").chars().take(MAX_OUTPUT).collect(),
        })
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.program.as_os_str()))?;
        for argument in &self.arguments {
            write!(f, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

/// One word of a shell.
fn quoted(word: &OsStr) -> String {
    let bytes = word.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return word.to_string_lossy().into_owned();
    }
    match word.to_str() {
        Some(text) if !text.chars().any(|character| character.is_control()) => {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
        // POSIX.1-2024 §2.2.4, known to bash, zsh, ksh and busybox: a line break would end the line.
        _ => {
            let escaped: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("$'{escaped}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, shown) in [
            ("/usr/bin/certutil", "/usr/bin/certutil"),
            ("sql:/home/a/.pki/nssdb", "sql:/home/a/.pki/nssdb"),
            ("C,,", "C,,"),
            ("", "''"),
            ("my root", "'my root'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("~root", "'~root'"),
            ("a\nb", r"$'\x61\x0a\x62'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), shown);
        }
        assert_eq!(quoted(OsStr::from_bytes(b"\xff")), r"$'\xff'");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["it's", "a b", "$HOME `id` \"x\" \\", "*", "ä€"] {
            let line = format!("printf %s {}", quoted(OsStr::new(word)));
            let output = Command::new("/bin/sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }

    #[test]
    fn a_failing_tool_is_quoted_and_cannot_steer_the_terminal() {
        let shell = Path::new("/bin/sh");
        let failing = Invocation::new(shell, ["-c", "echo out; printf 'a\\033[2Jb' >&2; exit 3"]);
        let Err(TrustError::Failed { status, output, .. }) = failing.run() else {
            panic!("it failed");
        };
        assert!(status.contains('3'), "{status}");
        assert_eq!(output, "out\na\\u{1b}[2Jb");
        let missing = Invocation::new(Path::new("/nonexistent"), [""; 0]);
        assert!(matches!(missing.run(), Err(TrustError::Start { .. })));
    }
}
