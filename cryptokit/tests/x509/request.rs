//! Certification requests (RFC 2986): refusals, and what of a request reaches a certificate.

use cryptokit::sign::{P256SigningKey, RsaKeySize};
use cryptokit::x509::{
    AllowedNames, Asked, CertificateKey, CertificationRequest, CertificationRequestError, Decision, IssuancePolicy,
    KeyAlgorithm, KeyKind, LeafProfile, LeafRequest, Profile, PublicKeyError, RequestReview,
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName as RawName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};

use crate::support::*;

fn key() -> CertificateKey {
    CertificateKey::generate(KeyKind::P256).unwrap()
}

/// A request that `rcgen` makes, spoilt by the caller first.
fn raw_request(spoil: impl FnOnce(&mut CertificateParams)) -> CertificationRequest {
    let mut params = CertificateParams::default();
    params.distinguished_name = RawName::new();
    params.subject_alt_names = vec![SanType::DnsName("api.example".try_into().unwrap())];
    spoil(&mut params);
    let request = params.serialize_request(&raw_key(&key())).unwrap();
    CertificationRequest::from_der(request.der()).unwrap()
}

fn review(request: &CertificationRequest, profile: LeafProfile, allowed: &[&str]) -> RequestReview {
    IssuancePolicy::new(profile, AllowedNames::Listed(names(allowed))).review(request)
}

fn decision(review: &RequestReview, wanted: impl Fn(&Asked) -> bool) -> &Decision {
    let item = review.items().iter().find(|item| wanted(&item.asked));
    &item.expect("it was asked for").decision
}

#[test]
fn refuses_a_request_signed_with_another_key() {
    let made = CertificationRequest::create(&request(LeafProfile::Server, &["a.example"]), &key()).unwrap();
    let other = key();
    let mut der = made.der().to_vec();
    let bits = made.public_key().bits();
    let at = der.windows(bits.len()).position(|window| window == bits).unwrap();
    der[at..at + bits.len()].copy_from_slice(other.public_key().bits());
    assert_eq!(
        CertificationRequest::from_der(&der),
        Err(CertificationRequestError::BadSignature)
    );
}

#[test]
fn refuses_altered_truncated_and_prolonged_requests() {
    let made = CertificationRequest::create(&request(LeafProfile::Server, &["api.example"]), &key()).unwrap();
    let der = made.der();
    let mut altered = der.to_vec();
    let at = altered.windows(3).position(|window| window == b"api").unwrap();
    altered[at] = b'b';
    assert_eq!(
        CertificationRequest::from_der(&altered),
        Err(CertificationRequestError::BadSignature)
    );
    for length in 0..der.len() {
        assert!(
            CertificationRequest::from_der(&der[..length]).is_err(),
            "{length} bytes"
        );
    }
    assert!(CertificationRequest::from_der(&[der, &[0]].concat()).is_err());
    let bytes = CertificationRequest::MAX_DER_BYTES + 1;
    assert_eq!(
        CertificationRequest::from_der(&vec![0; bytes]),
        Err(CertificationRequestError::TooLarge { bytes })
    );
}

#[test]
fn refuses_a_weak_key() {
    // rcgen's backends make no such key, so an exponent is altered in a good request: the key is judged before its
    // signature.
    let key = CertificateKey::generate(KeyKind::Rsa(RsaKeySize::Bits2048)).unwrap();
    let made = CertificationRequest::create(&request(LeafProfile::Server, &["a.example"]), &key).unwrap();
    assert_eq!(made.public_key().algorithm(), KeyAlgorithm::Rsa { modulus_bits: 2048 });
    let mut der = made.der().to_vec();
    let at = der.windows(5).position(|window| window == [2, 3, 1, 0, 1]).unwrap();
    der[at + 4] = 3;
    assert_eq!(
        CertificationRequest::from_der(&der),
        Err(CertificationRequestError::Key(PublicKeyError::Exponent))
    );
}

#[test]
fn refuses_names_that_do_not_fit_the_profile() {
    for (profile, texts) in [
        (LeafProfile::Server, &[][..]),
        (LeafProfile::Client, &["*.example.com"]),
        (LeafProfile::Peer, &["spiffe://td"]),
    ] {
        assert!(CertificationRequest::create(&request(profile, texts), &key()).is_err());
    }
}

