//! The internal listener on a real socket: whom it lets in, what it makes of changed files, and what is no HTTP.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::config::Limits;
use authsvc_core::clock::{Clock, SystemClock};
use certgen::home::Home;
use certgen::lifecycle::revoke::{RevokeRequest, revoke};
use cryptokit::secret::SecretBytes;
use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, LeafProfile, LeafRequest,
    NameConstraints, RevocationListRequest, RevocationReason, Subtree, certificates_to_pem,
};
use http::StatusCode;
use rustls::HandshakeKind;
use rustls::client::Resumption;
use support::mtls::{Client, Internal, LIMITS, NOBODY, PATIENCE, alive, client_of, exchange, list, write_key};
use support::process::Dev;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ORDERS: &[&str] = &["dns:orders.internal"];

fn authority(name: &str, now: time::OffsetDateTime) -> CertificateAuthority {
    CertificateAuthority::new_root(&DistinguishedName::new(name).unwrap(), now).unwrap()
}

#[tokio::test]
async fn m4_certificates_that_are_not_a_clients_end_the_handshake_with_their_reason() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let own = &internal.service.authority;
    assert_eq!(internal.refused(NOBODY).await, "no_client_certificate");

    let server = client_of(own, LeafProfile::Server, ORDERS, now);
    assert_eq!(internal.refused(Some(&server)).await, "client_certificate_purpose");
    let namesake = client_of(&authority("Test issuing CA", now), LeafProfile::Client, ORDERS, now);
    assert_eq!(internal.refused(Some(&namesake)).await, "client_certificate");
    let stranger = authority("Another CA", now);
    let foreign = client_of(&stranger, LeafProfile::Client, ORDERS, now);
    assert_eq!(
        internal.refused(Some(&foreign)).await,
        "client_certificate_unknown_issuer"
    );

    // Self-signed: an authority presents itself, the trusted one among them.
    let itself = |authority: &CertificateAuthority| Client {
        chain: vec![authority.certificate().der().clone()],
        serial: Vec::new(),
        key: CertificateKey::from_pkcs8(SecretBytes::new(authority.key().pkcs8().expose_secret().to_vec())).unwrap(),
    };
    assert!(
        internal
            .refused(Some(&itself(&stranger)))
            .await
            .starts_with("client_certificate")
    );
    assert!(
        internal
            .refused(Some(&itself(own)))
            .await
            .starts_with("client_certificate")
    );

    // A deep chain, and one of 100 kB: refused, and quickly.
    let mut deep = internal.client(ORDERS);
    let junk: Vec<_> = (0..40)
        .map(|n| authority(&format!("junk {n}"), now).certificate().der().clone())
        .collect();
    deep.chain.extend(junk);
    let began = Instant::now();
    assert!(internal.refused(Some(&deep)).await.starts_with("client_certificate"));
    let mut long = internal.client(ORDERS);
    while long.chain.iter().map(|one| one.len()).sum::<usize>() < 100_000 {
        long.chain.extend_from_within(..1);
    }
    internal.refused(Some(&long)).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    let honest = internal.client(ORDERS);
    internal.open(Some(&honest)).await.unwrap();
    let not_yet = client_of(own, LeafProfile::Client, ORDERS, now + time::Duration::days(2));
    assert_eq!(
        internal.refused(Some(&not_yet)).await,
        "client_certificate_not_yet_valid"
    );
    let names = ORDERS.iter().map(|name| name.parse().unwrap()).collect();
    let (issued, key) = own
        .issue_leaf(
            &LeafRequest::new(LeafProfile::Client, names)
                .with_validity(now - time::Duration::minutes(1), now + time::Duration::minutes(1)),
            now,
        )
        .unwrap();
    let short = Client {
        chain: issued.chain_der(),
        serial: Vec::new(),
        key,
    };
    internal.open(Some(&short)).await.unwrap();
    internal.service.clock.advance(61);
    assert_eq!(internal.refused(Some(&short)).await, "client_certificate_expired");
}

