//! One connection: HTTP/1.1 or HTTP/2, ended when it is idle, old or no longer wanted.
//!
//! Idle is judged by requests, not by bytes: a peer that answers pings for ever, or never reads its answer, holds a
//! connection no longer than one that is silent.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::listener::Connection;

/// Most streams a client may have open on one HTTP/2 connection.
const MAX_HTTP2_STREAMS: u32 = 32;
/// How long an answer may still be on its way once a connection is to end and no request is being worked on.
const LINGER: Duration = Duration::from_secs(1);

/// The version is known from ALPN before the first byte. Sniffing for it instead would wait without a timeout for a
/// client that never sends one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(super) fn negotiated(stream: &TlsStream<TcpStream>) -> Self {
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Self::Http2,
            _ => Self::Http1,
        }
    }
}

/// How long a connection lives, and how large a head may be on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Without a request.
    pub(super) idle: Duration,
    /// In any case; the client opens another one.
    pub(super) age: Duration,
    /// A request's head, in bytes.
    pub(super) max_header_bytes: u32,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Served {
    /// By agreement, for want of requests, or because the client left.
    Ended,
    /// What the client sent is not HTTP.
    Malformed,
}

/// Serves requests until the client is done, nothing has been asked for `bounds.idle`, the connection is older than
/// `bounds.age`, or stopping has begun. Requests that are being worked on are finished in every case.
pub(super) async fn serve<S>(
    stream: S,
    version: Version,
    connection: Connection,
    router: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) -> Served
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new());
    let service = {
        let activity = Arc::clone(&activity);
        hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let (router, connection) = (router.clone(), connection.clone());
            let request_under_way = Activity::begin(&activity);
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(connection);
                let response = router.oneshot(request).await;
                drop(request_under_way);
                response
            }
        })
    };
    let builder = builder(version, &bounds);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = loop {
        tokio::select! {
            result = serving.as_mut() => break Some(result),
            () = stopped(&mut stop) => break None,
            () = tokio::time::sleep(activity.idle_left(bounds.idle).min(activity.age_left(bounds.age))) => {
                if activity.idle_left(bounds.idle).is_zero() || activity.age_left(bounds.age).is_zero() {
                    break None;
                }
            }
        }
    };
    let result = match ended {
        Some(result) => result,
        None => {
            serving.as_mut().graceful_shutdown();
            loop {
                tokio::select! {
                    result = serving.as_mut() => break result,
                    () = tokio::time::sleep(LINGER) => {
                        if activity.idle_left(LINGER).is_zero() {
                            return Served::Ended;
                        }
                    }
                }
            }
        }
    };
    match result {
        Err(error) if is_malformed(error.as_ref()) => Served::Malformed,
        _ => Served::Ended,
    }
}

/// Completes once stopping has begun, or nobody is left to say so.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn builder(version: Version, bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut builder = match version {
        Version::Http1 => auto::Builder::new(TokioExecutor::new()).http1_only(),
        Version::Http2 => auto::Builder::new(TokioExecutor::new()).http2_only(),
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.idle)
        .max_buf_size(bounds.max_header_bytes as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(bounds.max_header_bytes)
        .keep_alive_interval(Some(bounds.idle))
        .keep_alive_timeout(bounds.idle);
    builder
}

fn is_malformed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

/// When a connection was last of use.
struct Activity {
    started: Instant,
    under_way: AtomicUsize,
    /// Milliseconds from `started` to the end of the latest request.
    latest: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            under_way: AtomicUsize::new(0),
            latest: AtomicU64::new(0),
        }
    }

    fn begin(this: &Arc<Self>) -> UnderWay {
        this.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(this))
    }

    /// How much of `age` is left.
    fn age_left(&self, age: Duration) -> Duration {
        age.saturating_sub(self.started.elapsed())
    }

    /// How much of `timeout` is left; all of it while a request is under way.
    fn idle_left(&self, timeout: Duration) -> Duration {
        if self.under_way.load(Ordering::SeqCst) > 0 {
            return timeout;
        }
        let latest = Duration::from_millis(self.latest.load(Ordering::SeqCst));
        timeout.saturating_sub(self.started.elapsed().saturating_sub(latest))
    }
}

