//! For each lint a document that is wrong in that point.

use super::certificate;
use super::documents::*;
use crate::der::{INTEGER, OCTET_STRING, OID, SEQUENCE, SET};
use crate::documents::Document;
use crate::lint::view::oid;

type Spoil = fn(&mut Certificate);

pub(super) fn cases() -> Vec<(&'static str, Document)> {
    let mut cases = Vec::new();
    for (good, spoils) in [
        (Certificate::leaf(), LEAF),
        (Certificate::rsa_leaf(), RSA_LEAF),
        (Certificate::ed25519_leaf(), ED25519_LEAF),
        (Certificate::svid(), SVID),
        (Certificate::spiffe_authority(), SPIFFE_AUTHORITY),
        (Certificate::authority(), AUTHORITY),
        (Certificate::root(), ROOT),
    ] {
        for (id, spoil) in spoils {
            let mut spoilt = good.clone();
            spoil(&mut spoilt);
            cases.push((*id, certificate(spoilt.der())));
        }
    }
    for (id, spoil) in LIST {
        let mut spoilt = RevocationList::good();
        spoil(&mut spoilt);
        cases.push((*id, spoilt.document()));
    }
    for (id, spoil) in REQUEST {
        let mut spoilt = Request::good();
        spoil(&mut spoilt);
        cases.push((*id, spoilt.document()));
    }
    let der = Certificate::leaf().der();
    cases.push(("malformed", certificate(der[..40].to_vec())));
    cases.push(("trailing_data", certificate([&der[..], &[0]].concat())));
    cases
}