#[tokio::test]
async fn m3_paths_that_break_a_rule_are_refused_at_the_listener() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    // A signature that is not the issuer's: one bit of the certificate is another one.
    let mut tampered = internal.client(ORDERS);
    let mut der = tampered.chain[0].to_vec();
    *der.last_mut().unwrap() ^= 1;
    tampered.chain[0] = der.into();
    assert_eq!(internal.refused(Some(&tampered)).await, "client_certificate");

    // Names outside the constraints of the trusted authority, which signed the issuing one.
    let constrained = CertificateAuthority::create_root(
        &AuthorityRequest::root(DistinguishedName::new("Constrained root").unwrap()).with_name_constraints(
            NameConstraints::default().permit([Subtree::parse("dns:allowed.internal").unwrap()]),
        ),
        CertificateKey::generate(cryptokit::x509::KeyKind::default()).unwrap(),
        now,
    )
    .unwrap();
    let issuing = authority("Issuing CA below", now);
    let cross = constrained.cross_sign(issuing.certificate(), now).unwrap();
    let below = |name: &str| {
        let mut client = client_of(&issuing, LeafProfile::Client, &[name], now);
        client.chain.push(cross.der().clone());
        client
    };
    let lists = [list(&constrained, 1, &[], now), list(&issuing, 1, &[], now)];
    std::fs::write(
        internal.file("ca.pem"),
        certificates_to_pem([constrained.certificate()]),
    )
    .unwrap();
    std::fs::write(
        internal.file("crl.pem"),
        lists.iter().map(|one| one.to_pem()).collect::<String>(),
    )
    .unwrap();
    assert!(internal.reload().failed.is_empty());
    internal.open(Some(&below("dns:x.allowed.internal"))).await.unwrap();
    for name in [
        "dns:orders.internal",
        "dns:allowed.internal.evil.example",
        "dns:xallowed.internal",
    ] {
        assert_eq!(
            internal.refused(Some(&below(name))).await,
            "client_certificate",
            "{name}"
        );
    }
    // The whole chain is looked up: the authority in the middle is revoked by the one that is trusted.
    let good = below("dns:x.allowed.internal");
    let lists = [
        list(&constrained, 2, &[cross.serial()], now),
        list(&issuing, 2, &[], now),
    ];
    std::fs::write(
        internal.file("crl.pem"),
        lists.iter().map(|one| one.to_pem()).collect::<String>(),
    )
    .unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(internal.refused(Some(&good)).await, "client_certificate_revoked");
    // Without the list of the authority in the middle, nothing is known of the leaf.
    std::fs::write(internal.file("crl.pem"), list(&constrained, 3, &[], now).to_pem()).unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(internal.refused(Some(&good)).await, "client_certificate_status_unknown");
}

