//! Renewing and replacing: a new certificate of the same names, profile, lifetime and authority. Renewing keeps the
//! key, replacing makes another one. The certificate before stays valid until it expires or is revoked.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use cryptokit::secret::SecretString;
use cryptokit::sign::RsaKeySize;
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateKey, IssueError, IssuedCertificate, KeyAlgorithm, KeyKind,
    LeafProfile, LeafRequest, PublicKey, RevocationReason, SubjectAlternativeName, certificates_from_pem,
};
use time::{Duration, OffsetDateTime};

use super::error::LifecycleError;
use super::list::{self, NextList};
use super::revoke;
use super::target::{self, Target};
use crate::home::layout::{CERTIFICATE, INTERMEDIATE, KEY};
use crate::home::{Event, Home, HomeError, HomeView, Inventory, IssuedRecord, ServiceFiles, file_of};
use crate::key_generation;
use crate::leaf::key_pem;
use crate::renewal_point::{RenewalPoint, Standing};
use crate::text::hex;

/// Which services get new certificates.
#[derive(Clone, Debug)]
pub enum Which {
    /// These.
    Named(Vec<String>),
    /// All whose certificate is not revoked, and for new keys, whose key is here.
    All,
    /// Of those, the ones that are due or expired.
    Due(RenewalPoint),
}

/// Whose key the new certificates are for.
#[derive(Clone, Copy, Debug)]
pub enum NewKey<'a> {
    /// The one that there is.
    Kept,
    /// A new one.
    Made {
        /// Its kind; `None` for the kind that there is.
        kind: Option<KeyKind>,
        /// What it is encrypted with.
        passphrase: Option<&'a SecretString>,
        /// Whether, and why, what the service had before is revoked in the same moment.
        revoke_old: Option<RevocationReason>,
    },
}

/// A service with its new certificate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Renewed {
    /// The service.
    pub service: String,
    /// The authority that issued it.
    pub issuer: String,
    /// The certificate that it takes the place of.
    pub before: IssuedRecord,
    /// The certificate.
    pub certificate: Certificate,
}

/// What was done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Renewal {
    /// Services with new certificates.
    pub renewed: Vec<Renewed>,
    /// Where all were asked for, those that were left out, and why.
    pub left_out: Vec<(String, LeftOut)>,
    /// What was revoked.
    pub revoked: Vec<Target>,
    /// The lists that say so.
    pub lists: Vec<NextList>,
}

/// Why a service was left out where all were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Its newest certificate is revoked: whether it is to have another one only its owner knows.
    Revoked,
    /// Its key is not here, so that no new one can take its place.
    KeyElsewhere,
    /// Its issuer is revoked or has expired: what it issues nobody accepts.
    IssuerUnfit,
}

