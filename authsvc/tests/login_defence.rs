//! Guessing, from every side: in parallel, through replicas, under other names, from many sources, by other routes.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use authsvc::storage::sqlite::SqliteStore;
use authsvc::transport::listener::Connection;
use authsvc_core::clock::TestClock;
use authsvc_core::domain::EmailAddress;
use authsvc_core::service::defence::{
    DefenceError, DefencePolicy, Factor, FactorLimits, LoginDefence, open_digest_key,
};
use authsvc_core::service::{CredentialHasher, HashingError, SealedKeysets};
use authsvc_core::storage::Store;
use axum::body::Body;
use cryptokit::keyset::RootKey;
use cryptokit::password::{Argon2Params, Password, StoredHash, Verdict};
use http::{Request, StatusCode};
use support::in_process::{Answer, EMAIL, NOW, PASSWORD, PROXY, Service, json_request, login_body};
use support::postgres;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

const UNKNOWN: &str = "nobody@example.com";

/// Five guesses for an account and source.
fn strict() -> DefencePolicy {
    let policy = DefencePolicy::default();
    DefencePolicy {
        password: FactorLimits {
            source_failures: 5,
            ..policy.password
        },
        ..policy
    }
}

async fn start(policy: DefencePolicy) -> Service {
    Service::start_with_policy(policy, |hasher| hasher).await
}

async fn send_from(service: &Service, source: &str, mut request: Request<Body>) -> Answer {
    let remote = SocketAddr::new(source.parse().unwrap(), 4711);
    request.extensions_mut().insert(Connection { remote, peer: None });
    send_as_it_is(service, request).await
}

