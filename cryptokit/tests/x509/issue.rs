//! What authorities make and refuse to make, and the traps of the encoder below them, each by its number in our
//! list of `rcgen` 0.14 traps.

use std::collections::HashSet;

use crate::support::*;
use cryptokit::key_format::PrivateKey;
use cryptokit::secret::SecretBytes;
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateError, CertificateKey, DistinguishedName, IssueError, KeyKind,
    LeafProfile, Profile, SubjectAlternativeName, certificate_to_pem,
};
use rcgen::{
    CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod,
    KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

fn refusal(result: Result<impl Sized, IssueError>) -> IssueError {
    result.err().expect("refused")
}

fn rule(result: Result<impl Sized, IssueError>) -> &'static str {
    match refusal(result) {
        IssueError::Request(violation) => violation.rule,
        other => panic!("another refusal: {other:?}"),
    }
}

#[test]
fn refuses_names_that_do_not_fit_the_profile() {
    let authority = intermediate(&root());
    let issue = |profile, texts: &[&str]| authority.issue_leaf(&request(profile, texts), now());
    assert!(rule(issue(LeafProfile::Server, &[])).contains("at least one"));
    assert!(rule(issue(LeafProfile::Server, &["a.example", "dns:A.example"])).contains("twice"));
    for profile in [LeafProfile::Client, LeafProfile::Peer] {
        assert!(rule(issue(profile, &["*.example.com"])).contains("wildcard"));
    }
    for profile in [LeafProfile::Client, LeafProfile::Server] {
        assert!(rule(issue(profile, &["spiffe://td/worker"])).contains("peer profile"));
    }
    for none in [&["a.example"][..], &["https://host/"]] {
        assert!(rule(issue(LeafProfile::Spiffe, none)).contains("SPIFFE id"));
    }
    assert!(rule(issue(LeafProfile::Spiffe, &["spiffe://td/a", "spiffe://td/b"])).contains("only URI"));
    assert!(rule(issue(LeafProfile::Spiffe, &["spiffe://td/a", "*.example.com"])).contains("wildcard"));
    leaf(&authority, LeafProfile::Spiffe, &["spiffe://td/a", "a.example"]);
    assert!(rule(issue(LeafProfile::Peer, &["spiffe://td"])).contains("path"));
    assert!(rule(issue(LeafProfile::Peer, &["spiffe://td/a", "spiffe://td/b"])).contains("only URI"));
    assert!(rule(issue(LeafProfile::Peer, &["spiffe://td/a", "https://host/"])).contains("only URI"));
}

#[test]
fn refuses_lifetimes_out_of_range() {
    let authority = intermediate(&root());
    for lifetime in [Duration::ZERO, Duration::days(-1), Duration::days(3654)] {
        let request = request(LeafProfile::Client, &["a.example"]).with_lifetime(lifetime);
        assert_eq!(
            refusal(authority.issue_leaf(&request, now())),
            IssueError::Lifetime,
            "{lifetime}"
        );
    }
}

#[test]
fn refuses_to_issue_while_the_authority_is_not_valid() {
    let authority = intermediate(&root());
    let request = request(LeafProfile::Client, &["a.example"]);
    let certificate = authority.certificate();
    for time in [
        certificate.not_before() - Duration::seconds(1),
        certificate.not_after() + Duration::seconds(1),
    ] {
        let error = refusal(authority.issue_leaf(&request, time));
        assert!(matches!(error, IssueError::IssuerNotValid { .. }), "{time}: {error:?}");
    }
}

#[test]
fn refuses_years_that_a_certificate_cannot_express() {
    let subject = DistinguishedName::new("Root").unwrap();
    for timestamp in [-700_000_000, 253_402_300_000] {
        let time = OffsetDateTime::from_unix_timestamp(timestamp).unwrap();
        assert_eq!(
            refusal(CertificateAuthority::new_root(&subject, time)),
            IssueError::Time,
            "{time}"
        );
    }
}

#[test]
fn an_intermediate_issues_no_further_authority() {
    let intermediate = intermediate(&root());
    let subject = DistinguishedName::new("One too many").unwrap();
    assert_eq!(
        refusal(intermediate.issue_intermediate(&subject, now())),
        IssueError::PathLength
    );
}

