//! Why each path is refused, which is accepted, and that looking for paths comes to an end.

use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateDer, ChainError, ChainExplanation, ChainPolicy, DistinguishedName,
    LeafProfile, PathFailure, RevocationDepth, RevocationList, RevocationListError, RevocationListRequest,
    RevocationPolicy, RevocationReason, RevokedCertificate, TrustAnchors, UnknownStatus, explain_chain, verify_chain,
};
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};
use time::{Duration, OffsetDateTime};

use crate::support::*;

fn der(certificates: &[&Certificate]) -> Vec<CertificateDer<'static>> {
    certificates.iter().map(|one| one.der().clone()).collect()
}

fn explain(certificates: &[&Certificate], anchor: &Certificate) -> ChainExplanation {
    let anchors = TrustAnchors::from_certificates(vec![anchor.clone()]).unwrap();
    let explained = explain_chain(&der(certificates), &anchors, &ChainPolicy::client(), now()).unwrap();
    let verified = verify_chain(&der(certificates), &anchors, &ChainPolicy::client(), now());
    assert_eq!(verified.is_ok(), explained.accepted.is_some(), "both decide the same");
    assert_eq!(verified.is_ok(), explained.decisive().is_none());
    explained
}

/// The failures of the only path, by position.
fn failures(explained: &ChainExplanation) -> Vec<(usize, PathFailure)> {
    assert_eq!(explained.rejected.len(), 1, "{explained:?}");
    let certificates = explained.rejected[0].certificates.iter().enumerate();
    certificates
        .flat_map(|(position, one)| one.failures.iter().map(move |failure| (position, failure.clone())))
        .collect()
}

/// Leaf, intermediate and root, each spoilt by the caller before it is signed.
fn raw_chain(spoil: impl FnOnce(&mut [CertificateParams; 3])) -> [Certificate; 3] {
    let [leaf_key, intermediate_key, root_key] = std::array::from_fn(|_| P256SigningKey::generate().unwrap());
    let mut leaf = raw_server_params(&leaf_key);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut params = [
        leaf,
        raw_authority_params(&intermediate_key, "Raw intermediate"),
        raw_authority_params(&root_key, "Raw root"),
    ];
    spoil(&mut params);
    let [leaf, intermediate, root] = &params;
    [
        raw_sign(leaf, &leaf_key, intermediate, &intermediate_key),
        raw_sign(intermediate, &intermediate_key, root, &root_key),
        raw_self_sign(root, &root_key),
    ]
}

fn spoilt(spoil: impl FnOnce(&mut [CertificateParams; 3])) -> Vec<(usize, PathFailure)> {
    let [leaf, intermediate, root] = raw_chain(spoil);
    failures(&explain(&[&leaf, &intermediate], &root))
}

