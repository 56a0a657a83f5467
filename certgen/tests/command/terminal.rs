//! A terminal, here that of `script`, and what runs in it.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::CERTGEN;

pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    /// Runs a line of shell, in which `certgen` is the binary under test.
    pub(crate) fn run(directory: &Path, command: &str) -> Self {
        let command = command.replace("certgen", CERTGEN);
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(directory)
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
    pub(crate) fn answer(&mut self, question: &str, keys: &str) {
        let mut byte = [0];
        let from = self.shown.len();
        while !self.shown[from..].ends_with(question) {
            assert_eq!(self.screen.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// All that was shown.
    pub(crate) fn end(mut self) -> String {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.child.wait().unwrap();
        self.shown + &String::from_utf8_lossy(&rest)
    }
}
