//! Name constraints (RFC 5280 §4.2.1.10): what they forbid, when issuing and when verifying.

use cryptokit::x509::{
    AuthorityRequest, Certificate, CertificateAuthority, CertificateError, CertificateKey, ChainError, ChainPolicy,
    CrossConstraints, DistinguishedName, IssueError, KeyKind, LeafProfile, NameConstraints, PathFailure, Profile,
    SubjectAlternativeName, Subtree, explain_chain, verify_client_chain,
};
use proptest::prelude::*;
use rcgen::{DnType, DnValue, SanType};
use time::Duration;

use crate::support::*;

fn subtrees(texts: &[&str]) -> Vec<Subtree> {
    texts.iter().map(|text| Subtree::parse(text).unwrap()).collect()
}

fn permit(texts: &[&str]) -> NameConstraints {
    NameConstraints::default().permit(subtrees(texts))
}

fn exclude(texts: &[&str]) -> NameConstraints {
    NameConstraints::default().exclude(subtrees(texts))
}

fn allows(constraints: &NameConstraints, text: &str) -> bool {
    constraints.allows(&SubjectAlternativeName::infer(text).unwrap())
}

fn constrained(root: &CertificateAuthority, constraints: NameConstraints) -> CertificateAuthority {
    let subject = DistinguishedName::new("Constrained CA").unwrap();
    let request = AuthorityRequest::intermediate(subject).with_name_constraints(constraints);
    root.issue_authority(&request, CertificateKey::generate(KeyKind::P256).unwrap(), now())
        .unwrap()
}

#[test]
fn hosts_permit_themselves_and_what_lies_below() {
    let dns = permit(&["dns:example.com"]);
    for inside in [
        "example.com",
        "a.example.com",
        "b.a.EXAMPLE.com",
        "*.example.com",
        "*.a.example.com",
    ] {
        assert!(allows(&dns, inside), "{inside}");
    }
    for outside in ["example.org", "badexample.com", "com", "example.com.evil.example"] {
        assert!(!allows(&dns, outside), "{outside}");
    }
    // Another kind of name is not touched.
    for free in ["10.0.0.1", "spiffe://example.org/a", "a@example.org"] {
        assert!(allows(&dns, free), "{free}");
    }
    assert!(!allows(&permit(&["dns:.example.com"]), "example.com"));
    assert!(allows(&permit(&["dns:.example.com"]), "a.example.com"));
    assert!(
        !allows(&permit(&["dns:a.example.com"]), "*.example.com"),
        "not all of it"
    );
}

#[test]
fn an_excluded_host_excludes_wildcards_that_reach_it() {
    let dns = exclude(&["dns:secret.example.com"]);
    for outside in [
        "secret.example.com",
        "a.secret.example.com",
        "*.secret.example.com",
        "*.example.com",
    ] {
        assert!(!allows(&dns, outside), "{outside}");
    }
    for inside in ["example.com", "a.example.com", "*.other.example.com"] {
        assert!(allows(&dns, inside), "{inside}");
    }
    assert!(!allows(&exclude(&["dns:"]), "any.example"), "no host at all");
}

#[test]
fn networks_permit_their_own_addresses() {
    let ip = permit(&["ip:10.1.0.0/16", "ip:fd00::/8"]);
    for inside in ["10.1.0.0", "10.1.255.255", "fd12::1"] {
        assert!(allows(&ip, inside), "{inside}");
    }
    for outside in ["10.2.0.0", "0.0.0.0", "fe00::1", "::ffff:10.1.0.1"] {
        assert!(!allows(&ip, outside), "{outside}");
    }
    assert!(
        !allows(&permit(&["ip:10.0.0.0/8"]), "::1"),
        "of one kind, both families"
    );
    assert!(!allows(&exclude(&["ip:0.0.0.0/0"]), "1.2.3.4"));
    assert!(allows(&exclude(&["ip:0.0.0.0/0"]), "::1"));
}

