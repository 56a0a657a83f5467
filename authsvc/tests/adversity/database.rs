//! The database in trouble beneath the real binary: 503 with Retry-After for what needs it, nothing that was
//! acknowledged is lost, and it goes on by itself in the same process.

use std::time::{Duration, Instant};

use http::StatusCode;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sqlx::{ConnectOptions, Executor};

use super::installation::{EMAIL, Installation, PASSWORD, Server, once_available, tokens, unavailable, until};
use super::support::postgres::{Cluster, TestDatabase};

/// So that nobody waits long. A machine under load may take longer than that for what is to work, which is then asked for
/// again. Logins that go through while a refusal is waited for must not end the sessions that are to survive.
const IMPATIENT: &str = "database.wait_milliseconds = 400\n\
    database.statement_timeout_milliseconds = 400\n\
    database.breaker_failures = 3\n\
    database.breaker_pause_milliseconds = 100\n\
    limits.requests_per_second = 1000000\n\
    sessions.most_per_user = 10000";
/// What three requests may take while the database does not answer: several waits, and a loaded machine.
const BOUNDED: Duration = Duration::from_secs(10);

/// Sessions from before the trouble. Whatever happens, the first goes on.
struct Survivor {
    refresh: String,
    access: String,
    /// Asked with during the trouble. Whether such a request was done may never be known, so it is only for asking.
    other: String,
}

impl Survivor {
    async fn of(server: &Server) -> Self {
        let (refresh, access) = server.session().await;
        let (other, _) = server.session().await;
        let survivor = Self { refresh, access, other };
        survivor.validates(server).await;
        survivor
    }

    async fn validates(&self, server: &Server) {
        let answer = once_available(async || server.validate(&self.access).await).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    /// Without anybody's help, in the process that was there before.
    async fn goes_on(&mut self, server: &mut Server, after: &str) {
        println!("after {after}");
        server.session().await;
        self.validates(server).await;
        // One that was done although it took too long gives the same successor when it is asked for again.
        let answer = once_available(async || server.refresh(&self.refresh).await).await;
        (self.refresh, self.access) = tokens(&answer);
        assert!(server.runs(), "{}", server.log());
    }

    /// All that needs the database is refused, in bounded time.
    async fn nothing_works(&self, server: &Server) {
        // What is known of revocations is good for two seconds.
        until("a validation that is refused", async || {
            server.validate(&self.access).await.status == StatusCode::SERVICE_UNAVAILABLE
        })
        .await;
        for _ in 0..5 {
            let asked = Instant::now();
            unavailable(&server.login(EMAIL, PASSWORD).await);
            unavailable(&server.refresh(&self.other).await);
            unavailable(&server.validate(&self.access).await);
            assert!(asked.elapsed() < BOUNDED, "{:?}", asked.elapsed());
        }
    }

    /// What writes is refused, what reads goes on.
    async fn only_reading_works(&self, server: &Server) {
        until("a login that is refused", async || {
            server.login(EMAIL, PASSWORD).await.status == StatusCode::SERVICE_UNAVAILABLE
        })
        .await;
        for _ in 0..3 {
            // Connections that were ended are noticed when they are used.
            self.validates(server).await;
            unavailable(&server.login(EMAIL, PASSWORD).await);
            unavailable(&server.refresh(&self.other).await);
        }
        self.validates(server).await;
    }
}

#[tokio::test]
async fn postgres_goes_away_is_frozen_takes_no_writes_and_is_full_and_the_service_outlives_it() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.database().await;
    let mut installation = Installation::new(Some(&database), IMPATIENT);
    let mut server = installation.serve();
    let mut survivor = Survivor::of(&server).await;

    cluster.kill();
    survivor.nothing_works(&server).await;
    cluster.start_server();
    survivor.goes_on(&mut server, "it was away").await;

    cluster.freeze();
    survivor.nothing_works(&server).await;
    cluster.thaw();
    survivor.goes_on(&mut server, "it was frozen").await;

    set_default(&database, "default_transaction_read_only = on").await;
    survivor.only_reading_works(&server).await;
    set_default(&database, "default_transaction_read_only = off").await;
    survivor.goes_on(&mut server, "it took no writes").await;

    database.execute(FULL_DISK).await;
    survivor.only_reading_works(&server).await;
    database
        .execute("DROP TRIGGER full_disk ON sessions; DROP TRIGGER full_disk ON attempts")
        .await;
    survivor.goes_on(&mut server, "it was full").await;
    installation.succeeds(&["audit", "verify"]);
}

/// What Postgres says when the disk is full, where logins and refreshes write.
const FULL_DISK: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
     END $$;
     CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION full_disk();
     CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION full_disk()";

/// For connections from now on; those there are are ended. Two transactions: whoever connects again at once must find the
/// setting committed, or it would not be set for that connection.
async fn set_default(database: &TestDatabase, setting: &str) {
    let name = database.name();
    database
        .execute_outside(&format!("ALTER DATABASE {name} SET {setting}"))
        .await;
    database
        .execute_outside(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .await;
}

#[tokio::test]
async fn sqlite_is_locked_takes_no_writes_and_is_full_and_the_service_outlives_it() {
    let mut installation = Installation::new(None, IMPATIENT);
    let mut server = installation.serve();
    let mut survivor = Survivor::of(&server).await;

    let file = installation.home().join("authsvc.db");
    let mut other = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    survivor.only_reading_works(&server).await;
    other.execute("COMMIT").await.unwrap();
    survivor.goes_on(&mut server, "it was locked").await;

    installation.succeeds(&["db", "read-only", "on"]);
    // Not merely too slow: this is what the mode alone says.
    until("the mode is noticed", async || {
        let answer = server.login(EMAIL, PASSWORD).await;
        let after = answer.headers.get("retry-after");
        answer.status == StatusCode::SERVICE_UNAVAILABLE && after.is_some_and(|after| after == "5")
    })
    .await;
    survivor.only_reading_works(&server).await;
    installation.succeeds(&["db", "read-only", "off"]);
    survivor.goes_on(&mut server, "the read-only mode").await;

    // The file of changes may not grow, as on a disk without room.
    let changes = std::fs::metadata(file.with_extension("db-wal")).unwrap().len();
    limit_files(&server, Some(changes));
    survivor.only_reading_works(&server).await;
    limit_files(&server, None);
    survivor.goes_on(&mut server, "the disk was full").await;
    installation.succeeds(&["audit", "verify"]);
}

/// No file of the process grows beyond that many bytes. Its hard limit stays, so that this can be undone.
fn limit_files(server: &Server, most: Option<u64>) {
    let process = Pid::from_raw(server.process_id() as i32);
    let limit = Rlimit {
        current: most,
        maximum: None,
    };
    prlimit(process, Resource::Fsize, limit).unwrap();
}
