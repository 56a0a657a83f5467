//! Authorities beyond the default: other keys, explicit validity, path lengths, cross-signing.

use cryptokit::secret::SecretBytes;
use cryptokit::sign::RsaKeySize;
use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateKey, CrossConstraints, DistinguishedName, IssueError,
    KeyAlgorithm, KeyKind, LeafProfile, Profile, RevocationListRequest, verify_client_chain,
};
use time::Duration;

use crate::support::*;

fn refusal(result: Result<impl Sized, IssueError>) -> IssueError {
    result.err().expect("refused")
}

fn subject(name: &str) -> DistinguishedName {
    DistinguishedName::new(name).unwrap()
}

fn key(kind: KeyKind) -> CertificateKey {
    CertificateKey::generate(kind).unwrap()
}

#[test]
fn every_kind_of_key_issues_for_every_kind() {
    for issuer in KEY_KINDS {
        let request_of_root = AuthorityRequest::root(subject("Root"));
        let root = CertificateAuthority::create_root(&request_of_root, key(issuer), now()).unwrap();
        let below = AuthorityRequest::intermediate(subject("Issuing"));
        let authority = root.issue_authority(&below, key(issuer), now()).unwrap();
        let again = CertificateAuthority::load(
            authority.certificate().clone(),
            authority.issuers().to_vec(),
            CertificateKey::from_pkcs8(SecretBytes::new(authority.key().pkcs8().expose_secret().to_vec())).unwrap(),
        );
        assert!(again.is_ok(), "{issuer:?}");
        for kind in KEY_KINDS {
            let request = request(LeafProfile::Peer, &["a.example"]).with_key(kind);
            let (issued, key) = authority.issue_leaf(&request, now()).unwrap();
            assert_eq!(issued.certificate().spki_der(), key.public_key().spki_der());
            let verified = verify_client_chain(&issued.chain_der(), &trust(&root), now());
            assert!(verified.is_ok(), "{issuer:?} {kind:?}");
        }
        let list = authority
            .issue_revocation_list(&RevocationListRequest::first(now(), now() + Duration::DAY))
            .unwrap();
        assert_eq!(list.verify(authority.certificate(), now()), Ok(()), "{issuer:?}");
    }
}

#[test]
fn kinds_of_keys_have_names_that_read_back() {
    for kind in KeyKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        assert_eq!(format!("{kind:>9}").trim(), kind.name());
    }
    for text in ["", "P256", "p-256", "rsa", "rsa-1024", "rsa2048", "ed25519 "] {
        assert!(text.parse::<KeyKind>().is_err(), "{text:?}");
    }
}

#[test]
fn an_explicit_validity_is_kept_or_refused() {
    let authority = intermediate(&root());
    let (from, until) = (now() + Duration::DAY, now() + Duration::days(9));
    let asked = request(LeafProfile::Client, &["a.example"]).with_validity(from, until);
    let (issued, _) = authority.issue_leaf(&asked, now()).unwrap();
    let certificate = issued.certificate();
    assert_eq!((certificate.not_before(), certificate.not_after()), (from, until));

    let (begin, end) = (
        authority.certificate().not_before(),
        authority.certificate().not_after(),
    );
    for (from, until) in [
        (begin - Duration::SECOND, until),
        (end - Duration::DAY, end + Duration::SECOND),
        (until, from),
        (from, from),
    ] {
        let asked = request(LeafProfile::Client, &["a.example"]).with_validity(from, until);
        let error = refusal(authority.issue_leaf(&asked, now()));
        assert!(
            matches!(error, IssueError::OutsideIssuer { .. }),
            "{from} {until}: {error:?}"
        );
    }
    let too_long = request(LeafProfile::Client, &["a.example"]).with_validity(from, from + Duration::days(3654));
    let request = AuthorityRequest::root(subject("Long")).with_lifetime(Duration::days(9131));
    let long = CertificateAuthority::create_root(&request, key(KeyKind::P256), now()).unwrap();
    assert_eq!(refusal(long.issue_leaf(&too_long, now())), IssueError::Lifetime);
}

#[test]
fn the_validity_of_an_authority_is_asked_for_in_the_same_way() {
    let root = root();
    let ask = |request: AuthorityRequest| root.issue_authority(&request, key(KeyKind::P256), now());
    let short = AuthorityRequest::intermediate(subject("Short")).with_lifetime(Duration::days(7));
    let made = ask(short).unwrap();
    assert_eq!(made.certificate().not_after(), now() + Duration::days(7));
    let outside = AuthorityRequest::intermediate(subject("Outside"))
        .with_validity(now(), root.certificate().not_after() + Duration::SECOND);
    assert!(matches!(refusal(ask(outside)), IssueError::OutsideIssuer { .. }));
    let forever = AuthorityRequest::root(subject("Forever")).with_lifetime(Duration::days(9132));
    assert_eq!(
        refusal(CertificateAuthority::create_root(&forever, key(KeyKind::P256), now())),
        IssueError::Lifetime
    );
}

#[test]
fn path_lengths_shrink_downwards() {
    let deep = AuthorityRequest::root(subject("Root")).with_path_length(2);
    let root = CertificateAuthority::create_root(&deep, key(KeyKind::P256), now()).unwrap();
    let below = |authority: &CertificateAuthority, length| {
        let name = format!("Below {length}");
        let request = AuthorityRequest::intermediate(subject(&name)).with_path_length(length);
        authority.issue_authority(&request, key(KeyKind::P256), now())
    };
    assert_eq!(refusal(below(&root, 2)), IssueError::PathLength);
    let middle = below(&root, 1).unwrap();
    assert_eq!(refusal(below(&middle, 1)), IssueError::PathLength);
    let lowest = below(&middle, 0).unwrap();
    assert_eq!(refusal(below(&lowest, 0)), IssueError::PathLength);
    let issued = leaf(&lowest, LeafProfile::Client, &["a.example"]);
    assert_eq!(issued.chain().len(), 3);
    assert!(verify_client_chain(&issued.chain_der(), &trust(&root), now()).is_ok());
}