#[test]
fn refuses_a_foreign_key_for_the_authority() {
    let root = root();
    let other = CertificateKey::generate(KeyKind::P256).unwrap();
    let loaded = CertificateAuthority::load(root.certificate().clone(), Vec::new(), other);
    assert_eq!(refusal(loaded), IssueError::KeyMismatch);
}

#[test]
fn refuses_to_load_a_leaf_as_an_authority() {
    let authority = intermediate(&root());
    let (issued, key) = authority
        .issue_leaf(&request(LeafProfile::Server, &["a.example"]), now())
        .unwrap();
    let loaded = CertificateAuthority::load(issued.certificate().clone(), Vec::new(), key);
    assert_eq!(refusal(loaded), IssueError::NotAnAuthority);
}

#[test]
fn refuses_to_load_an_authority_that_may_not_sign_certificates() {
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "CRLs only");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let certificate = raw_self_sign(&params, &key);
    assert_eq!(
        refusal(CertificateAuthority::load(certificate, Vec::new(), key)),
        IssueError::NotAnAuthority
    );
}

#[test]
fn issues_nothing_under_issuers_that_are_not_its_own() {
    let (mine, other) = (root(), root());
    let authority = intermediate(&mine);
    let key = CertificateKey::from_pkcs8(SecretBytes::new(authority.key().pkcs8().expose_secret().to_vec()));
    let wrong_issuers = vec![other.certificate().clone()];
    let loaded = CertificateAuthority::load(authority.certificate().clone(), wrong_issuers, key.unwrap()).unwrap();
    let error = refusal(loaded.issue_leaf(&request(LeafProfile::Client, &["a.example"]), now()));
    assert!(matches!(error, IssueError::Chain(_)), "{error:?}");
}

#[test]
fn every_profile_makes_what_it_says() {
    let root = root();
    let authority = intermediate(&root);
    assert_eq!(Profile::Root.check(root.certificate()), Ok(()));
    assert_eq!(Profile::Intermediate.check(authority.certificate()), Ok(()));
    assert!(Profile::Intermediate.check(root.certificate()).is_err());
    assert!(Profile::Root.check(authority.certificate()).is_err());
    let profiles = [LeafProfile::Server, LeafProfile::Client, LeafProfile::Peer];
    for made in profiles {
        let issued = leaf(
            &authority,
            made,
            &["a.example", "10.0.0.1", "::1", "https://a.example/x", "a@b.example"],
        );
        assert_eq!(issued.certificate().subject_alternative_names().len(), 5);
        for judged in profiles {
            let fits = Profile::Leaf(judged).check(issued.certificate()).is_ok();
            assert_eq!(fits, made == judged, "{made:?} judged as {judged:?}");
        }
    }
}

#[test]
fn the_subject_of_a_leaf_is_its_first_dns_name_or_empty() {
    let authority = intermediate(&root());
    let long = format!("{}.example", "a".repeat(60));
    for (texts, subject) in [
        (vec!["10.0.0.1", "b.example", "a.example"], "CN=b.example"),
        (vec!["*.b.example"], "CN=*.b.example"),
        (vec![long.as_str(), "a.example"], "CN=a.example"),
        (vec![long.as_str()], ""),
        (vec!["10.0.0.1"], ""),
    ] {
        let issued = leaf(&authority, LeafProfile::Server, &texts);
        assert_eq!(issued.certificate().subject_text(), subject, "{texts:?}");
    }
    let spiffe = leaf(&authority, LeafProfile::Peer, &["spiffe://td/worker"]);
    assert_eq!(spiffe.certificate().subject_text(), "");
}

