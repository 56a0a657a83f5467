//! SPIFFE trust domains: their names, and the ids of their authorities and workloads.

use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateKey, DistinguishedName, IssueError, KeyKind, LeafProfile,
    LeafRequest, NameConstraints, NameError, Profile, SubjectAlternativeName, Subtree, TrustDomain,
    verify_client_chain,
};
use rcgen::{BasicConstraints, IsCa, SanType};

use crate::support::*;

fn domain() -> TrustDomain {
    TrustDomain::parse("td.internal").unwrap()
}

fn key() -> CertificateKey {
    CertificateKey::generate(KeyKind::P256).unwrap()
}

fn root_of(domain: &TrustDomain) -> CertificateAuthority {
    let subject = DistinguishedName::new("Root").unwrap();
    let request = AuthorityRequest::root(subject).with_trust_domain(domain);
    CertificateAuthority::create_root(&request, key(), now()).unwrap()
}

fn intermediate_of(root: &CertificateAuthority, domain: &TrustDomain) -> Result<CertificateAuthority, IssueError> {
    let subject = DistinguishedName::new("Issuing").unwrap();
    let request = AuthorityRequest::intermediate(subject).with_trust_domain(domain);
    root.issue_authority(&request, key(), now())
}

#[test]
fn a_trust_domain_is_read_by_its_name_or_its_id() {
    for text in ["td.internal", "spiffe://td.internal"] {
        assert_eq!(TrustDomain::parse(text), Ok(domain()));
    }
    assert_eq!(domain().to_string(), "td.internal");
    for text in [
        "",
        "spiffe://",
        "TD.internal",
        "td.internal/",
        "td.internal/api",
        "td.internal:8443",
        "user@td.internal",
        "https://td.internal",
        "spiffe://spiffe://td",
        "td internal",
        &"a".repeat(256),
    ] {
        assert_eq!(TrustDomain::parse(text), Err(NameError::Spiffe), "{text:?}");
    }
}

#[test]
fn a_workload_has_a_path_in_normal_form() {
    assert_eq!(
        domain().workload("api").unwrap().to_string(),
        "uri:spiffe://td.internal/api"
    );
    assert!(domain().workload("ns/shop/api").is_ok());
    for path in [
        "", "/api", "api/", "a//b", ".", "..", "a/../b", "a b", "a%41", "a?b", "a#b",
    ] {
        assert!(domain().workload(path).is_err(), "{path:?}");
    }
    assert!(domain().workload(&"a".repeat(2048)).is_err());
}

#[test]
fn authorities_have_the_id_of_their_trust_domain() {
    let root = root_of(&domain());
    let issuing = intermediate_of(&root, &domain()).unwrap();
    for (authority, profile) in [(&root, Profile::Root), (&issuing, Profile::Intermediate)] {
        let certificate = authority.certificate();
        assert_eq!(certificate.subject_alternative_names(), [domain().id()]);
        assert_eq!(TrustDomain::of(certificate), Some(domain()));
        assert_eq!(profile.check(certificate), Ok(()));
    }
    let names = vec![
        SubjectAlternativeName::parse("dns:api.internal").unwrap(),
        domain().workload("api").unwrap(),
    ];
    let request = LeafRequest::new(LeafProfile::Spiffe, names);
    let (issued, _) = issuing.issue_leaf(&request, now()).unwrap();
    assert!(verify_client_chain(&issued.chain_der(), &trust(&root), now()).is_ok());
    assert_eq!(
        TrustDomain::of(issued.certificate()),
        None,
        "a workload is no authority"
    );
}

#[test]
fn a_trust_domain_survives_cross_signing() {
    let (old, new) = (root(), root_of(&domain()));
    let cross = old.cross_sign(new.certificate(), now()).unwrap();
    assert_eq!(TrustDomain::of(&cross), Some(domain()));
}

#[test]
fn the_id_of_an_authority_obeys_name_constraints() {
    let subject = DistinguishedName::new("Root").unwrap();
    let only = |host: &str| NameConstraints::default().permit([Subtree::parse(host).unwrap()]);
    let constrained = |constraints| {
        let request = AuthorityRequest::root(subject.clone()).with_name_constraints(constraints);
        CertificateAuthority::create_root(&request, key(), now()).unwrap()
    };
    assert!(intermediate_of(&constrained(only("uri:td.internal")), &domain()).is_ok());
    let refused = intermediate_of(&constrained(only("uri:other.internal")), &domain());
    assert!(matches!(refused, Err(IssueError::NameConstraint { .. })), "{refused:?}");
}

#[test]
fn authorities_with_other_names_do_not_fit_their_profile() {
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    for names in [
        vec![SanType::DnsName("ca.internal".try_into().unwrap())],
        vec![uri("https://td.internal")],
        vec![uri("spiffe://td.internal/api")],
        vec![uri("spiffe://td.internal"), uri("spiffe://other.internal")],
        vec![
            uri("spiffe://td.internal"),
            SanType::DnsName("ca.internal".try_into().unwrap()),
        ],
    ] {
        let key = key();
        let mut params = raw_authority_params(&key, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.subject_alt_names = names.clone();
        let made = raw_self_sign(&params, &key);
        let refused = Profile::Root.check(&made).unwrap_err();
        assert!(
            refused.rule.contains("SPIFFE id of its trust domain"),
            "{names:?}: {refused}"
        );
    }
}
