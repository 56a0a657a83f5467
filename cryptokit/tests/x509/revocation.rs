//! Revocation lists (RFC 5280 §5): what is refused, what stays revoked.

use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateKey, ChainError, ChainPolicy, CrlNumber, DistinguishedName,
    IssueError, KeyKind, LeafProfile, RevocationDepth, RevocationList, RevocationListError, RevocationListRequest,
    RevocationPolicy, RevocationReason, RevokedCertificate, UnknownStatus, verify_chain,
};
use proptest::prelude::*;
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, Issuer, KeyIdMethod,
    KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use crate::support::*;

fn week() -> OffsetDateTime {
    now() + Duration::days(7)
}

fn revoked(serial: &[u8]) -> RevokedCertificate {
    RevokedCertificate {
        serial: serial.to_vec(),
        revocation_date: now(),
        reason: RevocationReason::Superseded,
        invalidity_date: None,
    }
}

fn first(authority: &CertificateAuthority) -> RevocationList {
    authority
        .issue_revocation_list(&RevocationListRequest::first(now(), week()))
        .unwrap()
}

fn list_of(authority: &CertificateAuthority, entries: &[RevokedCertificate]) -> RevocationList {
    let mut request = RevocationListRequest::first(now(), week());
    for entry in entries {
        request.revoke(entry.clone()).unwrap();
    }
    authority.issue_revocation_list(&request).unwrap()
}

fn refusal(result: Result<RevocationList, IssueError>) -> RevocationListError {
    match result {
        Err(IssueError::RevocationList(error)) => error,
        other => panic!("another outcome: {other:?}"),
    }
}

/// A list that `rcgen` signs with the authority's key, spoilt by the caller first.
fn raw_list(
    authority: &CertificateAuthority,
    spoil: impl FnOnce(&mut CertificateRevocationListParams),
) -> RevocationList {
    let mut params = CertificateRevocationListParams {
        this_update: now(),
        next_update: week(),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::PreSpecified(
            authority.certificate().subject_key_identifier().unwrap().to_vec(),
        ),
    };
    spoil(&mut params);
    let issuer_params = raw_issuer_params(authority);
    let issuer = Issuer::from_params(&issuer_params, raw_key(authority.key()));
    RevocationList::from_der(params.signed_by(&issuer).unwrap().der()).unwrap()
}

fn scoped(scope: Option<CrlScope>) -> impl FnOnce(&mut CertificateRevocationListParams) {
    move |params| {
        params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint {
                uris: vec!["http://crl.example/1".to_owned()],
            },
            scope,
        });
    }
}

#[test]
fn refuses_the_list_of_another_authority() {
    let root = root();
    let (mine, other) = (intermediate(&root), intermediate(&root));
    let list = first(&other);
    // Both authorities have one name: the key identifier tells them apart, and without it the signature would.
    assert_eq!(
        list.verify(mine.certificate(), now()),
        Err(RevocationListError::WrongKeyIdentifier)
    );
    assert_eq!(
        list.verify(root.certificate(), now()),
        Err(RevocationListError::WrongIssuer)
    );
    let forged = raw_list(&other, |params| {
        let mine = mine.certificate().subject_key_identifier().unwrap();
        params.key_identifier_method = KeyIdMethod::PreSpecified(mine.to_vec());
    });
    assert_eq!(
        forged.verify(mine.certificate(), now()),
        Err(RevocationListError::BadSignature)
    );
    assert_eq!(list.verify(other.certificate(), now()), Ok(()));
}

#[test]
fn refuses_lists_that_are_not_current() {
    let authority = intermediate(&root());
    let list = first(&authority);
    let verify = |time| list.verify(authority.certificate(), time);
    assert_eq!(verify(week()), Ok(()), "the last second counts");
    assert_eq!(
        verify(week() + Duration::SECOND),
        Err(RevocationListError::Expired { next_update: week() })
    );
    assert_eq!(
        verify(now() - Duration::SECOND),
        Err(RevocationListError::NotYetValid { this_update: now() })
    );
}