#[test]
fn validity_nests_inside_the_issuers() {
    let root = root();
    let authority = intermediate(&root);
    assert_eq!(root.certificate().not_before(), now() - Duration::minutes(5));
    assert_eq!(root.certificate().not_after(), now() + Duration::days(3650));
    assert_eq!(authority.certificate().not_after(), now() + Duration::days(1825));

    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    assert_eq!(issued.certificate().not_before(), now() - Duration::minutes(5));
    assert_eq!(issued.certificate().not_after(), now() + Duration::days(90));

    let late = authority.certificate().not_after() - Duration::days(10);
    let (issued, _) = authority
        .issue_leaf(&request(LeafProfile::Client, &["a.example"]), late)
        .unwrap();
    assert_eq!(issued.certificate().not_after(), authority.certificate().not_after());

    let late = root.certificate().not_after() - Duration::days(10);
    let clamped = root
        .issue_intermediate(&DistinguishedName::new("Late").unwrap(), late)
        .unwrap();
    assert_eq!(clamped.certificate().not_after(), root.certificate().not_after());

    let early = authority.certificate().not_before();
    let (issued, _) = authority
        .issue_leaf(&request(LeafProfile::Client, &["a.example"]), early)
        .unwrap();
    assert_eq!(issued.certificate().not_before(), authority.certificate().not_before());
}

#[test]
fn validity_is_in_utc_without_fractions() {
    let zoned = (now() + Duration::milliseconds(999)).to_offset(time::UtcOffset::from_hms(5, 30, 0).unwrap());
    let root = CertificateAuthority::new_root(&DistinguishedName::new("Zoned").unwrap(), zoned).unwrap();
    assert_eq!(root.certificate().not_after(), now() + Duration::days(3650));
}

#[test]
fn an_authority_loaded_again_goes_on_issuing() {
    let root = root();
    let authority = intermediate(&root);
    let pem = private_key(&authority).to_pem();
    let key = PrivateKey::from_pem(pem.expose_secret().as_bytes())
        .unwrap()
        .into_pkcs8();
    let loaded = CertificateAuthority::load(
        authority.certificate().clone(),
        authority.issuers().to_vec(),
        CertificateKey::from_pkcs8(key).unwrap(),
    )
    .unwrap();
    let issued = leaf(&loaded, LeafProfile::Server, &["a.example"]);
    assert_eq!(issued.certificate().issuer_der(), authority.certificate().subject_der());
    assert_eq!(issued.chain(), [issued.certificate(), authority.certificate()]);
}

#[test]
fn a_chain_to_present_ends_before_the_root() {
    let root = root();
    let issued = leaf(&root, LeafProfile::Server, &["a.example"]);
    assert_eq!(issued.chain(), [issued.certificate()]);
    assert_eq!(
        leaf(&intermediate(&root), LeafProfile::Server, &["a.example"])
            .chain()
            .len(),
        2
    );
}

#[test]
fn serial_numbers_are_positive_of_20_octets_and_never_repeat() {
    let authority = intermediate(&root());
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let request = request(LeafProfile::Client, &["a.example"]);
    let serials: HashSet<Vec<u8>> = (0..200)
        .map(|_| {
            let issued = authority.issue_leaf_for_key(&request, key.public_key(), now()).unwrap();
            let serial = issued.certificate().serial().to_vec();
            assert_eq!(serial.len(), 20);
            assert!(
                (0x40..0x80).contains(&serial[0]),
                "positive without a leading zero: {serial:02x?}"
            );
            serial
        })
        .collect();
    assert_eq!(serials.len(), 200);
}

#[test]
fn trap_1_validity_is_never_the_encoders_default() {
    let authority = intermediate(&root());
    for certificate in [
        authority.certificate().clone(),
        leaf(&authority, LeafProfile::Client, &["a.example"])
            .certificate()
            .clone(),
    ] {
        assert!(
            (2027..2038).contains(&certificate.not_before().year()),
            "{certificate:?}"
        );
        assert!(
            (2027..2038).contains(&certificate.not_after().year()),
            "{certificate:?}"
        );
    }
    let broken = broken_rule(|params| {
        params.not_before = CertificateParams::default().not_before;
        params.not_after = CertificateParams::default().not_after;
    });
    assert!(broken.contains("longer than the profile"), "{broken}");
}