/// Gives services new certificates, all or none.
///
/// `authority` gives an authority by its name, with its key; it is asked once for each.
///
/// # Errors
///
/// [`LifecycleError`]; then nothing was changed.
pub fn renew(
    home: &mut Home,
    which: &Which,
    key: NewKey<'_>,
    mut authority: impl FnMut(&HomeView, &str) -> Result<CertificateAuthority, LifecycleError>,
    now: OffsetDateTime,
) -> Result<Renewal, LifecycleError> {
    let mut authorities = BTreeMap::new();
    let mut made = Vec::new();
    let (mut chosen, mut left_out) = chosen(home, which, key, now)?;
    if !matches!(which, Which::Named(_)) {
        leave_out_unfit_issuers(home, &mut chosen, &mut left_out, now)?;
    }
    // What is wrong with the files of one is found before anything is made for another.
    let current = chosen
        .iter()
        .map(|before| current(home, before))
        .collect::<Result<Vec<_>, _>>()?;
    let mut new_keys = new_keys(home, &chosen, &current, key)?.into_iter();
    for (before, current) in chosen.into_iter().zip(&current) {
        let issuer = issuer_of(home.inventory(), &before, now);
        home.check_issuer(&issuer, now)?;
        let issuing = match authorities.entry(issuer.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(authority(home, &issuer)?),
        };
        let new_key = new_keys.next();
        let for_key = match &new_key {
            Some((key, _)) => key.public_key().clone(),
            None => current.subject_public_key().map_err(|error| LifecycleError::Issue {
                name: service_of(&before).to_owned(),
                source: IssueError::PublicKey(error),
            })?,
        };
        let issued = Made::issue(home, &before, issuing, &for_key, now)?;
        made.push(Made {
            before,
            issuer,
            issued,
            key: new_key.map(|(_, pem)| pem),
        });
    }
    let mut renewal = Renewal {
        left_out,
        ..Renewal::default()
    };
    if made.is_empty() {
        return Ok(renewal);
    }
    let mut records = Vec::new();
    if let NewKey::Made {
        revoke_old: Some(reason),
        ..
    } = key
    {
        let is_replaced = |old: &Target| made.iter().any(|one| one.before.service == old.name);
        renewal.revoked = target::living(home.inventory(), now).filter(is_replaced).collect();
        records = revoke::records(&renewal.revoked, reason, now);
        let again = |home: &HomeView, name: &str| match authorities.remove(name) {
            Some(known) => Ok(known),
            None => authority(home, name),
        };
        renewal.lists = revoke::lists(home, &records, again, None, now)?;
    }
    let ca = home.roots()?;
    let chains = made
        .iter()
        .map(|one| home.chain(&one.issuer))
        .collect::<Result<Vec<_>, _>>()?;
    let mut changes = home.begin()?;
    for (one, chain) in made.iter().zip(&chains) {
        let files = ServiceFiles {
            certificate: one.issued.certificate(),
            chain,
            ca: &ca,
            key: one.key.as_ref(),
        };
        changes.service(one.service(), &files)?;
        changes.record(Event::Issued(one.record(now)));
    }
    for record in records {
        changes.record(Event::Revoked(record));
    }
    if !renewal.lists.is_empty() {
        list::stage(&mut changes, &renewal.lists, now)?;
    }
    changes.commit()?;
    renewal.renewed = made.into_iter().map(Made::into_renewed).collect();
    Ok(renewal)
}

/// A certificate that is in no file yet.
struct Made {
    before: IssuedRecord,
    issuer: String,
    issued: IssuedCertificate,
    key: Option<SecretString>,
}

impl Made {
    fn issue(
        home: &HomeView,
        before: &IssuedRecord,
        authority: &CertificateAuthority,
        key: &PublicKey,
        now: OffsetDateTime,
    ) -> Result<IssuedCertificate, LifecycleError> {
        let request = request_of(before).ok_or_else(|| LifecycleError::IssuedRecord {
            serial: before.serial.clone(),
        })?;
        issue(home, authority, &request, key, now).map_err(|source| LifecycleError::Issue {
            name: service_of(before).to_owned(),
            source,
        })
    }

    fn service(&self) -> &str {
        service_of(&self.before)
    }

    fn record(&self, now: OffsetDateTime) -> IssuedRecord {
        let (issuer, profile) = (&self.issuer, &self.before.profile);
        IssuedRecord {
            // A life that the issuer's end cut is asked for again in full.
            lifetime_seconds: self.before.lifetime_seconds,
            replaces: Some(self.before.serial.clone()),
            ..IssuedRecord::of(self.issued.certificate(), issuer, Some(self.service()), profile, now)
        }
    }

    fn into_renewed(self) -> Renewed {
        Renewed {
            service: self.service().to_owned(),
            issuer: self.issuer,
            certificate: self.issued.certificate().clone(),
            before: self.before,
        }
    }
}

/// Makes a certificate whose serial number was never given out.
pub(super) fn issue(
    home: &HomeView,
    authority: &CertificateAuthority,
    request: &LeafRequest,
    key: &PublicKey,
    now: OffsetDateTime,
) -> Result<IssuedCertificate, IssueError> {
    loop {
        let issued = authority.issue_leaf_for_key(request, key, now)?;
        if !home.inventory().knows_serial(&hex(issued.certificate().serial())) {
            return Ok(issued);
        }
    }
}

type Chosen = (Vec<IssuedRecord>, Vec<(String, LeftOut)>);