#[test]
fn uris_are_judged_by_their_host_alone() {
    let exact = permit(&["uri:td.example"]);
    for inside in ["spiffe://td.example/a", "https://td.example:8443/x?y"] {
        assert!(allows(&exact, inside), "{inside}");
    }
    for outside in [
        "spiffe://a.td.example/a",
        "https://evil.example/td.example",
        "https://10.0.0.1/",
        "https://[::1]/",
    ] {
        assert!(!allows(&exact, outside), "{outside}");
    }
    let below = permit(&["uri:.td.example"]);
    assert!(allows(&below, "spiffe://a.td.example/a"));
    assert!(!allows(&below, "spiffe://td.example/a"));
    // RFC 5280 §4.2.1.10: a URI without a host name satisfies no constraint on one.
    assert!(!allows(&exclude(&["uri:td.example"]), "https://10.0.0.1/"));
    assert!(allows(
        &permit(&["uri:under_score.example"]),
        "spiffe://under_score.example/a"
    ));
}

#[test]
fn addresses_are_judged_by_mailbox_host_or_what_lies_below() {
    let mailbox = permit(&["email:ann@example.com"]);
    assert!(allows(&mailbox, "ann@EXAMPLE.com"));
    assert!(!allows(&mailbox, "Ann@example.com") && !allows(&mailbox, "bob@example.com"));
    assert!(!allows(&exclude(&["email:ann@example.com"]), "ANN@example.com"));
    let host = permit(&["email:example.com"]);
    assert!(allows(&host, "bob@example.com") && !allows(&host, "bob@a.example.com"));
    let below = permit(&["email:.example.com"]);
    assert!(!allows(&below, "bob@example.com") && allows(&below, "bob@a.example.com"));
}

#[test]
fn refuses_subtrees_that_are_none() {
    for text in [
        "example.com",
        "dns:*.example.com",
        "dns:.",
        "dns:-a",
        "ip:10.0.0.1/8",
        "ip:10.0.0.0/33",
        "ip:10.0.0.0",
        "ip:10.0.0.0/+8",
        "uri:https://example.com",
        "email:@example.com",
        "dir:x",
    ] {
        assert!(Subtree::parse(text).is_err(), "{text}");
    }
    assert!(Subtree::directory(Some("UK"), "Example").is_err());
}

#[test]
fn an_authority_refuses_to_issue_outside_its_constraints() {
    let authority = constrained(
        &root(),
        permit(&[
            "dns:svc.internal",
            "ip:10.0.0.0/8",
            "uri:svc.internal",
            "email:svc.internal",
        ]),
    );
    assert_eq!(Profile::Intermediate.check(authority.certificate()), Ok(()));
    for outside in ["api.example", "192.0.2.1", "spiffe://other/a", "a@example.com"] {
        let refused = authority.issue_leaf(&request(LeafProfile::Peer, &[outside]), now());
        assert!(matches!(refused, Err(IssueError::NameConstraint { .. })), "{outside}");
    }
    let inside = [
        "api.svc.internal",
        "10.1.2.3",
        "spiffe://svc.internal/a",
        "a@svc.internal",
    ];
    leaf(&authority, LeafProfile::Peer, &inside);
}

/// A leaf that `rcgen` signs with a constrained authority's key, whatever its names.
fn smuggled(
    authority: &CertificateAuthority,
    root: &CertificateAuthority,
    names: Vec<SanType>,
) -> Result<(), ChainError> {
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_server_params(&key);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = names;
    let leaf = raw_sign(&params, &key, &raw_issuer_params(authority), authority.key());
    let chain = [leaf.der().clone(), authority.certificate().der().clone()];
    verify_client_chain(&chain, &trust(root), now()).map(|_| ())
}

