//! Manifest and state to plan: a pure function.

use std::collections::{BTreeMap, BTreeSet};

use cryptokit::x509::{KeyKind, NameConstraints, RevocationReason, TrustDomain};
use time::OffsetDateTime;

use super::manifest::{Manifest, RevocationTarget, WantedCrl, WantedService};
use super::plan::{Action, KeyChoice, Note, NoteText, Plan, Reason, Refusal, RefusalReason, Step};
use super::service_planner;
use super::state::{AuthorityState, IssuedState, ListState, State};
use crate::home::layout;

/// What the manifest leaves to the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Revoke the certificates of services that the manifest does not have.
    pub prune: bool,
    /// Overwrite files that certgen did not write.
    pub force: bool,
}

/// Says what there is to do, in the order in which it is done: authorities, services, revocations, revocation lists.
///
/// `state` is `None` where there is no home yet. What a plan says is done once it is carried out: of the home that is
/// there then, the plan is empty.
pub fn plan(manifest: &Manifest, state: Option<&State>, options: PlanOptions, now: OffsetDateTime) -> Plan {
    let mut planner = Planner {
        manifest,
        options,
        now,
        plan: Plan::default(),
    };
    match state {
        None => planner.new_home(),
        Some(state) => planner.home(state),
    }
    planner.plan
}

pub(super) struct Planner<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) options: PlanOptions,
    pub(super) now: OffsetDateTime,
    pub(super) plan: Plan,
}

