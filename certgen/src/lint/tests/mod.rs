//! Every lint finds what it is for and nothing in a good document. The documents are written here byte by byte, so that
//! each can be wrong in any one point.

mod documents;
mod spoilt;

use std::collections::BTreeSet;

use documents::{Authority, Certificate, Request, RevocationList};

use super::*;
use crate::documents::parse;

fn ids(document: &Document, others: &[Document]) -> BTreeSet<&'static str> {
    lint(document, others).iter().map(|finding| finding.lint.id).collect()
}

fn certificate(der: Vec<u8>) -> Document {
    Document {
        kind: DocumentKind::Certificate,
        der,
    }
}

#[test]
fn nothing_is_found_in_good_documents() {
    let issuer = certificate(Certificate::authority().der());
    let others = [issuer.clone(), certificate(Certificate::root().der())];
    for (what, document) in [
        ("leaf", certificate(Certificate::leaf().der())),
        ("RSA leaf", certificate(Certificate::rsa_leaf().der())),
        ("Ed25519 leaf", certificate(Certificate::ed25519_leaf().der())),
        ("SVID", certificate(Certificate::svid().der())),
        ("SPIFFE authority", certificate(Certificate::spiffe_authority().der())),
        ("authority", issuer.clone()),
        ("root", certificate(Certificate::root().der())),
        ("list", RevocationList::good().document()),
        ("request", Request::good().document()),
    ] {
        assert_eq!(parse(&document.der).unwrap()[0].kind, document.kind, "{what}");
        assert_eq!(lint(&document, &others), [], "{what}");
    }
}

#[test]
fn each_lint_finds_what_it_is_for() {
    let others = [
        certificate(Certificate::authority().der()),
        certificate(Certificate::root().der()),
    ];
    // These two need another issuer: see below.
    let mut tried = BTreeSet::from(["issuer_not_ca", "issuer_without_crl_sign"]);
    for (id, document) in spoilt::cases() {
        let found = ids(&document, &others);
        assert!(found.contains(id), "{id}: found {found:?}");
        tried.insert(id);
    }
    let all: BTreeSet<&str> = LINTS.iter().map(|lint| lint.id).collect();
    assert_eq!(LINTS.len(), all.len(), "an identifier is there twice");
    let untried: Vec<_> = all.difference(&tried).collect();
    assert!(untried.is_empty(), "lints without a test: {untried:?}");
}

#[test]
fn issuers_are_looked_at_beside_what_they_issued() {
    let mut no_authority = Certificate::authority();
    no_authority.set_basic_constraints(true, &[]);
    let others = [certificate(no_authority.der())];
    let leaf = certificate(Certificate::leaf().der());
    assert_eq!(ids(&leaf, &others), BTreeSet::from(["issuer_not_ca"]));

    let mut certificates_only = Certificate::authority();
    certificates_only.set(view::oid::KEY_USAGE, true, &documents::key_usage(0x04));
    let others = [certificate(certificates_only.der())];
    assert_eq!(ids(&leaf, &others), BTreeSet::new());
    let list = RevocationList::good().document();
    assert_eq!(ids(&list, &others), BTreeSet::from(["issuer_without_crl_sign"]));

    // Of two authorities of one name the one with the key that is named counts.
    let mut namesake = Certificate::authority();
    namesake.set(
        view::oid::SUBJECT_KEY_IDENTIFIER,
        false,
        &documents::tlv(4, &[&[9; 20]]),
    );
    let both = [certificate(namesake.der()), certificate(Certificate::authority().der())];
    assert_eq!(ids(&leaf, &both), BTreeSet::new());
    assert_eq!(ids(&leaf, &both[..1]), BTreeSet::from(["aki_not_issuer_ski"]));
}

#[test]
fn one_fault_is_not_taken_for_others() {
    let others = [
        certificate(Certificate::authority().der()),
        certificate(Certificate::root().der()),
    ];
    // What follows from the fault itself.
    let companions: &[(&str, &[&str])] = &[
        ("version_not_3", &[]),
        ("serial_too_long", &[]),
        ("rsa_short", &["ski_method"]),
        ("rsa_exponent", &["ski_method"]),
        ("dns_name_underscore", &[]),
        ("key_usage_empty", &["leaf_without_digital_signature"]),
        ("crl_remove_in_base", &[]),
    ];
    for (id, companions) in companions {
        for (_, document) in spoilt::cases().into_iter().filter(|(of, _)| of == id) {
            let expected: BTreeSet<&str> = companions.iter().copied().chain([*id]).collect();
            assert_eq!(ids(&document, &others), expected, "{id}");
        }
    }
}

#[test]
fn hostile_bytes_do_no_harm() {
    let good = [
        certificate(Certificate::authority().der()),
        RevocationList::good().document(),
        Request::good().document(),
    ];
    for document in &good {
        for at in 0..document.der.len() {
            let cut = Document {
                der: document.der[..at].to_vec(),
                ..document.clone()
            };
            assert!(ids(&cut, &good).contains("malformed"), "cut at {at}");
            for bit in 0..8 {
                let mut der = document.der.clone();
                der[at] ^= 1 << bit;
                for kind in [
                    DocumentKind::Certificate,
                    DocumentKind::RevocationList,
                    DocumentKind::Request,
                ] {
                    let flipped = Document { kind, der: der.clone() };
                    let _ = (lint(&flipped, &good), name_of(&flipped));
                }
            }
        }
    }
}

#[test]
fn findings_come_worst_first_and_say_where() {
    let mut leaf = Certificate::leaf();
    leaf.not_after = documents::time(0x17, "490101000000Z");
    leaf.set_names(&[(0x82, b"bad_name.example"), (0x82, b"api.example")]);
    let found = lint(&certificate(leaf.der()), &[]);
    let severities: Vec<Severity> = found.iter().map(|finding| finding.lint.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Notice]);
    assert_eq!(found[0].detail.as_deref(), Some("dns:bad_name.example"));
}

#[test]
fn names_of_documents_cannot_steer_a_terminal() {
    let mut leaf = Certificate::leaf();
    leaf.subject = documents::name(&[(3, 0x0c, "a\u{1b}[2J\u{202e}b")]);
    let name = name_of(&certificate(leaf.der())).unwrap();
    assert_eq!(name, "CN=a\\u{1b}[2J\\u{202e}b");
    assert_eq!(Authority::NAME, "Example issuing CA");
}
