//! The first step: new keys, and both sides trusted.

use cryptokit::secret::SecretString;
use cryptokit::x509::{Certificate, CertificateAuthority, CrossConstraints, certificate_to_pem};
use time::OffsetDateTime;

use super::error::RotationError;
use super::{Exchanged, Rotation, Which, hanging, is_below, refused, services, successor};
use crate::home::{AuthorityKind, AuthorityRecord, Event, Home, HomeView, Transaction, layout};
use crate::leaf::key_pem;

/// Makes a new root and new issuing authorities below it, cross-certificates, and lets every service trust both roots.
/// `old` is the root, with its key; `passphrase` encrypts the new keys. `now` is the time of issue.
///
/// # Errors
///
/// [`RotationError`]; then nothing has changed. When it has begun already, that is no error.
pub fn begin_root(
    home: &mut Home,
    old: &CertificateAuthority,
    passphrase: Option<&SecretString>,
    now: OffsetDateTime,
) -> Result<Rotation, RotationError> {
    if let Some(begun) = already_begun(home, &Which::Root, now)? {
        return Ok(begun);
    }
    let issuing: Vec<AuthorityRecord> = in_use_below(home, old.certificate());
    let new = successor::root(old.certificate(), layout::ROOT, now)?;
    let new_issuing: Vec<CertificateAuthority> = issuing
        .iter()
        .map(|record| successor::issuing(&home.authority_certificate(&record.name)?, &record.name, &new, now))
        .collect::<Result<_, RotationError>>()?;

    let mut changes = home.begin()?;
    let mut authorities = vec![take_over(
        &mut changes,
        layout::ROOT,
        &new,
        AuthorityKind::Root,
        passphrase,
        now,
    )?];
    for (record, authority) in issuing.iter().zip(&new_issuing) {
        let kind = AuthorityKind::Issuing;
        authorities.push(take_over(&mut changes, &record.name, authority, kind, passphrase, now)?);
    }
    let old_under_new = cross_certificates(&mut changes, old, &new, now)?;
    let roots = [new.certificate().clone(), old.certificate().clone()];
    let updated = services::update(&mut changes, &roots, old_under_new.as_ref())?;
    services::update_bundle(&mut changes, &roots, now)?;
    changes.commit()?;
    Ok(Rotation {
        changed: true,
        authorities,
        hanging: hanging(home.inventory(), &Which::Root, now),
        refused: refused(home.inventory(), &Which::Root, now),
        services: updated.whole,
        left_out: updated.left_out,
        revoked: None,
    })
}

/// Makes a new issuing authority of this name below the root, which is needed with its key.
///
/// # Errors
///
/// As [`begin_root`].
pub fn begin_issuing(
    home: &mut Home,
    name: &str,
    root: &CertificateAuthority,
    passphrase: Option<&SecretString>,
    now: OffsetDateTime,
) -> Result<Rotation, RotationError> {
    let which = Which::Issuing(name.to_owned());
    if let Some(begun) = already_begun(home, &which, now)? {
        return Ok(begun);
    }
    home.check_is_issuing(name)?;
    let new = successor::issuing(&home.authority_certificate(name)?, name, root, now)?;
    let mut changes = home.begin()?;
    let exchanged = take_over(&mut changes, name, &new, AuthorityKind::Issuing, passphrase, now)?;
    changes.commit()?;
    Ok(Rotation {
        changed: true,
        authorities: vec![exchanged],
        hanging: hanging(home.inventory(), &which, now),
        refused: refused(home.inventory(), &which, now),
        services: Vec::new(),
        left_out: Vec::new(),
        revoked: None,
    })
}

