//! Certificates and the names in them, from PEM and DER.

use cryptokit::hash::sha256;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{
    Certificate, CertificateError, DistinguishedName, DnsName, EmailAddress, LeafProfile, MAX_PEM_CERTIFICATES,
    Profile, SubjectAlternativeName, TrustAnchors, Uri, certificates_from_pem, certificates_to_pem,
    verify_client_chain, verify_server_chain,
};
use time::OffsetDateTime;

/// Reads the bytes as PEM, as DER, as trust anchors and as text of the names that certificates hold.
///
/// # Panics
///
/// When something that was accepted does not survive being written and read again, or says what its bytes do not say;
/// when a certificate of no authority becomes a trust anchor; when a name has a second spelling.
pub fn certificate(data: &[u8]) {
    let from_pem = certificates_from_pem(data);
    let from_der = Certificate::from_der(data);
    assert!(
        from_pem.is_err() || from_der.is_err(),
        "one text is not PEM and DER at once"
    );
    let read = match (&from_pem, &from_der) {
        (Ok(certificates), _) => certificates.as_slice(),
        (_, Ok(certificate)) => std::slice::from_ref(certificate),
        _ => &[],
    };
    for certificate in read {
        says_what_its_bytes_say(certificate);
        no_profile_panics(certificate);
    }
    no_chain_panics(read);
    if let Ok(certificate) = &from_der {
        assert_eq!(&**certificate.der(), data, "no byte is dropped");
    }
    if let Ok(certificates) = &from_pem {
        assert!((1..=MAX_PEM_CERTIFICATES).contains(&certificates.len()));
        let written = certificates_to_pem(certificates);
        assert_eq!(
            certificates_from_pem(written.as_bytes()).as_ref(),
            Ok(certificates),
            "PEM round-trips"
        );
    }
    trust_anchors_are_authorities(data);
    private_keys_round_trip(data);
    if let Ok(text) = std::str::from_utf8(data) {
        names_have_one_form(text);
        distinguished_names_are_plain(text);
    }
}

fn says_what_its_bytes_say(certificate: &Certificate) {
    let der: &[u8] = certificate.der();
    let again = Certificate::from_der(der).expect("what was read is read again");
    assert_eq!(fields(&again), fields(certificate));

    let within = |part: &[u8]| part.is_empty() || der.windows(part.len()).any(|window| window == part);
    for part in [
        certificate.serial(),
        certificate.issuer_der(),
        certificate.subject_der(),
        certificate.spki_der(),
        certificate.subject_key_identifier().unwrap_or_default(),
        certificate.authority_key_identifier().unwrap_or_default(),
    ] {
        assert!(within(part), "copied, not made up");
    }
    assert!(certificate.spki_der().ends_with(certificate.public_key()));
    assert_eq!(certificate.sha256(), sha256(der));
    assert_eq!(certificate.spki_sha256(), sha256(certificate.spki_der()));
    assert_eq!(
        certificate.is_self_issued(),
        certificate.issuer_der() == certificate.subject_der()
    );

    // What is printed cannot steer a terminal or a log.
    for text in [certificate.subject_text(), certificate.issuer_text()] {
        assert!(
            text.chars()
                .all(|character| character.is_alphanumeric() || character.is_ascii_graphic() || character == ' '),
            "{text:?}"
        );
    }

    let trailing = [der, &[0]].concat();
    if trailing.len() <= Certificate::MAX_DER_BYTES {
        assert_eq!(
            Certificate::from_der(&trailing).err(),
            Some(CertificateError::TrailingData)
        );
    }
    assert!(Certificate::from_der(&der[..der.len() - 1]).is_err(), "truncated");
}

fn no_profile_panics(certificate: &Certificate) {
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
fn no_chain_panics(certificates: &[Certificate]) {
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

/// Everything a certificate says, so that two can be compared by more than their bytes.
fn fields(certificate: &Certificate) -> impl PartialEq + std::fmt::Debug {
    (
        (certificate.serial().to_vec(), certificate.public_key().to_vec()),
        (certificate.issuer_der().to_vec(), certificate.issuer_text().to_owned()),
        (
            certificate.subject_der().to_vec(),
            certificate.subject_text().to_owned(),
        ),
        (certificate.not_before(), certificate.not_after()),
        (certificate.spki_der().to_vec(), certificate.spki_sha256()),
        (
            certificate.subject_alternative_names().to_vec(),
            certificate.unusable_name_count(),
        ),
        (
            certificate.basic_constraints(),
            certificate.key_usage(),
            certificate.extended_key_usage(),
        ),
        (
            certificate.subject_key_identifier().map(<[u8]>::to_vec),
            certificate.authority_key_identifier().map(<[u8]>::to_vec),
        ),
    )
}

fn trust_anchors_are_authorities(data: &[u8]) {
    let Ok(anchors) = TrustAnchors::from_pem(data) else {
        return;
    };
    assert_eq!(Ok(anchors.certificates()), certificates_from_pem(data).as_deref());
    for certificate in anchors.certificates() {
        assert!(certificate.is_ca(), "an authority");
        assert!(
            certificate.key_usage().is_none_or(|usage| usage.key_cert_sign()),
            "whose key may sign certificates"
        );
    }
}

fn private_keys_round_trip(data: &[u8]) {
    if let Ok(key) = PrivateKey::from_pem(data) {
        let again = PrivateKey::from_pem(key.to_pem().expose_secret().as_bytes()).expect("what was written is read");
        assert!(again.pkcs8().ct_eq(key.pkcs8().expose_secret()), "keys round-trip");
    }
}

fn names_have_one_form(text: &str) {
    for name in [SubjectAlternativeName::parse(text), SubjectAlternativeName::infer(text)]
        .into_iter()
        .flatten()
    {
        let canonical = name.to_string();
        assert!(canonical.bytes().all(|byte| byte.is_ascii_graphic()), "visible ASCII");
        assert_eq!(SubjectAlternativeName::parse(&canonical).as_ref(), Ok(&name));
        assert_eq!(SubjectAlternativeName::infer(&canonical).as_ref(), Ok(&name));
        assert_eq!(canonical, format!("{}:{}", name.kind(), name.value()));
    }
    if let Ok(name) = DnsName::parse(text) {
        assert_eq!(name.as_str(), text.to_ascii_lowercase());
        assert_eq!(DnsName::parse(&text.to_ascii_uppercase()).as_ref(), Ok(&name));
        assert_eq!(name.is_wildcard(), name.as_str().contains('*'));
    }
    if let Ok(uri) = Uri::parse(text) {
        assert_eq!(Uri::parse(uri.as_str()).as_ref(), Ok(&uri));
        assert!(uri.as_str().eq_ignore_ascii_case(text), "nothing but case is changed");
        assert!(uri.is_spiffe() || !uri.is_spiffe_workload());
    }
    if let Ok(address) = EmailAddress::parse(text) {
        assert_eq!(EmailAddress::parse(address.as_str()).as_ref(), Ok(&address));
        assert!(
            address.as_str().eq_ignore_ascii_case(text),
            "nothing but case is changed"
        );
    }
}

fn distinguished_names_are_plain(text: &str) {
    if let Ok(name) = DistinguishedName::new(text) {
        assert_eq!(name.common_name(), text);
        assert!(!name.to_string().chars().any(char::is_control));
    }
}
