//! L11 at real cost: hundreds of bad logins at once, at the real binary. Memory stays under the published formula
//! (docs/configuration.md), and validations go on. `benches/service.sh` measures how fast they are meanwhile.

use std::time::{Duration, Instant};

use cryptokit::Provider;
use cryptokit::x509::certificates_from_pem;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::installation::{EMAIL, Installation, PASSWORD, PATIENCE, Server, tokens};

const LOGINS: usize = 500;
const HASHES: u64 = 2;
const ARENA: u64 = 19_456 * 1024;
/// For each login that waits.
const WAITING: u64 = 32 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l11_five_hundred_bad_logins_at_real_cost_stay_under_the_formula_and_validations_go_on() {
    let settings = format!(
        "hashing.max_concurrent = {HASHES}\nlimits.requests_per_second = 1000000\n\
         database.wait_milliseconds = 60000\ndatabase.statement_timeout_milliseconds = 60000\n\
         limits.request_timeout_seconds = 300\n\
         limits.handshake_timeout_seconds = 60\nlimits.header_timeout_seconds = 300\n\
         limits.body_timeout_seconds = 300\n\
         limits.max_connections_per_source = 1024\ndefence.source_failures = 1000000"
    );
    let mut installation = Installation::new(None, &settings);
    let server = installation.serve();
    let (_, token) = tokens(&server.login(EMAIL, PASSWORD).await);
    let root = std::fs::read(installation.home().join("pki/root.pem")).unwrap();
    // The connections are there before: what they cost is not what is measured.
    let mut connections = Vec::new();
    for _ in 0..LOGINS {
        connections.push(connect(&server, &root).await);
    }
    let base = memory(&server, "VmRSS");
    forget_the_peak(&server);

    let mut clients = tokio::task::JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        clients.spawn(login(connection, number));
    }
    let mut slowest = Duration::ZERO;
    let mut validations = 0;
    let mut statuses = Vec::new();
    while !clients.is_empty() {
        let asked = Instant::now();
        assert_eq!(server.validate(&token).await.status, StatusCode::OK);
        slowest = slowest.max(asked.elapsed());
        validations += 1;
        while let Some(done) = clients.try_join_next() {
            statuses.push(done.unwrap());
        }
    }
    let peak = memory(&server, "VmHWM");
    let allowed = base + HASHES * ARENA + LOGINS as u64 * WAITING;
    let of = |status: u16| statuses.iter().filter(|found| **found == status).count();
    println!(
        "base {} KiB, peak {} KiB, allowed {} KiB; {} refused as wrong, {} as too many; {validations} validations, \
         slowest {slowest:?}",
        base / 1024,
        peak / 1024,
        allowed / 1024,
        of(401),
        of(503)
    );
    assert!(peak <= allowed, "{peak} bytes of {allowed}");
    assert_eq!(of(401) + of(503), LOGINS, "{statuses:?}");
    assert!(of(401) > 0, "some were hashed");
    assert!(slowest < PATIENCE / 2, "{slowest:?}");
}

async fn connect(server: &Server, root: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates_from_pem(root).unwrap() {
        roots.add(certificate.der().clone()).unwrap();
    }
    let config = rustls::ClientConfig::builder_with_provider(Provider::default().tls())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = server.public_address.replace("localhost", "127.0.0.1");
    let stream = TcpStream::connect(address).await.unwrap();
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap()
}

/// A wrong password for an account that nobody has, each another one. The status.
async fn login(mut connection: TlsStream<TcpStream>, number: usize) -> u16 {
    let body = format!("{{\"email\":\"stranger{number}@example.com\",\"password\":\"not a password\"}}");
    let request = format!(
        "POST /v1/auth HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.flush().await.unwrap();
    let mut answer = Vec::new();
    // The end may come without a TLS goodbye.
    let _ = connection.read_to_end(&mut answer).await;
    let head = String::from_utf8_lossy(&answer);
    head.split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("no answer: {head}"))
        .parse()
        .unwrap()
}

/// A figure of `/proc/PID/status` in bytes.
fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kibibytes = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() * 1024
}

/// The peak counts from now on (proc(5), `clear_refs`).
fn forget_the_peak(server: &Server) {
    std::fs::write(format!("/proc/{}/clear_refs", server.process_id()), "5").unwrap();
}
