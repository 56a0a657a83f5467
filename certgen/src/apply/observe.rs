//! A home on disk to the state that plans are made of. Reads, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use cryptokit::hash::sha256;
use cryptokit::x509::{
    Certificate, RevocationList, TrustDomain, certificate_to_pem, certificates_from_pem, certificates_to_pem,
};
use time::Duration;

use super::manifest::Manifest;
use super::state::{
    AuthorityState, CertificateFile, IssuedState, KeyFile, ListState, RevokedAuthority, ServiceState, State,
};
use crate::home::layout::{CA, CERTIFICATE, CHAIN, FULLCHAIN, KEY, ROOT};
use crate::home::{AuthorityKind, AuthorityRecord, HomeError, HomeView, IssuedRecord, file_of};
use crate::lifecycle::{AuthorityKeys, list};
use crate::text::hex;

/// Looks at the authorities of a home, at what it has issued, and at the files of the services of a manifest.
///
/// `keys` says which authorities' keys can be had.
///
/// # Errors
///
/// [`HomeError`] for authorities whose files are not the inventory's, and for links and the like where files should be.
pub fn observe(home: &HomeView, manifest: &Manifest, keys: &AuthorityKeys) -> Result<State, HomeError> {
    let mut surroundings = Surroundings::new(home)?;
    let root = authority(home, ROOT, keys)?;
    let mut issuing = BTreeMap::new();
    for record in home.inventory().authorities_in_use() {
        if record.kind == AuthorityKind::Issuing {
            issuing.insert(record.name.clone(), authority(home, &record.name, keys)?);
        }
    }
    let mut former = BTreeMap::new();
    for record in home.inventory().authorities() {
        let is_known = record.name == ROOT || issuing.contains_key(&record.name);
        if record.kind != AuthorityKind::Cross && !is_known {
            // Once nobody trusts it any more its files may be gone.
            if let Ok(authority) = authority(home, &record.name, keys) {
                former.insert(record.name.clone(), authority);
            }
        }
    }
    let mut lists = BTreeMap::new();
    let others = issuing.iter().chain(&former).map(|(name, one)| (name.as_str(), one));
    for (name, authority) in std::iter::once((ROOT, &root)).chain(others) {
        if let Some(list) = list_state(home, name, &authority.key_id)? {
            lists.insert(name.to_owned(), list);
        }
    }
    let mut services = BTreeMap::new();
    for service in &manifest.services {
        let found = surroundings.service(&service.name)?;
        if found != ServiceState::NOTHING {
            services.insert(service.name.clone(), found);
        }
    }
    let issued = home
        .inventory()
        .issued()
        .iter()
        .map(|record| issued(home, record))
        .collect();
    Ok(State {
        root,
        issuing,
        former,
        revoked_authorities: revoked_authorities(home),
        issued,
        services,
        lists,
    })
}

fn authority(home: &HomeView, name: &str, keys: &AuthorityKeys) -> Result<AuthorityState, HomeError> {
    let certificate = home.authority_certificate(name)?;
    let record = home.inventory().authority(name);
    Ok(AuthorityState {
        key_id: certificate.subject_key_identifier().map(hex).unwrap_or_default(),
        subject: certificate.subject_text().to_owned(),
        key: record
            .map(|record: &AuthorityRecord| record.key.clone())
            .unwrap_or_default(),
        constraints: certificate.name_constraints().cloned().unwrap_or_default(),
        trust_domain: TrustDomain::of(&certificate),
        not_after: certificate.not_after(),
        is_revoked: record.is_some_and(|record| home.inventory().revocation(&record.serial).is_some()),
        key_is_here: keys.has(home, name),
    })
}

fn issued(home: &HomeView, record: &IssuedRecord) -> IssuedState {
    IssuedState {
        serial: record.serial.clone(),
        service: record.service.clone(),
        issuer: record.issuer.clone(),
        issuer_key_id: record.issuer_key_id.clone(),
        profile: record.profile.clone(),
        names: record.names.iter().cloned().collect(),
        key: record.key.clone(),
        spki_sha256: record.spki_sha256.clone(),
        not_before: record.not_before,
        not_after: record.not_after,
        lifetime: Duration::seconds(record.lifetime_seconds),
        revoked: home
            .inventory()
            .revocation(&record.serial)
            .map(|revocation| revocation.reason.clone()),
    }
}

fn revoked_authorities(home: &HomeView) -> Vec<RevokedAuthority> {
    let inventory = home.inventory();
    let revoked = |record: &AuthorityRecord| {
        let revocation = inventory.revocation(&record.serial)?;
        Some(RevokedAuthority {
            serial: record.serial.clone(),
            issuer_key_id: revocation.issuer_key_id.clone(),
            not_after: record.not_after,
        })
    };
    inventory.authorities().filter_map(revoked).collect()
}

fn list_state(home: &HomeView, name: &str, key_id: &str) -> Result<Option<ListState>, HomeError> {
    let Some(record) = home.inventory().revocation_list(key_id) else {
        return Ok(None);
    };
    // As large as a list may be, in PEM, and several of them in one file.
    let read = |file: &str| {
        let max = 16 * RevocationList::MAX_DER_BYTES as u64;
        Ok::<_, HomeError>(home.read_file_up_to(file, max)?.unwrap_or_default())
    };
    let (der, pem, all) = (
        read(&list::der_of(name))?,
        read(&list::pem_of(name))?,
        read(list::ALL_LISTS)?,
    );
    let is_in_all = String::from_utf8_lossy(&all).contains(&*String::from_utf8_lossy(&pem));
    let read = RevocationList::from_der(&der)
        .ok()
        .filter(|list| hex(&sha256(&der)) == record.sha256 && list.to_pem().as_bytes() == pem && is_in_all);
    let revoked: BTreeSet<String> = read
        .iter()
        .flat_map(|list| list.revoked())
        .map(|entry| hex(&entry.serial))
        .collect();
    Ok(Some(ListState {
        in_place: read.is_some(),
        this_update: record.this_update,
        next_update: record.next_update,
        revoked,
    }))
}