#[test]
fn trap_2_issuing_again_for_the_same_key_gives_another_serial_number() {
    let authority = intermediate(&root());
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let request = request(LeafProfile::Client, &["a.example"]);
    let issue = || authority.issue_leaf_for_key(&request, key.public_key(), now()).unwrap();
    let (first, second) = (issue(), issue());
    assert_eq!(first.certificate().spki_sha256(), second.certificate().spki_sha256());
    assert_ne!(first.certificate().serial(), second.certificate().serial());
}

#[test]
fn trap_3_an_issuer_name_that_would_lose_an_attribute_is_refused() {
    // The encoder keeps one value per type; spelled as a custom type, a second OU gets through.
    let twice = DnType::CustomDnType(vec![2, 5, 4, 11]);
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "Two units");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "one");
    params.distinguished_name.push(twice, "two");
    let certificate = raw_self_sign(&params, &key);
    assert_eq!(certificate.subject_text(), "CN=Two units, OU=one, OU=two");
    assert_eq!(
        refusal(CertificateAuthority::load(certificate, Vec::new(), key)),
        IssueError::UnsupportedIssuerName
    );
}

#[test]
fn trap_3_other_issuer_names_are_copied_byte_for_byte() {
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "Größe, Maß & Co");
    let printable = |text: &str| DnValue::PrintableString(text.try_into().unwrap());
    let domain_component = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25]);
    params.distinguished_name.push(DnType::CountryName, printable("DE"));
    params
        .distinguished_name
        .push(DnType::StateOrProvinceName, printable("Berlin"));
    params.distinguished_name.push(DnType::LocalityName, "Köpenick");
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, printable("Ops"));
    params
        .distinguished_name
        .push(domain_component, DnValue::Ia5String("example".try_into().unwrap()));
    let certificate = raw_self_sign(&params, &key);
    let authority = CertificateAuthority::load(certificate.clone(), Vec::new(), key).unwrap();
    let issued = leaf(&authority, LeafProfile::Server, &["a.example"]);
    assert_eq!(issued.certificate().issuer_der(), certificate.subject_der());
    assert_eq!(
        issued.certificate().issuer_text(),
        "CN=Größe\\, Maß & Co, C=DE, ST=Berlin, L=Köpenick, OU=Ops, DC=example"
    );
}

#[test]
fn trap_3_old_string_types_in_an_issuer_name_are_refused() {
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "x");
    params
        .distinguished_name
        .push(DnType::CommonName, DnValue::BmpString("old".try_into().unwrap()));
    let certificate = raw_self_sign(&params, &key);
    assert_eq!(
        refusal(CertificateAuthority::load(certificate, Vec::new(), key)),
        IssueError::UnsupportedIssuerName
    );
}

#[test]
fn trap_4_an_issuer_name_with_two_attributes_in_one_part_is_refused() {
    // rcgen writes no such name, so the second part of a name it wrote is moved into the first one's SET.
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "ab");
    params.distinguished_name.push(DnType::OrganizationName, "cd");
    let der = raw_self_sign(&params, &key).der().to_vec();
    let part = |last: u8, text: &[u8; 2]| {
        let attribute = [&[0x30, 0x09, 0x06, 0x03, 0x55, 0x04, last, 0x0c, 0x02][..], text].concat();
        [&[0x31, 0x0b][..], &attribute].concat()
    };
    let (first, second) = (part(3, b"ab"), part(10, b"cd"));
    let apart = [first.clone(), second.clone()].concat();
    // One SET of both, and room for the two octets saved: a longer text.
    let together = [
        &[0x31, 0x18][..],
        &first[2..],
        &[0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x04],
        b"cdef",
    ]
    .concat();
    assert_eq!(together.len(), apart.len());
    let mut changed = der.clone();
    let mut found = 0;
    for start in 0..der.len() - apart.len() {
        if der[start..].starts_with(&apart) {
            changed[start..start + apart.len()].copy_from_slice(&together);
            found += 1;
        }
    }
    assert_eq!(found, 2, "issuer and subject");
    match Certificate::from_der(&changed) {
        Ok(certificate) => assert_eq!(
            refusal(CertificateAuthority::load(certificate, Vec::new(), key)),
            IssueError::UnsupportedIssuerName
        ),
        Err(error) => panic!("read, so that it can be shown: {error}"),
    }
}

