//! Revoking: a record, and in the same moment the list that tells the peers.

use std::collections::BTreeSet;

use cryptokit::x509::{CertificateAuthority, RevocationReason};
use time::{Duration, OffsetDateTime};

use super::error::LifecycleError;
use super::list::{self, NextList};
use super::target::{self, Target};
use crate::home::{AuthorityKind, AuthorityRecord, Event, Home, HomeError, HomeView, RevokedRecord};

/// What is to be revoked.
#[derive(Clone, Debug)]
pub struct RevokeRequest {
    /// Names, serial numbers or files; see [`target::find`].
    pub targets: Vec<String>,
    /// Whether a name means every certificate of the service.
    pub all: bool,
    /// Why.
    pub reason: RevocationReason,
    /// How long the lists are good for; `None` for the usual time.
    pub lifetime: Option<Duration>,
}

/// What was revoked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Revoked {
    /// The certificates.
    pub targets: Vec<Target>,
    /// The lists that say so.
    pub lists: Vec<NextList>,
    /// Certificates with a key of a revoked one that go on being accepted.
    pub same_key: Vec<Target>,
}

/// Revokes certificates and makes the lists of their authorities, all or nothing.
///
/// `authority` gives an authority by its name, with its key.
///
/// # Errors
///
/// [`LifecycleError`]; then nothing was changed.
pub fn revoke(
    home: &mut Home,
    request: &RevokeRequest,
    authority: impl FnMut(&HomeView, &str) -> Result<CertificateAuthority, LifecycleError>,
    now: OffsetDateTime,
) -> Result<Revoked, LifecycleError> {
    let mut targets: Vec<Target> = Vec::new();
    for text in &request.targets {
        for found in target::find(home, text, request.all, now)? {
            check(home, &found, now)?;
            if !targets.contains(&found) {
                targets.push(found);
            }
        }
    }
    let records = records(&targets, request.reason, now);
    let lists = lists(home, &records, authority, request.lifetime, now)?;
    let mut changes = home.begin()?;
    for record in records {
        changes.record(Event::Revoked(record));
    }
    list::stage(&mut changes, &lists, now)?;
    changes.commit()?;
    let same_key = same_key(home, &targets, now);
    Ok(Revoked {
        targets,
        lists,
        same_key,
    })
}

/// The records of these revocations.
pub(super) fn records(targets: &[Target], reason: RevocationReason, now: OffsetDateTime) -> Vec<RevokedRecord> {
    // RFC 5280 §5.3.2: lists count in seconds, and no entry may be later than its list.
    let time = now.replace_nanosecond(0).unwrap_or(now);
    let record = |target: &Target| RevokedRecord {
        time,
        serial: target.serial.clone(),
        issuer_key_id: target.issuer_key_id.clone(),
        reason: reason.name().to_owned(),
        invalidity_date: None,
    };
    targets.iter().map(record).collect()
}

/// The next list of every authority whose certificates these are, and the first of those that have none yet.
pub(super) fn lists(
    home: &HomeView,
    records: &[RevokedRecord],
    mut authority: impl FnMut(&HomeView, &str) -> Result<CertificateAuthority, LifecycleError>,
    lifetime: Option<Duration>,
    now: OffsetDateTime,
) -> Result<Vec<NextList>, LifecycleError> {
    let mut issuers = BTreeSet::new();
    for record in records {
        let known = home.inventory().authority_by_key_id(&record.issuer_key_id);
        let known = known.ok_or_else(|| LifecycleError::UnknownIssuer {
            serial: record.serial.clone(),
        })?;
        issuers.insert(known.name.clone());
    }
    let mut lists = Vec::new();
    for name in &issuers {
        let issuer = authority(home, name)?;
        lists.push(list::next(home, name, &issuer, records, lifetime, now)?);
    }
    // A peer that looks at every certificate of a chain refuses it while one of its authorities has no list at all.
    for record in home.inventory().authorities_in_use() {
        let has_none = home.inventory().revocation_list(&record.key_id).is_none();
        let can_sign = record.kind != AuthorityKind::Cross && record.not_after >= now;
        if !has_none || !can_sign || issuers.contains(&record.name) {
            continue;
        }
        match authority(home, &record.name) {
            Ok(issuer) => lists.push(list::next(home, &record.name, &issuer, &[], None, now)?),
            Err(LifecycleError::Home(HomeError::NoKey { .. })) => {
                let Some(last) = lists.last_mut() else { continue };
                last.notices.push(format!(
                    "`{}` has no revocation list yet, and its key is not here: peers that look at whole chains refuse all",
                    record.name
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lists)
}

fn check(home: &HomeView, target: &Target, now: OffsetDateTime) -> Result<(), LifecycleError> {
    let (shown, serial) = (target.shown.clone(), target.serial.clone());
    if target.is_authority && home.inventory().authorities().any(|one| is_own_issuer(one, target)) {
        return Err(LifecycleError::RootRevocation);
    }
    if let Some(record) = home.inventory().revocation(&target.serial) {
        return Err(LifecycleError::AlreadyRevoked {
            shown,
            serial,
            time: record.time,
        });
    }
    if target.not_after < now {
        return Err(LifecycleError::Expired {
            shown,
            serial,
            not_after: target.not_after,
        });
    }
    Ok(())
}

fn is_own_issuer(authority: &AuthorityRecord, target: &Target) -> bool {
    authority.serial == target.serial && authority.issuer_key_id == authority.key_id
}

/// Whoever knows the key of one certificate can use the others.
fn same_key(home: &HomeView, targets: &[Target], now: OffsetDateTime) -> Vec<Target> {
    let keys: BTreeSet<&str> = targets.iter().map(|target| target.spki_sha256.as_str()).collect();
    target::living(home.inventory(), now)
        .filter(|other| keys.contains(other.spki_sha256.as_str()))
        .collect()
}