#[test]
fn refuses_lists_from_an_issuer_that_may_not_sign_them() {
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "Certificates only");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertificateAuthority::load(raw_self_sign(&params, &key), Vec::new(), key).unwrap();
    assert_eq!(
        refusal(authority.issue_revocation_list(&RevocationListRequest::first(now(), week()))),
        RevocationListError::IssuerMayNotSign
    );
}

#[test]
fn refuses_what_it_does_not_understand() {
    let authority = intermediate(&root());
    let partitioned = raw_list(&authority, scoped(Some(CrlScope::UserCertsOnly)));
    assert!(matches!(
        partitioned.verify(authority.certificate(), now()),
        Err(RevocationListError::Unsupported { .. })
    ));
    assert!(matches!(
        RevocationListRequest::after(&partitioned, now(), week()),
        Err(RevocationListError::Unsupported { .. })
    ));
}

/// As a delta would: the base says nothing of the certificate yet.
#[test]
fn what_a_list_revokes_is_revoked_although_the_list_is_not_wholly_understood() {
    let root = root();
    let authority = intermediate(&root);
    let issued = leaf(&authority, LeafProfile::Client, &["a.example"]);
    let naming = |authority: &CertificateAuthority, serial: &[u8]| {
        raw_list(authority, |params| {
            scoped(None)(params);
            params.revoked_certs.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial),
                revocation_time: now(),
                reason_code: None,
                invalidity_date: None,
            });
        })
    };
    let verify = |lists: &[RevocationList]| {
        let policy = RevocationPolicy::new(lists, RevocationDepth::Leaf, UnknownStatus::Refuse);
        let policy = ChainPolicy::client().with_revocation(policy);
        verify_chain(&issued.chain_der(), &trust(&root), &policy, now()).map(|_| ())
    };
    let serial = issued.certificate().serial();
    let clean = first(&authority);
    assert_eq!(verify(std::slice::from_ref(&clean)), Ok(()));
    for lists in [
        [clean.clone(), naming(&authority, serial)],
        [naming(&authority, serial), clean.clone()],
    ] {
        assert!(matches!(verify(&lists), Err(ChainError::Revoked { .. })));
    }
    // Nor does anybody else's word count, or what is said of others.
    assert_eq!(verify(&[clean.clone(), naming(&intermediate(&root), serial)]), Ok(()));
    assert_eq!(verify(&[clean.clone(), naming(&authority, &[1])]), Ok(()));
    let mut forged = naming(&authority, serial).der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(verify(&[clean, RevocationList::from_der(&forged).unwrap()]), Ok(()));
}

#[test]
fn refuses_an_altered_list() {
    let authority = intermediate(&root());
    let list = list_of(&authority, &[revoked(&[0x11; 20])]);
    let mut der = list.der().to_vec();
    let at = der.windows(20).position(|window| window == [0x11; 20]).unwrap();
    der[at + 5] ^= 1;
    let altered = RevocationList::from_der(&der).unwrap();
    assert!(altered.find(&[0x11; 20]).is_none());
    assert_eq!(
        altered.verify(authority.certificate(), now()),
        Err(RevocationListError::BadSignature)
    );
}

#[test]
fn refuses_hostile_bytes_without_panic() {
    let authority = intermediate(&root());
    let der = list_of(&authority, &[revoked(&[0x11; 20]), revoked(&[0x22; 20])])
        .der()
        .to_vec();
    for length in 0..der.len() {
        assert!(RevocationList::from_der(&der[..length]).is_err(), "{length} bytes");
    }
    assert!(
        RevocationList::from_der(&[&der[..], &[0]].concat()).is_err(),
        "trailing"
    );
    assert_eq!(
        RevocationList::from_der(&vec![0; RevocationList::MAX_DER_BYTES + 1]),
        Err(RevocationListError::TooLarge {
            bytes: RevocationList::MAX_DER_BYTES + 1
        })
    );
    // A list of version 1, or of none, is read as malformed: it has neither number nor key identifier.
    let mut version_1 = der.clone();
    let at = version_1.windows(3).position(|window| window == [2, 1, 1]).unwrap();
    version_1[at + 2] = 0;
    assert_eq!(
        RevocationList::from_der(&version_1),
        Err(RevocationListError::Malformed)
    );
}