/// The newest certificates of the services that are meant.
fn chosen(home: &HomeView, which: &Which, key: NewKey<'_>, now: OffsetDateTime) -> Result<Chosen, LifecycleError> {
    match which {
        Which::Named(names) => Ok((named(home, names, key)?, Vec::new())),
        Which::All => Ok(all(home, key, |_| true)),
        Which::Due(point) => Ok(all(home, key, |record| {
            let standing = point.standing_of(record.not_before, record.not_after, now);
            matches!(standing, Standing::Due | Standing::Expired)
        })),
    }
}

fn named(home: &HomeView, names: &[String], key: NewKey<'_>) -> Result<Vec<IssuedRecord>, LifecycleError> {
    let mut chosen: Vec<IssuedRecord> = Vec::new();
    for name in names {
        let name = target::without_slash(name);
        let newest = newest(home.inventory(), name).ok_or_else(|| HomeError::UnknownService {
            name: name.escape_debug().to_string(),
        })?;
        // A revoked key may be known to others. A new one is another matter.
        if matches!(key, NewKey::Kept) && home.inventory().revocation(&newest.serial).is_some() {
            return Err(LifecycleError::ServiceRevoked {
                service: name.to_owned(),
            });
        }
        if !chosen.contains(newest) {
            chosen.push(newest.clone());
        }
    }
    Ok(chosen)
}

fn all(home: &HomeView, key: NewKey<'_>, is_meant: impl Fn(&IssuedRecord) -> bool) -> Chosen {
    let inventory = home.inventory();
    let names: BTreeSet<&str> = inventory
        .issued()
        .iter()
        .filter_map(|record| record.service.as_deref())
        .collect();
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for name in names {
        let Some(record) = newest(inventory, name).filter(|record| is_meant(record)) else {
            continue;
        };
        if inventory.revocation(&record.serial).is_some() {
            left_out.push((name.to_owned(), LeftOut::Revoked));
        } else if matches!(key, NewKey::Made { .. }) && !home.path_of(&file_of(name, KEY)).exists() {
            left_out.push((name.to_owned(), LeftOut::KeyElsewhere));
        } else {
            chosen.push(record.clone());
        }
    }
    (chosen, left_out)
}

/// The services of one authority do not have to wait until another has a new key. Only where there is nobody else is its
/// state an error, so that a timer does not take it for success.
fn leave_out_unfit_issuers(
    home: &HomeView,
    chosen: &mut Vec<IssuedRecord>,
    left_out: &mut Vec<(String, LeftOut)>,
    now: OffsetDateTime,
) -> Result<(), HomeError> {
    let unfit = |record: &IssuedRecord| home.check_issuer(&issuer_of(home.inventory(), record, now), now).err();
    if let Some(error) = chosen.first().and_then(unfit)
        && chosen.iter().all(|record| unfit(record).is_some())
    {
        return Err(error);
    }
    chosen.retain(|record| {
        let is_unfit = unfit(record).is_some();
        if is_unfit {
            left_out.push((service_of(record).to_owned(), LeftOut::IssuerUnfit));
        }
        !is_unfit
    });
    Ok(())
}

/// Also when it is revoked: the one before it is no substitute.
pub(super) fn newest<'a>(inventory: &'a Inventory, service: &str) -> Option<&'a IssuedRecord> {
    let issued = inventory.issued().iter().rev();
    issued
        .into_iter()
        .find(|record| record.service.as_deref() == Some(service))
}

/// The authority that issued it, or the one that has taken over its name.
fn issuer_of(inventory: &Inventory, before: &IssuedRecord, now: OffsetDateTime) -> String {
    // Its key's place may have been taken by another key, which goes by its name now.
    let issuer = inventory.authority_by_key_id(&before.issuer_key_id).into_iter();
    issuer
        .chain(inventory.authority(&before.issuer))
        .find(|issuer| issuer.issues() && issuer.not_after >= now)
        .map_or_else(|| INTERMEDIATE.to_owned(), |issuer| issuer.name.clone())
}

