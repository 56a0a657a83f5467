//! A home for the binary that is measured, and the binary on one core.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connection::Trust;
use crate::{Common, Failure};

/// Longest start, of an installation with a million revocations.
const PATIENCE: Duration = Duration::from_secs(120);

/// A home with the registered service `orders`.
pub(crate) struct Installation {
    directory: tempfile::TempDir,
    binary: PathBuf,
    core: usize,
}

/// The service, running on its core.
pub(crate) struct Server {
    child: Child,
    pub(crate) public: u16,
    pub(crate) internal: u16,
}

impl Installation {
    /// `settings` are the first lines of the configuration.
    pub(crate) fn new(common: &Common, settings: &str) -> Result<Self, Failure> {
        let installation = Self {
            directory: tempfile::tempdir()?,
            binary: common.binary.clone(),
            core: common.core,
        };
        let mut init = Command::new(&common.binary);
        init.args(["init", "--issuer", "https://auth.example", "--server-san", "localhost"]);
        init.args(["--default-audience", "orders", "--client", "orders=orders.internal"]);
        for listener in ["--public-address", "--internal-address", "--ops-address"] {
            init.args([listener, "127.0.0.1:0"]);
        }
        if let Some(file) = &common.database_url_file {
            init.arg("--database-url-file").arg(file);
        }
        finish(init.arg("--home").arg(installation.home()), "")?;
        // One source makes all requests, on connections that last as long as the measurement.
        let text = std::fs::read_to_string(installation.config())?;
        let text = format!(
            "audit.file = \"audit.jsonl\"\naudit.standard_error = \"false\"\nlimits.requests_per_second = 1000000\n\
             limits.caller_requests_per_second = 1000000\nlimits.max_connections_per_source = 1024\n\
             limits.max_connection_age_seconds = 86400\nlimits.header_timeout_seconds = 300\n\
             limits.handshake_timeout_seconds = 60\n{settings}\n{text}"
        );
        std::fs::write(installation.config(), text)?;
        let service = [
            "service",
            "add",
            "orders",
            "--san",
            "dns:orders.internal",
            "--audience",
            "orders",
        ];
        installation.command(&service, "")?;
        Ok(installation)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home().join("authsvc.toml")
    }

    /// Whom a client of this installation trusts, and what it proves itself with.
    pub(crate) fn trust(&self) -> Result<Trust, Failure> {
        Trust::read(&self.home().join("pki"))
    }

    /// Runs a command on this installation.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> Result<String, Failure> {
        let mut command = Command::new(&self.binary);
        finish(command.args(arguments).arg("--config").arg(self.config()), input)
    }

    /// Starts the service, with settings over those of the file; returns when it serves.
    pub(crate) fn serve(&self, settings: &[(&str, &str)]) -> Result<Server, Failure> {
        let log = self.directory.path().join("stderr");
        let mut command = on_core(self.core, &self.binary);
        command.arg("serve").arg("--config").arg(self.config());
        for (name, value) in settings {
            command.arg(format!("--{}", name.replace(['.', '_'], "-"))).arg(value);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let mut server = Server {
            child,
            public: 0,
            internal: 0,
        };
        let line = started(&log, &mut server.child)?;
        let port = |listener: &str| -> Result<u16, Failure> {
            let address = line[listener].as_str().ok_or("no address in the start line")?;
            Ok(address.rsplit(':').next().ok_or("no port")?.parse()?)
        };
        (server.public, server.internal) = (port("public")?, port("internal")?);
        Ok(server)
    }
}

impl Server {
    /// A figure of `/proc/PID/status` in KiB.
    pub(crate) fn memory(&self, name: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let text = line.ok_or("no such figure")?.trim_start_matches(':').trim();
        Ok(text.trim_end_matches(" kB").parse()?)
    }

    /// The peak of memory counts from now on (proc(5), `clear_refs`).
    pub(crate) fn forget_the_peak(&self) -> Result<(), Failure> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is measured no more; nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs on one core, all of its threads. Where that cannot be had it runs where it likes.
pub(crate) fn on_core(core: usize, program: &Path) -> Command {
    let pinned = || {
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(core.to_string());
        command
    };
    let works = pinned().arg("true").stderr(Stdio::null()).status();
    if works.is_ok_and(|status| status.success()) {
        let mut command = pinned();
        command.arg(program);
        return command;
    }
    eprintln!("note: no taskset, or no core {core}: the server runs wherever there is room");
    Command::new(program)
}

fn started(log: &Path, child: &mut Child) -> Result<Value, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(log)?;
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.find(|line| line["message"] == "started") {
            return Ok(line);
        }
        if child.try_wait()?.is_some() || Instant::now() > deadline {
            return Err(format!("the service does not start: {text}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn finish(command: &mut Command, input: &str) -> Result<String, Failure> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input closes it early.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