/// A list that nobody signed, with this many extensions, each under a name of its own.
fn with_extensions(count: u32) -> Vec<u8> {
    fn write(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
        let length: &[u8] = match contents.len() {
            0..=0x7f => &length[3..],
            0x80..=0xff => &[&[0x81], &length[3..]].concat(),
            _ => &[&[0x84], &length[..]].concat(),
        };
        // Three octets are shorter where they are enough.
        let length = if let [0x84, 0, rest @ ..] = length {
            if rest[0] == 0 {
                [&[0x82], &rest[1..]].concat()
            } else {
                [&[0x83], rest].concat()
            }
        } else {
            length.to_vec()
        };
        [&[tag], &length[..], contents].concat()
    }
    let extension = |index: u32| {
        let septets: Vec<u8> = (0..3)
            .rev()
            .map(|at| (index >> (7 * at)) as u8 & 0x7f | if at > 0 { 0x80 } else { 0 })
            .collect();
        let oid = write(0x06, &[&[0x2a, 0x81][..], &septets].concat());
        write(0x30, &[oid, write(0x04, &[])].concat())
    };
    let extensions: Vec<u8> = (0..count).flat_map(extension).collect();
    let algorithm = write(0x30, &write(0x06, &[0x2b, 0x65, 0x70]));
    let signed = [
        write(0x02, &[1]),
        algorithm.clone(),
        write(0x30, &[]),
        write(0x17, b"270115080000Z"),
        write(0xa0, &write(0x30, &extensions)),
    ];
    let outer = [write(0x30, &signed.concat()), algorithm, write(0x03, &[0; 65])];
    write(0x30, &outer.concat())
}

#[test]
fn a_list_of_very_many_extensions_is_refused_at_once() {
    assert!(RevocationList::from_der(&with_extensions(128)).is_ok());
    for count in [129, 300_000] {
        let read = RevocationList::from_der(&with_extensions(count));
        assert_eq!(read, Err(RevocationListError::Malformed), "{count}");
    }
}

/// RUSTSEC-2026-0104: an empty BIT STRING as onlySomeReasons made a verifier index past its end, before any signature
/// was looked at.
#[test]
fn an_empty_bit_string_of_reasons_does_not_panic() {
    let authority = intermediate(&root());
    let list = raw_list(&authority, scoped(None));
    let mut der = list.der().to_vec();
    // issuingDistributionPoint with [0] (a distribution point) made into [3] (onlySomeReasons), then emptied.
    let idp = der.windows(3).position(|window| window == [0x55, 0x1d, 28]).unwrap();
    let at = idp + der[idp..].iter().position(|byte| *byte == 0xa0).unwrap();
    der[at] = 0x83;
    let read = RevocationList::from_der(&der).unwrap();
    assert!(read.verify(authority.certificate(), now()).is_err());
    der[at + 1] = 0;
    assert!(RevocationList::from_der(&der).is_err());
}

#[test]
fn trap_10_the_key_identifier_of_a_list_is_the_issuers_own() {
    // An authority whose key identifier is not what this crate computes, as one that was imported has.
    let key = CertificateKey::generate(KeyKind::P256).unwrap();
    let mut params = raw_authority_params(&key, "Imported");
    params.key_identifier_method = KeyIdMethod::PreSpecified(b"of its own".to_vec());
    let authority = CertificateAuthority::load(raw_self_sign(&params, &key), Vec::new(), key).unwrap();
    let list = first(&authority);
    assert_eq!(list.authority_key_identifier(), Some(&b"of its own"[..]));
    assert_eq!(list.verify(authority.certificate(), now()), Ok(()));
}

#[test]
fn numbers_only_grow() {
    let authority = intermediate(&root());
    let one = first(&authority);
    assert_eq!(one.number(), Some(CrlNumber::from(1)));
    let after = || RevocationListRequest::after(&one, now(), week()).unwrap();
    assert_eq!(after().number(), CrlNumber::from(2));
    for low in [0, 1] {
        assert!(matches!(
            after().with_number(CrlNumber::from(low)),
            Err(RevocationListError::Number)
        ));
    }
    let hundred = authority
        .issue_revocation_list(&after().with_number(CrlNumber::from(100)).unwrap())
        .unwrap();
    assert_eq!(hundred.number(), Some(CrlNumber::from(100)));
    assert_eq!(
        CrlNumber::from(u64::MAX).next().unwrap().to_string(),
        "0x010000000000000000"
    );
}