#[test]
fn a_verifier_refuses_what_was_issued_outside_the_constraints() {
    let root = root();
    let text = |text: &str| text.try_into().unwrap();
    for (constraints, outside, inside) in [
        (
            "dns:svc.internal",
            SanType::DnsName(text("a.example")),
            SanType::DnsName(text("a.svc.internal")),
        ),
        (
            "uri:svc.internal",
            SanType::URI(text("https://td/a")),
            SanType::URI(text("https://svc.internal/a")),
        ),
        (
            "email:svc.internal",
            SanType::Rfc822Name(text("a@b.example")),
            SanType::Rfc822Name(text("a@svc.internal")),
        ),
        (
            "ip:10.0.0.0/8",
            SanType::IpAddress([192, 0, 2, 1].into()),
            SanType::IpAddress([10, 0, 0, 1].into()),
        ),
    ] {
        let authority = constrained(&root, permit(&[constraints]));
        assert_eq!(
            smuggled(&authority, &root, vec![inside.clone()]),
            Ok(()),
            "{constraints}"
        );
        let both = vec![inside, outside];
        assert_eq!(
            smuggled(&authority, &root, both),
            Err(ChainError::NameConstraint),
            "{constraints}"
        );
    }
    // A name that cannot be read cannot be compared.
    let authority = constrained(&root, permit(&["dns:svc.internal"]));
    let unreadable = vec![
        SanType::DnsName(text("a.svc.internal")),
        SanType::DnsName(text("under_score.svc.internal")),
    ];
    assert_eq!(smuggled(&authority, &root, unreadable), Err(ChainError::NameConstraint));
}

#[test]
fn directory_names_are_constrained_from_their_beginning() {
    let root = root();
    let organization = Subtree::directory(Some("DE"), "Größe & Co").unwrap();
    let authority = constrained(&root, NameConstraints::default().permit([organization.clone()]));
    let issue = |organization: Option<&str>| {
        let key = CertificateKey::generate(KeyKind::P256).unwrap();
        let mut params = raw_server_params(&key);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::CountryName, "de");
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.distinguished_name.push(DnType::CommonName, "worker");
        let leaf = raw_sign(&params, &key, &raw_issuer_params(&authority), authority.key());
        let chain = [leaf.der().clone(), authority.certificate().der().clone()];
        verify_client_chain(&chain, &trust(&root), now()).map(|_| ())
    };
    assert_eq!(
        issue(Some("GRÖSSE & co")),
        Err(ChainError::NameConstraint),
        "folding keeps ß"
    );
    assert_eq!(issue(Some("größe  &  CO")), Ok(()));
    assert_eq!(issue(Some("Other")), Err(ChainError::NameConstraint));
    assert_eq!(issue(None), Err(ChainError::NameConstraint));
    // A leaf without subject has no directory name to constrain.
    leaf(&authority, LeafProfile::Server, &["10.0.0.1"]);
    let refused = authority.issue_leaf(&request(LeafProfile::Server, &["a.example"]), now());
    assert!(
        matches!(refused, Err(IssueError::NameConstraint { .. })),
        "its subject is CN=a.example"
    );
}

#[test]
fn an_excluded_organization_is_excluded_in_every_string_type() {
    let root = root();
    let evil = Subtree::directory(None, "Evil Corp").unwrap();
    let authority = constrained(&root, NameConstraints::default().exclude([evil]));
    let issue = |organization: DnValue| {
        let key = CertificateKey::generate(KeyKind::P256).unwrap();
        let mut params = raw_server_params(&key);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, organization);
        params.distinguished_name.push(DnType::CommonName, "worker");
        let leaf = raw_sign(&params, &key, &raw_issuer_params(&authority), authority.key());
        let chain = [leaf.der().clone(), authority.certificate().der().clone()];
        verify_client_chain(&chain, &trust(&root), now()).map(|_| ())
    };
    let text = "Evil Corp";
    for spelling in [
        DnValue::Utf8String(text.to_owned()),
        DnValue::PrintableString(text.try_into().unwrap()),
        DnValue::Ia5String(text.try_into().unwrap()),
        DnValue::BmpString(text.try_into().unwrap()),
        DnValue::TeletexString(text.try_into().unwrap()),
        DnValue::UniversalString(text.try_into().unwrap()),
    ] {
        assert_eq!(issue(spelling.clone()), Err(ChainError::NameConstraint), "{spelling:?}");
    }
    assert_eq!(issue(DnValue::Utf8String("Good Corp".to_owned())), Ok(()));
    // Not decided by an old string type in another attribute.
    let country = Subtree::directory(Some("DE"), "Evil Corp").unwrap();
    let authority = constrained(&root, NameConstraints::default().exclude([country]));
    assert_eq!(
        smuggled(&authority, &root, vec![SanType::IpAddress([10, 0, 0, 1].into())]),
        Ok(())
    );
}