#[test]
fn trap_8_every_certificate_has_both_key_identifiers() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    for (child, issuer) in [
        (issued.certificate(), authority.certificate()),
        (authority.certificate(), root.certificate()),
        (root.certificate(), root.certificate()),
    ] {
        assert!(child.subject_key_identifier().is_some());
        assert_eq!(
            child.authority_key_identifier(),
            issuer.subject_key_identifier(),
            "{child:?}"
        );
    }
    let broken = broken_rule(|params| params.use_authority_key_identifier_extension = false);
    assert!(broken.contains("authorityKeyIdentifier"), "{broken}");
    let broken = broken_rule(|params| params.is_ca = IsCa::NoCa);
    assert!(broken.contains("subjectKeyIdentifier"), "{broken}");
}

#[test]
fn trap_9_key_identifiers_are_of_a_published_method() {
    let authority = intermediate(&root());
    let certificate = authority.certificate();
    // RFC 7093 §2 method 1: SHA-256 of the BIT STRING's value, leftmost 160 bits.
    let expected = &cryptokit::hash::sha256(authority.key().public_key().bits())[..20];
    assert_eq!(certificate.subject_key_identifier(), Some(expected));
    let broken = broken_rule(|params| params.key_identifier_method = KeyIdMethod::Sha256);
    assert!(broken.contains("RFC 7093"), "{broken}");
}

#[test]
fn trap_13_nonsense_that_the_encoder_writes_is_not_accepted() {
    let bad_name = SanType::DnsName("bad name!!".try_into().unwrap());
    assert!(broken_rule(|params| params.subject_alt_names.push(bad_name)).contains("known kind"));
    let bad_uri = SanType::URI("not a uri".try_into().unwrap());
    assert!(broken_rule(|params| params.subject_alt_names.push(bad_uri)).contains("known kind"));
    let backwards = broken_rule(|params| params.not_after = params.not_before - Duration::days(1));
    assert!(backwards.contains("notAfter comes after"), "{backwards}");

    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_server_params(&key);
    let second_key_usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![0x03, 0x02, 0x02, 0x04]);
    params.custom_extensions.push(second_key_usage);
    let der = params.self_signed(&raw_key(&key)).unwrap();
    assert_eq!(
        Certificate::from_der(der.der()),
        Err(CertificateError::DuplicateExtension)
    );
}

#[test]
fn trap_13_a_country_is_a_printable_string() {
    let subject = DistinguishedName::new("Root").unwrap().with_country("GB").unwrap();
    let root = CertificateAuthority::new_root(&subject, now()).unwrap();
    // OID 2.5.4.6, then PrintableString (0x13) of two bytes.
    let country = [0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, b'G', b'B'];
    let subject = root.certificate().subject_der();
    assert!(
        subject.windows(country.len()).any(|window| window == country),
        "{subject:02x?}"
    );
}

#[test]
fn trap_14_no_subject_is_the_encoders_default() {
    let authority = intermediate(&root());
    let named = leaf(&authority, LeafProfile::Peer, &["a.example"]);
    let nameless = leaf(&authority, LeafProfile::Peer, &["spiffe://td/a"]);
    for certificate in [authority.certificate(), named.certificate(), nameless.certificate()] {
        assert!(!certificate.subject_text().contains("rcgen"), "{certificate:?}");
    }
    let broken = broken_rule(|params| params.distinguished_name = CertificateParams::default().distinguished_name);
    assert!(broken.contains("one of its names"), "{broken}");
}

#[test]
fn each_rule_of_the_leaf_profile_catches_its_breach() {
    let breaches: [(&str, Spoil); 10] = [
        ("serial number", |params| {
            params.serial_number = Some(SerialNumber::from_slice(&[0x7f; 8]))
        }),
        ("keyUsage", |params| params.key_usages.clear()),
        ("keyUsage", |params| {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment)
        }),
        ("extKeyUsage", |params| params.extended_key_usages.clear()),
        ("extKeyUsage", |params| {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::Any)
        }),
        ("extKeyUsage", |params| {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::CodeSigning)
        }),
        ("no CA", |params| {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
        }),
        ("at least one", |params| params.subject_alt_names.clear()),
        ("does not have", |params| {
            params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0])];
        }),
        ("nameConstraints", |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
                excluded_subtrees: Vec::new(),
            });
        }),
    ];
    for (expected, spoil) in breaches {
        let broken = broken_rule(spoil);
        assert!(broken.contains(expected), "expected {expected}: {broken}");
    }
}