#[test]
fn every_failure_is_named_where_it_is() {
    let (yesterday, tomorrow) = (now() - Duration::DAY, now() + Duration::DAY);
    let expired = PathFailure::Expired {
        time: now(),
        not_after: yesterday,
    };
    for position in 0..3 {
        let end = |params: &mut [CertificateParams; 3]| params[position].not_after = yesterday;
        let begin = |params: &mut [CertificateParams; 3]| params[position].not_before = tomorrow;
        assert_eq!(spoilt(end), [(position, expired.clone())]);
        assert!(matches!(&spoilt(begin)[..], [(at, PathFailure::NotYetValid { .. })] if *at == position));
        let unknown = |params: &mut [CertificateParams; 3]| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
            extension.set_criticality(true);
            params[position].custom_extensions.push(extension);
        };
        // Of the trust anchor too. webpki refuses such an anchor outright, so only the others get here.
        if position < 2 {
            let oid = "1.3.6.1.4.1.99999.1".to_owned();
            assert_eq!(spoilt(unknown), [(position, PathFailure::CriticalExtension { oid })]);
        }
    }
    for position in 1..3 {
        let purpose = |params: &mut [CertificateParams; 3]| {
            params[position].extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        };
        let needed = "clientAuth";
        assert_eq!(spoilt(purpose), [(position, PathFailure::ExtendedKeyUsage { needed })]);
    }
    let no_authority = spoilt(|[_, intermediate, _]| intermediate.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(no_authority, [(1, PathFailure::NotAnAuthority)]);
    let crl_only = spoilt(|[_, intermediate, _]| intermediate.key_usages = vec![KeyUsagePurpose::CrlSign]);
    assert_eq!(crl_only, [(1, PathFailure::KeyUsage { needed: "keyCertSign" })]);
    let encipherment = spoilt(|[leaf, ..]| leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    let needed = "digitalSignature";
    assert_eq!(encipherment, [(0, PathFailure::KeyUsage { needed })]);
    let short = spoilt(|[_, _, root]| root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    assert_eq!(short, [(2, PathFailure::PathLength { allowed: 0, found: 1 })]);
}

#[test]
fn several_failures_are_all_named() {
    let found = spoilt(|[leaf, intermediate, root]| {
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        intermediate.not_after = now() - Duration::DAY;
        root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    assert_eq!(
        found.iter().map(|(position, _)| *position).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    for (_, failure) in found {
        assert!(failure.section().starts_with("RFC 5280 §"), "{failure}");
    }
}

#[test]
fn a_signature_with_another_key_is_told_from_a_missing_issuer() {
    let [leaf, intermediate, root] = raw_chain(|_| ());
    let [_, foreign, foreign_root] = raw_chain(|_| ());
    assert!(explain(&[&leaf, &intermediate], &root).accepted.is_some());
    // The same names and other keys.
    let found = failures(&explain(&[&leaf, &intermediate], &foreign_root));
    assert_eq!(found, [(1, PathFailure::Signature), (1, PathFailure::KeyIdentifier)]);
    let found = failures(&explain(&[&leaf, &foreign], &root));
    assert_eq!(found[0], (0, PathFailure::Signature));
    assert_eq!(failures(&explain(&[&leaf], &root)), [(0, PathFailure::NoIssuer)]);
    let explained = explain(&[&leaf], &root);
    assert!(!explained.rejected[0].reaches_anchor);
}

#[test]
fn each_of_several_paths_is_explained_and_the_good_one_found() {
    let old = root();
    let new = CertificateAuthority::new_root(&DistinguishedName::new("New root").unwrap(), now()).unwrap();
    let authority = intermediate(&new);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let cross = old.cross_sign(authority.certificate(), now()).unwrap();
    let both = [issued.certificate(), &cross, authority.certificate()];

    let explained = explain(&both, new.certificate());
    let accepted = explained.accepted.unwrap();
    assert_eq!(accepted.path(), [both[0], both[2], new.certificate()].map(Clone::clone));
    assert_eq!(
        accepted.peer().issuer_spki_sha256(),
        authority.certificate().spki_sha256()
    );
    // The other way ends at the cross-certificate, whose issuer is not trusted.
    assert_eq!(explained.rejected.len(), 1);
    let last = explained.rejected[0].certificates.last().unwrap();
    assert_eq!(
        (&last.certificate, &last.failures[..]),
        (&cross, &[PathFailure::NoIssuer][..])
    );

    let stranger = CertificateAuthority::new_root(&DistinguishedName::new("Stranger").unwrap(), now()).unwrap();
    assert_eq!(explain(&both, stranger.certificate()).rejected.len(), 2);
}

#[test]
fn a_bag_of_certificates_that_sign_each_other_comes_to_an_end() {
    // Fifteen authorities of one name: each could have issued each, 15! paths.
    let certificates: Vec<Certificate> = (0..15)
        .map(|_| {
            let key = P256SigningKey::generate().unwrap();
            raw_self_sign(&raw_authority_params(&key, "Mirror"), &key)
        })
        .collect();
    let key = P256SigningKey::generate().unwrap();
    let mut params = raw_server_params(&key);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let issuer_key = P256SigningKey::generate().unwrap();
    let leaf = raw_sign(&params, &key, &raw_authority_params(&issuer_key, "Mirror"), &issuer_key);
    let bag: Vec<_> = std::iter::once(&leaf).chain(&certificates).collect();

    let anchor = root();
    let explained = explain(&bag, anchor.certificate());
    assert!(explained.accepted.is_none() && explained.truncated);
    assert!(explained.rejected.len() <= 64);
    // And with an anchor of that name.
    let explained = explain(&bag, &certificates[0]);
    assert!(explained.accepted.is_none());
    let anchors = TrustAnchors::from_certificates(certificates.clone()).unwrap();
    let refused = verify_chain(&der(&bag), &anchors, &ChainPolicy::client(), now());
    assert_eq!(refused.unwrap_err(), ChainError::BadSignature);
}

#[test]
fn a_spiffe_id_shares_its_leaf_with_no_other_uri() {
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let with = |names: Vec<SanType>| spoilt(|[leaf, ..]| leaf.subject_alt_names = names);
    for names in [
        vec![uri("spiffe://td/a"), uri("spiffe://td/b")],
        vec![uri("spiffe://td/a"), uri("https://host/")],
        vec![uri("spiffe://td/a"), uri("not a uri")],
        vec![uri("spiffe://td")],
    ] {
        assert!(matches!(&with(names)[..], [(0, PathFailure::Spiffe { .. })]));
    }
    let found = spoilt(|[leaf, ..]| {
        leaf.subject_alt_names = vec![uri("spiffe://td/a")];
        leaf.key_usages.push(KeyUsagePurpose::CrlSign);
    });
    assert!(matches!(&found[..], [(0, PathFailure::Spiffe { .. })]));
}

#[test]
fn names_are_asked_for_in_their_own_way() {
    let root = root();
    let texts = ["a.example", "spiffe://td/a", "a@b.example", "10.0.0.1"];
    let issued = leaf(&intermediate(&root), LeafProfile::Peer, &texts);
    let ask = |text: &str| {
        let policy = ChainPolicy::client().with_name(names(&[text]).remove(0)).unwrap();
        verify_chain(&issued.chain_der(), &trust(&root), &policy, now()).map(|_| ())
    };
    for text in texts {
        assert_eq!(ask(text), Ok(()), "{text}");
    }
    for text in ["b.example", "spiffe://td/b", "spiffe://td", "b@b.example", "10.0.0.2"] {
        assert_eq!(ask(text), Err(ChainError::Name), "{text}");
    }
    let wildcard = ChainPolicy::server().with_name(names(&["*.a.example"]).remove(0));
    assert_eq!(wildcard.unwrap_err(), ChainError::NameKind);
}

#[test]
fn of_several_names_each_must_be_the_leafs() {
    let root = root();
    let issued = leaf(&intermediate(&root), LeafProfile::Peer, &["a.example", "10.0.0.1"]);
    let ask = |texts: &[&str]| {
        let asked = names(texts).into_iter();
        let policy = asked.fold(ChainPolicy::server(), |policy, name| policy.with_name(name).unwrap());
        explain_chain(&issued.chain_der(), &trust(&root), &policy, now()).unwrap()
    };
    assert!(ask(&["a.example", "10.0.0.1"]).accepted.is_some());
    let missing = PathFailure::Name {
        name: "ip:10.0.0.2".to_owned(),
    };
    for texts in [["a.example", "10.0.0.2"], ["10.0.0.2", "a.example"]] {
        assert_eq!(ask(&texts).decisive(), Some((issued.certificate(), &missing)));
    }
}

#[test]
fn without_a_purpose_the_extended_key_usage_does_not_matter() {
    for usages in [
        vec![],
        vec![ExtendedKeyUsagePurpose::TimeStamping],
        vec![ExtendedKeyUsagePurpose::ServerAuth],
    ] {
        let [leaf, intermediate, root] = raw_chain(|[leaf, intermediate, _]| {
            leaf.extended_key_usages.clone_from(&usages);
            leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            intermediate.extended_key_usages = usages;
        });
        let verify = |policy: &ChainPolicy<'_>| {
            let anchors = TrustAnchors::from_certificates(vec![root.clone()]).unwrap();
            verify_chain(&der(&[&leaf, &intermediate]), &anchors, policy, now()).map(|_| ())
        };
        assert_eq!(verify(&ChainPolicy::any_purpose()), Ok(()));
        assert!(verify(&ChainPolicy::client()).is_err());
    }
    let [leaf, intermediate, root] = raw_chain(|[leaf, ..]| leaf.key_usages.push(KeyUsagePurpose::KeyCertSign));
    let anchors = TrustAnchors::from_certificates(vec![root]).unwrap();
    let refused = verify_chain(
        &der(&[&leaf, &intermediate]),
        &anchors,
        &ChainPolicy::any_purpose(),
        now(),
    );
    assert_eq!(refused.unwrap_err(), ChainError::KeyUsage);
}

#[test]
fn the_decisive_failure_is_the_one_that_verify_names() {
    let found = |spoil: fn(&mut [CertificateParams; 3])| {
        let [leaf, intermediate, root] = raw_chain(spoil);
        let explained = explain(&[&leaf, &intermediate], &root);
        let (certificate, failure) = explained.decisive().unwrap();
        (certificate.subject_text().to_owned(), failure.clone())
    };
    let (at, failure) = found(|[leaf, intermediate, _]| {
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        intermediate.not_after = now() - Duration::DAY;
    });
    assert_eq!(at, "CN=Raw intermediate");
    assert!(matches!(failure, PathFailure::Expired { .. }), "{failure}");
    let (at, failure) = found(|[leaf, ..]| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(at, "CN=server.example");
    assert_eq!(failure, PathFailure::ExtendedKeyUsage { needed: "clientAuth" });
}

// ---- revocation ------------------------------------------------------------------------------------------------------

fn list(authority: &CertificateAuthority, serials: &[&[u8]], next_update: OffsetDateTime) -> RevocationList {
    let mut request = RevocationListRequest::first(now() - Duration::MINUTE, next_update);
    for serial in serials {
        let entry = RevokedCertificate {
            serial: serial.to_vec(),
            revocation_date: now() - Duration::MINUTE,
            reason: RevocationReason::KeyCompromise,
            invalidity_date: None,
        };
        request.revoke(entry).unwrap();
    }
    authority.issue_revocation_list(&request).unwrap()
}

#[test]
fn revoked_certificates_are_refused_wherever_they_are_on_the_path() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let next = now() + Duration::DAY;
    let verify = |lists: &[RevocationList], depth, unknown| {
        let policy = ChainPolicy::client().with_revocation(RevocationPolicy::new(lists, depth, unknown));
        verify_chain(&issued.chain_der(), &trust(&root), &policy, now()).map(|_| ())
    };
    let (leaf_serial, ca_serial) = (issued.certificate().serial(), authority.certificate().serial());
    let (clean_ca, clean_root) = (list(&authority, &[&[1]], next), list(&root, &[&[1]], next));
    let revoked = ChainError::Revoked {
        revocation_date: now() - Duration::MINUTE,
        reason: RevocationReason::KeyCompromise,
    };
    let (whole, only_leaf) = (RevocationDepth::WholeChain, RevocationDepth::Leaf);
    let (refuse, accept) = (UnknownStatus::Refuse, UnknownStatus::Accept);

    let both = [clean_ca.clone(), clean_root.clone()];
    assert_eq!(verify(&both, whole, refuse), Ok(()));
    let leaf_revoked = [list(&authority, &[leaf_serial], next), clean_root.clone()];
    assert_eq!(verify(&leaf_revoked, whole, refuse), Err(revoked.clone()));
    assert_eq!(verify(&leaf_revoked, only_leaf, accept), Err(revoked.clone()));
    let authority_revoked = [clean_ca.clone(), list(&root, &[ca_serial], next)];
    assert_eq!(verify(&authority_revoked, whole, refuse), Err(revoked));
    assert_eq!(verify(&authority_revoked, only_leaf, refuse), Ok(()));

    // Nothing is known.
    assert_eq!(verify(&[], whole, refuse), Err(ChainError::UnknownRevocationStatus));
    assert_eq!(verify(&[], whole, accept), Ok(()));
    let only_of_leaf = [clean_ca.clone()];
    assert_eq!(
        verify(&only_of_leaf, whole, refuse),
        Err(ChainError::UnknownRevocationStatus)
    );
    assert_eq!(verify(&only_of_leaf, only_leaf, refuse), Ok(()));

    // The list of another authority of the same name says nothing, even when it names the serial number.
    let other = [list(&intermediate(&root), &[leaf_serial], next), clean_root];
    assert_eq!(verify(&other, whole, refuse), Err(ChainError::UnknownRevocationStatus));
    assert_eq!(verify(&other, whole, accept), Ok(()));
    let and_the_right_one = [other[0].clone(), other[1].clone(), clean_ca];
    assert_eq!(verify(&and_the_right_one, whole, refuse), Ok(()));
}

#[test]
fn forged_lists_hide_no_revocation_behind_them() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let next = now() + Duration::DAY;
    let clean = list(&authority, &[&[1]], next);
    let mut der = clean.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let forged = RevocationList::from_der(&der).unwrap();
    let mut lists = vec![clean];
    lists.extend(std::iter::repeat_n(forged, 100));
    lists.push(list(&authority, &[issued.certificate().serial()], next));
    let policy = RevocationPolicy::new(&lists, RevocationDepth::Leaf, UnknownStatus::Accept);
    let policy = ChainPolicy::client().with_revocation(policy);
    let refused = verify_chain(&issued.chain_der(), &trust(&root), &policy, now()).unwrap_err();
    assert!(matches!(refused, ChainError::Rejected { .. }), "{refused}");
}

#[test]
fn an_expired_list_refuses_whatever_the_policy_says_of_unknown_status() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let old = list(&authority, &[], now());
    let later = now() + Duration::SECOND;
    let lists = [old.clone()];
    let policy = RevocationPolicy::new(&lists, RevocationDepth::Leaf, UnknownStatus::Accept);
    let policy = ChainPolicy::client().with_revocation(policy);
    let verify = |time| verify_chain(&issued.chain_der(), &trust(&root), &policy, time).map(|_| ());
    assert_eq!(verify(now()), Ok(()));
    let expired = RevocationListError::Expired { next_update: now() };
    assert_eq!(verify(later), Err(ChainError::RevocationList(expired)));
    // A fresh one beside it is enough.
    let lists = [old, list(&authority, &[], later)];
    let policy = ChainPolicy::client().with_revocation(RevocationPolicy::new(
        &lists,
        RevocationDepth::Leaf,
        UnknownStatus::Refuse,
    ));
    assert!(verify_chain(&issued.chain_der(), &trust(&root), &policy, later).is_ok());
}