#[tokio::test]
async fn a_revoked_client_is_refused_and_its_open_connection_is_ended() {
    let internal = Internal::start().await;
    let (mallory, alice) = (internal.client(ORDERS), internal.client(ORDERS));
    let mut hers = internal.open(Some(&mallory)).await.unwrap();
    let mut other = internal.open(Some(&alice)).await.unwrap();
    let reloaded = internal.revoke(2, &[&mallory.serial]);
    assert_eq!(reloaded.changed, ["client CAs and revocation lists"]);
    assert_eq!(internal.reason().await, "client_certificate_revoked");
    assert!(alive(&mut hers).await.is_err(), "an open connection is ended");
    alive(&mut other).await.unwrap();
    assert_eq!(internal.refused(Some(&mallory)).await, "client_certificate_revoked");
    internal.open(Some(&alice)).await.unwrap();
    let metrics = internal.service.metrics.render();
    assert!(
        metrics.contains(r#"connections_ended_total{listener="internal",reason="client_certificate_revoked"} 1"#),
        "{metrics}"
    );
    // A list that takes it back has to be a newer one.
    let old = internal.revoke(1, &[]);
    assert_eq!((old.changed.len(), old.failed.len()), (0, 1));
    assert_eq!(internal.refused(Some(&mallory)).await, "client_certificate_revoked");
}

#[tokio::test]
async fn a_revoked_administrator_is_out_though_still_registered() {
    const OPS: &[&str] = &["dns:ops.internal"];
    let internal = Internal::start().await;
    internal.service.register_administrator("ops", OPS[0]).await;
    let (stolen, own) = (internal.client(OPS), internal.client(OPS));
    let disable = format!(
        "POST /v1/admin/users/{}/disable HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        internal.service.user_id
    );
    let look = b"GET /v1/admin/keys HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut thief = internal.open(Some(&stolen)).await.unwrap();
    let seen = exchange(&mut thief, look).await.unwrap();
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    assert_eq!(internal.reason().await, "ok");
    assert_eq!(internal.revoke(2, &[&stolen.serial]).failed.len(), 0);
    assert_eq!(internal.reason().await, "client_certificate_revoked");
    assert!(
        exchange(&mut thief, disable.as_bytes()).await.is_err(),
        "an open connection is ended"
    );
    assert_eq!(internal.refused(Some(&stolen)).await, "client_certificate_revoked");
    assert!(internal.service.audit.take_acts().is_empty());
    let mut owner = internal.open(Some(&own)).await.unwrap();
    let done = exchange(&mut owner, disable.as_bytes()).await.unwrap();
    assert!(done.starts_with("HTTP/1.1 200"), "{done}");
}

#[tokio::test]
async fn m5_a_serial_number_is_revoked_under_its_own_issuer_only() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let (first, second) = (&internal.service.authority, authority("Second issuing CA", now));
    let client = client_of(&second, LeafProfile::Client, ORDERS, now);
    std::fs::write(
        internal.file("ca.pem"),
        certificates_to_pem([first.certificate(), second.certificate()]),
    )
    .unwrap();
    let trust = |number, of_first: &[&[u8]], of_second: &[&[u8]]| {
        let lists = [
            list(first, number, of_first, now),
            list(&second, number, of_second, now),
        ];
        std::fs::write(
            internal.file("crl.pem"),
            lists.iter().map(|one| one.to_pem()).collect::<String>(),
        )
        .unwrap();
        assert!(internal.reload().failed.is_empty());
    };
    trust(2, &[&client.serial], &[]);
    internal.open(Some(&client)).await.unwrap();
    trust(3, &[], &[&client.serial]);
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
}

#[tokio::test]
async fn an_expired_list_lets_nobody_in_and_a_new_one_does_again() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    internal.service.clock.advance(86_399);
    internal.open(Some(&client)).await.unwrap();
    internal.service.clock.advance(1);
    assert_eq!(internal.refused(Some(&client)).await, "client_crl_expired");
    assert!(internal.tls.ends().revocation_lists.unwrap() <= internal.service.clock.now());
    assert!(internal.revoke(2, &[]).failed.is_empty());
    internal.open(Some(&client)).await.unwrap();
}

#[tokio::test]
async fn a_list_of_an_impostor_of_the_same_name_says_nothing() {
    let internal = Internal::start().await;
    let now = internal.service.clock.now();
    let client = internal.client(ORDERS);
    let impostor = authority("Test issuing CA", now);
    let lists =
        list(&impostor, 9, &[], now).to_pem() + &list(&internal.service.authority, 2, &[&client.serial], now).to_pem();
    std::fs::write(internal.file("crl.pem"), lists).unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
    std::fs::write(internal.file("crl.pem"), list(&impostor, 10, &[], now).to_pem()).unwrap();
    assert!(internal.reload().failed.is_empty());
    assert_eq!(
        internal.refused(Some(&client)).await,
        "client_certificate_status_unknown"
    );
}

#[tokio::test]
async fn m6_no_session_is_resumed_so_none_outlives_a_revocation() {
    let internal = Internal::start().await;
    let client = internal.client(ORDERS);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut config = internal.config(Some(&client));
        // One store for all connections, as a client has it that wants to resume.
        config.resumption = Resumption::in_memory_sessions(16);
        for _ in 0..3 {
            let mut only = config.clone();
            if version.version == rustls::ProtocolVersion::TLSv1_2 {
                only = tls12_of(&internal, &client, &config);
            }
            let mut stream = internal.connect(only).await.unwrap();
            alive(&mut stream).await.unwrap();
            let connection = stream.get_ref().1;
            assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(connection.tls13_tickets_received(), 0);
            assert_eq!(connection.protocol_version(), Some(version.version));
        }
    }
    internal.revoke(2, &[&client.serial]);
    assert_eq!(internal.refused(Some(&client)).await, "client_certificate_revoked");
}