/// A request that is being worked on; dropped when it is answered or given up.
struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let now = self.0.started.elapsed().as_millis();
        self.0
            .latest
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::SeqCst);
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(10);
    const AGE: Duration = Duration::from_secs(600);

    /// A connection to a router that answers `/` with more than any buffer between here and there holds.
    fn serving(
        version: Version,
    ) -> (
        tokio::io::DuplexStream,
        impl Future<Output = Served>,
        watch::Sender<bool>,
    ) {
        let (client, server) = tokio::io::duplex(1024);
        let (signal, stop) = watch::channel(false);
        let router = Router::new().route("/", axum::routing::get(|| async { "x".repeat(1 << 20) }));
        let connection = Connection {
            remote: ([127, 0, 0, 1], 1).into(),
            peer: None,
        };
        let bounds = Bounds {
            idle: IDLE,
            age: AGE,
            max_header_bytes: 16 * 1024,
        };
        (client, serve(server, version, connection, router, bounds, stop), signal)
    }

    #[tokio::test(start_paused = true)]
    async fn an_http_2_client_that_only_answers_pings_is_ended() {
        let (client, serving, _signal) = serving(Version::Http2);
        let served = tokio::spawn(serving);
        let io = TokioIo::new(client);
        let (mut sender, driver) = hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(driver);
        let request = http::Request::get("/nothing").body(Body::empty()).unwrap();
        assert_eq!(
            sender.send_request(request).await.unwrap().status(),
            http::StatusCode::NOT_FOUND
        );
        let ended = tokio::time::timeout(2 * IDLE, served).await;
        assert!(matches!(ended, Ok(Ok(Served::Ended))), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_never_idle_ends_at_its_age() {
        let (client, serving, _signal) = serving(Version::Http2);
        let served = tokio::spawn(serving);
        let began = Instant::now();
        let io = TokioIo::new(client);
        let (mut sender, driver) = hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(driver);
        for _ in 0..1000 {
            let request = http::Request::get("/nothing").body(Body::empty()).unwrap();
            if sender.ready().await.is_err() || sender.send_request(request).await.is_err() {
                break;
            }
            tokio::time::advance(IDLE / 10).await;
        }
        assert!(matches!(served.await, Ok(Served::Ended)));
        assert!(
            (AGE..AGE + 2 * IDLE).contains(&began.elapsed()),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_reads_its_answer_is_ended() {
        use tokio::io::AsyncWriteExt;
        let (mut client, serving, _signal) = serving(Version::Http1);
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let ended = tokio::time::timeout(3 * IDLE, serving).await;
        assert!(matches!(ended, Ok(Served::Ended)), "{ended:?}");
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_does_not_wait_for_clients_that_ask_nothing() {
        use tokio::io::AsyncWriteExt;
        for half_a_request in [&b""[..], b"GET / HT"] {
            let (mut client, serving, signal) = serving(Version::Http1);
            client.write_all(half_a_request).await.unwrap();
            signal.send(true).unwrap();
            let ended = tokio::time::timeout(3 * LINGER, serving).await;
            assert!(matches!(ended, Ok(Served::Ended)), "{ended:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_http_is_named() {
        use tokio::io::AsyncWriteExt;
        for bytes in [
            &b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        ] {
            let (mut client, serving, _signal) = serving(Version::Http1);
            client.write_all(bytes).await.unwrap();
            let ended = tokio::time::timeout(IDLE, serving).await;
            assert!(matches!(ended, Ok(Served::Malformed)), "{ended:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_only_while_nothing_is_asked() {
        let timeout = Duration::from_secs(10);
        let activity = Arc::new(Activity::new());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(activity.idle_left(timeout), Duration::from_secs(6));
        let request = Activity::begin(&activity);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(activity.idle_left(timeout), timeout);
        drop(request);
        assert_eq!(activity.idle_left(timeout), timeout);
        tokio::time::advance(timeout).await;
        assert!(activity.idle_left(timeout).is_zero());
    }

    /// RFC 9113 §3.4 and §4.1: the preface and empty settings.
    const HTTP2_START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// `GET https://x/`, from the static table (RFC 7541).
    const GET: &[u8] = b"\x82\x87\x84\x41\x01x";

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// Floods a connection, reading what comes or not; how many floods it took, and how it ended.
    async fn flood(frames: impl Fn(u32) -> Vec<u8>, most: u32, read: bool) -> (u32, Option<Served>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (client, serving, _signal) = serving(Version::Http2);
        let served = tokio::spawn(serving);
        let (mut reader, mut writer) = tokio::io::split(client);
        let reading = read.then(|| tokio::spawn(async move { reader.read_to_end(&mut Vec::new()).await }));
        let writing = async {
            writer.write_all(HTTP2_START).await.unwrap();
            for number in 0..most {
                if writer.write_all(&frames(number)).await.is_err() {
                    return number;
                }
            }
            most
        };
        let written = tokio::time::timeout(10 * IDLE, writing).await.unwrap_or(most);
        let ended = tokio::time::timeout(3 * IDLE, served).await.ok().map(Result::unwrap);
        drop(reading);
        (written, ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a11_a_rapid_reset_ends_the_connection() {
        let frames = |number: u32| {
            let stream = 2 * number + 1;
            let mut both = frame(1, 0x5, stream, GET);
            both.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
            both
        };
        let (written, ended) = flood(frames, 20_000, true).await;
        assert!(ended.is_some(), "it ends");
        assert!(written < 20_000, "and long before all resets are sent: {written}");
    }

    #[tokio::test(start_paused = true)]
    async fn a11_endless_continuations_end_the_connection() {
        // CVE-2024-27316 and its family: a header block that never ends.
        let frames = |number: u32| match number {
            0 => frame(1, 0, 1, GET),
            _ => frame(9, 0, 1, &[b'\x40', 1, b'a', 1, b'b'].repeat(20)),
        };
        let (written, ended) = flood(frames, 20_000, true).await;
        assert!(ended.is_some() && written < 20_000, "{written} {ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a11_pings_and_settings_whose_answers_nobody_reads_end_the_connection() {
        for flood_frame in [frame(6, 0, 0, &[0; 8]), frame(4, 0, 0, &[])] {
            let (_, ended) = flood(|_| flood_frame.clone(), 100_000, false).await;
            assert!(ended.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a11_requests_whose_answers_nobody_reads_end_the_connection() {
        let (_, ended) = flood(|number| frame(1, 0x5, 2 * number + 1, GET), 10_000, false).await;
        assert!(ended.is_some());
    }
}
