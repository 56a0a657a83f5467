//! `certgen inspect HOST:PORT` against servers of every temper.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use certgen::handshake::{Handshake, HandshakeError, HandshakeRequest, ServerAddress, handshake};
use cryptokit::Provider;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{TrustAnchors, certificates_from_pem};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use serde_json::Value;

use crate::support::{certgen, stderr, stdout};

/// Listens, handles each connection, and says on which port.
fn serve(handle: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|stream| handle(stream.unwrap())));
    port
}

/// A server of TLS that waits for its client to go.
fn serve_tls(config: ServerConfig) -> u16 {
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut connection = ServerConnection::new(config.clone()).unwrap();
        let _ = Stream::new(&mut connection, &mut stream).read(&mut [0; 16]);
    })
}

/// What `certgen init` makes for one server and one client.
fn pki(folder: &Path) {
    let out = folder.join("pki");
    let made = certgen(&[
        "init",
        "--out",
        out.to_str().unwrap(),
        "--server",
        "api=localhost,127.0.0.1",
        "--client",
        "worker",
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
}

fn file(folder: &Path, name: &str) -> String {
    folder.join("pki").join(name).to_str().unwrap().to_owned()
}

fn server_config(folder: &Path, asks: bool, protocols: &[&str]) -> ServerConfig {
    let read = |name: &str| std::fs::read(file(folder, name)).unwrap();
    let chain = certificates_from_pem(&read("api/fullchain.pem")).unwrap();
    let chain: Vec<CertificateDer<'static>> = chain.iter().map(|certificate| certificate.der().clone()).collect();
    let key = PrivateKey::from_pem(&read("api/key.pem")).unwrap().into_pkcs8();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.expose_secret().to_vec()));
    let provider = Provider::default().tls();
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        for root in TrustAnchors::from_pem(&read("root.pem")).unwrap().certificates() {
            roots.add(root.der().clone()).unwrap();
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

fn look(port: u16, change: impl FnOnce(&mut HandshakeRequest<'_>)) -> Result<Handshake, HandshakeError> {
    let mut request = HandshakeRequest::new(ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap());
    request.timeout = Duration::from_secs(5);
    change(&mut request);
    handshake(&request)
}

#[test]
fn what_a_server_presents_is_shown_and_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    pki(folder.path());
    let port = serve_tls(server_config(folder.path(), false, &["http/1.1"]));
    let server = format!("localhost:{port}");
    let shown = stdout(&certgen(&["inspect", "--short", &server]));
    for part in [
        "verified       nothing",
        "protocol       TLS 1.3",
        "application    http/1.1",
        "client         no certificate is asked for",
        "presents       2 certificates",
        "dns:localhost",
        "certificate of an authority",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("trust"), "nobody asked: {shown}");

    let root = file(folder.path(), "root.pem");
    let json = |arguments: &[&str]| -> Value {
        let output = certgen(&[&["inspect", "--json", &server], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let accepted = json(&["--trust", &root]);
    assert_eq!(accepted["servers"][0]["trust"]["accepted"], true);
    assert_eq!(accepted["servers"][0]["verified"], false);
    assert_eq!(accepted["objects"][1]["is_ca"], true);
    let refused = json(&["--trust", &root, "--server-name", "other.example"]);
    let reason = refused["servers"][0]["trust"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("RFC 9525"), "{reason}");
    let stranger = json(&["--trust", "tests/cmd/inspect.in/authority.pem"]);
    assert_eq!(stranger["servers"][0]["trust"]["accepted"], false);
}

#[test]
fn a_client_certificate_is_presented_only_when_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    pki(folder.path());
    let port = serve_tls(server_config(folder.path(), true, &[]));
    let without = look(port, |_| {}).unwrap();
    assert_eq!(without.chain.len(), 2, "shown all the same");
    assert_eq!(without.wanted_issuers.map(|issuers| issuers.len()), Some(1));
    assert!(without.ended.unwrap().contains("CertificateRequired"));

    let server = format!("localhost:{port}");
    let chain = file(folder.path(), "worker/fullchain.pem");
    let key = file(folder.path(), "worker/key.pem");
    let with = certgen(&[
        "inspect",
        &server,
        "--client-certificate",
        &chain,
        "--client-key",
        &key,
        "--short",
    ]);
    let shown = stdout(&with);
    assert!(
        shown.contains("of one of these issuers") && !shown.contains("it ended"),
        "{shown}"
    );
    let mixed = file(folder.path(), "api/key.pem");
    let mixed = certgen(&[
        "inspect",
        &server,
        "--client-certificate",
        &chain,
        "--client-key",
        &mixed,
    ]);
    assert_eq!(mixed.status.code(), Some(3));
    assert!(stderr(&mixed).contains("cannot be presented"), "{}", stderr(&mixed));
    assert!(
        certgen(&["inspect", &server, "--client-certificate", &chain])
            .status
            .code()
            == Some(2)
    );
}

#[test]
fn a_server_with_a_protocol_of_its_own_is_asked_again_without() {
    let folder = tempfile::tempdir().unwrap();
    pki(folder.path());
    let port = serve_tls(server_config(folder.path(), false, &["mqtt"]));
    assert_eq!(look(port, |_| {}).unwrap().application, None);
    let chosen = look(port, |request| request.protocols = Some(vec!["mqtt".to_owned()])).unwrap();
    assert_eq!(chosen.application.as_deref(), Some(&b"mqtt"[..]));
    let error = look(port, |request| request.protocols = Some(vec!["h2".to_owned()])).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn what_is_no_server_of_tls_is_an_error_that_says_so() {
    let plain = serve(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    assert!(matches!(look(plain, |_| {}), Err(HandshakeError::NotTls { .. })));

    let closing = serve(drop);
    assert!(matches!(
        look(closing, |_| {}),
        Err(HandshakeError::Ended { .. } | HandshakeError::Timeout { .. })
    ));

    let output = certgen(&["inspect", "--json", &format!("127.0.0.1:{plain}")]);
    assert_eq!(output.status.code(), Some(3));
    let error: Value = serde_json::from_str(&stderr(&output)).unwrap();
    assert!(error["error"].as_str().unwrap().contains("is not TLS"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("STARTTLS"), "{error}");
}

#[test]
fn a_server_that_says_nothing_or_one_byte_at_a_time_is_left_in_time() {
    let silent = serve(|stream| {
        thread::park_timeout(Duration::from_secs(20));
        drop(stream);
    });
    let dripping = serve(|mut stream| {
        // The beginning of a long handshake record, slowly: each byte is in time, the whole is not.
        let header = [0x16, 0x03, 0x03, 0x40, 0x00];
        for byte in header.into_iter().chain(std::iter::repeat(0x02)) {
            if stream.write_all(&[byte]).is_err() {
                break;
            }
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    for port in [silent, dripping] {
        let begin = Instant::now();
        let error = look(port, |request| request.timeout = Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, HandshakeError::Timeout { .. }), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_protocol_without_a_name_is_refused() {
    for name in [String::new(), "a".repeat(256)] {
        let refused = look(1, |request| {
            request.protocols = Some(vec!["h2".to_owned(), name.clone()])
        });
        assert!(matches!(refused, Err(HandshakeError::Protocol)));
        let output = certgen(&["inspect", "localhost:1", "--alpn", &name]);
        assert_eq!(output.status.code(), Some(2));
    }
}
