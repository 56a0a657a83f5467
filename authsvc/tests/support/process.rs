//! The real binary: started, watched, ended.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use authsvc_client::{Client, Identity};
use cryptokit::secret::SecretString;
use serde_json::Value;

/// Longer than any step takes on a slow machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// `authsvc dev --json`, running.
pub(crate) struct Dev {
    child: Child,
    // Held open: the process must not find its output closed.
    _stdout: BufReader<ChildStdout>,
    pub(crate) description: Value,
    pub(crate) first_line: String,
    stderr: PathBuf,
}

impl Dev {
    pub(crate) fn start(home: &Path) -> Self {
        Self::start_with(home, &[])
    }

    pub(crate) fn start_with(home: &Path, arguments: &[&str]) -> Self {
        once_its_ports_are_free(|| {
            let stderr = home.with_extension(format!("stderr-{}", next_number()));
            let file = std::fs::File::create(&stderr).unwrap();
            Self::spawn(home, arguments, stderr.clone(), file.into()).map_err(|first_line| {
                let log = std::fs::read_to_string(&stderr).unwrap();
                format!("one JSON object expected: {first_line:?}\n{log}")
            })
        })
    }

    /// With a standard error that nobody reads.
    pub(crate) fn start_unread(home: &Path) -> Self {
        Self::spawn(home, &[], PathBuf::new(), Stdio::piped()).unwrap()
    }

    /// Fails with what it printed in place of a description.
    fn spawn(home: &Path, arguments: &[&str], stderr: PathBuf, stderr_of_child: Stdio) -> Result<Self, String> {
        let mut child = Command::new(binary())
            .args([
                "dev",
                "--json",
                "--public-port",
                "0",
                "--internal-port",
                "0",
                "--ops-port",
                "0",
                "--home",
            ])
            .arg(home)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(stderr_of_child)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        let Ok(description) = serde_json::from_str(&first_line) else {
            let _ = child.kill();
            child.wait().unwrap();
            return Err(first_line);
        };
        Ok(Self {
            child,
            _stdout: stdout,
            description,
            first_line,
            stderr,
        })
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.description[member]
            .as_str()
            .unwrap_or_else(|| panic!("{member} in {}", self.first_line))
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What was written to standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    /// The audit lines written so far; the last one may still be under way.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let log = self.log();
        log.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("a JSON line expected: {line}")))
            .filter(|line| line["event"]["module"] == "audit")
            .collect()
    }

    /// The line with that id. One thread writes all lines, so an answer may be there before its line.
    pub(crate) fn record(&self, id: &str) -> Value {
        self.audit_until(|line| line["event"]["id"] == id, 1).swap_remove(0)
    }

    /// Waits until that many audit lines are of a kind: a line may follow the end of the connection it is about.
    pub(crate) fn audit_until(&self, kind: impl Fn(&Value) -> bool, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines: Vec<Value> = self.audit().into_iter().filter(|line| kind(line)).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} lines: {lines:#?}",
                lines.len()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn root_pem(&self) -> Vec<u8> {
        std::fs::read(self.text("ca_file")).unwrap()
    }

    pub(crate) fn login_body(&self) -> Vec<u8> {
        std::fs::read(self.text("login_file")).unwrap()
    }

    pub(crate) fn public(&self) -> Client {
        Client::new(self.text("public_url"), &self.root_pem(), None, PATIENCE).unwrap()
    }

    pub(crate) fn internal(&self) -> Client {
        let identity = identity(
            Path::new(self.text("client_cert_file")),
            Path::new(self.text("client_key_file")),
        );
        self.internal_as(Some(identity))
    }

    pub(crate) fn internal_as(&self, identity: Option<Identity>) -> Client {
        Client::new(self.text("internal_url"), &self.root_pem(), identity, PATIENCE).unwrap()
    }

    /// Asks it to stop, as an orchestrator does.
    pub(crate) fn terminate(&self) {
        let id = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child);
        (status, self.log())
    }

    pub(crate) fn wait_unread(mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.terminate();
        self.wait()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts what uses the ports of a home, which are kept: while nothing runs on it they are anybody's, and another test may
/// have drawn one of them for as long as it lasts.
pub(crate) fn once_its_ports_are_free<T>(start: impl Fn() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match start() {
            Ok(started) => return started,
            Err(why) => assert!(why.contains("in use") && Instant::now() < deadline, "{why}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn identity(certificate: &Path, key: &Path) -> Identity {
    Identity {
        chain_pem: std::fs::read(certificate).unwrap(),
        key_pem: SecretString::new(std::fs::read_to_string(key).unwrap()),
    }
}

pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_authsvc")
}

/// Runs the binary to its end, with nothing of ours in its environment.
pub(crate) fn run(arguments: &[&str]) -> Output {
    run_with_input(arguments, "")
}

pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Output {
    run_in(&[], arguments, input)
}

/// The same with settings in its environment.
pub(crate) fn run_in(environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it early.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "the process does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn next_number() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
