//! Which chains are accepted (RFC 5280 §6): refusals first.

use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateDer, CertificateError, ChainError, DistinguishedName, LeafProfile,
    TrustAnchorError, TrustAnchors, certificates_to_pem, verify_client_chain, verify_server_chain,
};
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};

use crate::support::*;

fn der(certificates: &[&Certificate]) -> Vec<CertificateDer<'static>> {
    certificates
        .iter()
        .map(|certificate| certificate.der().clone())
        .collect()
}

fn client_refusal(chain: &[CertificateDer<'_>], anchors: &TrustAnchors, now: OffsetDateTime) -> ChainError {
    verify_client_chain(chain, anchors, now).expect_err("refused")
}

fn server_refusal(chain: &[CertificateDer<'_>], anchors: &TrustAnchors, name: &str) -> ChainError {
    verify_server_chain(chain, anchors, &names(&[name])[0], now()).expect_err("refused")
}

/// A client leaf under an intermediate under a root, each spoilt by the caller before it is signed.
struct RawChain {
    root: Certificate,
    intermediate: Certificate,
    leaf: Certificate,
}

impl RawChain {
    fn new(spoil: impl FnOnce(&mut [CertificateParams; 3])) -> Self {
        let [root_key, intermediate_key, leaf_key] = std::array::from_fn(|_| P256SigningKey::generate().unwrap());
        let mut leaf = raw_server_params(&leaf_key);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let mut params = [
            raw_authority_params(&root_key, "Raw root"),
            raw_authority_params(&intermediate_key, "Raw intermediate"),
            leaf,
        ];
        spoil(&mut params);
        let [root, intermediate, leaf] = &params;
        Self {
            root: raw_self_sign(root, &root_key),
            intermediate: raw_sign(intermediate, &intermediate_key, root, &root_key),
            leaf: raw_sign(leaf, &leaf_key, intermediate, &intermediate_key),
        }
    }

    fn verify(&self) -> Result<(), ChainError> {
        let anchors = TrustAnchors::from_certificates(vec![self.root.clone()]).unwrap();
        verify_client_chain(&der(&[&self.leaf, &self.intermediate]), &anchors, now()).map(|_| ())
    }
}

#[test]
fn refuses_an_expired_leaf() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Client, &["a.example"]);
    let not_after = issued.certificate().not_after();
    let anchors = trust(&root);
    assert!(
        verify_client_chain(&issued.chain_der(), &anchors, not_after).is_ok(),
        "the last second counts"
    );
    let time = not_after + Duration::seconds(1);
    assert_eq!(
        client_refusal(&issued.chain_der(), &anchors, time),
        ChainError::Expired { time, not_after }
    );
}

#[test]
fn refuses_a_leaf_that_is_not_yet_valid() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Client, &["a.example"]);
    let not_before = issued.certificate().not_before();
    let anchors = trust(&root);
    assert!(
        verify_client_chain(&issued.chain_der(), &anchors, not_before).is_ok(),
        "the first second counts"
    );
    let time = not_before - Duration::seconds(1);
    assert_eq!(
        client_refusal(&issued.chain_der(), &anchors, time),
        ChainError::NotYetValid { time, not_before }
    );
    let before_1970 = OffsetDateTime::UNIX_EPOCH - Duration::days(1);
    assert!(matches!(
        client_refusal(&issued.chain_der(), &anchors, before_1970),
        ChainError::NotYetValid { .. }
    ));
}

#[test]
fn refuses_a_chain_under_an_expired_anchor() {
    let chain = RawChain::new(|[root, ..]| root.not_after = now() - Duration::seconds(1));
    assert!(
        matches!(chain.verify(), Err(ChainError::Expired { .. })),
        "{:?}",
        chain.verify()
    );
    let chain = RawChain::new(|[root, ..]| root.not_before = now() + Duration::seconds(1));
    assert!(
        matches!(chain.verify(), Err(ChainError::NotYetValid { .. })),
        "{:?}",
        chain.verify()
    );
}

