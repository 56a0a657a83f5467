//! Everything that reads certificates, run over bytes from anywhere: the body of the fuzz target.

use time::OffsetDateTime;

use super::certificate::Certificate;
use super::chain::{verify_client_chain, verify_server_chain};
use super::pem::{certificates_from_pem, certificates_to_pem};
use super::profile::{LeafProfile, Profile};
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::TrustAnchors;
use crate::key_format::PrivateKey;
use crate::sign::P256SigningKey;

/// What [`inspect_untrusted`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Certificates read.
    pub certificates: usize,
    /// Whether the bytes were a PEM private key.
    pub private_key: bool,
}

/// Reads bytes as PEM, then as DER, and walks through all that comes out. Trusts nothing and proves nothing.
///
/// # Panics
///
/// Never because of foreign bytes in the formats; only when a name, certificate or PEM that was accepted does not
/// survive being written and read again, which would be a fault of this crate.
pub fn inspect_untrusted(bytes: &[u8]) -> Inspection {
    if let Ok(key) = PrivateKey::from_pem(bytes) {
        let _ = P256SigningKey::from_pkcs8(key.into_pkcs8());
        return Inspection {
            certificates: 0,
            private_key: true,
        };
    }
    let certificates = certificates_from_pem(bytes)
        .or_else(|_| Certificate::from_der(bytes).map(|certificate| vec![certificate]))
        .unwrap_or_default();
    for certificate in &certificates {
        walk(certificate);
    }
    walk_chain(&certificates);
    Inspection {
        certificates: certificates.len(),
        private_key: false,
    }
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
