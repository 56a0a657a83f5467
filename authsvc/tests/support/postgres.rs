//! A Postgres of this test process's own, from the installed binaries: no network, no manual step, nothing left behind.
//!
//! A guardian process waits on a pipe that this process holds open. However this process ends, panics and `kill -9`
//! included, the pipe closes and the guardian stops the server and removes its folder. Where there are no binaries one
//! line says so, and what needs them is skipped, unless `REQUIRE_POSTGRES=1`, which CI sets.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use authsvc::storage::Tuning;
use authsvc::storage::postgres::{PostgresStore, parse_url};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

/// Where Debian and its descendants put each version.
const INSTALLED: &str = "/usr/lib/postgresql";
const SUPERUSER: &str = "authsvc";
const PREFIX: &str = "authsvc-test-postgres-";
/// Longer than a start takes on a slow machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server for tests. Each has its own folder and socket.
#[derive(Debug)]
pub(crate) struct Cluster {
    directory: PathBuf,
    binaries: PathBuf,
    owner: Option<Account>,
    postmaster: Mutex<Option<Child>>,
    /// Open for as long as the server is wanted.
    guardian: Mutex<Option<(Child, ChildStdin)>>,
    next: AtomicU32,
}

/// A fresh, empty database.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    socket: PathBuf,
    name: String,
}

/// Whom the server runs as when this process is root, which Postgres refuses.
#[derive(Clone, Copy, Debug)]
struct Account {
    uid: u32,
    gid: u32,
}

/// A fresh database in the server that the tests of this process share; `None` where there is no Postgres.
pub(crate) async fn database() -> Option<TestDatabase> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    match SHARED.get_or_init(Cluster::start) {
        None => None,
        Some(cluster) => Some(cluster.database().await),
    }
}

