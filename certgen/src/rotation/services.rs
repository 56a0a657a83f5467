//! The files of services while roots are exchanged.

use std::collections::BTreeSet;

use cryptokit::x509::{Certificate, certificates_from_pem, certificates_to_pem};

use super::chain_without_crosses;
use crate::home::layout::{CA, CERTIFICATE, SPIFFE_BUNDLE};
use crate::home::{HomeError, IssuedRecord, ServiceFiles, Transaction, file_of};
use crate::spiffe_bundle;
use crate::text::hex;

/// Services by what became of their files.
#[derive(Debug, Default)]
pub(super) struct Updated {
    pub(super) whole: Vec<String>,
    pub(super) left_out: Vec<String>,
}

/// Writes what every service trusts and presents. `cross` goes after every chain.
pub(super) fn update(
    changes: &mut Transaction<'_>,
    ca: &[Certificate],
    cross: Option<&Certificate>,
) -> Result<Updated, HomeError> {
    let inventory = changes.home().inventory();
    let names: BTreeSet<String> = inventory
        .issued()
        .iter()
        .filter_map(|record| record.service.clone())
        .collect();
    let mut updated = Updated::default();
    for name in names {
        let record = changes.home().inventory().service(&name).cloned();
        if let Some(record) = record
            && let Some(certificate) = certificate_in_place(changes, &name, &record)?
            && let Some(mut chain) = chain_of(changes, &record)?
        {
            chain.extend(cross.cloned());
            let files = ServiceFiles {
                certificate: &certificate,
                chain: &chain,
                ca,
                key: None,
            };
            changes.service(&name, &files)?;
            updated.whole.push(name);
            continue;
        }
        let file = file_of(&name, CA);
        if changes.home().read_file(&file)?.is_some() {
            changes.public(&file, certificates_to_pem(ca).as_bytes())?;
        }
        updated.left_out.push(name);
    }
    Ok(updated)
}

/// Writes the SPIFFE trust bundle anew, if there is one.
pub(super) fn update_bundle(
    changes: &mut Transaction<'_>,
    roots: &[Certificate],
    now: time::OffsetDateTime,
) -> Result<(), HomeError> {
    if changes.home().read_file(SPIFFE_BUNDLE)?.is_none() {
        return Ok(());
    }
    match spiffe_bundle::bundle(roots, now) {
        Ok(bundle) => changes.public(SPIFFE_BUNDLE, bundle.as_bytes()),
        // Roots of ours have keys that the bundle can express.
        Err(source) => Err(HomeError::Key {
            path: changes.home().path_of(SPIFFE_BUNDLE),
            source,
        }),
    }
}

/// The certificate in the service's directory, if it is the one that the inventory has.
fn certificate_in_place(
    changes: &Transaction<'_>,
    name: &str,
    record: &IssuedRecord,
) -> Result<Option<Certificate>, HomeError> {
    let Some(pem) = changes.home().read_file(&file_of(name, CERTIFICATE))? else {
        return Ok(None);
    };
    let certificates = certificates_from_pem(&pem).unwrap_or_default();
    let mut certificates = certificates.into_iter();
    Ok(certificates
        .next()
        .filter(|found| hex(&found.sha256()) == record.sha256))
}

fn chain_of(changes: &Transaction<'_>, record: &IssuedRecord) -> Result<Option<Vec<Certificate>>, HomeError> {
    let home = changes.home();
    match home.inventory().authority_by_key_id(&record.issuer_key_id) {
        Some(issuer) => chain_without_crosses(home, &issuer.name).map(Some),
        None => Ok(None),
    }
}