/// How things stand when this exchange has begun; an error when another one has that is in its way.
///
/// # Errors
///
/// [`RotationError::UnderWay`]; [`RotationError::Home`].
pub fn already_begun(home: &HomeView, which: &Which, now: OffsetDateTime) -> Result<Option<Rotation>, RotationError> {
    let inventory = home.inventory();
    let old: Vec<_> = inventory
        .authorities_in_use()
        .filter(|one| layout::is_outgoing(&one.name))
        .collect();
    let current = |old: &AuthorityRecord| old.name.strip_suffix(layout::OUTGOING).unwrap_or(&old.name).to_owned();
    let root_is_exchanged = old.iter().any(|one| one.kind == AuthorityKind::Root);
    let expected = match which {
        Which::Root => root_is_exchanged,
        Which::Issuing(name) => !root_is_exchanged && old.iter().any(|one| current(one) == *name),
    };
    if !expected {
        let in_the_way = match which {
            _ if root_is_exchanged => Some(layout::ROOT.to_owned()),
            Which::Root => old.first().map(|one| current(one)),
            // Exchanges of different issuing authorities do not meet.
            Which::Issuing(_) => None,
        };
        return match in_the_way {
            Some(name) => Err(RotationError::UnderWay { name }),
            None => Ok(None),
        };
    }
    let authorities = old.iter().filter(|one| match which {
        Which::Root => true,
        Which::Issuing(name) => current(one) == *name,
    });
    let authorities = authorities
        .map(|one| {
            Ok(Exchanged {
                name: current(one),
                old_name: one.name.clone(),
                old: home.authority_certificate(&one.name)?,
                new: home.authority_certificate(&current(one))?,
            })
        })
        .collect::<Result<_, RotationError>>()?;
    Ok(Some(Rotation {
        changed: false,
        authorities,
        hanging: hanging(inventory, which, now),
        refused: refused(inventory, which, now),
        services: Vec::new(),
        left_out: Vec::new(),
        revoked: None,
    }))
}

fn in_use_below(home: &HomeView, root: &Certificate) -> Vec<AuthorityRecord> {
    let key_id = root.subject_key_identifier().map(crate::text::hex).unwrap_or_default();
    let in_use = home.inventory().authorities_in_use();
    in_use
        .filter(|one| one.issues() && one.issuer_key_id == key_id)
        .cloned()
        .collect()
}

/// Moves an authority aside and puts another one into its place.
fn take_over(
    changes: &mut Transaction<'_>,
    name: &str,
    new: &CertificateAuthority,
    kind: AuthorityKind,
    passphrase: Option<&SecretString>,
    now: OffsetDateTime,
) -> Result<Exchanged, RotationError> {
    let old = changes.home().authority_certificate(name)?;
    let old_name = layout::outgoing(name);
    changes.move_authority(name, &old_name, &old, now)?;
    let pem = key_pem(new.key(), passphrase).map_err(RotationError::Encryption)?;
    let certificate = new.certificate();
    changes.public(
        &layout::certificate_of(name),
        certificate_to_pem(certificate.der()).as_bytes(),
    )?;
    changes.key(&layout::key_of(name), &pem)?;
    changes.record(Event::Authority(AuthorityRecord::of(certificate, name, kind, now)));
    Ok(Exchanged {
        name: name.to_owned(),
        old_name,
        old,
        new: certificate.clone(),
    })
}

/// The new root signed by the old one, and the other way round for as long as a certificate below the old one lives.
/// Gives the latter.
fn cross_certificates(
    changes: &mut Transaction<'_>,
    old: &CertificateAuthority,
    new: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Option<Certificate>, RotationError> {
    let failed = |source| RotationError::Issue {
        name: layout::cross(layout::ROOT),
        source,
    };
    // The limits on names stand in the signing root and in the issuing authorities, so on either side of it.
    let limits = CrossConstraints::LeftOut;
    let certificate = new.certificate();
    let new_under_old = old
        .cross_sign_until(certificate, certificate.not_after(), limits, now)
        .map_err(failed)?;
    // The issuing authorities are below it, one deep (RFC 5280 §4.2.1.9).
    let room = new_under_old
        .basic_constraints()
        .and_then(|constraints| constraints.path_length);
    if room == Some(0) {
        return Err(RotationError::NoRoom);
    }
    add_cross(changes, &layout::cross(layout::ROOT), &new_under_old, now)?;

    let inventory = changes.home().inventory();
    let Some(root) = inventory.authority(layout::ROOT) else {
        return Ok(None);
    };
    let below = inventory.living(now).filter(|record| is_below(inventory, record, root));
    let Some(last) = below.map(|record| record.not_after).max() else {
        return Ok(None);
    };
    let old_under_new = new
        .cross_sign_until(old.certificate(), last, limits, now)
        .map_err(failed)?;
    add_cross(
        changes,
        &layout::cross(&layout::outgoing(layout::ROOT)),
        &old_under_new,
        now,
    )?;
    Ok(Some(old_under_new))
}

fn add_cross(
    changes: &mut Transaction<'_>,
    name: &str,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Result<(), RotationError> {
    changes.refuse_foreign(&layout::certificate_of(name))?;
    changes.public(
        &layout::certificate_of(name),
        certificate_to_pem(certificate.der()).as_bytes(),
    )?;
    let record = AuthorityRecord::of(certificate, name, AuthorityKind::Cross, now);
    changes.record(Event::Authority(record));
    Ok(())
}
