//! Everything that reads certificates, run over bytes from anywhere.

use cryptokit::key_format::PrivateKey;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    Certificate, LeafProfile, Profile, SubjectAlternativeName, TrustAnchors, certificates_from_pem,
    certificates_to_pem, verify_client_chain, verify_server_chain,
};
use time::OffsetDateTime;

/// Reads bytes as a key, as PEM, then as DER, and walks through all that comes out.
///
/// Panics when a name, certificate or PEM that was accepted does not survive being written and read again.
pub(crate) fn read_whatever_it_is(bytes: &[u8]) {
    if let Ok(key) = PrivateKey::from_pem(bytes) {
        let _ = P256SigningKey::from_pkcs8(key.into_pkcs8());
        return;
    }
    let certificates = certificates_from_pem(bytes)
        .or_else(|_| Certificate::from_der(bytes).map(|certificate| vec![certificate]))
        .unwrap_or_default();
    for certificate in &certificates {
        walk(certificate);
    }
    walk_chain(&certificates);
}

fn walk(certificate: &Certificate) {
    for name in certificate.subject_alternative_names() {
        assert_eq!(
            SubjectAlternativeName::parse(&name.to_string()).as_ref(),
            Ok(name),
            "names round-trip"
        );
    }
    let pem = certificates_to_pem([certificate]);
    assert_eq!(
        certificates_from_pem(pem.as_bytes()).as_deref(),
        Ok(std::slice::from_ref(certificate)),
        "certificates round-trip"
    );
    for profile in [Profile::Root, Profile::Intermediate].into_iter().chain(
        [
            LeafProfile::Server,
            LeafProfile::Client,
            LeafProfile::Peer,
            LeafProfile::Spiffe,
        ]
        .map(Profile::Leaf),
    ) {
        let _ = profile.check(certificate);
    }
    let _ = format!("{certificate:?}");
}

/// The first certificate as leaf under the last as anchor.
fn walk_chain(certificates: &[Certificate]) {
    let (Some(leaf), Some(anchor)) = (certificates.first(), certificates.last()) else {
        return;
    };
    let Ok(anchors) = TrustAnchors::from_certificates(vec![anchor.clone()]) else {
        return;
    };
    let chain: Vec<_> = certificates
        .iter()
        .map(|certificate| certificate.der().clone())
        .collect();
    for now in [leaf.not_before(), OffsetDateTime::UNIX_EPOCH] {
        let _ = verify_client_chain(&chain, &anchors, now);
        for name in leaf.subject_alternative_names() {
            let _ = verify_server_chain(&chain, &anchors, name, now);
        }
    }
}