async fn send_as_it_is(service: &Service, request: Request<Body>) -> Answer {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let (head, body) = service.public.clone().oneshot(request).await.unwrap().into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

async fn login_from(service: &Service, source: &str, email: &str, password: &str) -> Answer {
    send_from(service, source, json_request("/v1/auth", login_body(email, password))).await
}

fn hashes(service: &Service) -> u64 {
    service.hasher.pool().completed()
}

// L2

#[tokio::test]
async fn l2_limits_set_in_alike_for_an_account_and_for_none() {
    let service = start(strict()).await;
    let mut seen = Vec::new();
    for email in [EMAIL, UNKNOWN] {
        let mut of_this = Vec::new();
        for _ in 0..8 {
            let mut request = json_request("/v1/auth", login_body(email, "wrong password here"));
            request.headers_mut().insert("x-request-id", "same".parse().unwrap());
            let answer = send_from(&service, "192.0.2.1", request).await;
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let body = String::from_utf8(answer.body.clone()).unwrap().replace(&id, "ID");
            of_this.push((answer.status, format!("{:?}", answer.headers), body));
        }
        assert!(of_this[..5].iter().all(|answer| answer.0 == StatusCode::UNAUTHORIZED));
        assert!(
            of_this[5..]
                .iter()
                .all(|answer| answer.0 == StatusCode::TOO_MANY_REQUESTS)
        );
        assert!(of_this[5].1.contains("\"retry-after\": \"900\""), "{}", of_this[5].1);
        seen.push(of_this);
    }
    assert_eq!(seen[0], seen[1]);
    let reasons = service.reasons();
    assert_eq!(reasons[5..8], ["account_source_limit"; 3]);
    // The right password is not looked at either.
    let before = hashes(&service);
    let answer = login_from(&service, "192.0.2.1", EMAIL, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-requests".into())
    );
    assert_eq!(hashes(&service), before, "before any hash");
}

// L3

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_hundred_wrong_passwords_at_once_compute_five_hashes() {
    let service = Arc::new(start(strict()).await);
    let before = hashes(&service);
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let service = Arc::clone(&service);
        tasks.spawn(async move {
            login_from(&service, "192.0.2.1", EMAIL, "wrong password here")
                .await
                .status
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(hashes(&service) - before, 5);
    assert_eq!(
        answers
            .iter()
            .filter(|status| **status == StatusCode::UNAUTHORIZED)
            .count(),
        5
    );
    assert_eq!(
        answers
            .iter()
            .filter(|status| **status == StatusCode::TOO_MANY_REQUESTS)
            .count(),
        195
    );
}

/// Two replicas over one database.
async fn replicas(first: Arc<dyn Store>, second: Arc<dyn Store>) -> [Arc<LoginDefence>; 2] {
    let root = Arc::new(RootKey::generate());
    let mut replicas = Vec::new();
    for store in [first, second] {
        let keysets = SealedKeysets::new(Arc::clone(&store), Arc::clone(&root) as _);
        let names = open_digest_key(&keysets).await.unwrap();
        let clock = Arc::new(TestClock::at(NOW));
        replicas.push(Arc::new(LoginDefence::start(store, clock, names, strict())));
    }
    replicas.try_into().unwrap_or_else(|_| unreachable!("two were made"))
}

async fn two_on_sqlite(file: &Path) -> [Arc<LoginDefence>; 2] {
    std::fs::write(file, "").unwrap();
    let open = async || Arc::new(SqliteStore::open(file).await.unwrap()) as Arc<dyn Store>;
    replicas(open().await, open().await).await
}

async fn two_on_postgres() -> Option<[Arc<LoginDefence>; 2]> {
    let database = postgres::database().await?;
    let open = async || Arc::new(database.open().await) as Arc<dyn Store>;
    Some(replicas(open().await, open().await).await)
}

/// What so many guesses at once, half through each replica, were told.
async fn guess(replicas: &[Arc<LoginDefence>; 2], count: usize, right: bool) -> (usize, usize) {
    let let_through = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (defence, let_through) = (Arc::clone(&replicas[number % 2]), Arc::clone(&let_through));
        tasks.spawn(async move {
            let account: EmailAddress = EMAIL.parse().unwrap();
            let source: IpAddr = [192, 0, 2, 1].into();
            match defence.reserve(&account, Some(source), Factor::Password).await {
                Ok(reservation) => {
                    let_through.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    if right {
                        reservation.succeeded();
                    } else {
                        reservation.failed();
                    }
                    true
                }
                Err(DefenceError::Refused { .. } | DefenceError::Busy) => false,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    let answers = tasks.join_all().await;
    // Outcomes are written together a moment later, and a success that comes after failures forgives them.
    for defence in replicas {
        defence.flush().await;
    }
    (let_through.load(Ordering::SeqCst), answers.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_replicas_over_sqlite_let_five_guesses_through() {
    let directory = tempfile::tempdir().unwrap();
    let replicas = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    assert_eq!(guess(&replicas, 200, false).await, (5, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_replicas_over_postgres_let_five_guesses_through() {
    let Some(replicas) = two_on_postgres().await else {
        return;
    };
    assert_eq!(guess(&replicas, 200, false).await, (5, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_right_passwords_at_once_get_in_on_both_databases() {
    let directory = tempfile::tempdir().unwrap();
    let replicas = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    assert_eq!(guess(&replicas, 60, true).await, (60, 60));
    if let Some(replicas) = two_on_postgres().await {
        assert_eq!(guess(&replicas, 60, true).await, (60, 60));
        assert_eq!(guess(&replicas, 20, false).await.0, 5, "and cost nobody anything");
    }
}

#[tokio::test]
async fn an_unlocked_account_begins_anew_on_both_databases() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    for replicas in [Some(sqlite), two_on_postgres().await].into_iter().flatten() {
        assert_eq!(guess(&replicas, 10, false).await.0, 5);
        replicas[0].unlock(&EMAIL.parse().unwrap()).await.unwrap();
        assert_eq!(guess(&replicas, 10, false).await.0, 5);
    }
}

#[tokio::test]
async fn floods_of_made_up_addresses_do_not_let_the_table_grow_nor_reset_a_counter() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).await.unwrap());
    let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(RootKey::generate()));
    let policy = DefencePolicy {
        max_counters: 320,
        source_failures: 1_000_000,
        ..strict()
    };
    let names = open_digest_key(&keysets).await.unwrap();
    let defence = LoginDefence::start(store, Arc::new(TestClock::at(NOW)), names, policy);
    let fail = async |email: String, source: [u8; 4]| {
        let account = email.parse().unwrap();
        match defence.reserve(&account, Some(source.into()), Factor::Password).await {
            Ok(reservation) => {
                reservation.failed();
                true
            }
            Err(_) => false,
        }
    };
    // The victim: all five guesses are used up.
    for _ in 0..5 {
        assert!(fail("victim@example.com".into(), [192, 0, 2, 1]).await);
    }
    let mut kept = 0;
    for number in 0..1000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        fail(format!("u{number}@example.com"), [10, 0, high, low]).await;
        if number % 250 == 249 {
            kept = 0;
            for _ in 0..16 {
                kept += defence.sweep().await.unwrap().kept;
            }
        }
    }
    assert!(kept <= 320, "{kept}");
    assert!(!fail("victim@example.com".into(), [192, 0, 2, 1]).await, "still locked");
}

// L4

#[tokio::test]
async fn l4_spellings_share_a_counter_or_are_refused() {
    let service = start(strict()).await;
    for email in [
        "Alice@example.com",
        "alice@EXAMPLE.com",
        "ALICE@EXAMPLE.COM",
        "alice@Example.com",
        EMAIL,
    ] {
        assert_eq!(
            login_from(&service, "192.0.2.1", email, "wrong").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    for email in ["alice@example.com", "aLice@example.com"] {
        assert_eq!(
            login_from(&service, "192.0.2.1", email, PASSWORD).await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
    }
    let before = hashes(&service);
    for email in [
        "alice@example.com ",
        " alice@example.com",
        "alice@example.com\u{0}",
        "alice@example.com\n",
        "alice@example.com\u{200b}",
        "alice@example.com.",
        "\u{ff41}lice@example.com",
        "\u{430}lice@example.com",
        "\"alice\"@example.com",
        "alice(x)@example.com",
        "alice@ex\u{e4}mple.com",
        "alice@example\u{3002}com",
        "alice",
    ] {
        let status = login_from(&service, "192.0.2.9", email, PASSWORD).await.status;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{email:?}");
    }
    assert_eq!(hashes(&service), before);
}

// L5

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l5_fifty_sources_flood_an_account_and_its_known_source_logs_in() {
    let service = Arc::new(start(DefencePolicy::default()).await);
    assert_eq!(
        login_from(&service, "198.51.100.7", EMAIL, PASSWORD).await.status,
        StatusCode::OK
    );
    let before = hashes(&service);
    let mut tasks = JoinSet::new();
    for source in 1..=50 {
        let service = Arc::clone(&service);
        tasks.spawn(async move {
            for guess in 0..6 {
                let password = format!("guess number {guess}");
                login_from(&service, &format!("203.0.113.{source}"), EMAIL, &password).await;
            }
        });
    }
    // In the middle of it, too.
    assert_eq!(
        login_from(&service, "198.51.100.7", EMAIL, PASSWORD).await.status,
        StatusCode::OK
    );
    tasks.join_all().await;
    let strangers = hashes(&service) - before - 1;
    assert_eq!(strangers, 80);
    let refused = login_from(&service, "203.0.113.200", EMAIL, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(service.reasons().last(), Some(&"account_locked"));
    assert_eq!(
        login_from(&service, "198.51.100.7", EMAIL, PASSWORD).await.status,
        StatusCode::OK
    );

    // The known source is no way around the ceiling either.
    let before = hashes(&service);
    for _ in 0..3 {
        for _ in 0..15 {
            login_from(&service, "198.51.100.7", EMAIL, "wrong").await;
        }
        service.clock.advance(900);
    }
    let known = hashes(&service) - before;
    assert_eq!(strangers + known, 100);
    // A day of quiet later nobody had to come to unlock it.
    service.clock.advance(86_400);
    assert_eq!(
        login_from(&service, "203.0.113.200", EMAIL, PASSWORD).await.status,
        StatusCode::OK
    );
}

// L7

#[tokio::test]
async fn l7_a_forged_header_gives_nobody_another_source() {
    let service = start(strict()).await;
    let login = |forwarded: String| {
        let mut request = json_request("/v1/auth", login_body(EMAIL, "wrong password here"));
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        headers.insert("forwarded", format!("for={forwarded}").parse().unwrap());
        headers.insert("x-real-ip", forwarded.parse().unwrap());
        request
    };
    for number in 0..5 {
        let answer = send_from(&service, "192.0.2.1", login(format!("10.0.0.{number}"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = send_from(&service, "192.0.2.1", login("10.0.0.99".into())).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let sources: BTreeSet<_> = service
        .audit
        .take()
        .iter()
        .map(|record| record.r#where.source)
        .collect();
    assert_eq!(sources, [Some([192, 0, 2, 1].into())].into());

    // Through the proxy, the address that it has written counts: also where the client wrote others before it.
    let through = |client: &str| login(format!("192.0.2.250, {client}"));
    assert_eq!(
        send_from(&service, PROXY, through("192.0.2.1")).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        send_from(&service, PROXY, through("192.0.2.2")).await.status,
        StatusCode::UNAUTHORIZED
    );
    // Garbage is the proxy's own address and never none: one budget for all of it.
    let mut statuses = Vec::new();
    for garbage in ["x", "unknown", "", "999.1.1.1", "_a", "1.2.3.4 5.6.7.8"] {
        statuses.push(send_from(&service, PROXY, login(garbage.into())).await.status);
    }
    assert_eq!(statuses[..5], [StatusCode::UNAUTHORIZED; 5]);
    assert_eq!(statuses[5], StatusCode::TOO_MANY_REQUESTS);
}

// L8

/// Members of request bodies that somebody could guess.
const CREDENTIALS: [&str; 6] = [
    "password",
    "old_password",
    "current_password",
    "otp",
    "code",
    "recovery_code",
];
/// Routes that take one, and a body that is well formed. A new route is added here, and then has to pass.
const CREDENTIAL_ROUTES: &[(&str, &str)] = &[
    (
        "/v1/auth",
        r#"{"email":"alice@example.com","password":"a wrong guess"}"#,
    ),
    ("/v1/me/otp", r#"{"password":"a wrong guess"}"#),
    ("/v1/me/otp/confirm", r#"{"otp":"123456"}"#),
    (
        "/v1/me/password",
        r#"{"password":"a wrong guess","new_password":"three words of mine: tapir"}"#,
    ),
    ("/v1/me/otp/disable", r#"{"password":"a wrong guess","otp":"123456"}"#),
    (
        "/v1/me/otp/recovery-codes",
        r#"{"password":"a wrong guess","otp":"123456"}"#,
    ),
];

#[tokio::test]
async fn l8_every_route_that_takes_a_credential_asks_the_same_counter() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str().and_then(|text| text.rsplit('/').next()) else {
                continue;
            };
            let members = document["components"]["schemas"][name]["properties"]
                .as_object()
                .unwrap();
            if CREDENTIALS.iter().any(|credential| members.contains_key(*credential)) {
                found.insert(path.as_str());
            }
        }
    }
    let listed: BTreeSet<_> = CREDENTIAL_ROUTES.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        found, listed,
        "name each route that takes a credential, so that it is tried below"
    );

    let service = start(strict()).await;
    let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
    let token = service.post("/v1/auth", body).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let source: IpAddr = [192, 0, 2, 7].into();
    for factor in Factor::ALL {
        while let Ok(reservation) = service
            .defence
            .reserve(&EMAIL.parse().unwrap(), Some(source), factor)
            .await
        {
            reservation.failed();
        }
    }
    let before = hashes(&service);
    for (path, body) in CREDENTIAL_ROUTES {
        let mut request = json_request(path, *body);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    assert_eq!(hashes(&service), before);
}

// L11

#[tokio::test]
async fn l11_a_megabyte_of_password_is_refused_unread() {
    let service = Service::start().await;
    let body = login_body(EMAIL, &"x".repeat(1 << 20));
    let read = Arc::new(AtomicUsize::new(0));
    for declared in [true, false] {
        read.store(0, Ordering::SeqCst);
        let chunks: Vec<Vec<u8>> = body.as_bytes().chunks(1024).map(<[u8]>::to_vec).collect();
        let counted = Arc::clone(&read);
        let stream = futures_util::stream::iter(chunks.into_iter().map(move |chunk| {
            counted.fetch_add(chunk.len(), Ordering::SeqCst);
            Ok::<_, std::io::Error>(chunk)
        }));
        let mut request = json_request("/v1/auth", Body::from_stream(stream));
        if declared {
            request.headers_mut().insert("content-length", body.len().into());
        }
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        let limit = if declared { 0 } else { 18 * 1024 };
        assert!(read.load(Ordering::SeqCst) <= limit, "{declared}: {read:?}");
    }
    assert_eq!(service.hasher.pool().completed(), 1, "alice's own, when she was added");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l11_five_hundred_bad_logins_at_once_map_no_more_memory_than_the_formula_says() {
    let service = Arc::new(Service::start().await);
    let mut tasks = JoinSet::new();
    for number in 0..500_u32 {
        let service = Arc::clone(&service);
        tasks.spawn(async move {
            let [_, _, high, low] = number.to_be_bytes();
            let answer = login_from(
                &service,
                &format!("10.7.{high}.{low}"),
                &format!("u{number}@b.cd"),
                "wrong",
            )
            .await;
            (answer.status, service.hasher.pool().mapped_bytes())
        });
    }
    // Validations go on beside it.
    let token = service.token().await;
    assert_eq!(service.validate(&token).await.status, StatusCode::OK);
    let pool = service.hasher.pool();
    let ceiling = pool.capacity() * Argon2Params::new(32, 1, 1).unwrap().memory_bytes();
    for (status, mapped) in tasks.join_all().await {
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(mapped <= ceiling, "{mapped} bytes are mapped, {ceiling} are allowed");
    }
}

// L14

/// Hashes only when it is let.
struct Held {
    inner: Arc<dyn CredentialHasher>,
    entered: Arc<Semaphore>,
    release: Arc<Semaphore>,
    dropped: Arc<Notify>,
}

/// Says so when what it belongs to is given up.
struct OnDrop(Option<Arc<Notify>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(notify) = self.0.take() {
            notify.notify_one();
        }
    }
}

impl Held {
    async fn hold(&self) {
        let mut given_up = OnDrop(Some(Arc::clone(&self.dropped)));
        self.entered.add_permits(1);
        self.release.acquire().await.unwrap().forget();
        given_up.0 = None;
    }
}

#[async_trait]
impl CredentialHasher for Held {
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.inner.hash(password).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.hold().await;
        self.inner.verify(password, stored).await
    }

    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError> {
        self.hold().await;
        self.inner.verify_decoy(password).await
    }
}

struct Holder {
    entered: Arc<Semaphore>,
    release: Arc<Semaphore>,
    dropped: Arc<Notify>,
}

async fn start_held() -> (Arc<Service>, Holder) {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let dropped = Arc::new(Notify::new());
    let holder = Holder {
        entered: Arc::clone(&entered),
        release: Arc::clone(&release),
        dropped: Arc::clone(&dropped),
    };
    let service = Service::start_with(|inner| {
        Arc::new(Held {
            inner,
            entered,
            release,
            dropped,
        })
    });
    (Arc::new(service.await), holder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l14_a_thousand_slow_failures_hold_no_worker_and_starve_no_validation() {
    let (service, holder) = start_held().await;
    holder.release.add_permits(1);
    let token = service.token().await;
    holder.entered.acquire_many(1).await.unwrap().forget();
    let mut tasks = JoinSet::new();
    for number in 0..1000_u32 {
        let service = Arc::clone(&service);
        tasks.spawn(async move {
            let [_, _, high, low] = number.to_be_bytes();
            login_from(
                &service,
                &format!("10.7.{high}.{low}"),
                &format!("u{number}@b.cd"),
                "wrong",
            )
            .await
            .status
        });
    }
    // All thousand are under way and none moves.
    holder.entered.acquire_many(1000).await.unwrap().forget();
    for _ in 0..20 {
        assert_eq!(service.validate(&token).await.status, StatusCode::OK);
    }
    assert_eq!(tasks.len(), 1000);
    holder.release.add_permits(1000);
    assert!(
        tasks
            .join_all()
            .await
            .into_iter()
            .all(|status| status == StatusCode::UNAUTHORIZED)
    );
}

#[tokio::test]
async fn a_login_whose_client_leaves_is_given_up_and_counts_as_failed() {
    let (service, holder) = start_held().await;
    for _ in 0..10 {
        let leaving = {
            let service = Arc::clone(&service);
            tokio::spawn(async move { login_from(&service, "192.0.2.1", EMAIL, "wrong").await.status })
        };
        holder.entered.acquire().await.unwrap().forget();
        leaving.abort();
        holder.dropped.notified().await;
        assert!(leaving.await.is_err());
    }
    assert_eq!(service.reasons(), ["client_gone"; 10]);
    let answer = login_from(&service, "192.0.2.1", EMAIL, PASSWORD).await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "leaving early is no way around the limit"
    );
}

#[tokio::test]
async fn a_callers_deadline_holds_where_its_word_is_taken_and_only_shortens() {
    let (service, holder) = start_held().await;
    let login = |timeout: &str| {
        let mut request = json_request("/v1/auth", login_body(EMAIL, "wrong"));
        request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        request
    };
    // Through the proxy: obeyed.
    let answer = send_from(&service, PROXY, login("20m")).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "deadline-exceeded".into())
    );
    holder.entered.acquire().await.unwrap().forget();
    // From anybody else, and when it cannot be read: the service's own.
    for (source, timeout) in [("192.0.2.1", "20m"), (PROXY, "soon"), (PROXY, "99999999H")] {
        let waiting = {
            let (service, request) = (Arc::clone(&service), login(timeout));
            tokio::spawn(async move { send_from(&service, source, request).await.status })
        };
        holder.entered.acquire().await.unwrap().forget();
        holder.release.add_permits(1);
        assert_eq!(waiting.await.unwrap(), StatusCode::UNAUTHORIZED, "{source} {timeout}");
    }
}