#[test]
fn the_unspoilt_parameters_of_these_tests_satisfy_the_profile() {
    let (certificate, _) = spoilt(|_| ());
    assert_eq!(Profile::Leaf(LeafProfile::Server).check(&certificate), Ok(()));
    assert_eq!(
        certificate.subject_alternative_names(),
        [SubjectAlternativeName::parse("dns:server.example").unwrap()]
    );
}

/// Changes one thing about a good certificate.
type Spoil = fn(&mut CertificateParams);

/// The rule that a server certificate breaks once `spoil` has changed one thing about it.
fn broken_rule(spoil: impl FnOnce(&mut CertificateParams)) -> &'static str {
    let (certificate, profile) = spoilt(spoil);
    profile.check(&certificate).expect_err("a rule is broken").rule
}

fn spoilt(spoil: impl FnOnce(&mut CertificateParams)) -> (Certificate, Profile) {
    let authority = intermediate(&root());
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_server_params(&key);
    spoil(&mut params);
    let certificate = raw_sign(&params, &key, &raw_issuer_params(&authority), authority.key());
    (certificate, Profile::Leaf(LeafProfile::Server))
}

/// rcgen makes such keys and panics when it is to load one again; ours are none of them.
#[test]
fn trap_11_a_key_of_an_algorithm_that_is_not_ours_is_refused_without_a_panic() {
    assert!(KeyKind::ALL.iter().all(|kind| !kind.name().contains("dsa")));
    // PKCS#8 of ML-DSA-65 (RFC 9881): the object identifier 2.16.840.1.101.3.4.3.18 and a seed of 32 octets.
    let mut der = vec![0x30, 0x34, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x09];
    der.extend([
        0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12, 0x04, 0x22, 0x80, 0x20,
    ]);
    der.extend([7; 32]);
    assert!(CertificateKey::from_pkcs8(SecretBytes::new(der.clone())).is_err());
    assert!(PrivateKey::from_der(&der).is_err());
}

#[test]
fn trap_12_keys_are_loaded_in_every_form_whatever_the_provider() {
    let root = root();
    // SEC1, as `openssl ecparam -genkey` writes it: what stands inside PKCS#8.
    let pkcs8 = private_key(&root);
    let inner = &pkcs8.pkcs8().expose_secret()[29..];
    let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    // version, scalar, then the curve, then the public half.
    let (scalar, public) = inner[2..].split_at(3 + 34);
    let length = u8::try_from(inner.len() - 2 + curve.len()).unwrap();
    let sec1 = [&[0x30, length][..], scalar, &curve, public].concat();
    let read = PrivateKey::from_der(&sec1).unwrap();
    let key = CertificateKey::from_pkcs8(read.into_pkcs8()).unwrap();
    assert!(CertificateAuthority::load(root.certificate().clone(), Vec::new(), key).is_ok());
}

#[test]
fn trap_15_pem_has_line_feeds_and_keys_are_neither_shown_nor_left() {
    let root = root();
    let key = private_key(&root).to_pem();
    for pem in [
        certificate_to_pem(root.certificate().der()),
        key.expose_secret().to_owned(),
    ] {
        assert!(!pem.contains('\r') && pem.lines().all(|line| line.len() <= 64));
    }
    let shown = format!("{:?} {:?}", root.key(), key);
    let secret: Vec<&str> = key
        .expose_secret()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert!(secret.iter().all(|line| !shown.contains(line)), "{shown}");
    assert!(shown.contains("redacted"), "{shown}");
    // Wiped when it is dropped: the types say so.
    fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    is_wiped(root.key().pkcs8());
}

fn private_key(authority: &CertificateAuthority) -> PrivateKey {
    PrivateKey::from_pkcs8_der(authority.key().pkcs8().expose_secret()).unwrap()
}
