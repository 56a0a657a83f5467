//! What there is to do for one service.

use std::collections::BTreeSet;

use cryptokit::x509::RevocationReason;
use time::Duration;

use super::manifest::WantedService;
use super::plan::{Action, KeyChoice, NoteText, Reason, RefusalReason};
use super::planner::{Planner, Revocations, key_text};
use super::state::{CertificateFile, IssuedState, KeyFile, ServiceState, State};
use crate::duration::in_words;
use crate::home::layout::{CERTIFICATE, KEY};

pub(super) fn service(planner: &mut Planner<'_>, wanted: &WantedService, state: &State, to_revoke: &Revocations) {
    let nothing = ServiceState::NOTHING;
    let files = state.services.get(&wanted.name).unwrap_or(&nothing);
    let ours = || {
        state
            .issued
            .iter()
            .filter(|issued| issued.service.as_deref() == Some(&wanted.name))
    };
    let mut findings = Findings::default();
    let options = FileOptions {
        force: planner.options.force,
        key_is_elsewhere: wanted.key.is_none(),
    };
    look_at_files(&mut findings, options, files, ours);
    let Some(newest) = ours().next_back() else {
        if wanted.key.is_none() && findings.refusals.is_empty() {
            return planner.note(&wanted.name, NoteText::AwaitsRequest);
        }
        findings.reasons.push(Reason::New);
        findings.key = Some(KeyChoice::New);
        return conclude(planner, wanted, state, None, files, findings);
    };
    if newest.revoked.as_deref() == Some(RevocationReason::CertificateHold.name()) {
        return planner.note(&wanted.name, NoteText::OnHold);
    }
    look_at_standing(&mut findings, newest, state, to_revoke);
    look_at_contents(&mut findings, wanted, newest, state);
    look_at_time(planner, &mut findings, wanted, newest, state);
    conclude(planner, wanted, state, Some(newest), files, findings);
}

/// What was found out about a service.
#[derive(Default)]
struct Findings {
    /// Why a certificate is issued.
    reasons: Vec<Reason>,
    /// Why the files are written again.
    repairs: Vec<Reason>,
    /// For which key, where it matters.
    key: Option<KeyChoice>,
    refusals: Vec<RefusalReason>,
}

impl Findings {
    fn issue_for_new_key(&mut self, reason: Reason) {
        self.reasons.push(reason);
        self.key = Some(KeyChoice::New);
    }
}

/// How files are looked at.
#[derive(Clone, Copy)]
struct FileOptions {
    force: bool,
    key_is_elsewhere: bool,
}

/// What certgen did not write is only overwritten with `--force`; what it wrote is put right.
fn look_at_files<'s, I: Iterator<Item = &'s IssuedState> + DoubleEndedIterator>(
    findings: &mut Findings,
    options: FileOptions,
    files: &ServiceState,
    ours: impl Fn() -> I,
) {
    let FileOptions {
        force,
        key_is_elsewhere,
    } = options;
    let newest = ours().next_back();
    match &files.certificate {
        CertificateFile::Foreign { .. } if force => findings.reasons.push(Reason::Forced(CERTIFICATE)),
        CertificateFile::Foreign { .. } => findings.refusals.push(RefusalReason::NotOurs { file: CERTIFICATE }),
        CertificateFile::Ours { serial } => {
            if newest.is_some_and(|newest| newest.serial != *serial) {
                findings.repairs.push(Reason::Earlier(CERTIFICATE));
            }
        }
        CertificateFile::Missing if newest.is_none() => {}
        CertificateFile::Missing => findings.repairs.push(Reason::Missing(CERTIFICATE)),
        CertificateFile::Damaged if newest.is_none() && !force => {
            findings.refusals.push(RefusalReason::NotOurs { file: CERTIFICATE });
        }
        CertificateFile::Damaged => findings.repairs.push(Reason::Damaged(CERTIFICATE)),
    }
    match &files.key {
        KeyFile::Missing if newest.is_none() || key_is_elsewhere => {}
        KeyFile::Missing => findings.issue_for_new_key(Reason::Missing(KEY)),
        KeyFile::Unusable { .. } if force => findings.issue_for_new_key(Reason::Forced(KEY)),
        KeyFile::Unusable { why } => findings.refusals.push(RefusalReason::KeyUnusable { why: why.clone() }),
        KeyFile::Encrypted if newest.is_none() && force => findings.issue_for_new_key(Reason::Forced(KEY)),
        KeyFile::Encrypted if newest.is_none() => findings.refusals.push(RefusalReason::NotOurs { file: KEY }),
        // The certificate says whose it should be; more cannot be known without the passphrase.
        KeyFile::Encrypted => {}
        KeyFile::Key { spki_sha256 } if newest.is_some_and(|newest| newest.spki_sha256 == *spki_sha256) => {}
        KeyFile::Key { spki_sha256 } if ours().any(|issued| issued.spki_sha256 == *spki_sha256) => {
            findings.issue_for_new_key(Reason::Earlier(KEY));
        }
        KeyFile::Key { .. } if force => findings.issue_for_new_key(Reason::Forced(KEY)),
        KeyFile::Key { .. } => findings.refusals.push(RefusalReason::NotOurs { file: KEY }),
    }
    // The newest certificate is put back from the other file that holds it; without one there is nothing to put back.
    let is_in_place = matches!(&files.certificate, CertificateFile::Ours { serial } if newest.is_some_and(|newest| newest.serial == *serial));
    let is_spare = newest.is_some() && files.spare == newest.map(|newest| newest.serial.clone());
    if !is_in_place && !is_spare {
        findings.reasons.append(&mut findings.repairs);
    }
    // The rest is derived from the certificate; without one of ours there is no right or wrong yet.
    if newest.is_some() {
        findings
            .repairs
            .extend(files.stale.iter().map(|file| Reason::Differs(file)));
    }
}

