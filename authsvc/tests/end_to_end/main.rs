//! The real binary on free ports, from outside, by a client that trusts the root only.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod callers;
mod home;
mod running;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use cryptokit::x509::certificates_from_pem;
use serde_json::Value;

use support::process::Dev;

async fn open_tls(dev: &Dev, address: &str) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates_from_pem(&dev.root_pem()).unwrap() {
        roots.add(certificate.der().clone()).unwrap();
    }
    let config = rustls::ClientConfig::builder_with_provider(cryptokit::Provider::default().tls())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap()
}

fn problem_id(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap();
    json["id"].as_str().unwrap().to_owned()
}

fn ops(dev: &Dev, path: &str) -> String {
    plain(dev.text("ops_url").trim_start_matches("http://"), path)
}

/// One request in clear, by hand.
fn plain(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A TLS port may have closed the connection after the first bytes.
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
