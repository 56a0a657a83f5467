//! The commands an operator uses, by the real binary: what they do, and what they refuse.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod homes;
mod operation;
mod serve;
mod services;

use std::path::PathBuf;

use support::process::{run, run_with_input, stderr, stdout};

struct Home {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    /// A server's home, on ports that are free.
    fn init() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("home");
        let made = run(&[
            "init",
            "--home",
            path.to_str().unwrap(),
            "--issuer",
            "https://auth.example",
            "--server-san",
            "localhost",
            "--default-audience",
            "orders",
            "--public-address",
            "127.0.0.1:0",
            "--internal-address",
            "127.0.0.1:0",
            "--ops-address",
            "127.0.0.1:0",
        ]);
        assert!(made.status.success(), "{}", stderr(&made));
        assert!(stdout(&made).contains("authsvc serve --config"), "it says what is next");
        Self {
            _directory: directory,
            path,
        }
    }

    fn file(&self, name: &str) -> String {
        self.path.join(name).to_str().unwrap().to_owned()
    }

    fn config(&self) -> String {
        self.file("authsvc.toml")
    }

    fn command(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let config = self.config();
        run_with_input(&[arguments, &["--config", &config]].concat(), input)
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.config(), text.replace(from, to)).unwrap();
    }
}
