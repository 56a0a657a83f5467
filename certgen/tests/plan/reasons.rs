//! One change at a time: what is done about it, and what is said.

use certgen::apply::plan::{Action, Plan, Step};
use certgen::apply::state::{AuthorityState, CertificateFile, KeyFile, RevokedAuthority, ServiceState, State};
use certgen::apply::{PlanOptions, plan};
use time::{Duration, OffsetDateTime};

use crate::simulation::{carry_out, made, manifest, ours, start};

const SERVICES: &str = "[services.api]\nnames = [\"a.example\", \"b.example\"]\n[services.worker]\n";

fn planned(rest: &str, state: &State, now: OffsetDateTime) -> Plan {
    plan(&manifest(rest), Some(state), PlanOptions::default(), now)
}

/// Every step as `subject: verb, reasons`.
fn steps(plan: &Plan) -> Vec<String> {
    let reasons = |step: &Step| {
        let reasons: Vec<_> = step.reasons.iter().map(ToString::to_string).collect();
        reasons.join(", ")
    };
    plan.steps
        .iter()
        .map(|step| format!("{}: {}, {}", step.subject, step.verb(), reasons(step)))
        .collect()
}

fn refusals(plan: &Plan) -> Vec<String> {
    plan.refusals.iter().map(ToString::to_string).collect()
}

fn notes(plan: &Plan) -> Vec<String> {
    plan.notes
        .iter()
        .map(|note| format!("{}: {}", note.subject, note.text))
        .collect()
}

/// A home that agrees with [`SERVICES`], made at [`start`], with `api`'s files as given.
fn with_files(change: impl FnOnce(&mut ServiceState)) -> State {
    let mut state = made(&manifest(SERVICES), start());
    change(state.services.get_mut("api").unwrap());
    state
}

#[test]
fn nothing_becomes_a_home() {
    let manifest = manifest(&format!("{SERVICES}[issuing.edge]\n[crl]\n"));
    let plan = plan(&manifest, None, PlanOptions::default(), start());
    assert_eq!(
        steps(&plan),
        [
            "root: make, new",
            "intermediate: make, new",
            "edge: make, new",
            "api: issue, new",
            "worker: issue, new",
            "root: publish revocation list, none yet",
            "intermediate: publish revocation list, none yet",
            "edge: publish revocation list, none yet",
        ]
    );
}

#[test]
fn what_agrees_is_left_alone() {
    let plan = planned(SERVICES, &made(&manifest(SERVICES), start()), start());
    assert!(plan.agrees() && plan.notes.is_empty());
    assert_eq!(plan.unchanged, ["root", "intermediate", "api", "worker"]);
}

#[test]
fn each_change_of_the_manifest_has_its_reason() {
    let state = made(&manifest(SERVICES), start());
    for (api, expected) in [
        (
            "names = [\"a.example\", \"b.example\", \"10.0.0.1\"]",
            "reissue, name added ip:10.0.0.1",
        ),
        ("names = [\"b.example\", \"a.example\"]", ""),
        ("names = [\"B.example\", \"dns:a.example\"]", ""),
        ("names = [\"a.example\"]", "reissue, name removed dns:b.example"),
        (
            "names = [\"c.example\", \"b.example\"]",
            "reissue, name added dns:c.example, name removed dns:a.example",
        ),
        ("profile = \"server\"", "reissue, profile changed from peer to server"),
        (
            "key = \"ed25519\"",
            "reissue with a new key, key changed from ECDSA P-256 to Ed25519",
        ),
        (
            "key = \"rsa-3072\"",
            "reissue with a new key, key changed from ECDSA P-256 to RSA 3072",
        ),
        (
            "lifetime = \"30d\"",
            "reissue, lifetime changed from 90 days to 30 days",
        ),
        ("renew = \"10d\"", ""),
        ("rotate_key = true", ""),
    ] {
        let names = if api.starts_with("names") {
            ""
        } else {
            "names = [\"a.example\", \"b.example\"]\n"
        };
        let plan = planned(
            &format!("[services.api]\n{names}{api}\n[services.worker]\n"),
            &state,
            start(),
        );
        let expected: Vec<_> = (!expected.is_empty())
            .then(|| format!("api: {expected}"))
            .into_iter()
            .collect();
        assert_eq!(steps(&plan), expected, "{api}");
    }
}