#[test]
fn a_subtree_of_a_kind_in_a_form_that_der_does_not_have_is_refused() {
    let with = |subtree: &[u8]| {
        let inner = [&[0x30, u8::try_from(subtree.len()).unwrap()], subtree].concat();
        let list = [&[0xa0, u8::try_from(inner.len()).unwrap()], &inner[..]].concat();
        let value = [&[0x30, u8::try_from(list.len()).unwrap()], &list[..]].concat();
        let key = CertificateKey::generate(KeyKind::P256).unwrap();
        let mut params = raw_authority_params(&key, "Odd CA");
        let mut extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], value);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
        let der = params.self_signed(&raw_key(&key)).unwrap().der().to_vec();
        Certificate::from_der(&der).map(|_| ())
    };
    assert_eq!(with(b"\x82\x01a"), Ok(()));
    // otherName, x400Address, ediPartyName and registeredID are kinds without a meaning here.
    for known in [&b"\xa0\x00"[..], b"\xa3\x00", b"\xa5\x00", b"\x88\x01\x2a"] {
        assert_eq!(with(known), Ok(()), "{known:02x?}");
    }
    // dNSName, constructed; directoryName, primitive; a tag of another class; a kind that does not exist.
    for odd in [
        &b"\xa2\x03\x82\x01a"[..],
        b"\x84\x02\x30\x00",
        b"\x02\x01a",
        b"\x16\x01a",
        b"\x89\x00",
    ] {
        assert_eq!(with(odd), Err(CertificateError::MalformedExtension), "{odd:02x?}");
    }
}

#[test]
fn names_are_not_compared_without_end() {
    let text = |index: usize| format!("n{index}.example").try_into().unwrap();
    let hosts: Vec<_> = (0..NameConstraints::MAX_SUBTREES)
        .map(|index| Subtree::parse(&format!("dns:x{index}")).unwrap())
        .collect();
    let keys: Vec<_> = (0..8)
        .map(|_| CertificateKey::generate(KeyKind::P256).unwrap())
        .collect();
    // Authorities of one name, each of which could have issued each, and none of which issued the leaf.
    let excluded: Vec<u8> = {
        let request = AuthorityRequest::root(DistinguishedName::new("x").unwrap())
            .with_name_constraints(NameConstraints::default().exclude(hosts));
        let key = CertificateKey::generate(KeyKind::P256).unwrap();
        let made = CertificateAuthority::create_root(&request, key, now()).unwrap();
        let der = made.certificate().der().to_vec();
        let at = der
            .windows(5)
            .position(|window| window == [0x06, 0x03, 0x55, 0x1d, 0x1e])
            .unwrap();
        // OID, critical, OCTET STRING with a length of two octets.
        let length = usize::from(der[at + 10]) << 8 | usize::from(der[at + 11]);
        der[at + 12..at + 12 + length].to_vec()
    };
    let mut bag: Vec<_> = keys
        .iter()
        .map(|key| {
            let mut params = raw_authority_params(key, "Mirror");
            let mut extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], excluded.clone());
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
            raw_self_sign(&params, key)
        })
        .collect();
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_server_params(&key);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = (0..1000).map(|index| SanType::DnsName(text(index))).collect();
    let stranger = CertificateKey::generate(KeyKind::P256).unwrap();
    bag.insert(
        0,
        raw_sign(&params, &key, &raw_authority_params(&stranger, "Mirror"), &stranger),
    );
    let chain: Vec<_> = bag.iter().map(|certificate| certificate.der().clone()).collect();
    let explained = explain_chain(&chain, &trust(&root()), &ChainPolicy::client(), now()).unwrap();
    let given_up = explained
        .rejected
        .iter()
        .flat_map(|path| &path.certificates)
        .filter(|certificate| certificate.failures.contains(&PathFailure::NamesNotCompared));
    assert!(given_up.count() > 0);
}