/// What stands around the certificates of services: the same for all that one authority issued.
struct Surroundings<'a> {
    home: &'a HomeView,
    ca: String,
    /// By key identifier of the issuer; `None` where there is none to be had.
    chains: BTreeMap<String, Option<String>>,
    newest: BTreeMap<&'a str, &'a IssuedRecord>,
    by_sha256: BTreeMap<&'a str, &'a IssuedRecord>,
}

impl<'a> Surroundings<'a> {
    fn new(home: &'a HomeView) -> Result<Self, HomeError> {
        let issued = home.inventory().issued();
        let newest = issued
            .iter()
            .filter_map(|record| Some((record.service.as_deref()?, record)));
        Ok(Self {
            home,
            ca: certificates_to_pem(&home.roots()?),
            chains: BTreeMap::new(),
            newest: newest.collect(),
            by_sha256: issued.iter().map(|record| (record.sha256.as_str(), record)).collect(),
        })
    }

    fn service(&mut self, name: &str) -> Result<ServiceState, HomeError> {
        let read = |file| self.home.read_file(&file_of(name, file));
        let (certificate, fullchain) = (read(CERTIFICATE)?, read(FULLCHAIN)?);
        let (chain, ca) = (read(CHAIN)?, read(CA)?);
        let first = fullchain.as_deref().and_then(first_certificate);
        let spare = first.and_then(|first| Some((self.ours(name, &first)?.serial.clone(), first)));
        let alone = certificate.as_deref().map(only_certificate);
        let state = match &alone {
            None => CertificateFile::Missing,
            Some(None) => CertificateFile::Damaged,
            Some(Some(certificate)) => match self.ours(name, certificate) {
                Some(record) => CertificateFile::Ours {
                    serial: record.serial.clone(),
                },
                None => CertificateFile::Foreign {
                    issuer: certificate.issuer_text().to_owned(),
                },
            },
        };
        let key = self.key(name)?;
        let mut stale = Vec::new();
        if let Some(newest) = self.newest.get(name).copied() {
            let is_newest = |certificate: &&Certificate| hex(certificate.serial()) == newest.serial;
            let current = alone
                .iter()
                .flatten()
                .find(is_newest)
                .or(spare.iter().map(|(_, first)| first).find(is_newest));
            let expected = self.chain(&newest.issuer_key_id)?;
            if let (Some(current), Some(expected)) = (current, expected) {
                let full = format!("{}{expected}", certificate_to_pem(current.der()));
                for (file, found, wanted) in [
                    (CHAIN, &chain, &expected),
                    (FULLCHAIN, &fullchain, &full),
                    (CA, &ca, &self.ca),
                ] {
                    if found.as_deref() != Some(wanted.as_bytes()) {
                        stale.push(file);
                    }
                }
            }
        }
        Ok(ServiceState {
            certificate: state,
            key,
            spare: spare.map(|(serial, _)| serial),
            stale,
        })
    }

    /// The record of a certificate that this authority issued to this service.
    fn ours(&self, service: &str, certificate: &Certificate) -> Option<&'a IssuedRecord> {
        let record = self.by_sha256.get(hex(&certificate.sha256()).as_str()).copied();
        record.filter(|record| record.service.as_deref() == Some(service))
    }

    fn key(&self, service: &str) -> Result<KeyFile, HomeError> {
        match self.home.read_key(&file_of(service, KEY), None) {
            Ok(key) => Ok(KeyFile::Key {
                spki_sha256: hex(&sha256(&key.public_key().to_spki_der())),
            }),
            Err(HomeError::NoKey { .. }) => Ok(KeyFile::Missing),
            Err(HomeError::PassphraseNeeded { .. }) => Ok(KeyFile::Encrypted),
            Err(error @ (HomeError::Key { .. } | HomeError::KeyFile(_))) => Ok(KeyFile::Unusable {
                why: crate::explain::with_causes(&error),
            }),
            Err(error) => Err(error),
        }
    }

    /// What a service presents after a certificate of this issuer.
    fn chain(&mut self, issuer_key_id: &str) -> Result<Option<String>, HomeError> {
        if let Some(known) = self.chains.get(issuer_key_id) {
            return Ok(known.clone());
        }
        let issuer = self.home.inventory().authority_by_key_id(issuer_key_id);
        let chain = match issuer {
            Some(issuer) => Some(certificates_to_pem(&self.home.chain(&issuer.name)?)),
            None => None,
        };
        self.chains.insert(issuer_key_id.to_owned(), chain.clone());
        Ok(chain)
    }
}

fn only_certificate(pem: &[u8]) -> Option<Certificate> {
    let certificates = certificates_from_pem(pem).ok()?;
    <[Certificate; 1]>::try_from(certificates)
        .ok()
        .map(|[certificate]| certificate)
}

fn first_certificate(pem: &[u8]) -> Option<Certificate> {
    certificates_from_pem(pem).ok()?.into_iter().next()
}