const LEAF: &[(&str, Spoil)] = &[
    ("not_der", |leaf| leaf.serial = [&[0; 2][..], &[0x55; 10]].concat()),
    ("not_der", |leaf| leaf.set(oid::KEY_USAGE, true, &[3, 2, 7, 0x81])),
    ("not_der", |leaf| {
        let flag = [1, 1, 1];
        let parts = [
            &tlv(OID, &[oid::KEY_USAGE])[..],
            &flag,
            &tlv(OCTET_STRING, &[&key_usage(0x80)]),
        ];
        leaf.set_raw(oid::KEY_USAGE, tlv(SEQUENCE, &parts));
    }),
    ("signature_algorithm_mismatch", |leaf| {
        leaf.outer_algorithm = RSA_SHA256.to_vec()
    }),
    ("weak_signature", |leaf| leaf.set_algorithm(RSA_SHA1)),
    ("signature_parameters", |leaf| {
        leaf.set_algorithm(b"\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00");
    }),
    ("time_form", |leaf| leaf.not_after = time(0x18, "20270401000000Z")),
    ("time_malformed", |leaf| {
        leaf.not_after = time(0x18, "20270401000000.5Z")
    }),
    ("time_malformed", |leaf| leaf.not_after = time(UTC, "2704010000Z")),
    ("time_malformed", |leaf| leaf.not_after = time(UTC, "270401000000+0000")),
    ("extension_duplicate", |leaf| {
        let usage = extension(oid::KEY_USAGE, true, &key_usage(0x80));
        leaf.extensions.push((b"again".to_vec(), usage));
    }),
    ("extension_malformed", |leaf| leaf.set(oid::KEY_USAGE, true, &[5, 0])),
    ("extension_malformed", |leaf| {
        leaf.set(oid::EXTENDED_KEY_USAGE, false, &[0x30, 0])
    }),
    ("extension_malformed", |leaf| {
        leaf.set(oid::SUBJECT_ALTERNATIVE_NAME, false, &[0x30, 0])
    }),
    ("extension_malformed", |leaf| {
        leaf.set(oid::SUBJECT_KEY_IDENTIFIER, false, &[4, 0])
    }),
    ("extension_malformed", |leaf| {
        leaf.set(oid::AUTHORITY_KEY_IDENTIFIER, false, &[4, 0])
    }),
    ("extension_malformed", |leaf| {
        leaf.set(oid::BASIC_CONSTRAINTS, true, &[0x30, 2, 5, 0])
    }),
    ("extension_malformed", |leaf| {
        leaf.set(oid::NAME_CONSTRAINTS, true, &[0x30, 0])
    }),
    ("critical_unknown", |leaf| leaf.set(&[0x2b, 6, 1, 4, 1], true, &[5, 0])),
    ("issuer_empty", |leaf| leaf.issuer = name(&[])),
    ("version_not_3", |leaf| {
        leaf.version = tlv(0xa0, &[&tlv(INTEGER, &[&[1]])])
    }),
    ("version_not_3", |leaf| {
        leaf.version = Vec::new();
        leaf.extensions.clear();
    }),
    ("serial_not_positive", |leaf| leaf.serial = vec![0]),
    ("serial_not_positive", |leaf| leaf.serial = vec![0x81; 20]),
    ("serial_too_long", |leaf| leaf.serial = vec![0x55; 21]),
    ("serial_short", |leaf| leaf.serial = vec![0x55; 7]),
    ("validity_reversed", |leaf| leaf.not_after = time(UTC, "261231235959Z")),
    ("validity_long", |leaf| leaf.not_after = time(UTC, "290501000000Z")),
    ("unique_identifier", |leaf| {
        leaf.unique_identifiers = tlv(0x81, &[&[0, 1]])
    }),
    ("key_malformed", |leaf| leaf.spki = tlv(SEQUENCE, &[&[5, 0]])),
    ("ec_parameters", |leaf| {
        let parameters = [&tlv(OID, &[b"\x2a\x86\x48\xce\x3d\x02\x01"])[..], &tlv(SEQUENCE, &[])];
        leaf.spki = spki(&tlv(SEQUENCE, &parameters), &[4; 65]);
    }),
    ("dsa_key", |leaf| {
        leaf.spki = spki(
            &tlv(SEQUENCE, &[&tlv(OID, &[b"\x2a\x86\x48\xce\x38\x04\x01"])]),
            &[2, 1, 3],
        );
    }),
    // secp256k1
    ("key_unusual", |leaf| {
        let parts = [
            tlv(OID, &[b"\x2a\x86\x48\xce\x3d\x02\x01"]),
            tlv(OID, &[b"\x2b\x81\x04\x00\x0a"]),
        ];
        leaf.spki = spki(&tlv(SEQUENCE, &[&parts[0], &parts[1]]), &[4; 65]);
    }),
    ("dn_malformed", |leaf| {
        leaf.subject = tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&[5, 0]])])
    }),
    ("dn_malformed", |leaf| leaf.subject = tlv(SEQUENCE, &[&tlv(SET, &[])])),
    ("dn_string_type", |leaf| {
        leaf.subject = name(&[(3, 0x14, "api.example")])
    }),
    ("dn_string_type", |leaf| leaf.subject = name(&[(3, 0x1e, "\0a")])),
    ("dn_printable", |leaf| {
        leaf.subject = name(&[(3, PRINTABLE, "api*example")])
    }),
    ("dn_control", |leaf| leaf.subject = name(&[(10, UTF8, "a\u{7}")])),
    ("dn_empty_value", |leaf| leaf.subject = name(&[(10, UTF8, "")])),
    ("dn_too_long", |leaf| {
        leaf.subject = name(&[(10, UTF8, &"a".repeat(65))])
    }),
    ("country_form", |leaf| leaf.subject = name(&[(6, PRINTABLE, "de")])),
    ("country_form", |leaf| leaf.subject = name(&[(6, PRINTABLE, "GER")])),
    ("country_form", |leaf| leaf.subject = name(&[(6, UTF8, "DE")])),
    ("common_name_several", |leaf| {
        leaf.subject = name(&[(3, UTF8, "api.example"), (3, UTF8, "api.example")]);
    }),
    ("common_name_not_in_san", |leaf| {
        leaf.subject = name(&[(3, UTF8, "other.example")])
    }),
    ("san_missing", |leaf| leaf.remove(oid::SUBJECT_ALTERNATIVE_NAME)),
    ("san_not_critical", |leaf| leaf.subject = name(&[])),
    ("san_critical", |leaf| {
        leaf.set_critical_names(&[(0x82, b"api.example")])
    }),
    ("san_duplicate", |leaf| {
        leaf.set_names(&[(0x82, b"api.example"), (0x82, b"api.example")])
    }),
    ("name_not_ascii", |leaf| {
        leaf.set_names(&[(0x82, "größe.example".as_bytes())])
    }),
    ("dns_name_malformed", |leaf| leaf.set_names(&[(0x82, b"a..example")])),
    ("dns_name_malformed", |leaf| leaf.set_names(&[(0x82, b"-a.example")])),
    ("dns_name_malformed", |leaf| leaf.set_names(&[(0x82, b"a.example.")])),
    ("dns_name_malformed", |leaf| leaf.set_names(&[(0x82, b"a b.example")])),
    ("dns_name_underscore", |leaf| {
        leaf.set_names(&[(0x82, b"my_api.example"), (0x82, b"api.example")])
    }),
    ("dns_name_is_address", |leaf| leaf.set_names(&[(0x82, b"10.0.0.5")])),
    ("dns_wildcard", |leaf| leaf.set_names(&[(0x82, b"a*.example.com")])),
    ("dns_wildcard", |leaf| leaf.set_names(&[(0x82, b"a.*.example.com")])),
    ("dns_wildcard", |leaf| leaf.set_names(&[(0x82, b"*.example")])),
    ("uri_malformed", |leaf| leaf.set_names(&[(0x86, b"not a uri")])),
    ("uri_malformed", |leaf| leaf.set_names(&[(0x86, b"https://")])),
    ("email_malformed", |leaf| leaf.set_names(&[(0x81, b"nobody")])),
    ("ip_address_length", |leaf| leaf.set_names(&[(0x87, &[10, 0, 0])])),
    ("ip_address_length", |leaf| {
        leaf.set_names(&[(0x87, &[10, 0, 0, 0, 255, 0, 0, 0])])
    }),
    ("default_encoded", |leaf| {
        leaf.set_basic_constraints(true, &[&[1, 1, 0]])
    }),
    ("default_encoded", |leaf| {
        let parts = [
            &tlv(OID, &[oid::KEY_USAGE])[..],
            &[1, 1, 0],
            &tlv(OCTET_STRING, &[&key_usage(0x80)]),
        ];
        leaf.set_raw(oid::KEY_USAGE, tlv(SEQUENCE, &parts));
    }),
    ("path_length_without_ca", |leaf| {
        leaf.set_basic_constraints(true, &[&[2, 1, 0]])
    }),
    ("cert_sign_without_ca", |leaf| {
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x84))
    }),
    ("key_usage_not_critical", |leaf| {
        leaf.set(oid::KEY_USAGE, false, &key_usage(0x80))
    }),
    ("key_usage_empty", |leaf| leaf.set(oid::KEY_USAGE, true, &key_usage(0))),
    ("leaf_without_key_usage", |leaf| leaf.remove(oid::KEY_USAGE)),
    ("leaf_without_digital_signature", |leaf| {
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x08))
    }),
    ("ec_key_usage", |leaf| leaf.set(oid::KEY_USAGE, true, &key_usage(0xa0))),
    ("ec_key_usage", |leaf| leaf.set(oid::KEY_USAGE, true, &key_usage(0x90))),
    ("eku_missing", |leaf| leaf.remove(oid::EXTENDED_KEY_USAGE)),
    ("eku_any", |leaf| {
        leaf.set(
            oid::EXTENDED_KEY_USAGE,
            false,
            &purposes(&[oid::SERVER_AUTH, oid::ANY_EXTENDED_KEY_USAGE]),
        );
    }),
    ("leaf_without_ski", |leaf| leaf.remove(oid::SUBJECT_KEY_IDENTIFIER)),
    ("ski_critical", |leaf| {
        let id = tlv(OCTET_STRING, &[&key_id(&leaf.spki)]);
        leaf.set(oid::SUBJECT_KEY_IDENTIFIER, true, &id);
    }),
    ("ski_method", |leaf| {
        leaf.set(oid::SUBJECT_KEY_IDENTIFIER, false, &tlv(OCTET_STRING, &[&[7; 20]]))
    }),
    ("aki_missing", |leaf| leaf.remove(oid::AUTHORITY_KEY_IDENTIFIER)),
    ("aki_missing", |leaf| {
        leaf.set(
            oid::AUTHORITY_KEY_IDENTIFIER,
            false,
            &tlv(SEQUENCE, &[&tlv(0x82, &[&[1]])]),
        )
    }),
    ("aki_critical", |leaf| {
        leaf.set(
            oid::AUTHORITY_KEY_IDENTIFIER,
            true,
            &authority_key_id(&key_id(&p256(2))),
        )
    }),
    ("aki_issuer_serial", |leaf| {
        let fields = [tlv(0x80, &[&key_id(&p256(2))]), tlv(0x82, &[&[1]])].concat();
        leaf.set(oid::AUTHORITY_KEY_IDENTIFIER, false, &tlv(SEQUENCE, &[&fields]));
    }),
    ("name_constraints_on_leaf", |leaf| {
        let subtree = tlv(SEQUENCE, &[&tlv(0x82, &[b"example"])]);
        leaf.set(oid::NAME_CONSTRAINTS, true, &tlv(SEQUENCE, &[&tlv(0xa0, &[&subtree])]));
    }),
    ("aia_critical", |leaf| {
        leaf.set(oid::AUTHORITY_INFO_ACCESS, true, &[0x30, 0])
    }),
    ("no_rev_avail", |leaf| leaf.set(oid::NO_REV_AVAIL, true, &[5, 0])),
    ("no_rev_avail", |leaf| {
        leaf.set(oid::NO_REV_AVAIL, false, &[5, 0]);
        leaf.set(oid::CRL_DISTRIBUTION_POINTS, false, &[0x30, 0]);
    }),
    ("aki_not_issuer_ski", |leaf| {
        leaf.set(oid::AUTHORITY_KEY_IDENTIFIER, false, &authority_key_id(&[1; 20]))
    }),
    ("outlives_issuer", |leaf| leaf.not_after = time(0x18, "20600101000001Z")),
];