#[test]
fn what_was_revoked_stays_revoked() {
    let authority = intermediate(&root());
    let one = list_of(&authority, &[revoked(&[0x33; 20]), revoked(&[0x11; 20])]);
    let mut request = RevocationListRequest::after(&one, now() + Duration::days(1), week()).unwrap();
    let twice = request.revoke(revoked(&[0x11; 20]));
    assert!(matches!(twice, Err(RevocationListError::AlreadyRevoked { .. })));
    request.revoke(revoked(&[0x22; 20])).unwrap();
    let two = authority.issue_revocation_list(&request).unwrap();
    let serials: Vec<_> = two.revoked().iter().map(|entry| entry.serial[0]).collect();
    assert_eq!(serials, [0x11, 0x22, 0x33]);
    assert_eq!(two.find(&[0x22; 20]), Some(&revoked(&[0x22; 20])));
    assert_eq!(two.find(&[0x44; 20]), None);
}

#[test]
fn an_entry_leaves_the_list_for_a_reason_only() {
    let authority = intermediate(&root());
    let on_hold = RevokedCertificate {
        reason: RevocationReason::CertificateHold,
        ..revoked(&[0x22; 20])
    };
    let one = list_of(&authority, &[revoked(&[0x11; 20]), on_hold.clone()]);
    let later = now() + Duration::days(2);
    let request = || RevocationListRequest::after(&one, later, week()).unwrap();

    // RFC 5280 §3.3: on one list that was made after the certificate expired. This one expired in between.
    assert!(matches!(
        request().remove(&[0x11; 20], now() + Duration::days(1)),
        Err(RevocationListError::MustStay { .. })
    ));
    assert!(request().remove(&[0x11; 20], now() - Duration::SECOND).is_ok());
    assert!(matches!(
        request().remove(&[0x99; 20], now()),
        Err(RevocationListError::NotRevoked { .. })
    ));
    // RFC 5280 §5.3.1: a hold is released, or made final.
    assert_eq!(request().remove(&[0x22; 20], week()), Ok(on_hold));
    let mut made_final = request();
    made_final.revoke(revoked(&[0x22; 20])).unwrap();
    assert_eq!(made_final.entries().len(), 2);
    assert!(matches!(
        made_final.remove(&[0x22; 20], week()),
        Err(RevocationListError::MustStay { .. })
    ));
}

#[test]
fn refuses_times_and_serials_that_make_no_sense() {
    let authority = intermediate(&root());
    for (this, next) in [(now(), now()), (week(), now())] {
        assert_eq!(
            refusal(authority.issue_revocation_list(&RevocationListRequest::first(this, next))),
            RevocationListError::Times
        );
    }
    let one = authority
        .issue_revocation_list(&RevocationListRequest::first(now() + Duration::HOUR, week()))
        .unwrap();
    let earlier = RevocationListRequest::after(&one, now(), week()).unwrap();
    assert_eq!(
        refusal(authority.issue_revocation_list(&earlier)),
        RevocationListError::Times
    );
    let late = authority.certificate().not_after() + Duration::SECOND;
    assert!(matches!(
        authority.issue_revocation_list(&RevocationListRequest::first(late, late + Duration::DAY)),
        Err(IssueError::IssuerNotValid { .. })
    ));

    let mut request = RevocationListRequest::first(now(), week());
    for serial in [&[][..], &[0x80], &[0, 1], &[1; 21]] {
        let refused = request.revoke(revoked(serial));
        assert!(
            matches!(refused, Err(RevocationListError::Serial { .. })),
            "{serial:02x?}"
        );
    }
    // Fractions are dropped from both before they are compared.
    let mut fractions = RevocationListRequest::first(now() + Duration::milliseconds(500), week());
    let within_the_second = RevokedCertificate {
        revocation_date: now() + Duration::milliseconds(900),
        ..revoked(&[1])
    };
    assert_eq!(fractions.revoke(within_the_second), Ok(()));
    let future = RevokedCertificate {
        revocation_date: now() + Duration::SECOND,
        ..revoked(&[1])
    };
    assert!(matches!(
        request.revoke(future),
        Err(RevocationListError::FutureRevocation { .. })
    ));
}