/// The same client for TLS 1.2 only, with the same store of sessions.
fn tls12_of(internal: &Internal, client: &Client, like: &rustls::ClientConfig) -> rustls::ClientConfig {
    let mut config = internal.config_of(Some(client), &[&rustls::version::TLS12]);
    config.resumption = like.resumption.clone();
    config
}

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
    assert!(!answer.contains("evil"), "{answer}");
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
    let mut stream = internal.open(Some(&short)).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(
        ended.is_ok(),
        "the certificate ended a second after the connection began"
    );
}

#[tokio::test]
async fn the_certificate_of_a_connection_decides_over_the_whole_stack() {
    let internal = Internal::start().await;
    let token = internal.service.token().await;
    let body = serde_json::json!({ "token": token }).to_string();
    for (names, status) in [
        (ORDERS, StatusCode::OK),
        (&["dns:stranger.internal"][..], StatusCode::FORBIDDEN),
    ] {
        let client = internal.client(names);
        let mut stream = internal.open(Some(&client)).await.unwrap();
        let request = format!(
            "POST /v1/validate-token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(&mut stream, request.as_bytes()).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {}", status.as_u16())), "{answer}");
    }
}

/// `certgen revoke`, as a library call.
fn revoke_with_certgen(pki: &Path, service: &str) {
    let mut home = Home::open(pki).unwrap();
    let request = RevokeRequest {
        targets: vec![service.to_owned()],
        all: false,
        reason: RevocationReason::KeyCompromise,
        lifetime: None,
    };
    revoke(
        &mut home,
        &request,
        |home, name| Ok(home.authority(name, None)?),
        SystemClock.now(),
    )
    .unwrap();
}

fn hang_up(dev: &Dev) {
    let id = rustix::process::Pid::from_raw(dev.process_id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
}

#[tokio::test]
async fn what_certgen_revokes_is_refused_without_a_restart_and_broken_files_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert!(Dev::start(&home).stop().0.success());
    let config = home.join("authsvc.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("reload_interval_seconds = 1\n{text}")).unwrap();

    let dev = Dev::start(&home);
    let token = dev.public().login(&dev.login_body()).await.unwrap().token;
    assert!(dev.internal().validate_token(&token).await.unwrap().is_some());
    // A signal to read everything again changes nothing, and ends nothing.
    hang_up(&dev);
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 1);
    assert!(dev.internal().validate_token(&token).await.unwrap().is_some());

    // Nobody tells the service: it finds the new list by looking.
    revoke_with_certgen(&home.join("pki"), "demo");
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 2);
    assert!(dev.internal().validate_token(&token).await.is_err());
    dev.audit_until(|line| line["event"]["reason"] == "client_certificate_revoked", 1);

    // Broken lists and a broken configuration: refused by name, and the revocation stays.
    let crl = std::fs::read(home.join("pki/crl.pem")).unwrap();
    std::fs::write(home.join("pki/crl.pem"), "not a list").unwrap();
    std::fs::write(&config, "nonsense = 1\n").unwrap();
    hang_up(&dev);
    let refused = dev.audit_until(|line| line["event"]["reason"] == "reload_refused", 1);
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.contains("nonsense") && message.contains("crl.pem"), "{message}");
    assert!(dev.internal().validate_token(&token).await.is_err());
    assert!(dev.public().login(&dev.login_body()).await.is_ok(), "logins go on");

    // Put right, with a setting that can change and one that cannot.
    std::fs::write(home.join("pki/crl.pem"), crl).unwrap();
    let text = text.replace(
        "[public]",
        "log_level = \"debug\"\nshutdown_grace_seconds = 1\n\n[public]",
    );
    std::fs::write(&config, format!("reload_interval_seconds = 1\n{text}")).unwrap();
    dev.audit_until(|line| line["event"]["action"] == "sys_reload", 3);
    let log = dev.log();
    assert!(
        log.contains("take effect with a restart") && log.contains("shutdown_grace_seconds"),
        "{log}"
    );
    assert!(log.contains("\"settings\":\"log_level\""), "{log}");
    assert!(
        dev.internal().validate_token(&token).await.is_err(),
        "revoked is revoked"
    );
    assert!(dev.stop().0.success());
}