/// Revoked certificates and keys known to others: never the same key again.
fn look_at_standing(findings: &mut Findings, newest: &IssuedState, state: &State, to_revoke: &Revocations) {
    let listed = to_revoke
        .get(&newest.serial)
        .map(|(_, reason, _)| reason.name().to_owned());
    if let Some(reason) = newest.revoked.clone().or(listed) {
        return findings.issue_for_new_key(Reason::Revoked { reason });
    }
    let compromised = RevocationReason::KeyCompromise;
    let same_key = state
        .issued
        .iter()
        .filter(|issued| issued.spki_sha256 == newest.spki_sha256);
    for issued in same_key {
        let is_listed = to_revoke
            .get(&issued.serial)
            .is_some_and(|(_, reason, _)| *reason == compromised);
        if is_listed || issued.revoked.as_deref() == Some(compromised.name()) {
            let serial = issued.serial.clone();
            return findings.issue_for_new_key(Reason::KeyCompromised { serial });
        }
    }
}

fn look_at_contents(findings: &mut Findings, wanted: &WantedService, newest: &IssuedState, state: &State) {
    let names: BTreeSet<String> = wanted.names.iter().map(ToString::to_string).collect();
    let added = names.difference(&newest.names).cloned().map(Reason::NameAdded);
    let removed = newest.names.difference(&names).cloned().map(Reason::NameRemoved);
    findings.reasons.extend(added.chain(removed));

    let changed = |what, from: &str, to: &str| {
        (from != to).then(|| Reason::Changed {
            what,
            from: from.to_owned(),
            to: to.to_owned(),
        })
    };
    findings
        .reasons
        .extend(changed("profile", &newest.profile, wanted.profile.name()));
    findings.reasons.extend(another_lifetime(wanted, newest, state));
    let wanted_key = wanted.key.map(key_text);
    if let Some(reason) = wanted_key.and_then(|key| changed("key", &newest.key, &key)) {
        findings.issue_for_new_key(reason);
    }
    // An issuer's key moves to another name when it is rotated away; then the name is the wanted one, the key another.
    let issuer = state.issuing.get(&wanted.issuer);
    if issuer.is_none_or(|issuer| issuer.key_id != newest.issuer_key_id) {
        findings
            .reasons
            .push(match changed("issuer", &newest.issuer, &wanted.issuer) {
                Some(changed) => changed,
                None => Reason::IssuerReplaced(wanted.issuer.clone()),
            });
    }
}

/// Records are rounded, and of a certificate that was cut where its issuer ends they may have what was left.
fn another_lifetime(wanted: &WantedService, newest: &IssuedState, state: &State) -> Option<Reason> {
    const ROUNDING: Duration = Duration::minutes(1);
    let (from, to) = (newest.lifetime, wanted.lifetime);
    let issuer_ends = state.issuing.get(&wanted.issuer).map(|issuer| issuer.not_after);
    let is_cut = issuer_ends == Some(newest.not_after) && to > from;
    let is_other = (from - to).abs() > ROUNDING && !is_cut;
    is_other.then(|| Reason::Changed {
        what: "lifetime",
        from: in_words(from + ROUNDING / 2),
        to: in_words(to),
    })
}

