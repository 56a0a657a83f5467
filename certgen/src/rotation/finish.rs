//! The last step: the old key is trusted no more.

use cryptokit::x509::RevocationReason;
use time::OffsetDateTime;

use super::error::RotationError;
use super::{Exchanged, Rotation, Which, hanging, refused, services};
use crate::home::{AuthorityKind, AuthorityRecord, Event, Home, RevokedRecord, layout};

/// What happens to certificates in use that hang on the old key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// There may be none.
    Refuse,
    /// They are given up.
    GiveUp,
}

/// Takes an old key out of what is trusted and in use, and moves its files to `retired/`.
///
/// # Errors
///
/// [`RotationError::Hanging`] while certificates in use hang on the old key, unless they are given up; otherwise
/// [`RotationError`]; then nothing has changed. When nothing was begun, or it is finished, that is no error.
pub fn finish(
    home: &mut Home,
    which: &Which,
    leftovers: Leftovers,
    now: OffsetDateTime,
) -> Result<Rotation, RotationError> {
    let hanging = hanging(home.inventory(), which, now);
    let retiring = retiring(home, which);
    let mut rotation = Rotation {
        changed: false,
        authorities: Vec::new(),
        hanging,
        refused: refused(home.inventory(), which, now),
        services: Vec::new(),
        left_out: Vec::new(),
        revoked: None,
    };
    if retiring.is_empty() {
        return Ok(rotation);
    }
    if !rotation.hanging.is_empty() && leftovers == Leftovers::Refuse {
        return Err(RotationError::Hanging {
            count: rotation.hanging.len(),
            services: rotation.hanging.iter().map(whose).collect(),
        });
    }
    let mut changes = home.begin()?;
    for record in &retiring {
        let retired = format!("{}/{}-{:.8}", layout::RETIRED, stem(&record.name), record.sha256);
        let old = changes.home().authority_certificate(&record.name)?;
        changes.move_authority(&record.name, &retired, &old, now)?;
        if record.kind == AuthorityKind::Cross {
            continue;
        }
        let name = stem(&record.name).to_owned();
        let new = changes.home().authority_certificate(&name)?;
        rotation.authorities.push(Exchanged {
            name,
            old_name: retired,
            old,
            new,
        });
    }
    if *which == Which::Root {
        let root = changes.home().authority_certificate(layout::ROOT)?;
        // Whoever holds the old key could present it beside certificates that nobody issued.
        let dangerous = retiring
            .iter()
            .find(|record| record.name == layout::cross(&layout::outgoing(layout::ROOT)) && record.not_after >= now);
        if let Some(record) = dangerous {
            changes.record(Event::Revoked(RevokedRecord {
                time: now,
                serial: record.serial.clone(),
                issuer_key_id: record.issuer_key_id.clone(),
                reason: RevocationReason::CessationOfOperation.name().to_owned(),
                invalidity_date: None,
            }));
            rotation.revoked = Some(record.serial.clone());
        }
        let roots = [root];
        let updated = services::update(&mut changes, &roots, None)?;
        (rotation.services, rotation.left_out) = (updated.whole, updated.left_out);
        services::update_bundle(&mut changes, &roots, now)?;
    }
    changes.commit()?;
    rotation.changed = true;
    Ok(rotation)
}

/// The certificates of authorities that go, the root first.
fn retiring(home: &Home, which: &Which) -> Vec<AuthorityRecord> {
    let inventory = home.inventory();
    let Some(old) = inventory.authority(&layout::outgoing(which.name())) else {
        return Vec::new();
    };
    let in_use = inventory.authorities_in_use();
    match which {
        Which::Issuing(_) => vec![old.clone()],
        Which::Root => in_use
            .filter(|one| one.kind == AuthorityKind::Cross || layout::is_outgoing(&one.name))
            .cloned()
            .collect(),
    }
}

/// What the authority is called that took the place.
fn stem(name: &str) -> &str {
    name.strip_suffix(layout::OUTGOING).unwrap_or(name)
}

/// The service, or the subject of what was signed for somebody.
fn whose(record: &crate::home::IssuedRecord) -> String {
    match &record.service {
        Some(service) => service.clone(),
        None => format!("{} ({})", record.subject, record.serial),
    }
}