impl Cluster {
    /// A server of the test's own, which may be stopped and started; `None` where there is no Postgres.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            static SAID: OnceLock<()> = OnceLock::new();
            assert!(!required(), "REQUIRE_POSTGRES is set and {INSTALLED} holds no Postgres");
            SAID.get_or_init(|| {
                let line =
                    format!("skipped: what needs Postgres, because {INSTALLED} holds none (apt install postgresql)\n");
                // Not by a macro, whose output the test harness would keep to itself.
                let _ = std::io::stderr().write_all(line.as_bytes());
            });
            return None;
        };
        remove_orphans();
        let owner = account();
        let directory = std::env::temp_dir().join(format!("{PREFIX}{}-{}", std::process::id(), next_number()));
        std::fs::create_dir(&directory).unwrap();
        if let Some(Account { uid, gid }) = owner {
            chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        let cluster = Self {
            guardian: Mutex::new(Some(guard(&directory))),
            directory,
            binaries,
            owner,
            postmaster: Mutex::new(None),
            next: AtomicU32::new(0),
        };
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "--no-sync",
            "--no-instructions",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        initdb
            .arg(format!("--username={SUPERUSER}"))
            .arg("-D")
            .arg(cluster.data());
        let made = initdb.output().unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        cluster.start_server();
        Some(cluster)
    }

    /// A fresh, empty database.
    pub(crate) async fn database(&self) -> TestDatabase {
        let name = format!("test_{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut connection = self.connect("postgres").await;
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        TestDatabase {
            url: url(&self.directory, &name),
            socket: self.directory.clone(),
            name,
        }
    }

    /// Starts the server again after [`Self::kill`]; returns when it answers.
    pub(crate) fn start_server(&self) {
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.directory);
        for setting in [
            "listen_addresses=",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "autovacuum=off",
        ] {
            command.args(["-c", setting]);
        }
        *self.postmaster.lock().unwrap() = Some(command.stderr(log).spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        let ready = || {
            let mut ask = self.command("pg_isready");
            ask.arg("-h")
                .arg(&self.directory)
                .args(["-U", SUPERUSER, "-d", "postgres"]);
            ask.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        while !ready() {
            assert!(
                Instant::now() < deadline,
                "Postgres did not start: {}",
                std::fs::read_to_string(self.directory.join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server as a crash would. What was committed is there after [`Self::start_server`].
    pub(crate) fn kill(&self) {
        // Its children end with it: an immediate shutdown, which recovers from the log at the next start.
        self.signal("QUIT");
        if let Some(mut postmaster) = self.postmaster.lock().unwrap().take() {
            postmaster.wait().unwrap();
        }
    }

    /// Stops every process of the server where it is: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal_all("STOP");
    }

    /// Undoes [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        self.signal_all("CONT");
    }

    async fn connect(&self, database: &str) -> PgConnection {
        parse_url(&url(&self.directory, database))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    fn signal(&self, signal: &str) {
        let postmaster = self.postmaster.lock().unwrap();
        let id = postmaster.as_ref().expect("the server runs").id();
        let status = Command::new("kill").args(["-s", signal, &id.to_string()]).status();
        assert!(status.unwrap().success());
    }

    fn signal_all(&self, signal: &str) {
        let postmaster = self.postmaster.lock().unwrap();
        let id = postmaster.as_ref().expect("the server runs").id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let mut ids: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
        ids.insert(0, id.to_string());
        // A child may have ended in between.
        let _ = Command::new("kill")
            .args(["-s", signal])
            .args(ids)
            .stderr(Stdio::null())
            .status();
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command
            .current_dir(&self.directory)
            .env_clear()
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            // Not in this process's group: Ctrl-C is for the guardian to act on, through the pipe.
            .process_group(0);
        if let Some(Account { uid, gid }) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let guardian = self
            .guardian
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some((mut guardian, pipe)) = guardian {
            drop(pipe);
            let _ = guardian.wait();
        }
        let postmaster = self
            .postmaster
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(mut postmaster) = postmaster {
            let _ = postmaster.wait();
        }
    }
}

impl TestDatabase {
    pub(crate) async fn open(&self) -> PostgresStore {
        self.open_with(&super::databases::patient()).await
    }

    pub(crate) async fn open_with(&self, tuning: &Tuning) -> PostgresStore {
        super::databases::opened(async || PostgresStore::open(self.options(), tuning).await).await
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        parse_url(&self.url).unwrap()
    }

    /// A connection past the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap()
    }

    /// Runs statements past the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connect()
            .await
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    }

    /// The same, as another database of the same server.
    pub(crate) async fn execute_outside(&self, sql: &str) {
        let mut connection = parse_url(&url(&self.socket, "postgres"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A file with its URL, as the configuration wants it.
    pub(crate) fn write_url_file(&self, path: &Path) {
        private_files::write_new(path, self.url.as_bytes()).unwrap();
    }
}

fn url(socket: &Path, database: &str) -> String {
    format!("postgres://{SUPERUSER}@localhost/{database}?host={}", socket.display())
}

/// The newest version that is installed.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(INSTALLED)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

/// An unprivileged account when this process is root.
fn account() -> Option<Account> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &str| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some(Account {
                uid,
                gid: fields.next()?.parse().ok()?,
            })
        })
    };
    Some(
        named("postgres")
            .or_else(|| named("nobody"))
            .expect("there is an unprivileged account"),
    )
}

/// Ends the server and removes the folder once nobody holds the other end of the pipe. In a group of its own and deaf
/// to signals, so that what ends the tests does not end it.
fn guard(directory: &Path) -> (Child, ChildStdin) {
    let script = "trap '' INT TERM HUP
        read -r _
        if read -r id 2>/dev/null <\"$1/data/postmaster.pid\"; then
            kill -s CONT -- $id $(cat /proc/$id/task/$id/children 2>/dev/null) 2>/dev/null
            kill -s QUIT \"$id\" 2>/dev/null
            n=0
            while [ -d \"/proc/$id\" ] && ! grep -q '^State:.Z' \"/proc/$id/status\" && [ $n -lt 100 ]; do
                n=$((n + 1))
                sleep 0.05
            done
        fi
        rm -rf \"$1\"";
    let mut child = Command::new("sh")
        .args(["-c", script, "guardian"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let pipe = child.stdin.take().unwrap();
    (child, pipe)
}

/// What runs left behind whose guardian was ended too.
fn remove_orphans() {
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()) else {
            continue;
        };
        // Their own guardian is at work for a moment after a process has ended; doing it twice does no harm.
        if !Path::new("/proc").join(id).exists() {
            let (mut guardian, pipe) = guard(&entry.path());
            drop(pipe);
            let _ = guardian.wait();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the tests, not a setting of the program"
)]
fn required() -> bool {
    std::env::var_os("REQUIRE_POSTGRES").is_some_and(|value| value == "1")
}

fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