/// New keys with their PEM, where there are to be new ones: one for each service, of RSA several at once.
fn new_keys(
    home: &HomeView,
    chosen: &[IssuedRecord],
    current: &[Certificate],
    key: NewKey<'_>,
) -> Result<Vec<(CertificateKey, SecretString)>, LifecycleError> {
    let NewKey::Made { kind, passphrase, .. } = key else {
        return Ok(Vec::new());
    };
    for before in chosen {
        refuse_to_lose_encryption(home, service_of(before), passphrase)?;
    }
    let kinds: Vec<_> = current
        .iter()
        .map(|certificate| kind.unwrap_or_else(|| kind_of(certificate)))
        .collect();
    let keys = key_generation::generate(&kinds, &|| ()).map_err(LifecycleError::KeyNotMade)?;
    let with_pem = keys.into_iter().map(|key| {
        let pem = key_pem(&key, passphrase).map_err(LifecycleError::Encryption)?;
        Ok((key, pem))
    });
    with_pem.collect()
}

/// Records of services alone are chosen.
fn service_of(record: &IssuedRecord) -> &str {
    record.service.as_deref().unwrap_or_default()
}

/// The certificate in the service's directory, which must be the one that the inventory means.
fn current(home: &HomeView, record: &IssuedRecord) -> Result<Certificate, LifecycleError> {
    let service = service_of(record);
    let file = file_of(service, CERTIFICATE);
    let path = home.path_of(&file);
    let pem = home
        .read_file(&file)?
        .ok_or_else(|| HomeError::Missing { path: path.clone() })?;
    let read = certificates_from_pem(&pem).map_err(|source| HomeError::Certificate {
        path: path.clone(),
        source,
    })?;
    let certificate = match <[Certificate; 1]>::try_from(read) {
        Ok([certificate]) if hex(&certificate.sha256()) == record.sha256 => certificate,
        _ => return Err(LifecycleError::OtherCertificate { path }),
    };
    let file = file_of(service, KEY);
    match home.read_key(&file, None) {
        Ok(key) if key.public_key().to_spki_der() != certificate.spki_der() => Err(LifecycleError::OtherKey {
            path: home.path_of(&file),
        }),
        // Whose an encrypted key is cannot be seen; where there is none, the certificate was made for a request.
        Ok(_) | Err(HomeError::PassphraseNeeded { .. } | HomeError::NoKey { .. }) => Ok(certificate),
        Err(error) => Err(error.into()),
    }
}

fn refuse_to_lose_encryption(
    home: &HomeView,
    service: &str,
    passphrase: Option<&SecretString>,
) -> Result<(), LifecycleError> {
    let service = service.to_owned();
    match home.is_key_encrypted(&file_of(&service, KEY)) {
        Ok(true) if passphrase.is_none() => Err(LifecycleError::KeyEncrypted { service }),
        Ok(_) => Ok(()),
        Err(HomeError::NoKey { .. }) => Err(LifecycleError::KeyElsewhere { service }),
        Err(error) => Err(error.into()),
    }
}

fn request_of(record: &IssuedRecord) -> Option<LeafRequest> {
    let profiles = [
        LeafProfile::Server,
        LeafProfile::Client,
        LeafProfile::Peer,
        LeafProfile::Spiffe,
    ];
    let profile = profiles.into_iter().find(|profile| profile.name() == record.profile)?;
    let names = record.names.iter().map(|name| SubjectAlternativeName::parse(name).ok());
    let request = LeafRequest::new(profile, names.collect::<Option<Vec<_>>>()?);
    Some(request.with_lifetime(Duration::seconds(record.lifetime_seconds)))
}

fn kind_of(certificate: &Certificate) -> KeyKind {
    match certificate.subject_public_key().map(|key| key.algorithm()) {
        Ok(KeyAlgorithm::EcdsaP384) => KeyKind::P384,
        Ok(KeyAlgorithm::Ed25519) => KeyKind::Ed25519,
        Ok(KeyAlgorithm::Rsa { modulus_bits: 0..=2048 }) => KeyKind::Rsa(RsaKeySize::Bits2048),
        Ok(KeyAlgorithm::Rsa {
            modulus_bits: 2049..=3072,
        }) => KeyKind::Rsa(RsaKeySize::Bits3072),
        Ok(KeyAlgorithm::Rsa { .. }) => KeyKind::Rsa(RsaKeySize::Bits4096),
        _ => KeyKind::P256,
    }
}