impl Planner<'_> {
    fn new_home(&mut self) {
        self.step("root", Action::MakeHome, vec![Reason::New]);
        let manifest = self.manifest;
        for issuing in &manifest.issuing {
            self.step(&issuing.name, Action::MakeIssuing, vec![Reason::New]);
        }
        for service in &manifest.services {
            match service.key {
                Some(_) => self.issue(service, KeyChoice::New, None, vec![Reason::New]),
                None => self.note(&service.name, NoteText::AwaitsRequest),
            }
        }
        for revoked in &manifest.revoked {
            match &revoked.what {
                RevocationTarget::Serial(serial) => self.refuse(serial, RefusalReason::UnknownSerial),
                RevocationTarget::Service(name) => self.note(name, NoteText::NothingToRevoke),
            }
        }
        if manifest.crl.is_some() {
            let names = std::iter::once("root").chain(manifest.issuing.iter().map(|issuing| issuing.name.as_str()));
            for name in names {
                self.step(name, Action::Publish, vec![Reason::NoList]);
            }
        }
    }

    fn home(&mut self, state: &State) {
        self.root(&state.root);
        self.issuing(state);
        let to_revoke = self.revocations(state);
        self.services(state, &to_revoke);
        let mut revocations = Vec::new();
        for (serial, (subject, reason, because)) in &to_revoke {
            let (serial, reason) = (serial.clone(), *reason);
            revocations.push((subject.clone(), Action::Revoke { serial, reason }, because.clone()));
        }
        for (subject, action, because) in revocations {
            self.step(&subject, action, vec![because]);
        }
        self.lists(state, &to_revoke);
    }

    /// What is written in a root is written for good.
    fn root(&mut self, root: &AuthorityState) {
        let wanted = &self.manifest.authority;
        let subject = wanted.subject_without_end();
        let mut differences = Vec::new();
        if !root.subject.starts_with(&subject) {
            differences.push(("subject", root.subject.clone(), format!("{subject}…")));
        }
        if root.key != key_text(wanted.key) {
            differences.push(("key", root.key.clone(), key_text(wanted.key)));
        }
        if root.constraints != wanted.constraints {
            let texts = [&root.constraints, &wanted.constraints].map(constraints_text);
            let [from, to] = texts;
            differences.push(("name constraints", from, to));
        }
        if root.trust_domain != wanted.trust_domain {
            let text = |domain: &Option<TrustDomain>| domain.as_ref().map_or("none", TrustDomain::as_str).to_owned();
            differences.push(("trust domain", text(&root.trust_domain), text(&wanted.trust_domain)));
        }
        if differences.is_empty() {
            self.plan.unchanged.push("root".to_owned());
        }
        for (what, from, to) in differences {
            self.refuse("root", RefusalReason::AnotherAuthority { what, from, to });
        }
    }

    fn issuing(&mut self, state: &State) {
        let manifest = self.manifest;
        for wanted in &manifest.issuing {
            match state.issuing.get(&wanted.name) {
                None if !state.root.key_is_here => {
                    let authority = "root".to_owned();
                    self.refuse(&wanted.name, RefusalReason::KeyElsewhere { authority });
                }
                None => self.step(&wanted.name, Action::MakeIssuing, vec![Reason::New]),
                Some(there) if there.key != key_text(wanted.key) => {
                    let (from, to) = (there.key.clone(), key_text(wanted.key));
                    let what = "key";
                    self.refuse(&wanted.name, RefusalReason::AnotherAuthority { what, from, to });
                }
                Some(_) => self.plan.unchanged.push(wanted.name.clone()),
            }
        }
        for (name, authority) in &state.issuing {
            if authority.is_revoked && !layout::is_outgoing(name) {
                self.note(name, NoteText::AuthorityRevoked);
            }
            let is_exchanged = name
                .strip_suffix(layout::OUTGOING)
                .is_some_and(|successor| state.issuing.contains_key(successor));
            if is_exchanged {
                self.note(name, NoteText::BeingExchanged);
            } else if !manifest.issuing.iter().any(|wanted| wanted.name == *name) {
                self.note(name, NoteText::AuthorityNotInManifest);
            }
        }
    }

    /// What is to be revoked and is not yet: serial number to whose it is, the reason for the list, and why.
    fn revocations(&mut self, state: &State) -> Revocations {
        let (manifest, now) = (self.manifest, self.now);
        let is_living = |issued: &&IssuedState| issued.revoked.is_none() && issued.not_after >= now;
        let mut revocations = Revocations::new();
        for revoked in &manifest.revoked {
            let living: Vec<_> = match &revoked.what {
                RevocationTarget::Serial(serial) => {
                    let Some(issued) = state.issued.iter().find(|issued| issued.serial == *serial) else {
                        self.refuse(serial, RefusalReason::UnknownSerial);
                        continue;
                    };
                    std::iter::once(issued).filter(is_living).collect()
                }
                RevocationTarget::Service(name) => {
                    let all = state
                        .issued
                        .iter()
                        .filter(|issued| issued.service.as_ref() == Some(name));
                    if all.clone().next().is_none() {
                        self.note(name, NoteText::NothingToRevoke);
                    }
                    all.filter(is_living).collect()
                }
            };
            for issued in living {
                let entry = (subject_of(issued), revoked.reason, Reason::Listed);
                revocations.entry(issued.serial.clone()).or_insert(entry);
            }
        }
        for issued in state.issued.iter().filter(is_living) {
            let Some(name) = &issued.service else { continue };
            let is_wanted = manifest.services.iter().any(|service| service.name == *name);
            if is_wanted || revocations.contains_key(&issued.serial) {
                continue;
            }
            if self.options.prune {
                let entry = (name.clone(), RevocationReason::CessationOfOperation, Reason::Pruned);
                revocations.insert(issued.serial.clone(), entry);
            } else if !self.plan.notes.iter().any(|note| note.subject == *name) {
                self.note(name, NoteText::NotInManifest);
            }
        }
        revocations
    }

    fn services(&mut self, state: &State, to_revoke: &Revocations) {
        let manifest = self.manifest;
        let known: BTreeMap<String, &str> = state
            .issued
            .iter()
            .filter_map(|issued| issued.service.as_deref())
            .chain(state.services.keys().map(String::as_str))
            .map(|name| (name.to_ascii_lowercase(), name))
            .collect();
        for service in &manifest.services {
            match known.get(&service.name.to_ascii_lowercase()) {
                Some(other) if **other != service.name => {
                    let other = (*other).to_owned();
                    self.refuse(&service.name, RefusalReason::DiffersByCase { other });
                }
                _ => service_planner::service(self, service, state, to_revoke),
            }
        }
    }

    /// An authority has a list if the manifest wants lists, if it had one, or if something of it is revoked.
    fn lists(&mut self, state: &State, to_revoke: &Revocations) {
        let manifest = self.manifest;
        let wanted = manifest.crl.unwrap_or_default();
        let others = state.issuing.iter().chain(&state.former);
        let others = others.map(|(name, there)| (name.as_str(), there));
        for (name, authority) in std::iter::once(("root", &state.root)).chain(others) {
            let revoked = self.revoked_by(authority, state, to_revoke);
            let reasons = match state.lists.get(name) {
                // One that issues no more needs a list for what it revoked only.
                None if revoked.is_empty() && (manifest.crl.is_none() || state.former.contains_key(name)) => continue,
                None => vec![Reason::NoList],
                Some(list) => self.list_reasons(authority, list, &revoked, wanted),
            };
            // An authority that has expired signs nothing, and nobody accepts what it issued.
            if reasons.is_empty() || authority.not_after < self.now {
                continue;
            }
            let is_urgent = !revoked.is_empty()
                && reasons
                    .iter()
                    .any(|reason| matches!(reason, Reason::NoList | Reason::NewlyRevoked { .. }));
            match (authority.key_is_here, is_urgent) {
                (true, _) => self.step(name, Action::Publish, reasons),
                (false, true) if !state.former.contains_key(name) => self.refuse(
                    name,
                    RefusalReason::KeyElsewhere {
                        authority: name.to_owned(),
                    },
                ),
                (false, _) => self.note(
                    name,
                    NoteText::ListWithoutKey {
                        why: reasons[0].to_string(),
                    },
                ),
            }
        }
        // A new issuing authority has nothing to revoke; it has a list if all have one.
        for wanted in &manifest.issuing {
            if manifest.crl.is_some() && !state.issuing.contains_key(&wanted.name) {
                self.step(&wanted.name, Action::Publish, vec![Reason::NoList]);
            }
        }
    }

    /// What the list of an authority has to say: what is revoked and has not expired.
    fn revoked_by<'s>(
        &self,
        authority: &AuthorityState,
        state: &'s State,
        to_revoke: &Revocations,
    ) -> BTreeSet<&'s str> {
        let issued = state.issued.iter().filter(|issued| {
            let is_revoked = issued.revoked.is_some() || to_revoke.contains_key(&issued.serial);
            is_revoked && issued.issuer_key_id == authority.key_id && issued.not_after >= self.now
        });
        let authorities = state.revoked_authorities.iter();
        let authorities = authorities.filter(|one| one.issuer_key_id == authority.key_id && one.not_after >= self.now);
        let serials = authorities.map(|one| one.serial.as_str());
        serials.chain(issued.map(|issued| issued.serial.as_str())).collect()
    }

    fn list_reasons(
        &self,
        authority: &AuthorityState,
        list: &ListState,
        revoked: &BTreeSet<&str>,
        wanted: WantedCrl,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let count = revoked.iter().filter(|serial| !list.revoked.contains(**serial)).count();
        // What is on a list that is not in place is not known, and its successor has it all.
        if count > 0 && list.in_place {
            reasons.push(Reason::NewlyRevoked { count });
        }
        if !list.in_place {
            reasons.push(Reason::Differs("its file"));
        }
        // A list is cut where its authority ends: another one gains nothing then.
        let gains = list.next_update < authority.not_after;
        let now = self.now;
        if now > list.next_update {
            reasons.push(Reason::Expired {
                ago: now - list.next_update,
            });
        } else if gains && now >= wanted.renew.due_at(list.this_update, list.next_update) {
            reasons.push(Reason::Due {
                left: list.next_update - now,
            });
        }
        reasons
    }

    pub(super) fn issue(
        &mut self,
        service: &WantedService,
        key: KeyChoice,
        replaces: Option<String>,
        reasons: Vec<Reason>,
    ) {
        self.step(&service.name, Action::Issue { key, replaces }, reasons);
    }

    pub(super) fn step(&mut self, subject: &str, action: Action, reasons: Vec<Reason>) {
        self.plan.steps.push(Step {
            subject: subject.to_owned(),
            action,
            reasons,
        });
    }

    pub(super) fn note(&mut self, subject: &str, text: NoteText) {
        self.plan.notes.push(Note {
            subject: subject.to_owned(),
            text,
        });
    }

    pub(super) fn refuse(&mut self, subject: &str, why: RefusalReason) {
        self.plan.refusals.push(Refusal {
            subject: subject.to_owned(),
            why,
        });
    }
}

/// What is to be revoked: serial number to whose it is, the reason for the list, and why.
pub(super) type Revocations = BTreeMap<String, (String, RevocationReason, Reason)>;

fn subject_of(issued: &IssuedState) -> String {
    issued.service.clone().unwrap_or_else(|| issued.serial.clone())
}

/// As [`cryptokit::x509::KeyAlgorithm`] writes it, and the inventory with it.
pub(super) fn key_text(kind: KeyKind) -> String {
    match kind {
        KeyKind::P256 => "ECDSA P-256".to_owned(),
        KeyKind::P384 => "ECDSA P-384".to_owned(),
        KeyKind::Ed25519 => "Ed25519".to_owned(),
        KeyKind::Rsa(size) => format!("RSA {}", size.bits()),
        other => format!("{other:?}"),
    }
}

fn constraints_text(constraints: &NameConstraints) -> String {
    if constraints.is_empty() {
        return "none".to_owned();
    }
    let permitted = constraints
        .permitted()
        .iter()
        .map(|subtree| format!("permit {subtree}"));
    let excluded = constraints
        .excluded()
        .iter()
        .map(|subtree| format!("exclude {subtree}"));
    permitted.chain(excluded).collect::<Vec<_>>().join(", ")
}