#[test]
fn refuses_a_leaf_of_another_authority() {
    let (mine, other) = (root(), root());
    let issued = leaf(&intermediate(&other), LeafProfile::Client, &["a.example"]);
    // Both roots have the same name, so that only the key tells them apart.
    assert_eq!(mine.certificate().subject_der(), other.certificate().subject_der());
    assert_eq!(
        client_refusal(&issued.chain_der(), &trust(&mine), now()),
        ChainError::BadSignature
    );

    let stranger = CertificateAuthority::new_root(&DistinguishedName::new("Stranger").unwrap(), now()).unwrap();
    assert_eq!(
        client_refusal(&issued.chain_der(), &trust(&stranger), now()),
        ChainError::UnknownIssuer
    );
}

#[test]
fn refuses_a_leaf_without_its_intermediate() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Client, &["a.example"]);
    assert_eq!(
        client_refusal(&der(&[issued.certificate()]), &trust(&root), now()),
        ChainError::UnknownIssuer
    );
}

#[test]
fn refuses_a_server_certificate_as_client_and_the_reverse() {
    let root = root();
    let authority = intermediate(&root);
    let server = leaf(&authority, LeafProfile::Server, &["a.example"]);
    let client = leaf(&authority, LeafProfile::Client, &["a.example"]);
    assert_eq!(
        client_refusal(&server.chain_der(), &trust(&root), now()),
        ChainError::ExtendedKeyUsage { required: "client" }
    );
    assert_eq!(
        server_refusal(&client.chain_der(), &trust(&root), "a.example"),
        ChainError::ExtendedKeyUsage { required: "server" }
    );
}

