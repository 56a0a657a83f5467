//! A home as a value: what a fresh one is, and what becomes of one when a plan is carried out.

use std::collections::{BTreeMap, BTreeSet};

use certgen::apply::manifest::{Manifest, WantedService};
use certgen::apply::plan::{Action, KeyChoice, Plan, Step};
use certgen::apply::state::{AuthorityState, CertificateFile, IssuedState, KeyFile, ListState, ServiceState, State};
use certgen::apply::{PlanOptions, plan};
use cryptokit::x509::{KeyKind, NameConstraints};
use time::{Duration, OffsetDateTime};

/// 2027-01-15.
pub(crate) fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

pub(crate) fn manifest(rest: &str) -> Manifest {
    let text = format!("version = 1\n[authority]\nname = \"acme\"\n{rest}");
    Manifest::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a plan makes of nothing.
pub(crate) fn made(manifest: &Manifest, now: OffsetDateTime) -> State {
    let plan = plan(manifest, None, PlanOptions::default(), now);
    let root = authority(
        "root",
        &manifest.authority.name,
        manifest.authority.key,
        now + manifest.authority.lifetime,
    );
    let mut state = State {
        root: AuthorityState {
            constraints: manifest.authority.constraints.clone(),
            trust_domain: manifest.authority.trust_domain.clone(),
            ..root
        },
        issuing: BTreeMap::new(),
        former: BTreeMap::new(),
        revoked_authorities: Vec::new(),
        issued: Vec::new(),
        services: BTreeMap::new(),
        lists: BTreeMap::new(),
    };
    carry_out(&mut state, manifest, &plan, now);
    state
}

/// Does what the plan says, as `apply` does it to files.
pub(crate) fn carry_out(state: &mut State, manifest: &Manifest, plan: &Plan, now: OffsetDateTime) {
    assert!(plan.refusals.is_empty(), "{plan:?}");
    for step in &plan.steps {
        assert!(!step.reasons.is_empty(), "{step:?}");
        carry_out_step(state, manifest, step, now);
    }
}

fn carry_out_step(state: &mut State, manifest: &Manifest, step: &Step, now: OffsetDateTime) {
    let name = &step.subject;
    match &step.action {
        Action::MakeHome => {}
        Action::MakeIssuing => {
            let wanted = manifest.issuing.iter().find(|issuing| issuing.name == *name).unwrap();
            let end = (now + wanted.lifetime).min(state.root.not_after);
            state
                .issuing
                .insert(name.clone(), authority(name, &manifest.authority.name, wanted.key, end));
        }
        Action::Issue { key, .. } => {
            let wanted = manifest.services.iter().find(|service| service.name == *name).unwrap();
            issue(state, wanted, *key, now);
        }
        Action::Rewrite => {
            let files = state.services.get_mut(name).unwrap();
            let newest = state
                .issued
                .iter()
                .rfind(|issued| issued.service.as_ref() == Some(name))
                .unwrap();
            assert!(
                files.spare.as_ref() == Some(&newest.serial) || files.certificate == ours(&newest.serial),
                "nothing to write again: {files:?}"
            );
            files.certificate = ours(&newest.serial);
            files.spare = Some(newest.serial.clone());
            files.stale.clear();
        }
        Action::Revoke { serial, reason } => {
            let issued = state.issued.iter_mut().find(|issued| issued.serial == *serial).unwrap();
            assert_eq!(issued.revoked, None);
            issued.revoked = Some(reason.name().to_owned());
        }
        Action::Publish => {
            let authority = state.issuing.get(name).unwrap_or(&state.root);
            let (key_id, end) = (&authority.key_id, authority.not_after);
            assert!(end >= now && authority.key_is_here);
            let revoked = state
                .issued
                .iter()
                .filter(|issued| issued.issuer_key_id == *key_id && issued.revoked.is_some());
            let wanted = manifest.crl.unwrap_or_default();
            let lifetime = if name == "root" {
                wanted.root_lifetime
            } else {
                wanted.lifetime
            };
            let list = ListState {
                in_place: true,
                this_update: now,
                next_update: (now + lifetime).min(end),
                revoked: revoked.map(|issued| issued.serial.clone()).collect(),
            };
            state.lists.insert(name.clone(), list);
        }
        other => panic!("{other:?}"),
    }
}

fn issue(state: &mut State, wanted: &WantedService, key: KeyChoice, now: OffsetDateTime) {
    let issuer = &state.issuing[&wanted.issuer];
    assert!(issuer.not_after >= now);
    let newest = state
        .issued
        .iter()
        .rfind(|issued| issued.service.as_ref() == Some(&wanted.name));
    let serial = format!("{:040x}", state.issued.len() + 1);
    let spki_sha256 = match (key, newest) {
        (KeyChoice::Keep, newest) => newest.unwrap().spki_sha256.clone(),
        (KeyChoice::New, _) => format!("key {serial}"),
    };
    if key == KeyChoice::Keep {
        let there = &state.services[&wanted.name].key;
        assert!(
            *there == KeyFile::Encrypted
                || *there
                    == KeyFile::Key {
                        spki_sha256: spki_sha256.clone()
                    },
            "{there:?}"
        );
    }
    let files = ServiceState {
        certificate: ours(&serial),
        key: match state.services.get(&wanted.name) {
            Some(files) if key == KeyChoice::Keep => files.key.clone(),
            _ => KeyFile::Key {
                spki_sha256: spki_sha256.clone(),
            },
        },
        spare: Some(serial.clone()),
        stale: Vec::new(),
    };
    state.issued.push(IssuedState {
        serial,
        service: Some(wanted.name.clone()),
        issuer: wanted.issuer.clone(),
        issuer_key_id: issuer.key_id.clone(),
        profile: wanted.profile.name().to_owned(),
        names: wanted.names.iter().map(ToString::to_string).collect::<BTreeSet<_>>(),
        key: key_text(wanted.key.unwrap_or_default()),
        spki_sha256,
        not_before: now - Duration::minutes(5),
        not_after: (now + wanted.lifetime).min(issuer.not_after),
        lifetime: wanted.lifetime,
        revoked: None,
    });
    state.services.insert(wanted.name.clone(), files);
}

pub(crate) fn ours(serial: &str) -> CertificateFile {
    CertificateFile::Ours {
        serial: serial.to_owned(),
    }
}

fn authority(name: &str, of: &str, key: KeyKind, not_after: OffsetDateTime) -> AuthorityState {
    AuthorityState {
        key_id: format!("key id of {name}"),
        subject: format!("CN={of} {name} CA 0a1b2c3d"),
        key: key_text(key),
        constraints: NameConstraints::default(),
        trust_domain: None,
        not_after,
        is_revoked: false,
        key_is_here: true,
    }
}

fn key_text(kind: KeyKind) -> String {
    match kind {
        KeyKind::P256 => "ECDSA P-256".to_owned(),
        KeyKind::P384 => "ECDSA P-384".to_owned(),
        KeyKind::Ed25519 => "Ed25519".to_owned(),
        KeyKind::Rsa(size) => format!("RSA {}", size.bits()),
        other => format!("{other:?}"),
    }
}