#[test]
fn a_name_that_is_not_allowed_is_not_granted() {
    let leaf_request = request(LeafProfile::Server, &["api.example", "admin.example", "10.0.0.1"]);
    let made = CertificationRequest::create(&leaf_request, &key()).unwrap();
    let review = review(
        &made,
        LeafProfile::Server,
        &["10.0.0.1", "api.example", "unasked.example"],
    );
    assert_eq!(review.granted_names(), names(&["api.example", "10.0.0.1"]));
    assert!(!review.is_as_asked());
    let denied = decision(&review, |asked| asked.to_string() == "name dns:admin.example");
    assert!(matches!(denied, Decision::Denied { .. }));
    let issued = intermediate(&root())
        .issue_granted(&review.grant().unwrap(), now())
        .unwrap();
    assert_eq!(
        issued.certificate().subject_alternative_names(),
        names(&["api.example", "10.0.0.1"]),
        "nothing unasked, nothing denied"
    );
    assert_eq!(issued.certificate().spki_der(), made.public_key().spki_der());
}

#[test]
fn nothing_is_granted_when_no_name_is() {
    let made = CertificationRequest::create(&request(LeafProfile::Server, &["a.example"]), &key()).unwrap();
    assert!(review(&made, LeafProfile::Server, &["b.example"]).grant().is_err());
    assert!(review(&made, LeafProfile::Server, &[]).grant().is_err());
}

#[test]
fn trap_6_a_request_never_makes_an_authority() {
    let asked = raw_request(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any, ExtendedKeyUsagePurpose::CodeSigning];
    });
    assert!(asked.basic_constraints().unwrap().ca);
    let review = review(&asked, LeafProfile::Server, &["api.example"]);
    let ca = decision(&review, |asked| matches!(asked, Asked::BasicConstraints(_)));
    assert!(matches!(ca, Decision::Denied { .. }), "{ca:?}");
    for usage in ["keyUsage keyCertSign cRLSign", "extKeyUsage anyExtendedKeyUsage others"] {
        let replaced = decision(&review, |asked| asked.to_string() == usage);
        assert!(matches!(replaced, Decision::Replaced { .. }), "{usage}: {replaced:?}");
    }
    let issued = intermediate(&root())
        .issue_granted(&review.grant().unwrap(), now())
        .unwrap();
    assert_eq!(Profile::Leaf(LeafProfile::Server).check(issued.certificate()), Ok(()));
    assert!(!issued.certificate().is_ca());
}

#[test]
fn trap_7_requests_with_unknown_extensions_are_read_and_those_are_not_copied() {
    let asked = raw_request(|params| {
        let mut critical = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        critical.set_criticality(true);
        // What every request of Java's keytool asks for.
        let key_identifier = CustomExtension::from_oid_content(&[2, 5, 29, 14], vec![4, 2, 1, 2]);
        params.custom_extensions = vec![critical, key_identifier];
    });
    assert_eq!(asked.unknown_extensions().len(), 1);
    let review = review(&asked, LeafProfile::Server, &["api.example"]);
    let unknown = decision(&review, |asked| asked.to_string() == "extension 1.3.6.1.4.1.99999.1");
    assert!(matches!(unknown, Decision::Denied { .. }));
    let issued = intermediate(&root())
        .issue_granted(&review.grant().unwrap(), now())
        .unwrap();
    assert_eq!(Profile::Leaf(LeafProfile::Server).check(issued.certificate()), Ok(()));
}

#[test]
fn trap_5_the_key_is_copied_from_the_request_whatever_its_signature_says() {
    // A P-384 key that signs with SHA-256, as OpenSSL's do by default: the signature's algorithm is not the key's.
    let pem = include_str!("p384-sha256-request.pem");
    let asked = CertificationRequest::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(asked.public_key().algorithm(), KeyAlgorithm::EcdsaP384);
    let granted = review(&asked, LeafProfile::Server, &["api.example"]).grant().unwrap();
    let issued = intermediate(&root()).issue_granted(&granted, now()).unwrap();
    assert_eq!(issued.certificate().spki_der(), asked.public_key().spki_der());
}

