//! A home, the service that runs on it, and its callers. The service may be killed and started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use authsvc_client::{Answer, Client};
use http::StatusCode;
use serde_json::{Value, json};

use super::support::postgres::{self, TestDatabase};
use super::support::process::{binary, identity, run_in, run_with_input, stderr};

/// Longer than any step takes on a slow machine; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const EMAIL: &str = "alice@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const ISSUER: &str = "https://auth.example";
/// Settings with which no request is refused because the machine is slow.
pub(crate) const PATIENT: &str = "hashing.max_wait_milliseconds = 60000\n\
    database.wait_milliseconds = 60000\n\
    database.statement_timeout_milliseconds = 60000\n\
    limits.request_timeout_seconds = 300\n\
    limits.handshake_timeout_seconds = 60\n\
    limits.header_timeout_seconds = 300\n\
    limits.body_timeout_seconds = 300\n\
    limits.requests_per_second = 1000000\n\
    defence.source_failures = 1000000\n\
    sessions.most_per_user = 10000";

/// A command waits although the service may be told not to: only how that fares is tested.
const PATIENT_COMMAND: [(&str, &str); 2] = [
    ("AUTHSVC_DATABASE_WAIT_MILLISECONDS", "60000"),
    ("AUTHSVC_DATABASE_STATEMENT_TIMEOUT_MILLISECONDS", "60000"),
];

/// A server's home with the account [`EMAIL`], the service `orders` and the service `frozen`.
pub(crate) struct Installation {
    directory: tempfile::TempDir,
    starts: u32,
}

/// The service, running.
pub(crate) struct Server {
    child: Child,
    stderr: PathBuf,
    audit: PathBuf,
    pub(crate) public: Client,
    pub(crate) orders: Client,
    pub(crate) frozen: Client,
    pub(crate) public_address: String,
}

impl Installation {
    /// `settings` come first in the file: names with dots, one a line.
    pub(crate) fn new(database: Option<&TestDatabase>, settings: &str) -> Self {
        let installation = Self {
            directory: tempfile::tempdir().unwrap(),
            starts: 0,
        };
        let home = installation.path("home");
        let url_file = installation.path("database.url");
        let mut arguments = vec!["init", "--home", home.to_str().unwrap(), "--issuer", ISSUER];
        arguments.extend(["--server-san", "localhost", "--default-audience", "orders"]);
        for client in ["orders=orders.internal", "frozen=frozen.internal"] {
            arguments.extend(["--client", client]);
        }
        for listener in ["--public-address", "--internal-address", "--ops-address"] {
            arguments.extend([listener, "127.0.0.1:0"]);
        }
        if let Some(database) = database {
            database.write_url_file(&url_file);
            arguments.extend(["--database-url-file", url_file.to_str().unwrap()]);
        }
        let made = run_with_input(&arguments, "");
        assert!(made.status.success(), "{}", stderr(&made));
        let text = std::fs::read_to_string(installation.config()).unwrap();
        let text = format!("audit.file = \"audit.jsonl\"\naudit.standard_error = \"false\"\n{settings}\n{text}");
        std::fs::write(installation.config(), text).unwrap();
        for name in ["orders", "frozen"] {
            let san = format!("dns:{name}.internal");
            installation.succeeds(&["service", "add", name, "--san", &san, "--audience", "orders"]);
        }
        installation.add_user(EMAIL);
        installation
    }

