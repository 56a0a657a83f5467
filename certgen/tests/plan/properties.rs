//! What holds of every plan: carried out it leaves nothing to do, and it names no more than the manifest does.

use certgen::apply::plan::{Action, Plan};
use certgen::apply::state::{CertificateFile, KeyFile, ServiceState, State};
use certgen::apply::{PlanOptions, plan};
use proptest::prelude::*;
use time::Duration;

use crate::simulation::{carry_out, made, manifest, ours, start};

/// A few services with everything that a service can have, so that two draws often share some.
fn services() -> impl Strategy<Value = String> {
    let service = (
        0_usize..4,
        prop::collection::btree_set(0_usize..5, 1..4),
        prop::sample::select(vec!["server", "client", "peer"]),
        prop::sample::select(vec!["p256", "p384", "ed25519"]),
        prop::sample::select(vec!["7d", "30d", "90d"]),
        prop::sample::select(vec!["2/3", "75%", "6d", "1%"]),
        any::<(bool, bool)>(),
    );
    let service = service.prop_map(|(name, names, profile, key, lifetime, renew, (rotate, is_edge))| {
        let names: Vec<_> = names.iter().map(|name| format!("\"n{name}.example\"")).collect();
        let issuer = if is_edge { "edge" } else { "intermediate" };
        let text = format!(
            "[services.s{name}]\nnames = [{}]\nprofile = \"{profile}\"\nkey = \"{key}\"\nlifetime = \"{lifetime}\"\n\
             renew = \"{renew}\"\nrotate_key = {rotate}\nissuer = \"{issuer}\"\n",
            names.join(",")
        );
        (name, text)
    });
    let crl = prop::sample::select(vec!["", "[crl]\n", "[crl]\nlifetime = \"7d\"\nrenew = \"1d\"\n"]);
    (prop::collection::vec(service, 0..5), crl).prop_map(|(services, crl)| {
        let services: std::collections::BTreeMap<_, _> = services.into_iter().collect();
        let services: String = services.into_values().collect();
        format!("[issuing.edge]\nlifetime = \"100d\"\n{services}{crl}")
    })
}