#[test]
fn what_is_taken_away_is_said_to_be_still_accepted() {
    let state = made(&manifest(SERVICES), start());
    let plan = planned(
        "[services.api]\nnames = [\"a.example\"]\nprofile = \"server\"\n[services.worker]\n",
        &state,
        start(),
    );
    let serial = &state.issued[0].serial;
    assert_eq!(
        notes(&plan),
        [format!(
            "api: the certificate before, {serial}, is good for dns:b.example, the profile peer until 2027-04-15; to end \
             that, put its serial under `revoked`"
        )]
    );
    let revoked =
        format!("[services.api]\nnames = [\"a.example\"]\n[services.worker]\n[[revoked]]\nserial = \"{serial}\"\n");
    let plan = planned(&revoked, &state, start());
    assert!(plan.notes.is_empty());
    assert_eq!(plan.steps.len(), 3, "{:?}", steps(&plan));
}

#[test]
fn a_certificate_is_renewed_in_its_last_third_and_not_before() {
    let state = made(&manifest(SERVICES), start());
    for (days, expected) in [
        (0, ""),
        (59, ""),
        (60, "renew, 30 days left"),
        (89, "renew, 24 hours left"),
        (91, "renew, expired 24 hours ago"),
    ] {
        let plan = planned(SERVICES, &state, start() + Duration::days(days));
        let expected: Vec<_> = (!expected.is_empty())
            .then(|| ["api", "worker"].map(|name| format!("{name}: {expected}")))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(steps(&plan), expected, "{days}");
    }
    let rotating =
        "[defaults]\nrotate_key = true\nrenew = \"2d\"\n[services.api]\nnames = [\"a.example\", \"b.example\"]\n";
    let plan = planned(rotating, &state, start() + Duration::days(88));
    assert_eq!(steps(&plan), ["api: renew with a new key, 2 days left"]);
}

#[test]
fn a_renewal_that_gains_nothing_is_not_made() {
    let mut state = made(&manifest(SERVICES), start());
    let end = start() + Duration::days(40);
    state.issuing.get_mut("intermediate").unwrap().not_after = end;
    let now = start() + Duration::days(30);
    let first = planned(SERVICES, &state, now);
    assert!(
        first.steps.is_empty(),
        "90 days from the start is further than the issuer lives"
    );

    for issued in &mut state.issued {
        issued.not_after = end;
    }
    let plan = planned(SERVICES, &state, now);
    assert!(plan.agrees());
    assert_eq!(
        notes(&plan)[0],
        "api: 10 days left, and a new certificate would not live longer: `intermediate` ends then (certgen rotate-ca)"
    );
    let expired = planned(SERVICES, &state, end + Duration::days(1));
    assert_eq!(refusals(&expired)[0], "api: its issuer `intermediate` has expired");
}

#[test]
fn what_needs_another_root_is_refused_with_each_difference() {
    let state = made(&manifest(SERVICES), start());
    let text = format!(
        "country = \"DE\"\nkey = \"p384\"\npermit = [\"dns:example\", \"dns:worker\"]\ntrust_domain = \"td.example\"\n\
         [issuing.intermediate]\nkey = \"ed25519\"\n{SERVICES}"
    );
    let plan = planned(&text, &state, start());
    assert!(!plan.agrees());
    assert_eq!(
        refusals(&plan),
        [
            "root: its subject is CN=acme root CA 0a1b2c3d, and the manifest wants C=DE, CN=acme root CA …: that is another authority",
            "root: its key is ECDSA P-256, and the manifest wants ECDSA P-384: that is another authority",
            "root: its name constraints are none, and the manifest wants permit dns:example, permit dns:worker, exclude ip:0.0.0.0/0, exclude ip:::/0: that is another authority",
            "root: its trust domain is none, and the manifest wants td.example: that is another authority",
            "intermediate: its key is ECDSA P-256, and the manifest wants Ed25519: that is another authority",
        ]
    );
    assert!(plan.refusals[0].hint().contains("certgen rotate-ca"));
}

