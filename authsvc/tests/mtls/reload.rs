//! Files that are exchanged under a running service.

use std::sync::Arc;

use authsvc_core::clock::Clock;
use cryptokit::x509::{CertificateKey, LeafProfile, LeafRequest, RevocationListRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ORDERS;
use crate::support::mtls::{Internal, NOBODY, PATIENCE, alive, list, write_key};

#[tokio::test]
async fn broken_files_leave_everything_as_it_was_and_client_authentication_in_force() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let client = internal.client(ORDERS);
    let mut open = internal.open(Some(&client)).await.unwrap();
    let crl = std::fs::read(internal.file("crl.pem")).unwrap();
    let foreign_key = CertificateKey::generate(cryptokit::x509::KeyKind::default()).unwrap();
    // A certificate and a list that end within a minute, which then passes.
    let (short, _) = internal
        .service
        .authority
        .issue_leaf(
            &LeafRequest::new(LeafProfile::Server, vec!["dns:localhost".parse().unwrap()])
                .with_validity(now - time::Duration::minutes(1), now + time::Duration::minutes(1)),
            now,
        )
        .unwrap();
    let ended = RevocationListRequest::first(now, now + time::Duration::minutes(1))
        .with_number(5.into())
        .unwrap();
    let ended = internal.service.authority.issue_revocation_list(&ended).unwrap();
    internal.service.clock.advance(61);
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("ca.pem", "client CAs and revocation lists", Vec::new()),
        (
            "ca.pem",
            "client CAs and revocation lists",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n".to_vec(),
        ),
        (
            "ca.pem",
            "client CAs and revocation lists",
            std::fs::read(internal.file("server.pem")).unwrap(),
        ),
        ("crl.pem", "client CAs and revocation lists", Vec::new()),
        // Cut off in the middle, as text and as DER (RUSTSEC-2026-0104 was a panic before the signature was looked at).
        (
            "crl.pem",
            "client CAs and revocation lists",
            crl[..crl.len() / 2].to_vec(),
        ),
        (
            "crl.pem",
            "client CAs and revocation lists",
            list(&internal.service.authority, 5, &[], now).der()[..60].to_vec(),
        ),
        (
            "crl.pem",
            "client CAs and revocation lists",
            ended.to_pem().into_bytes(),
        ),
        ("server.pem", "internal certificate", Vec::new()),
        ("server.pem", "internal certificate", short.chain_pem().into_bytes()),
    ];
    for (file, part, content) in cases {
        let before = std::fs::read(internal.file(file)).unwrap();
        std::fs::write(internal.file(file), &content).unwrap();
        let reloaded = internal.reload();
        assert!(
            reloaded.failed.iter().any(|(failed, _)| *failed == part),
            "{file}: {reloaded:?}"
        );
        assert!(reloaded.changed.is_empty(), "{file}: {reloaded:?}");
        alive(&mut open).await.unwrap();
        internal.open(Some(&client)).await.unwrap();
        assert_eq!(internal.refused(NOBODY).await, "no_client_certificate", "{file}");
        std::fs::remove_file(internal.file(file)).unwrap();
        assert!(!internal.reload().failed.is_empty(), "{file} is gone");
        internal.open(Some(&client)).await.unwrap();
        std::fs::write(internal.file(file), before).unwrap();
        let reloaded = internal.reload();
        assert!(
            reloaded.failed.is_empty() && reloaded.changed.is_empty(),
            "{file}: {reloaded:?}"
        );
    }

    // A new certificate whose key is not there yet: nothing changes, and a revocation does not wait for it.
    let (issued, key) = internal
        .service
        .authority
        .issue_leaf(
            &LeafRequest::new(LeafProfile::Server, vec!["dns:localhost".parse().unwrap()]),
            now,
        )
        .unwrap();
    let before = internal.tls.ends().internal_certificate;
    std::fs::write(internal.file("server.pem"), issued.chain_pem()).unwrap();
    let revoked = internal.client(ORDERS);
    let reloaded = internal.revoke(6, &[&revoked.serial]);
    assert_eq!(reloaded.changed, ["client CAs and revocation lists"]);
    assert_eq!(reloaded.failed.len(), 2, "the public and the internal certificate");
    assert_eq!(internal.tls.ends().internal_certificate, before);
    assert_eq!(internal.refused(Some(&revoked)).await, "client_certificate_revoked");
    write_key(&internal.file("server.key"), &foreign_key);
    assert!(!internal.reload().failed.is_empty(), "another key");
    write_key(&internal.file("server.key"), &key);
    assert_eq!(
        internal.reload().changed,
        ["public certificate", "internal certificate"]
    );
    let shown = internal.connect(internal.config(Some(&client))).await.unwrap();
    assert_eq!(shown.get_ref().1.peer_certificates().unwrap()[0], issued.chain_der()[0]);
    alive(&mut open).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_connections_outlive_reloads_of_everything() {
    let internal = Arc::new(Internal::start().await);
    let now = internal.service.clock.now();
    let client = Arc::new(internal.client(ORDERS));
    let (done, reloading) = (
        Arc::new(tokio::sync::Barrier::new(101)),
        Arc::new(tokio::sync::Barrier::new(101)),
    );
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (internal, client) = (Arc::clone(&internal), Arc::clone(&client));
        let (done, reloading) = (Arc::clone(&done), Arc::clone(&reloading));
        clients.spawn(async move {
            let mut stream = internal.open(Some(&client)).await.unwrap();
            reloading.wait().await;
            for _ in 0..20 {
                alive(&mut stream).await.unwrap();
            }
            done.wait().await;
            alive(&mut stream).await.unwrap();
        });
    }
    reloading.wait().await;
    for number in 2..12 {
        let (issued, key) = internal
            .service
            .authority
            .issue_leaf(
                &LeafRequest::new(LeafProfile::Server, vec!["dns:localhost".parse().unwrap()]),
                now,
            )
            .unwrap();
        std::fs::write(internal.file("server.pem"), issued.chain_pem()).unwrap();
        write_key(&internal.file("server.key"), &key);
        let reloaded = internal.revoke(number, &[]);
        assert_eq!(reloaded.changed.len(), 3, "{reloaded:?}");
        tokio::task::yield_now().await;
    }
    done.wait().await;
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

