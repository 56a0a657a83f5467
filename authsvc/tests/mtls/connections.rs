//! What a connection may carry, how many there may be, how long one lasts.

use std::pin::pin;
use std::time::{Duration, Instant};

use authsvc::config::Limits;
use authsvc_core::clock::Clock;
use cryptokit::x509::{LeafProfile, LeafRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ORDERS;
use crate::support::mtls::{Client, Internal, LIMITS, PATIENCE, alive, exchange};

#[tokio::test]
async fn m10_what_is_not_plain_http_over_tls_is_refused_and_nothing_is_smuggled() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    // In clear, HTTP/1.1 and HTTP/2 with prior knowledge: no TLS, no answer.
    for bytes in [
        &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        internal.service.reasons();
        let mut stream = TcpStream::connect(internal.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .unwrap();
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
        assert_eq!(internal.reason().await, "tls_protocol");
    }

    let token = internal.service.token().await;
    let body = serde_json::json!({ "token": token }).to_string();
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let head = "POST /v1/validate-token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let length = body.len();
    for (what, request) in [
        (
            "two lengths",
            format!("{head}content-length: {length}\r\ncontent-length: 5\r\n\r\n{body}{smuggled}"),
        ),
        (
            "two lengths in one",
            format!("{head}content-length: {length}, 5\r\n\r\n{body}{smuggled}"),
        ),
        (
            "a signed length",
            format!("{head}content-length: +{length}\r\n\r\n{body}{smuggled}"),
        ),
        (
            "a space before the colon",
            format!("{head}content-length : {length}\r\n\r\n{body}{smuggled}"),
        ),
        (
            "an unknown coding",
            format!("{head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a bare line feed in a header",
            format!("{head}x: a\nhost: b\rz\r\n\r\n{smuggled}"),
        ),
        (
            "a folded header",
            format!("{head}x: a\r\n b: c\r\ncontent-length: {length}\r\n\r\n{body}{smuggled}"),
        ),
    ] {
        let mut stream = internal.open(Some(&client)).await.unwrap();
        internal.service.reasons();
        let answer = exchange(&mut stream, request.as_bytes()).await.unwrap_or_default();
        assert!(!answer.starts_with("HTTP/1.1 200"), "{what}: {answer}");
        // The connection is over: what came behind is not taken for a request.
        assert!(alive(&mut stream).await.is_err(), "{what}: the connection goes on");
        assert!(!internal.service.reasons().contains(&"not_found"), "{what}: smuggled");
    }

    // RFC 9112 §6.3: with both, the coding wins, and the connection is closed or the request is refused. What follows
    // the last chunk is another request by rights; what must not be is that the length decides where it begins.
    let both =
        format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n");
    let mut stream = internal.open(Some(&client)).await.unwrap();
    internal.service.reasons();
    let answer = exchange(&mut stream, both.as_bytes()).await.unwrap_or_default();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400") || answer.contains("\"active\":true"),
        "{answer}"
    );
    assert!(internal.service.reasons().iter().all(|reason| *reason != "not_found"));

    // Absolute form (RFC 9112 §3.2.2) names the same route and no other; a foreign authority in it changes nothing.
    let mut stream = internal.open(Some(&client)).await.unwrap();
    let absolute = format!(
        "POST https://evil.example/v1/validate-token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    let answer = exchange(&mut stream, absolute.as_bytes()).await.unwrap();
    assert!(!answer.contains("evil.example"), "{answer}");
    // CONNECT opens no tunnel.
    let mut stream = internal.open(Some(&client)).await.unwrap();
    let answer = exchange(
        &mut stream,
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    )
    .await;
    assert!(!answer.unwrap_or_default().starts_with("HTTP/1.1 200"));
    // Nor does an upgrade to HTTP/2.
    let mut stream = internal.open(Some(&client)).await.unwrap();
    let upgrade = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n";
    let answer = exchange(&mut stream, upgrade).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a11_whoever_does_not_finish_the_handshake_is_cut_off_and_on_record() {
    let internal = Internal::start_with(Limits {
        handshake_timeout: Duration::from_millis(200),
        ..LIMITS
    })
    .await;
    // Nothing at all, and the head of a record that never comes.
    for bytes in [&b""[..], &[22, 3, 1, 2, 0]] {
        let mut stream = TcpStream::connect(internal.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "the connection is held for {bytes:?}");
        assert_eq!(internal.reason().await, "tls_timeout");
    }
    // Who is done in time is not cut off afterwards.
    internal.limits.send_replace(LIMITS);
    let client = internal.client(ORDERS);
    internal.open(Some(&client)).await.unwrap();
}

#[tokio::test]
async fn a11_beyond_the_most_connections_the_next_one_waits_for_a_place() {
    let internal = Internal::start_with(Limits {
        max_connections: 2,
        ..LIMITS
    })
    .await;
    let client = internal.client(ORDERS);
    let first = internal.open(Some(&client)).await.unwrap();
    let mut second = internal.open(Some(&client)).await.unwrap();
    let mut third = pin!(internal.open(Some(&client)));
    let waits = tokio::time::timeout(Duration::from_millis(300), third.as_mut()).await;
    assert!(waits.is_err(), "a third one was served");
    alive(&mut second).await.unwrap();
    drop(first);
    let served = tokio::time::timeout(PATIENCE, third).await.expect("there is a place");
    alive(&mut served.unwrap()).await.unwrap();
}

#[tokio::test]
async fn m1_a_certificate_in_a_header_is_not_the_certificate_of_the_connection() {
    let internal = Internal::start().await;
    let stranger = internal.client(&["dns:stranger.internal"]);
    let orders = internal.client(ORDERS);
    let token = internal.service.token().await;
    let body = serde_json::json!({ "token": token }).to_string();
    let claimed = cryptokit::encoding::base64url::encode(&orders.chain[0]);
    let mut stream = internal.open(Some(&stranger)).await.unwrap();
    for header in [
        format!("client-cert: :{claimed}:"),
        format!("x-client-cert: {claimed}"),
        format!("x-ssl-cert: {claimed}"),
        format!("x-ssl-client-cert: {claimed}"),
        format!("x-forwarded-client-cert: By=x;Hash=y;Cert=\"{claimed}\";DNS=orders.internal"),
        "x-ssl-client-verify: SUCCESS\r\nx-ssl-client-s-dn: CN=orders.internal".to_owned(),
    ] {
        let request = format!(
            "POST /v1/validate-token HTTP/1.1\r\nhost: x\r\n{header}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(&mut stream, request.as_bytes()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{header}: {answer}");
    }
}

#[tokio::test]
async fn one_source_takes_no_more_than_its_share_and_a_connection_ends_with_its_certificate() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    internal.limits.send_replace(Limits {
        max_connections_per_source: 2,
        ..LIMITS
    });
    let first = internal.open(Some(&client)).await.unwrap();
    let _second = internal.open(Some(&client)).await.unwrap();
    assert!(internal.open(Some(&client)).await.is_err(), "a third one");
    let metrics = internal.service.metrics.render();
    assert!(metrics.contains(r#"reason="source_connections"} 1"#), "{metrics}");
    drop(first);
    // The place is given back when the server has seen the end.
    let deadline = Instant::now() + PATIENCE;
    while internal.open(Some(&client)).await.is_err() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }

    internal.limits.send_replace(LIMITS);
    let now = internal.service.clock.now();
    let names = ORDERS.iter().map(|name| name.parse().unwrap()).collect();
    let (issued, key) = internal
        .service
        .authority
        .issue_leaf(
            &LeafRequest::new(LeafProfile::Client, names)
                .with_validity(now - time::Duration::minutes(1), now + time::Duration::seconds(1)),
            now,
        )
        .unwrap();
    let short = Client {
        chain: issued.chain_der(),
        serial: Vec::new(),
        key,
    };
    // Within its second there may be no time for a request.
    let mut stream = internal.connect(internal.config(Some(&short))).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    let ended = ended.expect("the certificate ended a second after the connection began");
    assert!(ended.is_ok(), "it was let in: {ended:?}");
}