const RSA_LEAF: &[(&str, Spoil)] = &[
    ("signature_parameters", |leaf| {
        leaf.set_algorithm(RSA_SHA256_WITHOUT_NULL)
    }),
    ("key_malformed", |leaf| {
        leaf.spki = spki(b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", &[5, 0])
    }),
    ("rsa_short", |leaf| leaf.spki = rsa(128, &[1, 0, 1])),
    ("rsa_exponent", |leaf| leaf.spki = rsa(256, &[3])),
    ("rsa_key_agreement", |leaf| {
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x88))
    }),
];

const ED25519_LEAF: &[(&str, Spoil)] = &[
    ("eddsa_key_usage", |leaf| {
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x88))
    }),
    ("key_malformed", |leaf| {
        leaf.spki = spki(b"\x30\x05\x06\x03\x2b\x65\x70", &[1; 31])
    }),
];

const SVID: &[(&str, Spoil)] = &[
    ("spiffe_several_uris", |leaf| {
        leaf.set_critical_names(&[(0x86, b"spiffe://td.example/a"), (0x86, b"https://td.example/")]);
    }),
    ("spiffe_id_malformed", |leaf| {
        leaf.set_critical_names(&[(0x86, b"spiffe://TD.example/a")])
    }),
    ("spiffe_id_malformed", |leaf| {
        leaf.set_critical_names(&[(0x86, b"SPIFFE://td.example/a")])
    }),
    ("spiffe_leaf_without_path", |leaf| {
        leaf.set_critical_names(&[(0x86, b"spiffe://td.example")])
    }),
    ("spiffe_key_usage", |leaf| {
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x82))
    }),
    ("spiffe_key_usage", |leaf| {
        leaf.set(oid::KEY_USAGE, false, &key_usage(0x80))
    }),
    ("spiffe_key_usage", |leaf| leaf.remove(oid::KEY_USAGE)),
    ("spiffe_eku", |leaf| {
        leaf.set(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::CLIENT_AUTH]))
    }),
];

