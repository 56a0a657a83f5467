//! Exchanging an authority's key in stages, so that nobody is refused in between.
//!
//! A root is exchanged like this. [`begin_root`] makes the new root and new issuing authorities below it, and tells every
//! service to trust both roots. Until its peers have read their new `ca.pem`, some trust only the old root and some,
//! set up meanwhile, only the new one; two cross-certificates lead either to the other side:
//!
//! ```text
//! new leaf, new issuing authority ─ new root                       for who trusts the new root
//! new leaf, new issuing authority ─ new root signed by the old one ─ old root     … only the old root
//! old leaf, old issuing authority ─ old root                       for who trusts the old root
//! old leaf, old issuing authority ─ old root signed by the new one ─ new root     … only the new root
//! ```
//!
//! What a service presents holds the cross-certificate, so its peers need nothing else. The second one lives only as long
//! as a certificate that needs it. When every service has a certificate below the new root, [`finish`] takes the old
//! root out of what is trusted.
//!
//! An issuing authority is exchanged without cross-certificates: those who trust the root trust the new one too.
//!
//! Both steps happen whole or not at all, and may be done again: a second time changes nothing.

mod begin;
mod error;
mod finish;
mod services;
mod successor;

use cryptokit::x509::Certificate;
use time::OffsetDateTime;

use crate::home::{AuthorityKind, AuthorityRecord, HomeError, HomeView, Inventory, IssuedRecord, layout};

pub use begin::{already_begun, begin_issuing, begin_root};
pub use error::RotationError;
pub use finish::{Leftovers, finish};

/// Whose key is exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The root's, and those of all issuing authorities below it.
    Root,
    /// That of the issuing authority of this name.
    Issuing(String),
}

impl Which {
    /// What the authority is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Root => layout::ROOT,
            Self::Issuing(name) => name,
        }
    }
}

/// How things stand after a step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rotation {
    /// Whether this step changed anything: not when it had been done before.
    pub changed: bool,
    /// The authorities with new keys, the root first. After the end those that were retired.
    pub authorities: Vec<Exchanged>,
    /// Certificates that hang on the old key and are in use.
    pub hanging: Vec<IssuedRecord>,
    /// Certificates that would be among these, were not the authority that issued them revoked.
    pub refused: Vec<IssuedRecord>,
    /// Services whose trusted roots and chains were written anew.
    pub services: Vec<String>,
    /// Services whose files are not what they were made as; only their trusted roots were written anew, if those are there.
    pub left_out: Vec<String>,
    /// Serial number of the cross-certificate that was revoked: the next revocation list says so.
    pub revoked: Option<String>,
}

/// An authority before and after.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchanged {
    /// What it is called.
    pub name: String,
    /// What the old one is called from now on.
    pub old_name: String,
    /// The old certificate.
    pub old: Certificate,
    /// The new certificate.
    pub new: Certificate,
}

/// The exchanges that are under way.
pub fn under_way(inventory: &Inventory) -> Vec<Which> {
    let outgoing = inventory
        .authorities_in_use()
        .filter(|one| one.kind != AuthorityKind::Cross);
    let names: Vec<&str> = outgoing
        .filter_map(|one| one.name.strip_suffix(layout::OUTGOING))
        .collect();
    // With the root go those below it.
    if names.contains(&layout::ROOT) {
        return vec![Which::Root];
    }
    names.into_iter().map(|name| Which::Issuing(name.to_owned())).collect()
}

/// Certificates in use that hang on an authority which is being exchanged: they are neither revoked nor expired, nor is
/// the authority that issued them revoked, and no newer certificate has taken their place.
pub fn hanging(inventory: &Inventory, which: &Which, now: OffsetDateTime) -> Vec<IssuedRecord> {
    let mut below = below_old(inventory, which, now);
    below.retain(|record| !is_issuer_revoked(inventory, record));
    below
}

/// The same of authorities that are revoked: their peers refuse them, so they keep nothing from being finished.
pub fn refused(inventory: &Inventory, which: &Which, now: OffsetDateTime) -> Vec<IssuedRecord> {
    let mut below = below_old(inventory, which, now);
    below.retain(|record| is_issuer_revoked(inventory, record));
    below
}

fn below_old(inventory: &Inventory, which: &Which, now: OffsetDateTime) -> Vec<IssuedRecord> {
    let Some(old) = inventory.authority(&layout::outgoing(which.name())) else {
        return Vec::new();
    };
    inventory
        .living(now)
        .filter(|record| is_below(inventory, record, old) && !is_replaced(inventory, record))
        .cloned()
        .collect()
}

fn is_issuer_revoked(inventory: &Inventory, record: &IssuedRecord) -> bool {
    let issuer = inventory.authority_by_key_id(&record.issuer_key_id);
    issuer.is_some_and(|issuer| inventory.revocation(&issuer.serial).is_some())
}

/// Whether an authority signed a certificate or the issuer of that.
fn is_below(inventory: &Inventory, record: &IssuedRecord, authority: &AuthorityRecord) -> bool {
    let issuer = inventory.authority_by_key_id(&record.issuer_key_id);
    record.issuer_key_id == authority.key_id || issuer.is_some_and(|issuer| issuer.issuer_key_id == authority.key_id)
}

fn is_replaced(inventory: &Inventory, record: &IssuedRecord) -> bool {
    let newest = record.service.as_deref().and_then(|service| inventory.service(service));
    let mut later = inventory.issued().iter();
    newest.is_some_and(|newest| newest.serial != record.serial)
        || later.any(|other| other.replaces.as_deref() == Some(record.serial.as_str()))
}

/// What a service presents after its certificate, cross-certificates left out.
fn chain_without_crosses(home: &HomeView, issuer: &str) -> Result<Vec<Certificate>, HomeError> {
    let mut chain = vec![home.authority_certificate(issuer)?];
    chain.extend(home.issuers(issuer)?);
    chain.pop();
    Ok(chain)
}
