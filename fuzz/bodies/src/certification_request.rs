//! Certification requests, from PEM and DER.

use cryptokit::x509::{AllowedNames, CertificationRequest, Decision, IssuancePolicy, LeafProfile};

/// Reads the bytes as PEM and as DER, and reviews what comes out under every profile.
///
/// # Panics
///
/// When a request that was accepted is not read the same way again, or when a review grants what was not asked or not
/// allowed.
pub fn certification_request(data: &[u8]) {
    let from_der = CertificationRequest::from_der(data);
    if let Ok(request) = &from_der {
        assert_eq!(request.der(), data, "no byte is dropped");
        assert!(
            CertificationRequest::from_der(&data[..data.len() - 1]).is_err(),
            "truncated"
        );
    }
    let Ok(request) = from_der.or_else(|_| CertificationRequest::from_pem(data)) else {
        return;
    };
    assert_eq!(
        CertificationRequest::from_pem(request.to_pem().as_bytes()).as_ref(),
        Ok(&request),
        "PEM round-trips"
    );
    for profile in [
        LeafProfile::Server,
        LeafProfile::Client,
        LeafProfile::Peer,
        LeafProfile::Spiffe,
    ] {
        let none = IssuancePolicy::new(profile, AllowedNames::Listed(Vec::new())).review(&request);
        assert!(none.granted_names().is_empty());
        assert!(none.grant().is_err(), "no name, no certificate");
        let all = IssuancePolicy::new(profile, AllowedNames::WhateverIsAsked).review(&request);
        for name in all.granted_names() {
            assert!(request.subject_alternative_names().contains(name), "nothing unasked");
        }
        if request.basic_constraints().is_some_and(|asked| asked.ca) || !request.unknown_extensions().is_empty() {
            assert!(!all.is_as_asked());
            assert!(
                all.items()
                    .iter()
                    .any(|item| matches!(item.decision, Decision::Denied { .. }))
            );
        }
        let _ = format!("{all:?}");
    }
}