#[test]
fn refuses_to_continue_the_list_of_another_authority() {
    let root = root();
    let (mine, other) = (intermediate(&root), intermediate(&root));
    let request = RevocationListRequest::after(&first(&other), now(), week()).unwrap();
    assert_eq!(
        refusal(mine.issue_revocation_list(&request)),
        RevocationListError::WrongKeyIdentifier
    );
}

#[test]
fn a_certificate_is_found_by_the_serial_it_has() {
    let authority = intermediate(&root());
    let certificate: Certificate = leaf(&authority, LeafProfile::Client, &["a.example"])
        .certificate()
        .clone();
    let entry = RevokedCertificate {
        reason: RevocationReason::KeyCompromise,
        invalidity_date: Some(now() - Duration::days(3)),
        ..revoked(certificate.serial())
    };
    let list = list_of(&authority, &[entry.clone(), revoked(&[0x00, 0x80]), revoked(&[1])]);
    assert_eq!(list.find(certificate.serial()), Some(&entry));
    let again = RevocationList::from_pem(list.to_pem().as_bytes()).unwrap();
    assert_eq!(again, list);
    assert_eq!(again.revoked(), list.revoked());
}

#[test]
fn lists_have_a_pem_form_of_their_own() {
    let authority = intermediate(&root());
    let list = first(&authority);
    let pem = list.to_pem();
    assert!(pem.starts_with("-----BEGIN X509 CRL-----\n"));
    assert!(RevocationList::from_pem(pem.repeat(2).as_bytes()).is_err(), "two lists");
    let several = RevocationList::several_from_pem(pem.repeat(2).as_bytes());
    assert_eq!(several.as_deref(), Ok(&[list.clone(), list.clone()][..]));
    let certificate = cryptokit::x509::certificate_to_pem(authority.certificate().der());
    assert!(RevocationList::from_pem(certificate.as_bytes()).is_err());
    for bad in [
        String::new(),
        certificate.clone(),
        format!("{pem}{certificate}"),
        format!("{pem}and so on\n"),
    ] {
        assert!(RevocationList::several_from_pem(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(list.revoked().is_empty());
}

#[test]
fn a_root_signs_lists_as_well() {
    let root = CertificateAuthority::new_root(&DistinguishedName::new("Root").unwrap(), now()).unwrap();
    assert_eq!(first(&root).verify(root.certificate(), now()), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The codec keeps every entry: serial numbers of all lengths, all reasons, with and without a date.
    #[test]
    fn what_is_written_is_read(entries in proptest::collection::btree_map(
        proptest::collection::vec(any::<u8>(), 1..20), (0..9_usize, 0..100_000_i64, any::<bool>()), 0..12,
    )) {
        let entries: Vec<_> = entries.into_iter().map(|(mut serial, (reason, ago, dated))| {
            serial.insert(0, 0x01);
            RevokedCertificate {
                serial,
                revocation_date: now() - Duration::seconds(ago),
                reason: RevocationReason::ALL[reason],
                invalidity_date: dated.then(|| now() - Duration::seconds(2 * ago)),
            }
        }).collect();
        thread_local!(static AUTHORITY: CertificateAuthority = intermediate(&root()));
        let list = AUTHORITY.with(|authority| list_of(authority, &entries));
        prop_assert_eq!(list.revoked(), entries.as_slice());
        for entry in &entries {
            prop_assert_eq!(list.find(&entry.serial), Some(entry));
        }
    }

    #[test]
    fn numbers_are_ordered_like_what_they_are(one in any::<u64>(), other in any::<u64>()) {
        prop_assert_eq!(CrlNumber::from(one).cmp(&CrlNumber::from(other)), one.cmp(&other));
        prop_assert_eq!(CrlNumber::from(one).to_string(), one.to_string());
        prop_assert!(CrlNumber::from(one).next() > Some(CrlNumber::from(one)));
    }
}