#[test]
fn refuses_a_leaf_that_does_not_state_its_purpose() {
    let refusal = Err(ChainError::ExtendedKeyUsage { required: "client" });
    let without = RawChain::new(|[.., leaf]| leaf.extended_key_usages.clear());
    assert_eq!(without.verify(), refusal);
    let any = RawChain::new(|[.., leaf]| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    assert_eq!(any.verify(), refusal);
}

#[test]
fn refuses_an_intermediate_that_is_for_servers_only() {
    let chain = RawChain::new(|[_, intermediate, _]| {
        intermediate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert_eq!(chain.verify(), Err(ChainError::ExtendedKeyUsage { required: "client" }));
}

#[test]
fn refuses_an_authority_presented_as_a_leaf() {
    let root = root();
    let authority = intermediate(&root);
    assert_eq!(
        client_refusal(&der(&[authority.certificate()]), &trust(&root), now()),
        ChainError::AuthorityAsLeaf
    );
}

#[test]
fn refuses_the_anchor_itself_as_a_leaf() {
    let root = root();
    assert!(verify_client_chain(&der(&[root.certificate()]), &trust(&root), now()).is_err());
}

#[test]
fn refuses_a_leaf_issued_by_a_leaf() {
    let chain = RawChain::new(|[_, intermediate, _]| intermediate.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(chain.verify(), Err(ChainError::IssuerNotAuthority));
}

#[test]
fn refuses_an_intermediate_whose_key_may_not_sign_certificates() {
    let chain = RawChain::new(|[_, intermediate, _]| intermediate.key_usages = vec![KeyUsagePurpose::CrlSign]);
    assert_eq!(chain.verify(), Err(ChainError::IssuerNotAuthority));
}

#[test]
fn refuses_a_leaf_whose_key_usage_does_not_fit_tls() {
    let chain = RawChain::new(|[.., leaf]| leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    assert_eq!(chain.verify(), Err(ChainError::KeyUsage));
    let chain = RawChain::new(|[.., leaf]| leaf.key_usages.push(KeyUsagePurpose::KeyCertSign));
    assert_eq!(chain.verify(), Err(ChainError::KeyUsage));
}

#[test]
fn refuses_a_critical_extension_that_nobody_understands() {
    let chain = RawChain::new(|[.., leaf]| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
        extension.set_criticality(true);
        leaf.custom_extensions.push(extension);
    });
    assert_eq!(chain.verify(), Err(ChainError::UnsupportedCriticalExtension));
}

#[test]
fn refuses_a_path_longer_than_an_intermediate_allows() {
    let root = root();
    let authority = intermediate(&root);
    let (sub_key, leaf_key) = (P256SigningKey::generate().unwrap(), P256SigningKey::generate().unwrap());
    let sub_params = raw_authority_params(&sub_key, "One too many");
    let sub = raw_sign(&sub_params, &sub_key, &raw_issuer_params(&authority), authority.key());
    let mut leaf_params = raw_server_params(&leaf_key);
    leaf_params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = raw_sign(&leaf_params, &leaf_key, &sub_params, &sub_key);
    let chain = der(&[&leaf, &sub, authority.certificate()]);
    assert_eq!(client_refusal(&chain, &trust(&root), now()), ChainError::PathLength);
}

#[test]
fn refuses_a_path_longer_than_the_anchor_allows() {
    // The anchor's own path length is 0; webpki reads no path length from an anchor.
    let chain = RawChain::new(|[root, ..]| root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    assert_eq!(chain.verify(), Err(ChainError::PathLength));
    let chain = RawChain::new(|[root, ..]| root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(1)));
    assert_eq!(chain.verify(), Ok(()));
}

#[test]
fn refuses_a_tampered_certificate_wherever_a_bit_is_flipped() {
    let root = root();
    let anchors = trust(&root);
    let issued = leaf(&intermediate(&root), LeafProfile::Client, &["a.example"]);
    for position in 0..2 {
        let length = issued.chain_der()[position].len();
        for index in 0..length {
            let mut chain = issued.chain_der();
            let mut bytes = chain[position].to_vec();
            bytes[index] ^= 1;
            chain[position] = CertificateDer::from(bytes);
            assert!(
                verify_client_chain(&chain, &anchors, now()).is_err(),
                "certificate {position}, byte {index}"
            );
        }
    }
}

#[test]
fn refuses_chains_that_are_empty_too_long_or_not_certificates() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Client, &["a.example"]);
    assert_eq!(client_refusal(&[], &trust(&root), now()), ChainError::Empty);
    let long = vec![issued.certificate().der().clone(); 17];
    assert_eq!(
        client_refusal(&long, &trust(&root), now()),
        ChainError::TooManyCertificates { found: 17 }
    );
    let nonsense = [CertificateDer::from(b"nonsense".to_vec())];
    assert_eq!(
        client_refusal(&nonsense, &trust(&root), now()),
        ChainError::Malformed(CertificateError::Malformed)
    );
}

#[test]
fn refuses_a_server_under_a_name_that_is_not_its_own() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Server, &["*.a.example", "10.0.0.1"]);
    let refusal = |name| server_refusal(&issued.chain_der(), &trust(&root), name);
    for name in ["b.example", "a.example", "x.y.a.example", "10.0.0.2", "::1"] {
        assert_eq!(refusal(name), ChainError::Name, "{name}");
    }
    for name in ["*.a.example", "https://x.a.example/", "ops@a.example"] {
        assert_eq!(refusal(name), ChainError::NameKind, "{name}");
    }
}

#[test]
fn refuses_a_server_whose_common_name_alone_fits() {
    let chain = RawChain::new(|[.., leaf]| {
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.distinguished_name
            .push(rcgen::DnType::CommonName, "common.example");
    });
    let anchors = TrustAnchors::from_certificates(vec![chain.root.clone()]).unwrap();
    let presented = der(&[&chain.leaf, &chain.intermediate]);
    assert_eq!(chain.leaf.subject_text(), "CN=common.example");
    assert_eq!(server_refusal(&presented, &anchors, "common.example"), ChainError::Name);
    assert!(verify_server_chain(&presented, &anchors, &names(&["server.example"])[0], now()).is_ok());
}

