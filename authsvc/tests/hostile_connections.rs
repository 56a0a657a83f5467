//! Clients that are not what they should be, over real sockets.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use authsvc::config::Limits;
use authsvc::transport::listener::{Listener, Security};
use authsvc_core::service::{CredentialHasher, HashingError};
use cryptokit::password::{Password, StoredHash, Verdict};
use support::in_process::{EMAIL, Service, login_body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

const HEAD: Duration = Duration::from_millis(300);
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);
const ALIVE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

struct Served {
    address: SocketAddr,
    /// Dropped, it stops the listener.
    _signal: watch::Sender<bool>,
}

async fn serve(service: &Service) -> Served {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let rate = NonZeroU32::new(1_000_000).unwrap();
    let limits = watch::Sender::new(Limits {
        max_connections: 64,
        max_connections_per_source: 64,
        max_connection_age: Duration::from_secs(60),
        requests_per_second: rate,
        caller_requests_per_second: rate,
        max_header_bytes: 16 * 1024,
        max_body_bytes: 16 * 1024,
        handshake_timeout: HEAD,
        header_timeout: HEAD,
        body_timeout: HEAD,
        request_timeout: PATIENCE,
    });
    let listener = Listener {
        name: "public",
        socket,
        security: Security::Plain,
        router: service.public.clone(),
        limits: limits.subscribe(),
        metrics: service.metrics.clone(),
        clock: Arc::clone(&service.clock) as _,
        audit: Arc::clone(&service.audit) as _,
    };
    let (signal, stopped) = watch::channel(false);
    tokio::spawn(async move {
        listener.serve(stopped).await;
        drop(limits);
    });
    Served {
        address,
        _signal: signal,
    }
}

/// Sends bytes and reads until the server ends the connection.
async fn exchange(served: &Served, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(served.address).await.unwrap();
    // The server may end it before all is sent.
    let _ = client.write_all(bytes).await;
    let mut answer = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap().ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn a11_slow_heads_and_bodies_are_ended_and_others_served_meanwhile() {
    let service = Service::start().await;
    let served = serve(&service).await;
    let mut slow = Vec::new();
    for beginning in ["", "G", "GET / HTTP/1.1\r\nhost: x\r\nx-drip: "] {
        for _ in 0..10 {
            let mut client = TcpStream::connect(served.address).await.unwrap();
            client.write_all(beginning.as_bytes()).await.unwrap();
            slow.push(client);
        }
    }
    assert_eq!(status(&exchange(&served, ALIVE).await), "200");
    for mut client in slow {
        let mut rest = Vec::new();
        // One byte now and then does not keep it open.
        let _ = client.write_all(b"x").await;
        timeout(PATIENCE, client.read_to_end(&mut rest)).await.unwrap().ok();
    }
    let head = "POST /v1/auth HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    assert_eq!(status(&exchange(&served, head.as_bytes()).await), "408");
    assert_eq!(service.hasher.pool().completed(), 1, "no hash but alice's");
}

#[tokio::test]
async fn a11_header_bombs_are_refused() {
    let service = Service::start().await;
    let served = serve(&service).await;
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(2000));
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "b".repeat(1 << 20));
    let endless = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(100_000));
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    for bomb in [many, long, endless, long_target] {
        let answer = exchange(&served, bomb.as_bytes()).await;
        assert!(matches!(status(&answer), "431" | "414" | "400" | "none"), "{answer}");
    }
    let chunk_extension = format!(
        "POST /v1/auth HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1;{}",
        "x".repeat(1 << 20)
    );
    let answer = exchange(&served, chunk_extension.as_bytes()).await;
    assert!(matches!(status(&answer), "400" | "408" | "none"), "{answer}");
    assert_eq!(status(&exchange(&served, ALIVE).await), "200");
}

/// Never comes to an end, and says when it is given up.
struct Endless {
    entered: Arc<Notify>,
    given_up: Arc<Notify>,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Endless {
    async fn wait(&self) {
        let _given_up = OnDrop(Arc::clone(&self.given_up));
        self.entered.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl CredentialHasher for Endless {
    async fn hash(&self, _: Arc<Password>) -> Result<StoredHash, HashingError> {
        Err(HashingError::Panicked)
    }

    async fn verify(&self, _: Arc<Password>, _: StoredHash) -> Result<Verdict, HashingError> {
        self.wait().await;
        Err(HashingError::Panicked)
    }

    async fn verify_decoy(&self, _: Arc<Password>) -> Result<(), HashingError> {
        self.wait().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_login_whose_client_hangs_up_leaves_the_queue() {
    let (entered, given_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let endless = Arc::new(Endless {
        entered: Arc::clone(&entered),
        given_up: Arc::clone(&given_up),
    });
    let service = Service::start_with(|_| endless).await;
    let served = serve(&service).await;
    let body = login_body(EMAIL, "whatever it is");
    let length = body.len();
    let request = format!(
        "POST /v1/auth HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut client = TcpStream::connect(served.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    timeout(PATIENCE, entered.notified()).await.unwrap();
    drop(client);
    timeout(PATIENCE, given_up.notified()).await.unwrap();
    // Written as the last part of the request is dropped.
    for _ in 0..1000 {
        let reasons = service.reasons();
        if !reasons.is_empty() {
            assert_eq!(reasons, ["client_gone"]);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nothing was recorded");
}
