//! Which certificates the listener lets in.

use std::time::{Duration, Instant};

use authsvc_core::clock::Clock;
use cryptokit::secret::SecretBytes;
use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, LeafProfile, LeafRequest,
    NameConstraints, Subtree, certificates_to_pem,
};
use http::StatusCode;

use super::{ORDERS, authority};
use crate::support::mtls::{Client, Internal, NOBODY, client_of, exchange, list};

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
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());

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