#[test]
fn refuses_anchors_that_are_no_authorities() {
    let root = root();
    let issued = leaf(&root, LeafProfile::Server, &["a.example"]);
    let certificates = vec![root.certificate().clone(), issued.certificate().clone()];
    let subject = "CN=a.example".to_owned();
    assert_eq!(
        TrustAnchors::from_certificates(certificates).err(),
        Some(TrustAnchorError::NotAnAuthority { subject })
    );
    assert_eq!(
        TrustAnchors::from_certificates(Vec::new()).err(),
        Some(TrustAnchorError::Empty)
    );
    assert!(matches!(TrustAnchors::from_pem(b""), Err(TrustAnchorError::Pem(_))));

    let key = P256SigningKey::generate().unwrap();
    let mut params = raw_authority_params(&key, "CRLs only");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let crl_signer = raw_self_sign(&params, &key);
    assert!(TrustAnchors::from_certificates(vec![crl_signer]).is_err());
}

#[test]
fn accepts_the_unspoilt_chain_of_these_tests() {
    assert_eq!(RawChain::new(|_| ()).verify(), Ok(()));
}

#[test]
fn accepts_peers_in_both_roles() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Peer, &["a.example"]);
    let anchors = trust(&root);
    assert!(verify_client_chain(&issued.chain_der(), &anchors, now()).is_ok());
    assert!(verify_server_chain(&issued.chain_der(), &anchors, &names(&["A.example"])[0], now()).is_ok());
}

#[test]
fn accepts_wildcards_for_one_level_and_addresses() {
    let root = root();
    let issued = leaf(
        &intermediate(&root),
        LeafProfile::Server,
        &["*.a.example", "10.0.0.1", "::1"],
    );
    for name in ["x.a.example", "10.0.0.1", "::1"] {
        let verified = verify_server_chain(&issued.chain_der(), &trust(&root), &names(&[name])[0], now());
        assert!(verified.is_ok(), "{name}");
    }
}

#[test]
fn the_peer_is_told_by_its_names_and_its_verified_issuers_key() {
    let root = root();
    let (right, decoy) = (intermediate(&root), intermediate(&root));
    let texts = ["spiffe://td/worker", "worker.example", "10.0.0.1"];
    let issued = leaf(&right, LeafProfile::Peer, &texts);
    // Both intermediates have one name; the chain carries the wrong one first.
    let chain = der(&[
        issued.certificate(),
        decoy.certificate(),
        right.certificate(),
        root.certificate(),
    ]);
    let peer = verify_client_chain(&chain, &trust(&root), now()).unwrap();
    assert_eq!(peer.issuer_spki_sha256(), right.certificate().spki_sha256());
    assert_eq!(peer.subject_alternative_names(), names(&texts));
    assert_eq!(peer.serial(), issued.certificate().serial());
    assert_eq!(peer.not_before(), issued.certificate().not_before());
    assert_eq!(peer.not_after(), issued.certificate().not_after());
    assert_eq!(peer.certificate(), issued.certificate());
}

#[test]
fn the_issuers_key_reads_the_same_whether_it_was_presented_or_trusted() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let expected = cryptokit::hash::sha256(authority.certificate().spki_der());
    let presented = verify_client_chain(&issued.chain_der(), &trust(&root), now()).unwrap();
    let trusted = verify_client_chain(&der(&[issued.certificate()]), &trust(&authority), now()).unwrap();
    assert_eq!(authority.certificate().spki_sha256(), expected);
    assert_eq!(presented.issuer_spki_sha256(), expected);
    assert_eq!(trusted.issuer_spki_sha256(), expected);

    let direct = leaf(&root, LeafProfile::Client, &["a.example"]);
    let peer = verify_client_chain(&direct.chain_der(), &trust(&root), now()).unwrap();
    assert_eq!(peer.issuer_spki_sha256(), root.certificate().spki_sha256());
}

#[test]
fn any_of_several_anchors_will_do() {
    let (first, second) = (root(), root());
    let pem = certificates_to_pem([first.certificate(), second.certificate()]);
    let anchors = TrustAnchors::from_pem(pem.as_bytes()).unwrap();
    for root in [&first, &second] {
        let issued = leaf(root, LeafProfile::Client, &["a.example"]);
        let peer = verify_client_chain(&issued.chain_der(), &anchors, now()).unwrap();
        assert_eq!(peer.issuer_spki_sha256(), root.certificate().spki_sha256());
    }
}