#[test]
fn a_cross_signed_authority_has_a_second_path() {
    let old = root();
    let new = CertificateAuthority::new_root(&subject("New root"), now()).unwrap();
    let authority = intermediate(&new);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let cross = old.cross_sign(authority.certificate(), now()).unwrap();
    assert_eq!(cross.subject_der(), authority.certificate().subject_der());
    assert_eq!(cross.spki_der(), authority.certificate().spki_der());
    assert_eq!(cross.issuer_der(), old.certificate().subject_der());
    assert_eq!(cross.not_after(), authority.certificate().not_after());
    assert_eq!(Profile::Intermediate.check(&cross), Ok(()));

    let bundle = [issued.certificate(), authority.certificate(), &cross].map(|one| one.der().clone());
    for root in [&old, &new] {
        assert!(verify_client_chain(&bundle, &trust(root), now()).is_ok());
    }
    assert!(verify_client_chain(&bundle[..2], &trust(&old), now()).is_err());
}

#[test]
fn a_cross_certificate_ends_when_it_is_no_longer_needed() {
    let (old, new) = (root(), root());
    let until = now() + Duration::days(30);
    let cross = old
        .cross_sign_until(new.certificate(), until, CrossConstraints::Kept, now())
        .unwrap();
    assert_eq!(cross.not_after(), until);
    let late = new.certificate().not_after() + Duration::days(1);
    let cross = old
        .cross_sign_until(new.certificate(), late, CrossConstraints::Kept, now())
        .unwrap();
    assert_eq!(cross.not_after(), new.certificate().not_after());
    assert!(matches!(
        refusal(old.cross_sign_until(new.certificate(), now(), CrossConstraints::Kept, now())),
        IssueError::Expired { .. }
    ));
    // A root may live longer than any certificate that another authority signs.
    let long = AuthorityRequest::root(subject("Long")).with_lifetime(Duration::days(9131));
    let long = |key| CertificateAuthority::create_root(&long, key, now()).unwrap();
    let (old, new) = (long(key(KeyKind::P256)), long(key(KeyKind::P256)));
    let cross = old.cross_sign(new.certificate(), now()).unwrap();
    assert_eq!(cross.not_after(), now() + Profile::Intermediate.max_lifetime());
}

#[test]
fn what_a_next_authority_needs_can_be_read_from_a_certificate() {
    let subject = DistinguishedName::new("Acme, root")
        .and_then(|subject| subject.with_country("DE"))
        .and_then(|subject| subject.with_organization("Acme Größe"))
        .and_then(|subject| subject.with_organizational_unit("PKI"))
        .unwrap();
    for kind in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::Ed25519,
        KeyKind::Rsa(RsaKeySize::Bits2048),
    ] {
        let root =
            CertificateAuthority::create_root(&AuthorityRequest::root(subject.clone()), key(kind), now()).unwrap();
        assert_eq!(DistinguishedName::of(root.certificate()), Some(subject.clone()));
        assert_eq!(KeyKind::of(root.key().algorithm()), Some(kind));
    }
    let below = root();
    let nameless = leaf(&intermediate(&below), LeafProfile::Client, &["ip:192.0.2.1"]);
    assert_eq!(DistinguishedName::of(nameless.certificate()), None);
    assert_eq!(KeyKind::of(KeyAlgorithm::Rsa { modulus_bits: 2049 }), None);
}

#[test]
fn refuses_to_cross_sign_what_is_no_authority_or_has_no_room() {
    let (old, new) = (root(), root());
    let below = intermediate(&old);
    assert_eq!(
        refusal(below.cross_sign(new.certificate(), now())),
        IssueError::PathLength
    );
    let issued = leaf(&below, LeafProfile::Server, &["a.example"]);
    assert_eq!(
        refusal(old.cross_sign(issued.certificate(), now())),
        IssueError::NotAnAuthority
    );
    let expired = AuthorityRequest::root(subject("Expired")).with_lifetime(Duration::DAY);
    let expired = CertificateAuthority::create_root(&expired, key(KeyKind::P256), now()).unwrap();
    let late = now() + Duration::days(2);
    assert!(matches!(
        refusal(old.cross_sign(expired.certificate(), late)),
        IssueError::Expired { .. }
    ));
    // A root that is cross-signed keeps no room for authorities below it when the other root allows one in all.
    let cross = old.cross_sign(new.certificate(), now()).unwrap();
    assert_eq!(cross.basic_constraints().unwrap().path_length, Some(0));
}

#[test]
fn a_root_that_changes_its_key_keeps_its_name() {
    // RFC 5280 §3.2: a self-issued certificate takes what was trusted under the old key to the new one.
    let (old, new) = (root(), root());
    let carry = old.cross_sign(new.certificate(), now()).unwrap();
    assert!(carry.is_self_issued() && !carry.names_itself_as_issuer());
    let issued = leaf(&new, LeafProfile::Client, &["a.example"]);
    let bundle = [issued.certificate(), &carry].map(|certificate| certificate.der().clone());
    assert!(verify_client_chain(&bundle, &trust(&old), now()).is_ok());
}