#[test]
fn a_subject_vouches_for_nothing() {
    let asked = raw_request(|params| {
        params.distinguished_name.push(DnType::CommonName, "admin.example");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Somebody else");
    });
    let review = review(&asked, LeafProfile::Server, &["api.example"]);
    let subject = decision(&review, |asked| matches!(asked, Asked::Subject(_)));
    assert!(matches!(subject, Decision::Replaced { by, .. } if by == "CN=api.example"));
    let issued = intermediate(&root())
        .issue_granted(&review.grant().unwrap(), now())
        .unwrap();
    assert_eq!(issued.certificate().subject_text(), "CN=api.example");
}

#[test]
fn our_own_requests_are_granted_as_asked() {
    for profile in [LeafProfile::Server, LeafProfile::Client, LeafProfile::Peer] {
        let leaf_request = request(profile, &["a.example", "10.0.0.1", "a@b.example"]);
        let key = key();
        let made = CertificationRequest::create(&leaf_request, &key).unwrap();
        assert_eq!(made.public_key(), key.public_key());
        let read = CertificationRequest::from_pem(made.to_pem().as_bytes()).unwrap();
        assert_eq!(read, made);
        let review = review(&read, profile, &["a.example", "10.0.0.1", "a@b.example"]);
        assert!(review.is_as_asked(), "{:?}", review.items());
        let issued = intermediate(&root())
            .issue_granted(&review.grant().unwrap(), now())
            .unwrap();
        assert_eq!(Profile::Leaf(profile).check(issued.certificate()), Ok(()));
    }
}

#[test]
fn the_older_label_is_read_as_well() {
    let made = CertificationRequest::create(&request(LeafProfile::Server, &["a.example"]), &key()).unwrap();
    let old = made.to_pem().replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(CertificationRequest::from_pem(old.as_bytes()), Ok(made.clone()));
    let two = made.to_pem().repeat(2);
    assert!(matches!(
        CertificationRequest::from_pem(two.as_bytes()),
        Err(CertificationRequestError::Pem(_))
    ));
}

#[test]
fn every_kind_of_key_asks_and_gets() {
    let authority = intermediate(&root());
    for kind in KEY_KINDS {
        let key = CertificateKey::generate(kind).unwrap();
        let made = CertificationRequest::create(&request(LeafProfile::Server, &["a.example"]), &key).unwrap();
        assert_eq!(made.public_key(), key.public_key(), "{kind:?}");
        let granted = review(&made, LeafProfile::Server, &["a.example"]).grant().unwrap();
        let issued = authority.issue_granted(&granted, now()).unwrap();
        assert_eq!(issued.certificate().subject_public_key().as_ref(), Ok(key.public_key()));
    }
}

#[test]
fn a_key_is_read_again_as_what_it_is() {
    for kind in KEY_KINDS {
        let key = CertificateKey::generate(kind).unwrap();
        let copy = cryptokit::secret::SecretBytes::new(key.pkcs8().expose_secret().to_vec());
        let again = CertificateKey::from_pkcs8(copy).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert!(format!("{key:?}").contains("[redacted]"));
    }
    let p256 = P256SigningKey::generate().unwrap();
    assert_eq!(CertificateKey::from(p256).algorithm(), KeyAlgorithm::EcdsaP256);
    let nothing = cryptokit::secret::SecretBytes::new(vec![0x30, 0x00]);
    assert!(CertificateKey::from_pkcs8(nothing).is_err());
}

#[test]
fn requests_are_made_with_rcgens_own_keys_too() {
    let foreign = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::DnsName("api.example".try_into().unwrap())];
    let request = params.serialize_request(&foreign).unwrap();
    let read = CertificationRequest::from_der(request.der()).unwrap();
    assert_eq!(read.public_key().algorithm(), KeyAlgorithm::Ed25519);
    let leaf = LeafRequest::new(LeafProfile::Server, read.subject_alternative_names().to_vec());
    let issued = intermediate(&root())
        .issue_leaf_for_key(&leaf, read.public_key(), now())
        .unwrap();
    assert_eq!(issued.certificate().spki_der(), read.public_key().spki_der());
}