#[test]
fn another_issuer_reissues_and_so_does_one_whose_key_is_another() {
    let state = made(&manifest(SERVICES), start());
    let moved = "[issuing.edge]\n[services.api]\nnames = [\"a.example\", \"b.example\"]\nissuer = \"edge\"\n[services.worker]\n";
    let plan = planned(moved, &state, start());
    assert_eq!(
        steps(&plan),
        [
            "edge: make, new",
            "api: reissue, issuer changed from intermediate to edge"
        ]
    );

    let mut rotated = state;
    rotated.issuing.get_mut("intermediate").unwrap().key_id = "another".to_owned();
    let plan = planned(SERVICES, &rotated, start());
    assert_eq!(
        steps(&plan)[0],
        "api: reissue, its issuer `intermediate` has another key now"
    );
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn services_and_authorities_that_the_manifest_does_not_have_are_left_alone_unless_pruned() {
    let state = made(&manifest(&format!("{SERVICES}[issuing.edge]\n")), start());
    let only_api = "[services.api]\nnames = [\"a.example\", \"b.example\"]\n";
    let left = planned(only_api, &state, start());
    assert!(left.agrees());
    assert_eq!(
        notes(&left),
        [
            "edge: not in the manifest; left as it is",
            "worker: not in the manifest; left as it is (--prune revokes its certificates)",
        ]
    );
    let options = PlanOptions {
        prune: true,
        force: false,
    };
    let pruned = plan(&manifest(only_api), Some(&state), options, start());
    assert_eq!(
        steps(&pruned),
        [
            "worker: revoke, not in the manifest",
            "intermediate: publish revocation list, none yet"
        ]
    );
    let mut state = state;
    carry_out(&mut state, &manifest(only_api), &pruned, start());
    assert!(plan(&manifest(only_api), Some(&state), options, start()).agrees());
    assert_eq!(
        planned(only_api, &state, start()).notes.len(),
        1,
        "what is revoked is not spoken of again"
    );
    let back = planned(SERVICES, &state, start());
    assert_eq!(
        steps(&back),
        ["worker: reissue with a new key, its certificate is revoked (cessationOfOperation)"]
    );
}

#[test]
fn what_is_listed_is_revoked_once() {
    let mut state = made(&manifest(SERVICES), start());
    let listed = "[services.api]\nnames = [\"a.example\", \"b.example\"]\n[[revoked]]\nservice = \"worker\"\nreason = \"superseded\"\n\
                  [[revoked]]\nservice = \"never-was\"\n";
    let plan = planned(listed, &state, start());
    assert_eq!(
        steps(&plan),
        [
            "worker: revoke, listed in `revoked`",
            "intermediate: publish revocation list, none yet"
        ]
    );
    assert!(notes(&plan)[0].starts_with("never-was: nothing to revoke"));
    carry_out(&mut state, &manifest(listed), &plan, start());
    assert!(planned(listed, &state, start()).agrees());

    let unknown = format!("{SERVICES}[[revoked]]\nserial = \"4a4b\"\n");
    assert_eq!(
        refusals(&planned(&unknown, &state, start())),
        ["4a4b: no certificate with this serial number was issued here"]
    );
}

#[test]
fn a_compromised_key_is_used_no_more_even_under_a_later_certificate() {
    let mut state = made(&manifest(SERVICES), start());
    let later = start() + Duration::days(70);
    let renewal = planned(SERVICES, &state, later);
    carry_out(&mut state, &manifest(SERVICES), &renewal, later);
    let first = state.issued[0].serial.clone();
    let listed = format!("{SERVICES}[[revoked]]\nserial = \"{first}\"\nreason = \"keyCompromise\"\n");
    let plan = planned(&listed, &state, later);
    let expected = format!("api: reissue with a new key, its key is that of {first}, revoked for keyCompromise");
    assert_eq!(steps(&plan)[0], expected);
    assert!(
        notes(&plan)[0].contains("is good for the compromised key"),
        "{:?}",
        notes(&plan)
    );
    carry_out(&mut state, &manifest(&listed), &plan, later);
    assert!(planned(&listed, &state, later).agrees());
}

#[test]
fn a_certificate_on_hold_is_not_replaced() {
    let mut state = made(&manifest(SERVICES), start());
    state.issued[0].revoked = Some("certificateHold".to_owned());
    state.services.get_mut("api").unwrap().key = KeyFile::Missing;
    let plan = planned(SERVICES, &state, start());
    assert_eq!(steps(&plan), ["intermediate: publish revocation list, none yet"]);
    assert!(notes(&plan)[0].starts_with("api: its certificate is on hold"));
}

#[test]
fn lists_are_made_anew_when_due_incomplete_or_not_in_place() {
    let with_lists = format!("{SERVICES}[crl]\nlifetime = \"30d\"\n");
    let state = made(&manifest(&with_lists), start());
    let at = |state: &State, days| {
        let all = steps(&planned(&with_lists, state, start() + Duration::days(days)));
        all.into_iter().filter(|step| step.contains("list")).collect::<Vec<_>>()
    };
    assert!(at(&state, 19).is_empty());
    assert_eq!(at(&state, 20), ["intermediate: publish revocation list, 10 days left"]);
    assert_eq!(
        at(&state, 35),
        ["intermediate: publish revocation list, expired 5 days ago"]
    );
    assert_eq!(at(&state, 300)[0], "root: publish revocation list, 65 days left");
    let mut altered = state.clone();
    altered.lists.get_mut("root").unwrap().in_place = false;
    let expected = "root: publish revocation list, its file is not what it should be";
    assert_eq!(at(&altered, 0), [expected]);
    let mut revoked = state.clone();
    revoked.issued[0].revoked = Some("superseded".to_owned());
    let expected = "intermediate: publish revocation list, 1 certificate revoked since";
    assert_eq!(at(&revoked, 0), [expected]);
    let mut cut = state;
    cut.lists.get_mut("intermediate").unwrap().next_update = start() + Duration::days(21);
    cut.issuing.get_mut("intermediate").unwrap().not_after = start() + Duration::days(21);
    assert!(at(&cut, 20).is_empty(), "another list would end at the same moment");
    assert!(at(&cut, 22).is_empty(), "an authority that has expired signs nothing");
}

#[test]
fn a_former_authority_lists_what_it_revoked_while_its_key_is_there() {
    let with_lists = format!("{SERVICES}[crl]\n");
    let mut state = made(&manifest(&with_lists), start());
    let old = AuthorityState {
        key_id: "old".to_owned(),
        ..state.issuing["intermediate"].clone()
    };
    state.former.insert("retired/intermediate".to_owned(), old);
    assert!(planned(&with_lists, &state, start()).agrees());
    state.revoked_authorities.push(RevokedAuthority {
        serial: "4a".to_owned(),
        issuer_key_id: "old".to_owned(),
        not_after: start() + Duration::days(1),
    });
    let expected = "retired/intermediate: publish revocation list, none yet";
    assert_eq!(steps(&planned(&with_lists, &state, start())), [expected]);
    assert!(steps(&planned(&with_lists, &state, start() + Duration::days(2))).is_empty());
    state.former.get_mut("retired/intermediate").unwrap().key_is_here = false;
    let plan = planned(&with_lists, &state, start());
    assert!(plan.agrees() && notes(&plan)[0].contains("the key is not here"));
}

#[test]
fn keys_that_are_elsewhere_stop_what_needs_them_and_nothing_else() {
    let with_lists = format!("{SERVICES}[crl]\n");
    let mut state = made(&manifest(&with_lists), start());
    state.root.key_is_here = false;
    let plan = planned(&with_lists, &state, start() + Duration::days(300));
    assert!(refusals(&plan).is_empty());
    let expected =
        "root: a revocation list is due (65 days left), and the key is not here (--root-key brings a root's)";
    assert_eq!(notes(&plan), [expected]);

    let another = format!("{with_lists}[issuing.edge]\n");
    let plan = planned(&another, &state, start());
    assert_eq!(refusals(&plan), ["edge: the key of `root` is not here"]);
    assert!(plan.refusals[0].hint().contains("--root-key"));

    state.issuing.get_mut("intermediate").unwrap().key_is_here = false;
    assert!(planned(&with_lists, &state, start()).agrees());
    let plan = planned(&with_lists, &state, start() + Duration::days(80));
    assert_eq!(refusals(&plan)[0], "api: the key of `intermediate` is not here");
}

#[test]
fn an_authority_that_is_revoked_issues_nothing() {
    let mut state = made(&manifest(SERVICES), start());
    state.issuing.get_mut("intermediate").unwrap().is_revoked = true;
    let plan = planned(SERVICES, &state, start());
    assert!(plan.agrees(), "{plan:?}");
    assert_eq!(notes(&plan).len(), 1);
    let plan = planned(SERVICES, &state, start() + Duration::days(80));
    assert_eq!(refusals(&plan)[0], "api: its issuer `intermediate` is revoked");
    assert!(
        plan.refusals[0]
            .hint()
            .contains("certgen rotate-ca begin --issuing intermediate")
    );
}

#[test]
fn files_that_can_be_put_back_are() {
    for (state, expected) in [
        (
            with_files(|files| files.certificate = CertificateFile::Missing),
            "api: repair, certificate.pem is missing",
        ),
        (
            with_files(|files| files.certificate = CertificateFile::Damaged),
            "api: repair, certificate.pem is damaged",
        ),
        (
            with_files(|files| files.stale = vec!["chain.pem", "ca.pem"]),
            "api: repair, chain.pem is not what it should be, ca.pem is not what it should be",
        ),
    ] {
        assert_eq!(steps(&planned(SERVICES, &state, start())), [expected]);
    }
}

#[test]
fn files_that_are_lost_are_issued_again() {
    let lost_both = |files: &mut ServiceState| {
        files.certificate = CertificateFile::Missing;
        files.spare = None;
        files.stale = vec!["fullchain.pem"];
    };
    for (state, expected) in [
        (with_files(lost_both), "api: reissue, certificate.pem is missing"),
        (
            with_files(|files| files.key = KeyFile::Missing),
            "api: reissue with a new key, key.pem is missing",
        ),
        (
            with_files(|files| *files = ServiceState::NOTHING),
            "api: reissue with a new key, key.pem is missing, certificate.pem is missing",
        ),
    ] {
        assert_eq!(steps(&planned(SERVICES, &state, start())), [expected]);
    }
}

#[test]
fn an_earlier_pair_or_half_of_one_is_put_right() {
    let mut state = made(&manifest(SERVICES), start());
    let first = (state.issued[0].serial.clone(), state.services["api"].key.clone());
    let rotating = SERVICES.replace("[services.worker]", "rotate_key = true\n[services.worker]");
    let later = start() + Duration::days(70);
    let renewal = planned(&rotating, &state, later);
    carry_out(&mut state, &manifest(&rotating), &renewal, later);
    let api = state.services.get_mut("api").unwrap();
    api.certificate = ours(&first.0);
    assert_eq!(
        steps(&planned(SERVICES, &state, later)),
        ["api: repair, certificate.pem is of an earlier certificate"]
    );
    state.services.get_mut("api").unwrap().key = first.1;
    let plan = planned(SERVICES, &state, later);
    assert_eq!(
        steps(&plan),
        [
            "api: reissue with a new key, key.pem is of an earlier certificate, certificate.pem is of an earlier certificate"
        ]
    );
    assert!(matches!(plan.steps[0].action, Action::Issue { .. }));
}

#[test]
fn what_certgen_did_not_write_is_not_overwritten_unless_forced() {
    let foreign_key = || KeyFile::Key {
        spki_sha256: "unknown".to_owned(),
    };
    let foreign = || CertificateFile::Foreign {
        issuer: "CN=elsewhere".to_owned(),
    };
    let unusable = || KeyFile::Unusable {
        why: "api/key.pem has mode 0644".to_owned(),
    };
    for (state, refusal, forced) in [
        (
            with_files(|files| files.key = foreign_key()),
            "api: key.pem was not written by certgen and may be the only copy",
            "api: reissue with a new key, key.pem, which certgen did not write, is overwritten as asked for",
        ),
        (
            with_files(|files| files.certificate = foreign()),
            "api: certificate.pem was not written by certgen and may be the only copy",
            "api: reissue, certificate.pem, which certgen did not write, is overwritten as asked for",
        ),
        (
            with_files(|files| files.key = unusable()),
            "api: key.pem cannot be used: api/key.pem has mode 0644",
            "api: reissue with a new key, key.pem, which certgen did not write, is overwritten as asked for",
        ),
    ] {
        let refused = planned(SERVICES, &state, start());
        assert_eq!(
            (refusals(&refused), steps(&refused)),
            (vec![refusal.to_owned()], vec![])
        );
        assert!(refused.refusals[0].hint().contains("--force"));
        let options = PlanOptions {
            prune: false,
            force: true,
        };
        assert_eq!(
            steps(&plan(&manifest(SERVICES), Some(&state), options, start())),
            [forced]
        );
    }

    // A directory full of somebody else's, under the name of a service that is new.
    let mut state = made(&manifest("[services.worker]\n"), start());
    for key in [foreign_key(), KeyFile::Encrypted] {
        let theirs = ServiceState {
            key,
            certificate: foreign(),
            ..ServiceState::NOTHING
        };
        state.services.insert("api".to_owned(), theirs);
        assert_eq!(refusals(&planned(SERVICES, &state, start())).len(), 2);
        let options = PlanOptions {
            prune: false,
            force: true,
        };
        assert_eq!(
            plan(&manifest(SERVICES), Some(&state), options, start()).steps[0]
                .reasons
                .len(),
            3
        );
    }
}

#[test]
fn an_encrypted_key_is_kept_and_never_replaced_by_one_in_the_clear() {
    let state = with_files(|files| files.key = KeyFile::Encrypted);
    assert!(planned(SERVICES, &state, start()).agrees());
    let renewal = planned(SERVICES, &state, start() + Duration::days(80));
    assert_eq!(steps(&renewal)[0], "api: renew, 10 days left");
    let mut without = state.clone();
    let api = without.services.get_mut("api").unwrap();
    (api.certificate, api.spare) = (CertificateFile::Missing, None);
    assert_eq!(
        planned(SERVICES, &without, start()).refusals.len(),
        1,
        "no certificate holds its public half"
    );
    let another_kind = SERVICES.replace("[services.worker]", "key = \"p384\"\n[services.worker]");
    let refused = planned(&another_kind, &state, start());
    assert_eq!(
        refusals(&refused),
        ["api: its key is encrypted, and a new one would not be"]
    );
    assert!(refused.refusals[0].hint().contains("certgen rekey api"));
}

#[test]
fn a_key_that_is_elsewhere_is_neither_made_nor_missed() {
    let elsewhere = SERVICES.replace(
        "[services.worker]",
        "key = \"elsewhere\"\nrotate_key = true\n[services.worker]",
    );
    let plan = planned(&elsewhere, &made(&manifest("[services.worker]"), start()), start());
    assert!(plan.agrees());
    assert!(
        notes(&plan)[0].starts_with("api: its key is elsewhere"),
        "{:?}",
        notes(&plan)
    );
    let fresh = made(&manifest(&elsewhere), start());
    assert_eq!(fresh.services.keys().collect::<Vec<_>>(), ["worker"]);

    let mut state = with_files(|files| files.key = KeyFile::Missing);
    assert!(planned(&elsewhere, &state, start()).agrees());
    let renewal = planned(&elsewhere, &state, start() + Duration::days(80));
    assert_eq!(steps(&renewal)[0], "api: renew, 10 days left");
    let revoked = format!("{elsewhere}[[revoked]]\nserial = \"{}\"\n", state.issued[0].serial);
    let refused = planned(&revoked, &state, start());
    assert_eq!(
        refusals(&refused),
        ["api: it needs a new certificate for a key that is not known here"]
    );
    assert!(refused.refusals[0].hint().contains("certgen sign REQUEST --name api"));
    let api = state.services.get_mut("api").unwrap();
    (api.certificate, api.spare) = (CertificateFile::Missing, None);
    assert_eq!(
        planned(&elsewhere, &state, start()).refusals.len(),
        1,
        "no certificate holds the public half"
    );
}

#[test]
fn names_that_differ_by_case_only_are_refused() {
    let state = made(&manifest(SERVICES), start());
    let plan = planned("[services.API]\n[services.worker]\n", &state, start());
    let expected = "API: there is a service `api` already, which differs by upper and lower case only";
    assert_eq!(refusals(&plan), [expected]);
}