    /// One more account, with the same password.
    pub(crate) fn add_user(&self, email: &str) {
        let added = self.command(&["user", "add", email, "--password-stdin"], PASSWORD);
        assert!(added.status.success(), "{}", stderr(&added));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    fn config(&self) -> PathBuf {
        self.home().join("authsvc.toml")
    }

    /// Runs a command on this installation.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> Output {
        let config = self.config();
        let arguments = [arguments, &["--config", config.to_str().unwrap()]].concat();
        run_in(&PATIENT_COMMAND, &arguments, input)
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a command that may be killed.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(binary())
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts the service; returns when it serves. SIGXFSZ is ignored, as where a supervisor limits the size of files: a
    /// write beyond the limit is then an error and not an end.
    ///
    /// A start that finds the database too slow for its settings is given up and made again.
    pub(crate) fn serve(&mut self) -> Server {
        let deadline = Instant::now() + PATIENCE;
        let (child, stderr, addresses) = loop {
            self.starts += 1;
            let stderr = self.path(&format!("stderr-{}", self.starts));
            let mut child = Command::new("sh")
                .args(["-c", "trap '' XFSZ; exec \"$0\" serve --config \"$1\"", binary()])
                .arg(self.config())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(&stderr).unwrap())
                .spawn()
                .unwrap();
            match started(&mut child, &stderr) {
                Ok(addresses) => break (child, stderr, addresses),
                Err(log) => assert!(Instant::now() < deadline, "it does not start: {log}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let root = std::fs::read(self.home().join("pki/root.pem")).unwrap();
        let url = |listener: &str| {
            let port = addresses[listener].as_str().unwrap().rsplit(':').next().unwrap();
            format!("https://localhost:{port}")
        };
        let service = |name: &str| {
            let at = |file: &str| self.home().join("pki").join(name).join(file);
            let identity = identity(&at("fullchain.pem"), &at("key.pem"));
            Client::new(&url("internal"), &root, Some(identity), PATIENCE).unwrap()
        };
        Server {
            public: Client::new(&url("public"), &root, None, PATIENCE).unwrap(),
            orders: service("orders"),
            frozen: service("frozen"),
            public_address: url("public").trim_start_matches("https://").to_owned(),
            child,
            stderr,
            audit: self.home().join("audit.jsonl"),
        }
    }
}

/// The start line, once it is there; what was written in its place when the process has ended.
fn started(child: &mut Child, stderr: &Path) -> Result<Value, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ended = child.try_wait().unwrap().is_some();
        let log = std::fs::read_to_string(stderr).unwrap();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.find(|line| line["message"] == "started") {
            return Ok(line);
        }
        if ended {
            return Err(log);
        }
        assert!(Instant::now() < deadline, "it does not start: {log}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Server {
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it is the same process as at the start, still running.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// A session of [`EMAIL`]: its refresh token and its access token. Asks again for as long as it is told to.
    pub(crate) async fn session(&self) -> (String, String) {
        tokens(&once_available(async || self.login(EMAIL, PASSWORD).await).await)
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password }).to_string();
        self.public.post_json("/v1/auth", body.as_bytes()).await.unwrap()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let body = json!({ "refresh_token": token }).to_string();
        self.public.post_json("/v1/refresh", body.as_bytes()).await.unwrap()
    }

    pub(crate) async fn validate(&self, token: &str) -> Answer {
        let body = json!({ "token": token }).to_string();
        self.orders
            .post_json("/v1/validate-token", body.as_bytes())
            .await
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("its log ends with:\n{}", end_of(&self.log()));
            // Why it refused what it refused, which its answers do not say.
            let audit = std::fs::read_to_string(&self.audit).unwrap_or_default();
            eprintln!("its audit log ends with:\n{}", end_of(&audit));
        }
    }
}

/// The last 4,000 characters.
fn end_of(log: &str) -> &str {
    let begin = log.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
    &log[begin..]
}

/// The refresh token and the access token of an answer that must hold them.
pub(crate) fn tokens(answer: &Answer) -> (String, String) {
    let json: Value = answer
        .json(StatusCode::OK)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(answer.body.expose_secret())));
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("refresh_token"), text("token"))
}

/// That an answer is a refusal for the moment, which says when to ask again.
pub(crate) fn unavailable(answer: &Answer) {
    let body = String::from_utf8_lossy(answer.body.expose_secret());
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert!(answer.is_problem("unavailable"), "{body}");
    let after = answer.headers.get("retry-after").unwrap().to_str().unwrap();
    assert!(after.parse::<u64>().unwrap() >= 1, "{after}");
}

/// Asks until it works: what is tested is that it does without anybody's help, not how soon.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The first answer that is no refusal for the moment.
pub(crate) async fn once_available(mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    let mut answer = ask().await;
    until("an answer", async || {
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            answer = ask().await;
        }
        answer.status != StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    answer
}

/// A fresh Postgres database, or `None` for SQLite; nothing at all where there is no Postgres.
pub(crate) async fn postgres_database() -> Option<TestDatabase> {
    postgres::database().await
}

/// A sequence that its seed repeats (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