#[tokio::test]
async fn m9_nothing_below_tls_1_2_is_served_before_or_after_a_reload() {
    let internal = Internal::start().await;
    for reload in [false, true] {
        if reload {
            assert!(internal.revoke(2, &[]).failed.is_empty());
        }
        // SSL 3.0, TLS 1.0 and 1.1, by a hello without the extension that could say more.
        for minor in [0, 1, 2] {
            internal.service.reasons();
            let mut stream = TcpStream::connect(internal.address).await.unwrap();
            stream.write_all(&old_client_hello(minor)).await.unwrap();
            let mut answer = Vec::new();
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(answer.first(), Some(&21), "an alert, and no handshake: {answer:?}");
            assert!(
                matches!(internal.reason().await, "tls_incompatible" | "tls_protocol"),
                "3.{minor}"
            );
        }
        let client = internal.client(ORDERS);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let mut stream = internal
                .connect(internal.config_of(Some(&client), &[version]))
                .await
                .unwrap();
            alive(&mut stream).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        }
        assert_eq!(internal.refused(NOBODY).await, "no_client_certificate");
    }
}

/// RFC 4346 §7.4.1.2 with what servers of its time spoke: RSA key exchange with AES and 3DES.
fn old_client_hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0]);
    body.extend([0, 6, 0x00, 0x2f, 0x00, 0x35, 0x00, 0x0a]);
    body.extend([1, 0]);
    let mut handshake = vec![1, 0, 0, body.len() as u8];
    handshake.extend(body);
    let mut record = vec![22, 3, minor, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}
