//! What is asked on a terminal, here that of `script`.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::Folder;

/// A terminal, and what runs in it.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn run(folder: &Folder, command: &str) -> Self {
        let command = command.replace("cryptokit", env!("CARGO_BIN_EXE_cryptokit"));
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(folder.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            keys: child.stdin.take().unwrap(),
            screen: child.stdout.take().unwrap(),
            child,
            shown: String::new(),
        }
    }

    /// Waits for a question and answers it.
    fn answer(&mut self, question: &str, keys: &str) {
        let mut byte = [0];
        let from = self.shown.len();
        while !self.shown[from..].ends_with(question) {
            assert_eq!(self.screen.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// All that was shown.
    fn end(mut self) -> String {
        self.screen.read_to_string(&mut self.shown).unwrap();
        self.child.wait().unwrap();
        self.shown
    }
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let folder = Folder::new();
    let mut terminal = Terminal::run(&folder, "cryptokit hash > hash; echo code $?");
    terminal.answer("password: ", "secrex\u{7f}t\n");
    terminal.answer("password again: ", "secret\n");
    let shown = terminal.end();
    assert!(shown.contains("code 0") && !shown.contains("secre"), "{shown}");

    let mut terminal = Terminal::run(&folder, "cryptokit verify --hash-file hash");
    terminal.answer("password: ", "secret\n");
    assert!(terminal.end().contains("accepted"));

    let mut terminal = Terminal::run(&folder, "cryptokit hash; echo code $?");
    terminal.answer("password: ", "secret\n");
    terminal.answer("password again: ", "secre\n");
    let shown = terminal.end();
    assert!(
        shown.contains("the two entries differ") && shown.contains("code 3"),
        "{shown}"
    );
}

/// The terminal is asked although standard input is a file, and although the password was to come from it.
#[test]
fn the_terminal_is_asked_whatever_standard_input_is() {
    let folder = Folder::new();
    folder.write("passphrase", "secret");
    folder
        .run("keygen --bits 2048 --out a.pem --public a.pub --passphrase-file passphrase")
        .text();
    folder.write("message", "it is opened");
    folder.run("encrypt -r a.pub message -o encrypted").text();
    for command in [
        "cryptokit decrypt -i a.pem < encrypted",
        "cryptokit decrypt -i a.pem --passphrase-file - encrypted",
    ] {
        let mut terminal = Terminal::run(&folder, command);
        terminal.answer("passphrase: ", "secret\n");
        let shown = terminal.end();
        assert!(shown.contains("it is opened") && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let folder = Folder::new();
    let mut terminal = Terminal::run(&folder, "cryptokit hash; echo code $?; stty -a");
    terminal.answer("password: ", "secr\u{3}");
    let shown = terminal.end();
    assert!(
        shown.contains("error: interrupted") && shown.contains("code 3"),
        "{shown}"
    );
    for mode in [" echo ", " isig ", " icanon "] {
        assert!(shown.replace(['\r', '\n'], " ").contains(mode), "{mode}: {shown}");
    }
}