/// What befalls a home between two runs.
#[derive(Clone, Debug)]
enum Event {
    Days(i64),
    Files(usize, ServiceState),
    Revoked(usize, &'static str),
    Rotated,
}

fn event() -> impl Strategy<Value = Event> {
    let key = prop_oneof![
        Just(KeyFile::Missing),
        Just(KeyFile::Encrypted),
        Just(KeyFile::Key {
            spki_sha256: format!("key {:040x}", 1)
        }),
        Just(KeyFile::Key {
            spki_sha256: "unknown".to_owned()
        }),
        Just(KeyFile::Unusable { why: "mode".to_owned() }),
    ];
    let certificate = prop_oneof![
        Just(CertificateFile::Missing),
        Just(CertificateFile::Damaged),
        Just(ours(&format!("{:040x}", 1))),
        Just(CertificateFile::Foreign {
            issuer: "CN=x".to_owned()
        }),
    ];
    let stale = prop::collection::vec(prop::sample::select(vec!["chain.pem", "ca.pem"]), 0..2);
    let files = (key, certificate, any::<bool>(), stale).prop_map(|(key, certificate, spare, stale)| ServiceState {
        certificate,
        key,
        spare: spare.then(|| format!("{:040x}", 1)),
        stale,
    });
    prop_oneof![
        (0_i64..120).prop_map(Event::Days),
        (0_usize..4, files).prop_map(|(service, files)| Event::Files(service, files)),
        (
            0_usize..8,
            prop::sample::select(vec!["keyCompromise", "superseded", "certificateHold"])
        )
            .prop_map(|(issued, reason)| Event::Revoked(issued, reason)),
        Just(Event::Rotated),
    ]
}

fn befall(state: &mut State, event: &Event, now: &mut time::OffsetDateTime) {
    match event {
        Event::Days(days) => *now += Duration::days(*days),
        Event::Files(service, files) => {
            // A key that was known once is the key of that service only.
            let name = format!("s{service}");
            let is_ours = state
                .issued
                .first()
                .is_some_and(|first| first.service.as_ref() == Some(&name));
            let mut files = files.clone();
            if !is_ours && matches!(files.certificate, CertificateFile::Ours { .. }) {
                files.certificate = CertificateFile::Missing;
            }
            if !is_ours {
                files.spare = None;
            }
            state.services.insert(name, files);
        }
        Event::Revoked(issued, reason) => {
            if let Some(issued) = state.issued.get_mut(*issued)
                && issued.revoked.is_none()
            {
                issued.revoked = Some((*reason).to_owned());
            }
        }
        Event::Rotated => {
            let end = state.root.not_after;
            let edge = state.issuing.get_mut("edge").unwrap();
            edge.key_id.push('\'');
            edge.not_after = end.min(*now + Duration::days(100));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_home_made_by_a_plan_agrees_at_once(text in services()) {
        let manifest = manifest(&text);
        let state = made(&manifest, start());
        let again = plan(&manifest, Some(&state), PlanOptions::default(), start());
        prop_assert!(again.agrees(), "{again:?}");
    }

    #[test]
    fn a_plan_carried_out_leaves_nothing_to_do(
        (before, after) in (services(), services()),
        events in prop::collection::vec(event(), 0..6),
        (prune, force) in any::<(bool, bool)>(),
    ) {
        let (before, after) = (manifest(&before), manifest(&after));
        let mut state = made(&before, start());
        let mut now = start();
        for event in &events {
            befall(&mut state, event, &mut now);
        }
        let options = PlanOptions { prune, force };
        let first = plan(&after, Some(&state), options, now);
        check_form(&first, &after);
        if !first.refusals.is_empty() {
            prop_assert!(!first.agrees());
            return Ok(());
        }
        carry_out(&mut state, &after, &first, now);
        let second = plan(&after, Some(&state), options, now);
        prop_assert!(second.agrees(), "{first:#?}\n{second:#?}");
    }

    #[test]
    fn without_refusals_only_services_of_the_manifest_get_certificates_and_prune_alone_takes_more(
        (before, after) in (services(), services()),
    ) {
        let (before, after) = (manifest(&before), manifest(&after));
        let state = made(&before, start());
        let kept = plan(&after, Some(&state), PlanOptions::default(), start());
        prop_assert!(kept.refusals.is_empty());
        let revokes = kept.steps.iter().any(|step| matches!(step.action, Action::Revoke { .. }));
        prop_assert!(!revokes);
        for note in &kept.notes {
            prop_assert!(!kept.unchanged.contains(&note.subject));
        }
    }
}

fn check_form(plan: &Plan, manifest: &certgen::apply::manifest::Manifest) {
    for step in &plan.steps {
        assert!(!step.reasons.is_empty(), "{step:?}");
        if matches!(step.action, Action::Issue { .. } | Action::Rewrite) {
            assert!(
                manifest.services.iter().any(|service| service.name == step.subject),
                "{step:?}"
            );
            let steps = plan.steps.iter().filter(|other| other.subject == step.subject);
            let issued = steps.filter(|other| matches!(other.action, Action::Issue { .. } | Action::Rewrite));
            assert_eq!(issued.count(), 1, "{step:?}");
            assert!(!plan.unchanged.contains(&step.subject), "{step:?}");
        }
    }
    // Authorities are made first, lists signed last.
    let rank = |action: &Action| match action {
        Action::MakeHome => 0,
        Action::MakeIssuing => 1,
        Action::Issue { .. } | Action::Rewrite => 2,
        Action::Revoke { .. } => 3,
        _ => 4,
    };
    assert!(plan.steps.is_sorted_by_key(|step| rank(&step.action)), "{plan:?}");
}
