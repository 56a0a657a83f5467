//! What floods cost: memory, workers, and the time of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::service::{CredentialHasher, HashingError};
use axum::body::Body;
use cryptokit::password::{Argon2Params, Password, StoredHash, Verdict};
use http::StatusCode;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::{login_from, send_from};
use crate::support::in_process::{EMAIL, PASSWORD, PROXY, Service, json_request, login_body};

/// Longer than any step takes on a slow machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(300);

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

impl Holder {
    /// Waits until that many more have got as far as the hash.
    async fn entered(&self, count: u32) {
        let entered = tokio::time::timeout(PATIENCE, self.entered.acquire_many(count)).await;
        entered.expect("they get as far as the hash").unwrap().forget();
    }
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
    holder.entered(1).await;
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
    holder.entered(1000).await;
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
        holder.entered(1).await;
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
    // Through the proxy: obeyed, also in the middle of the hash. What comes before that may take longer on a slow machine,
    // so it is given twice the time with each try; with the three below they are no more than an account's ten failures.
    let mut tries = 0..7;
    while holder.entered.try_acquire().map(SemaphorePermit::forget).is_err() {
        let timeout = 20 << tries.next().expect("one gets as far as the hash");
        let answer = send_from(&service, PROXY, login(&format!("{timeout}m"))).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::SERVICE_UNAVAILABLE, "deadline-exceeded".into())
        );
    }
    // From anybody else, and when it cannot be read: the service's own.
    for (source, timeout) in [("192.0.2.1", "20m"), (PROXY, "soon"), (PROXY, "99999999H")] {
        let waiting = {
            let (service, request) = (Arc::clone(&service), login(timeout));
            tokio::spawn(async move { send_from(&service, source, request).await.status })
        };
        holder.entered(1).await;
        holder.release.add_permits(1);
        assert_eq!(waiting.await.unwrap(), StatusCode::UNAUTHORIZED, "{source} {timeout}");
    }
}