const SPIFFE_AUTHORITY: &[(&str, Spoil)] = &[("spiffe_authority_with_path", |authority| {
    authority.set_names(&[(0x86, b"spiffe://td.example/ca")])
})];

const AUTHORITY: &[(&str, Spoil)] = &[
    ("subject_empty", |authority| authority.subject = name(&[])),
    ("ca_not_critical", |authority| {
        authority.set_basic_constraints(false, &[&[1, 1, 0xff]])
    }),
    ("path_length_without_cert_sign", |authority| {
        authority.set(oid::KEY_USAGE, true, &key_usage(0x02))
    }),
    ("ca_without_key_usage", |authority| authority.remove(oid::KEY_USAGE)),
    ("ca_without_cert_sign", |authority| {
        authority.set(oid::KEY_USAGE, true, &key_usage(0x02))
    }),
    ("ca_without_ski", |authority| {
        authority.remove(oid::SUBJECT_KEY_IDENTIFIER)
    }),
    ("no_rev_avail", |authority| {
        authority.set(oid::NO_REV_AVAIL, false, &[5, 0])
    }),
    ("name_constraints_not_critical", |authority| {
        let subtree = tlv(SEQUENCE, &[&tlv(0x82, &[b"example"])]);
        authority.set(oid::NAME_CONSTRAINTS, false, &tlv(SEQUENCE, &[&tlv(0xa0, &[&subtree])]));
    }),
    ("name_constraints_bounds", |authority| {
        constrain(authority, 0x82, b"example", &tlv(0x80, &[&[1]]))
    }),
    ("name_constraints_dot", |authority| {
        constrain(authority, 0x82, b".example", &[])
    }),
    ("name_constraints_address", |authority| {
        constrain(authority, 0x87, &[10, 0, 0, 0], &[])
    }),
    ("name_constraints_address", |authority| {
        constrain(authority, 0x87, &[10, 0, 0, 0, 255, 0, 255, 0], &[])
    }),
    ("outlives_issuer", |authority| {
        authority.not_after = time(0x18, "20600101000001Z")
    }),
];