fn look_at_time(
    planner: &mut Planner<'_>,
    findings: &mut Findings,
    wanted: &WantedService,
    newest: &IssuedState,
    state: &State,
) {
    let now = planner.now;
    let left = newest.not_after - now;
    let reason = if left < Duration::ZERO {
        Reason::Expired { ago: -left }
    } else if now >= wanted.renew.due_at(newest.not_before, newest.not_after) {
        Reason::Due { left }
    } else {
        return;
    };
    // A certificate is cut where its issuer ends: another one gains nothing then, and the next run would want it again.
    let issuer_ends = state.issuing.get(&wanted.issuer).map(|issuer| issuer.not_after);
    let gains = issuer_ends.is_none_or(|end| end > newest.not_after) || left < Duration::ZERO;
    if gains {
        findings.reasons.push(reason);
        if wanted.rotate_key && wanted.key.is_some() {
            findings.key = Some(KeyChoice::New);
        }
    } else {
        let issuer = wanted.issuer.clone();
        planner.note(&wanted.name, NoteText::EndsWithIssuer { issuer, left });
    }
}

fn conclude(
    planner: &mut Planner<'_>,
    wanted: &WantedService,
    state: &State,
    newest: Option<&IssuedState>,
    files: &ServiceState,
    mut findings: Findings,
) {
    let name = &wanted.name;
    let is_issued = !findings.reasons.is_empty();
    let key = findings.key.unwrap_or(KeyChoice::Keep);
    // Without the key itself its public half is in a certificate, if one is left.
    let is_known = files.spare.is_some() || matches!(files.certificate, CertificateFile::Ours { .. });
    let is_lost = key == KeyChoice::New || !is_known;
    if is_issued && is_lost && newest.is_some() {
        match files.key {
            KeyFile::Encrypted => findings.refusals.push(RefusalReason::KeyEncrypted),
            _ if wanted.key.is_none() => findings.refusals.push(RefusalReason::ServiceKeyElsewhere),
            _ => {}
        }
    }
    let issuer = state.issuing.get(&wanted.issuer);
    if is_issued && issuer.is_some_and(|issuer| issuer.is_revoked) {
        let issuer = wanted.issuer.clone();
        findings.refusals.push(RefusalReason::IssuerRevoked { issuer });
    }
    if is_issued && issuer.is_some_and(|issuer| issuer.not_after < planner.now) {
        let issuer = wanted.issuer.clone();
        findings.refusals.push(RefusalReason::IssuerExpired { issuer });
    }
    if is_issued && issuer.is_some_and(|issuer| !issuer.key_is_here) {
        let authority = wanted.issuer.clone();
        findings.refusals.push(RefusalReason::KeyElsewhere { authority });
    }
    if !findings.refusals.is_empty() {
        for why in findings.refusals {
            planner.refuse(name, why);
        }
        return;
    }
    if is_issued {
        note_what_stays_good(planner, name, newest, &findings.reasons);
        let mut reasons = findings.reasons;
        // What surrounds another certificate is other anyway.
        let beside = findings
            .repairs
            .into_iter()
            .filter(|repair| !matches!(repair, Reason::Differs(_)));
        reasons.extend(beside);
        let replaces = newest.map(|newest| newest.serial.clone());
        planner.issue(wanted, key, replaces, reasons);
    } else if findings.repairs.is_empty() {
        planner.plan.unchanged.push(name.clone());
    } else {
        planner.step(name, Action::Rewrite, findings.repairs);
    }
}

/// What is taken away by a new certificate, the one before it goes on to give.
fn note_what_stays_good(planner: &mut Planner<'_>, name: &str, newest: Option<&IssuedState>, reasons: &[Reason]) {
    let Some(newest) = newest.filter(|newest| newest.revoked.is_none() && newest.not_after >= planner.now) else {
        return;
    };
    if reasons.iter().any(|reason| matches!(reason, Reason::Revoked { .. })) {
        return;
    }
    let what: Vec<String> = reasons
        .iter()
        .filter_map(|reason| match reason {
            Reason::NameRemoved(name) => Some(name.clone()),
            Reason::Changed {
                what: "profile", from, ..
            } => Some(format!("the profile {from}")),
            Reason::KeyCompromised { .. } => Some("the compromised key".to_owned()),
            _ => None,
        })
        .collect();
    if !what.is_empty() {
        let (serial, until) = (newest.serial.clone(), newest.not_after);
        let what = what.join(", ");
        planner.note(name, NoteText::StillAccepted { serial, until, what });
    }
}
