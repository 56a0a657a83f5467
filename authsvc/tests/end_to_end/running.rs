//! A process that runs: its listeners, its log, its end.

use std::io::Write;
use std::net::TcpStream;

use http::StatusCode;
use serde_json::Value;

use super::{open_tls, ops, plain};
use crate::support::process::Dev;

#[tokio::test]
async fn a_request_in_flight_finishes_and_new_ones_are_refused_while_draining() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let public = dev.public();
    let body = dev.login_body();

    // A request whose second half is sent after the signal.
    let address = dev.text("public_url").trim_start_matches("https://").to_owned();
    let mut in_flight = open_tls(&dev, &address).await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let head = format!(
        "POST /v1/auth HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    in_flight.write_all(head.as_bytes()).await.unwrap();
    in_flight.write_all(&body[..10]).await.unwrap();
    in_flight.flush().await.unwrap();
    // The server has read the head once it answers on another connection that came later.
    assert_eq!(public.get("/").await.unwrap().status, StatusCode::OK);

    dev.terminate();
    // Until the listener is closed; bounded by the client's own patience.
    while let Ok(answer) = public.get("/").await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    in_flight.write_all(&body[10..]).await.unwrap();
    let mut answer = Vec::new();
    // The server closes the connection after the answer, possibly without a TLS goodbye.
    let _ = in_flight.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"token\""));
    let (status, log) = dev.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("\"drained\":true"), "{log}");
}

#[tokio::test]
async fn silent_clients_keep_nobody_from_being_served() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let mut silent = Vec::new();
    for url in ["public_url", "internal_url"] {
        let address = dev.text(url).trim_start_matches("https://").to_owned();
        for _ in 0..100 {
            let mut stream = TcpStream::connect(&address).unwrap();
            // Half a ClientHello's record header.
            stream.write_all(&[22, 3, 1]).unwrap();
            silent.push(stream);
        }
    }
    let login = dev.public().login(&dev.login_body()).await.unwrap();
    assert!(dev.internal().validate_token(&login.token).await.unwrap().is_some());
    drop(silent);
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn plain_http_on_a_tls_port_gets_no_http_answer() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    for url in ["public_url", "internal_url"] {
        let answer = plain(dev.text(url).trim_start_matches("https://"), "/");
        assert!(!answer.contains("HTTP/1"), "{answer}");
    }
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn the_ops_port_tells_health_readiness_and_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    dev.public().login(&dev.login_body()).await.unwrap();
    assert!(ops(&dev, "/healthz").ends_with("OK"));
    let ready = ops(&dev, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    for check in ["database", "certificates", "revocation_lists", "accepting"] {
        let (_, rest) = ready.split_once(&format!("\"{check}\":{{")).unwrap();
        let (found, _) = rest.split_once('}').unwrap();
        assert!(found.contains("\"status\":\"ok\""), "{check}: {ready}");
    }
    let metrics = ops(&dev, "/metrics");
    assert!(
        metrics.contains(r#"authsvc_operations_total{operation="login",reason="none"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains("authsvc_password_hashes_total 1"), "{metrics}");
    assert!(metrics.trim_end().ends_with("# EOF"));
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn the_start_line_names_addresses_versions_and_expiry() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let (_, log) = dev.stop();
    let line: Value = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["message"] == "started")
        .unwrap();
    for member in [
        "public",
        "internal",
        "ops",
        "issuer",
        "public_certificate_not_after",
        "internal_certificate_not_after",
        "cryptography",
    ] {
        assert!(line[member].is_string(), "{member} in {line}");
    }
    assert_eq!(line["tls_versions"], "1.3,1.2");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start_unread(&directory.path().join("home"));
    let public = dev.public();
    // A pipe holds 64 KiB, a refusal's line is longer than 300 bytes.
    for _ in 0..400 {
        assert_eq!(public.get("/nothing").await.unwrap().status, StatusCode::NOT_FOUND);
    }
    let metrics = ops(&dev, "/metrics");
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("authsvc_log_lines_lost_total "))
        .unwrap();
    assert_ne!(lost, "0", "lost lines are counted");
    dev.terminate();
    assert!(dev.wait_unread().success());
}