fn constrain(authority: &mut Certificate, tag: u8, base: &[u8], bounds: &[u8]) {
    let subtree = tlv(SEQUENCE, &[&tlv(tag, &[base]), bounds]);
    authority.set(oid::NAME_CONSTRAINTS, true, &tlv(SEQUENCE, &[&tlv(0xa1, &[&subtree])]));
}

const ROOT: &[(&str, Spoil)] = &[
    ("eku_on_root", |root| {
        root.set(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::SERVER_AUTH]))
    }),
    ("aki_not_issuer_ski", |root| {
        root.set(oid::AUTHORITY_KEY_IDENTIFIER, false, &authority_key_id(&[1; 20]))
    }),
];

type SpoilList = fn(&mut RevocationList);

const LIST: &[(&str, SpoilList)] = &[
    ("malformed", |list| list.extensions = vec![vec![5, 0]]),
    ("signature_algorithm_mismatch", |list| {
        list.inner_algorithm = RSA_SHA256.to_vec()
    }),
    ("issuer_empty", |list| list.issuer = name(&[])),
    ("time_form", |list| list.this_update = time(0x18, "20270101000000Z")),
    ("crl_version", |list| list.version = Vec::new()),
    ("crl_next_update", |list| list.next_update = Vec::new()),
    ("crl_next_update", |list| list.next_update = time(UTC, "261231000000Z")),
    ("crl_long", |list| list.next_update = time(UTC, "280201000000Z")),
    ("aki_missing", |list| drop(list.extensions.remove(0))),
    ("crl_number_missing", |list| drop(list.extensions.remove(1))),
    ("crl_number_form", |list| {
        list.extensions[1] = extension(oid::CRL_NUMBER, true, &tlv(INTEGER, &[&[7]]))
    }),
    ("crl_number_form", |list| {
        list.extensions[1] = extension(oid::CRL_NUMBER, false, &tlv(INTEGER, &[&[0x87]]))
    }),
    ("crl_number_form", |list| {
        list.extensions[1] = extension(oid::CRL_NUMBER, false, &tlv(INTEGER, &[&[7; 21]]))
    }),
    ("crl_empty_list", |list| list.entries = Some(Vec::new())),
    ("crl_duplicate_entry", |list| {
        list.entries = Some(vec![entry(&[0x11], None), entry(&[0x11], None)])
    }),
    ("crl_entry_future", |list| list.this_update = time(UTC, "261230000000Z")),
    ("crl_reason_unspecified", |list| {
        list.entries = Some(vec![entry(&[0x11], Some(reason(0)))])
    }),
    ("crl_reason_unknown", |list| {
        list.entries = Some(vec![entry(&[0x11], Some(reason(7)))])
    }),
    ("crl_reason_unknown", |list| {
        list.entries = Some(vec![entry(&[0x11], Some(reason(11)))])
    }),
    ("crl_remove_in_base", |list| {
        list.entries = Some(vec![entry(&[0x11], Some(reason(8)))])
    }),
    ("crl_reason_critical", |list| {
        let reason = extension(oid::REASON_CODE, true, &[10, 1, 1]);
        list.entries = Some(vec![entry(&[0x11], Some(reason))]);
    }),
    ("crl_scope_not_critical", |list| {
        list.extensions
            .push(extension(oid::DELTA_CRL_INDICATOR, false, &tlv(INTEGER, &[&[6]])));
    }),
    ("crl_scope_not_critical", |list| {
        list.extensions
            .push(extension(oid::ISSUING_DISTRIBUTION_POINT, false, &[0x30, 0]));
    }),
    ("aki_not_issuer_ski", |list| {
        list.extensions[0] = extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &authority_key_id(&[1; 20]));
    }),
    ("extension_duplicate", |list| {
        list.extensions.push(list.extensions[1].clone())
    }),
];

type SpoilRequest = fn(&mut Request);

const REQUEST: &[(&str, SpoilRequest)] = &[
    ("csr_version", |request| request.version = 2),
    ("csr_without_names", |request| {
        request.extensions = vec![extension(oid::KEY_USAGE, true, &key_usage(0x80))];
    }),
    ("csr_asks_for_ca", |request| {
        request.extensions.push(extension(
            oid::BASIC_CONSTRAINTS,
            true,
            &tlv(SEQUENCE, &[&[1, 1, 0xff]]),
        ));
    }),
    ("csr_challenge_password", |request| {
        let password = tlv(SET, &[&tlv(UTF8, &[b"secret"])]);
        request.other_attributes = tlv(SEQUENCE, &[&tlv(OID, &[oid::CHALLENGE_PASSWORD]), &password]);
    }),
    ("ec_key_usage", |request| {
        request
            .extensions
            .push(extension(oid::KEY_USAGE, true, &key_usage(0xa0)))
    }),
];