#[test]
fn constraints_hold_for_authorities_further_down_and_survive_cross_signing() {
    let deep = AuthorityRequest::root(DistinguishedName::new("Deep root").unwrap())
        .with_path_length(3)
        .with_name_constraints(permit(&["dns:svc.internal"]));
    let root =
        CertificateAuthority::create_root(&deep, CertificateKey::generate(KeyKind::P256).unwrap(), now()).unwrap();
    assert_eq!(Profile::Root.check(root.certificate()), Ok(()));
    let below = intermediate(&root);
    // The authority itself has none; the chain says no.
    let refused = below.issue_leaf(&request(LeafProfile::Client, &["a.example"]), now() + Duration::MINUTE);
    assert_eq!(refused.unwrap_err(), IssueError::Chain(ChainError::NameConstraint));
    leaf(&below, LeafProfile::Client, &["a.svc.internal"]);

    let other = crate::support::root();
    let inner = constrained(&other, permit(&["uri:td"]));
    let cross = other.cross_sign(inner.certificate(), now()).unwrap();
    assert_eq!(cross.name_constraints(), inner.certificate().name_constraints());
    let until = inner.certificate().not_after();
    let bare = other.cross_sign_until(inner.certificate(), until, CrossConstraints::LeftOut, now());
    assert_eq!(bare.unwrap().name_constraints(), None);
}

fn subtree() -> impl Strategy<Value = Subtree> {
    let host = "[a-z][a-z0-9]{0,6}(\\.[a-z]{1,5}){0,3}";
    let texts = prop_oneof![
        host.prop_map(|host| format!("dns:{host}")),
        host.prop_map(|host| format!("dns:.{host}")),
        host.prop_map(|host| format!("uri:{host}")),
        host.prop_map(|host| format!("uri:.{host}")),
        host.prop_map(|host| format!("email:{host}")),
        host.prop_map(|host| format!("email:someone@{host}")),
        (any::<[u8; 4]>(), 0..=32_u32).prop_map(|(octets, prefix)| {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            format!(
                "ip:{}/{prefix}",
                std::net::Ipv4Addr::from(u32::from_be_bytes(octets) & mask)
            )
        }),
        (any::<u128>(), 0..=128_u32).prop_map(|(address, prefix)| {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            format!("ip:{}/{prefix}", std::net::Ipv6Addr::from(address & mask))
        }),
    ];
    texts.prop_map(|text| {
        let subtree = Subtree::parse(&text).unwrap();
        assert_eq!(subtree.to_string(), text, "one spelling");
        subtree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What an authority was made with is what its certificate says.
    #[test]
    fn what_is_written_is_read(
        permitted in proptest::collection::vec(subtree(), 0..5),
        excluded in proptest::collection::vec(subtree(), 0..5),
    ) {
        let constraints = NameConstraints::default().permit(permitted).exclude(excluded);
        thread_local!(static ROOT: CertificateAuthority = root());
        let made = ROOT.with(|root| constrained(root, constraints.clone()));
        let read = made.certificate().name_constraints();
        prop_assert_eq!(read, Some(&constraints).filter(|constraints| !constraints.is_empty()));
    }

    /// A subtree permits what lies in it, and excludes the same.
    #[test]
    fn permitting_and_excluding_are_opposites_for_plain_hosts(host in "[a-z]{1,5}(\\.[a-z]{1,5}){1,3}", base in "[a-z]{1,2}(\\.[a-z]{1,5}){0,1}") {
        let base = format!("dns:{base}");
        prop_assert_ne!(allows(&permit(&[&base]), &host), allows(&exclude(&[&base]), &host));
    }
}
