//! Sessions and revocations between processes: the real binary twice over one Postgres, its commands beside it, and a
//! service that verifies tokens by itself over mTLS.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc_client::key_set::{RemoteKeySet, VerifyError};
use authsvc_client::local_verifier::LocalVerifier;
use authsvc_client::revocations::RemoteRevocations;
use authsvc_client::{Client, ClientError};
use authsvc_core::clock::{Clock, SystemClock};
use cryptokit::encoding::base64url;
use cryptokit::jose::{FeedPolicy, RemoteKeysPolicy, TokenVerifier, WhenStale};
use cryptokit::secret::SecretString;
use http::StatusCode;
use serde_json::{Value, json};
use support::postgres;
use support::process::{Dev, binary, run, run_with_input, stderr, stdout};
use tokio::sync::Barrier;

const PARALLEL: usize = 16;
const ROUNDS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// What is promised of a revocation.
const SOON: Duration = Duration::from_secs(2);

/// `authsvc serve`, running.
struct Serve {
    child: Child,
    public: Client,
}

impl Serve {
    fn start(config: &str, root_pem: &[u8], log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).unwrap();
        let mut child = Command::new(binary())
            .args(["serve", "--config", config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        let started = loop {
            let text = std::fs::read_to_string(&log).unwrap();
            let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(line) = lines.find(|line| line["message"] == "started") {
                break line;
            }
            assert!(child.try_wait().unwrap().is_none(), "{text}");
            assert!(Instant::now() < deadline, "{text}");
            std::thread::sleep(Duration::from_millis(20));
        };
        let address: std::net::SocketAddr = started["public"].as_str().unwrap().parse().unwrap();
        let url = format!("https://localhost:{}", address.port());
        Self {
            child,
            public: Client::new(&url, root_pem, None, PATIENCE).unwrap(),
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn post(client: &Client, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = client.post_json(path, body.to_string().as_bytes()).await.unwrap();
    let body = serde_json::from_slice(answer.body.expose_secret()).unwrap_or_default();
    (answer.status, body)
}

async fn refresh(client: &Client, token: &str) -> (StatusCode, Value) {
    post(client, "/v1/refresh", &json!({ "refresh_token": token })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_of_parallel_uses_in_two_processes_one_lineage_goes_on() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    database.write_url_file(Path::new(&at("database.url")));
    let made = run(&[
        "init",
        "--home",
        &at("home"),
        "--issuer",
        "https://auth.example",
        "--server-san",
        "localhost",
        "--default-audience",
        "orders",
        "--database-url-file",
        &at("database.url"),
        "--public-address",
        "127.0.0.1:0",
        "--internal-address",
        "127.0.0.1:0",
        "--ops-address",
        "127.0.0.1:0",
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
    let config = at("home/authsvc.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // All of this is one source, and sixteen wait for one row however slow the machine is.
    let settings = "limits.requests_per_second = 100000\n\
        database.wait_milliseconds = 60000\n\
        database.statement_timeout_milliseconds = 60000";
    std::fs::write(&config, format!("{settings}\n{text}")).unwrap();
    let password = "correct horse battery staple";
    let added = run_with_input(
        &[
            "user",
            "add",
            "alice@example.com",
            "--password-stdin",
            "--config",
            &config,
        ],
        &format!("{password}\n"),
    );
    assert!(added.status.success(), "{}", stderr(&added));
    let root_pem = std::fs::read(at("home/pki/root.pem")).unwrap();
    let processes: Vec<_> = ["first.log", "second.log"]
        .into_iter()
        .map(|log| Arc::new(Serve::start(&config, &root_pem, PathBuf::from(at(log)))))
        .collect();

    let credentials = json!({ "email": "alice@example.com", "password": password });
    let (status, begun) = post(&processes[0].public, "/v1/auth", &credentials).await;
    assert_eq!(status, StatusCode::OK, "{begun}");
    let begun = begun["refresh_token"].as_str().unwrap().to_owned();
    let mut token = begun.clone();
    for round in 0..ROUNDS {
        let barrier = Arc::new(Barrier::new(PARALLEL));
        let mut uses = tokio::task::JoinSet::new();
        for index in 0..PARALLEL {
            let process = Arc::clone(&processes[index % 2]);
            let (barrier, token) = (Arc::clone(&barrier), token.clone());
            uses.spawn(async move {
                barrier.wait().await;
                refresh(&process.public, &token).await
            });
        }
        let mut successors = HashSet::new();
        while let Some(answer) = uses.join_next().await {
            let (status, body) = answer.unwrap();
            assert_eq!(status, StatusCode::OK, "round {round}: {body}");
            successors.insert(body["refresh_token"].as_str().unwrap().to_owned());
        }
        assert_eq!(successors.len(), 1, "round {round}: one lineage");
        token = successors.into_iter().next().unwrap();
    }
    // Known to be spent by the process that did not spend it, and then dead in both.
    for (process, dead) in [(1, &begun), (0, &token), (1, &token)] {
        assert_eq!(
            refresh(&processes[process].public, dead).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
}

/// A development installation, its commands and its clients.
struct Installation {
    dev: Dev,
    config: String,
    _directory: tempfile::TempDir,
}

/// What a login gave.
struct Begun {
    refresh_token: String,
    token: SecretString,
    claims: Value,
}

impl Installation {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("home");
        Self {
            dev: Dev::start(&home),
            config: home.join("authsvc.toml").to_str().unwrap().to_owned(),
            _directory: directory,
        }
    }

    fn command(&self, arguments: &[&str]) -> Output {
        run(&[arguments, &["--config", &self.config]].concat())
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    async fn begin(&self) -> Begun {
        let answer = self.dev.public().post_json("/v1/auth", &self.dev.login_body()).await;
        let body: Value = answer.unwrap().json(StatusCode::OK).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let payload = base64url::decode(text("token").split('.').nth(1).unwrap()).unwrap();
        Begun {
            refresh_token: text("refresh_token"),
            token: SecretString::new(text("token")),
            claims: serde_json::from_slice(&payload).unwrap(),
        }
    }

    async fn is_good(&self, begun: &Begun) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.dev.internal().validate_token(&begun.token).await {
                // On a slow machine it may not have heard for two seconds of what was revoked, and says neither.
                Err(ClientError::Unexpected { status }) if status == StatusCode::SERVICE_UNAVAILABLE => {
                    assert!(Instant::now() < deadline, "it says neither");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                answer => return answer.unwrap().is_some(),
            }
        }
    }

    /// That what `revoke` does to a session that was just begun has its token refused soon; gives that session.
    async fn refused_soon(&self, revoke: impl Fn(&Begun)) -> Begun {
        let verified = async |begun: &Begun| self.is_good(begun).await;
        refused_soon(self, verified, revoke).await
    }
}

/// Begins a session, revokes it, and takes the time until its token is refused: by the clock on the wall, of a machine
/// that has other work. One delay may be its own, three in a row are ours.
async fn refused_soon(
    installation: &Installation,
    is_good: impl AsyncFn(&Begun) -> bool,
    revoke: impl Fn(&Begun),
) -> Begun {
    let mut took = Vec::new();
    loop {
        let mut begun = installation.begin().await;
        // After one that revoked all of the user's tokens those of the same second are bad too.
        let deadline = Instant::now() + PATIENCE;
        while !is_good(&begun).await {
            assert!(Instant::now() < deadline, "no token is good");
            tokio::time::sleep(Duration::from_millis(300)).await;
            begun = installation.begin().await;
        }
        revoke(&begun);
        let since = Instant::now();
        until_within(PATIENCE, "refused", async || !is_good(&begun).await).await;
        took.push(since.elapsed());
        if since.elapsed() < SOON {
            return begun;
        }
        assert!(took.len() < 3, "refused after {took:?}");
    }
}

fn text<'a>(claims: &'a Value, name: &str) -> &'a str {
    claims[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_and_ended_and_tokens_revoked_at_the_command_line() {
    let installation = Installation::start();
    let email = installation.dev.text("email").to_owned();
    let (first, second) = (installation.begin().await, installation.begin().await);
    let sid = text(&first.claims, "sid");
    let listed = installation.done(&["session", "list", "--json"]);
    let sessions: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = sessions.iter().map(|session| text(session, "id")).collect();
    assert_eq!(ids, HashSet::from([sid, text(&second.claims, "sid")]));
    assert!(!listed.contains(&first.refresh_token[..20]), "nothing to use it with");
    let of_user = installation.done(&["session", "list", "--user", &email]);
    assert_eq!(of_user.lines().count(), 2);
    let by_id = installation.done(&["session", "list", "--user", text(&first.claims, "sub")]);
    assert_eq!(by_id, of_user);

    // One session, and not the other.
    let end = |begun: &Begun| {
        installation.done(&["session", "end", text(&begun.claims, "sid")]);
    };
    let ended = installation.refused_soon(end).await;
    let (status, _) = refresh(&installation.dev.public(), &ended.refresh_token).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(installation.is_good(&first).await);
    assert!(installation.is_good(&second).await);
    let again = installation.command(&["session", "end", text(&ended.claims, "sid")]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("lives"), "{}", stderr(&again));

    // One token, and not its session.
    let revoke = |begun: &Begun| {
        installation.done(&["token", "revoke", "--jti", text(&begun.claims, "jti")]);
    };
    let revoked = installation.refused_soon(revoke).await;
    let (status, _) = refresh(&installation.dev.public(), &revoked.refresh_token).await;
    assert_eq!(status, StatusCode::OK);

    // By its session, by its user, and all there are.
    let of_session = |begun: &Begun| {
        installation.done(&["token", "revoke", "--session", text(&begun.claims, "sid")]);
    };
    installation.refused_soon(of_session).await;
    let all_of_user = |_: &Begun| {
        let living = installation
            .done(&["session", "list", "--user", &email])
            .lines()
            .count();
        let ended = installation.done(&["session", "end-all", &email]);
        assert!(ended.starts_with(&format!("{living} session")), "{living}: {ended}");
        assert_eq!(installation.done(&["session", "list", "--user", &email]), "");
    };
    installation.refused_soon(all_of_user).await;
    let of_user = |_: &Begun| {
        installation.done(&["token", "revoke", "--user", &email]);
    };
    installation.refused_soon(of_user).await;

    for (arguments, code) in [
        (&["token", "revoke"][..], 2),
        (&["token", "revoke", "--jti", "a", "--user", "b@example.com"], 2),
        (&["token", "revoke", "--jti", ""], 1),
        (&["token", "revoke", "--issued-before", "yesterday"], 1),
        (&["token", "revoke", "--issued-before", "2999-01-01T00:00:00Z"], 1),
        (&["token", "revoke", "--user", "nobody@example.com"], 1),
        (&["session", "end", "x"], 1),
        (&["session", "end-all", "nobody@example.com"], 1),
    ] {
        let output = installation.command(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    }
    installation.done(&["token", "revoke", "--issued-before", "2020-01-01T00:00:00Z"]);
}

/// A service that verifies by itself, over mTLS.
fn verifier(installation: &Installation) -> LocalVerifier<Arc<Client>> {
    let (internal, issuer) = (Arc::new(installation.dev.internal()), installation.dev.text("issuer"));
    let revocations = RemoteRevocations::start(
        Arc::clone(&internal),
        issuer,
        FeedPolicy::new(WhenStale::Refuse, Duration::from_secs(20)),
        Arc::new(|| SystemClock.now()),
    );
    let verifier = TokenVerifier::new(issuer, Duration::from_secs(5));
    LocalVerifier::new(
        verifier,
        RemoteKeySet::new(internal, RemoteKeysPolicy::default()),
        revocations,
    )
}

async fn verify(verifier: &LocalVerifier<Arc<Client>>, begun: &Begun) -> Result<(), VerifyError> {
    let audiences = match &begun.claims["aud"] {
        Value::String(one) => vec![one.clone()],
        several => several
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect(),
    };
    let token = begun.token.expose_secret();
    verifier.verify(token, &audiences, SystemClock.now()).await.map(drop)
}

async fn until_within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < limit, "not {what} after {:?}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_verifies_by_itself_hears_of_a_command_within_two_seconds() {
    let installation = Installation::start();
    let verifier = verifier(&installation);
    let is_good = async |begun: &Begun| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match verify(&verifier, begun).await {
                Ok(()) => return true,
                Err(VerifyError::Revoked) => return false,
                // Keys and revocations are on their way.
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let end = |begun: &Begun| {
        installation.done(&["session", "end", text(&begun.claims, "sid")]);
    };
    refused_soon(&installation, is_good, end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_verifies_by_itself_goes_on_with_other_keys_of_the_feed_by_command() {
    let installation = Installation::start();
    let verifier = verifier(&installation);
    let (good, ended) = (installation.begin().await, installation.begin().await);
    let is_good = async || verify(&verifier, &good).await == Ok(());
    until_within(PATIENCE, "good", is_good).await;

    installation.done(&["key", "feed", "rotate", "--now"]);
    installation.done(&["session", "end", text(&ended.claims, "sid")]);
    let is_refused = async || verify(&verifier, &ended).await == Err(VerifyError::Revoked);
    until_within(PATIENCE, "refused under the new key", is_refused).await;

    let before = verifier.revocations().position().unwrap().feed;
    installation.done(&["key", "feed", "revoke", "--reason", "a laptop was stolen"]);
    let has_begun_anew = async || {
        let position = verifier.revocations().position();
        position.is_some_and(|position| position.feed != before)
    };
    until_within(PATIENCE, "in the feed that began anew", has_begun_anew).await;
    until_within(PATIENCE, "good", is_good).await;
    assert_eq!(verify(&verifier, &ended).await, Err(VerifyError::Revoked));
    let listed: Value = serde_json::from_str(&installation.done(&["key", "list", "--json"])).unwrap();
    let states: Vec<_> = listed["feed"]["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["state"])
        .collect();
    assert_eq!(states, ["revoked", "revoked", "signing"]);
}
