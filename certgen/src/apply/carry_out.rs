//! A plan to files: everything is made first, and put into force in one transaction.

use std::collections::BTreeMap;

use cryptokit::random;
use cryptokit::secret::SecretString;
use cryptokit::x509::{
    AuthorityRequest, Certificate, CertificateAuthority, CertificateKey, DistinguishedName, IssueError, KeyKind,
    LeafRequest, PublicKey, RevocationReason, certificates_from_pem,
};
use time::OffsetDateTime;

use super::error::ApplyError;
use super::manifest::{Manifest, WantedIssuing, WantedService};
use super::plan::{Action, KeyChoice, Plan, Step};
use crate::home::layout::{self, CERTIFICATE, FULLCHAIN, KEY, ROOT};
use crate::home::{
    AuthorityKind, AuthorityRecord, Event, Home, HomeError, HomeView, IssuedRecord, Overwrite, RevokedRecord,
    ServiceFiles, file_of,
};
use crate::key_generation;
use crate::leaf::key_pem;
use crate::lifecycle::{AuthorityKeys, list};
use crate::text::hex;

/// Does what a plan says to the home that it was made of.
pub(super) fn carry_out(
    home: &mut Home,
    manifest: &Manifest,
    plan: &Plan,
    keys: &mut AuthorityKeys,
    key_made: &(dyn Fn() + Sync),
    now: OffsetDateTime,
) -> Result<(), ApplyError> {
    // All at once: RSA keys take their time, and there is more than one processor.
    let new_keys = key_generation::generate(&key_kinds(manifest, plan), key_made).map_err(ApplyError::Key)?;
    let made = Made::of(home, manifest, plan, (keys, new_keys), now)?;
    let mut changes = home.begin()?;
    // What may be overwritten is decided: the plan was made under the same lock, and without refusals.
    changes.overwrite(Overwrite::Anything);
    for authority in &made.authorities {
        changes.new_authority(&authority.name, &authority.certificate, &authority.key)?;
        let kind = AuthorityKind::Issuing;
        let record = AuthorityRecord::of(&authority.certificate, &authority.name, kind, now);
        changes.record(Event::Authority(record));
    }
    for service in &made.services {
        let files = ServiceFiles {
            certificate: &service.certificate,
            chain: &service.chain,
            ca: &made.roots,
            key: service.key.as_ref(),
        };
        changes.service(&service.name, &files)?;
        if let Some(record) = &service.record {
            changes.record(Event::Issued(record.clone()));
        }
    }
    for record in made.revocations {
        changes.record(Event::Revoked(record));
    }
    if !made.lists.is_empty() {
        list::stage(&mut changes, &made.lists, now)?;
    }
    Ok(changes.commit()?)
}

/// Everything that a plan needs, in no file yet.
struct Made {
    roots: Vec<Certificate>,
    authorities: Vec<NewAuthority>,
    services: Vec<NewFiles>,
    revocations: Vec<RevokedRecord>,
    lists: Vec<list::NextList>,
}

struct NewAuthority {
    name: String,
    certificate: Certificate,
    key: SecretString,
}

/// The files of a service; with a record where its certificate is new.
struct NewFiles {
    name: String,
    certificate: Certificate,
    chain: Vec<Certificate>,
    key: Option<SecretString>,
    record: Option<IssuedRecord>,
}

impl Made {
    fn of(
        home: &Home,
        manifest: &Manifest,
        plan: &Plan,
        (keys, new_keys): (&mut AuthorityKeys, Vec<CertificateKey>),
        now: OffsetDateTime,
    ) -> Result<Self, ApplyError> {
        let mut maker = Maker {
            home,
            manifest,
            keys,
            new_keys: new_keys.into_iter(),
            authorities: BTreeMap::new(),
            chains: BTreeMap::new(),
            now,
        };
        let mut made = Self {
            roots: home.roots()?,
            authorities: Vec::new(),
            services: Vec::new(),
            revocations: Vec::new(),
            lists: Vec::new(),
        };
        for step in &plan.steps {
            let name = &step.subject;
            match &step.action {
                // It was made before this home could be opened.
                Action::MakeHome => {}
                Action::MakeIssuing => made.authorities.push(maker.issuing(wanted(&manifest.issuing, name))?),
                Action::Issue { key, replaces } => {
                    let wanted = wanted(&manifest.services, name);
                    made.services.push(maker.issue(wanted, *key, replaces.clone())?);
                }
                Action::Rewrite => made.services.push(maker.rewrite(name)?),
                Action::Revoke { serial, reason } => made.revocations.push(maker.revocation(serial, *reason)?),
                Action::Publish => made.lists.push(maker.list(name, &made.revocations)?),
            }
        }
        Ok(made)
    }
}

/// The kinds of the keys that a plan takes, in the order of its steps.
fn key_kinds(manifest: &Manifest, plan: &Plan) -> Vec<KeyKind> {
    let kind = |step: &Step| match step.action {
        Action::MakeIssuing => Some(wanted(&manifest.issuing, &step.subject).key),
        Action::Issue {
            key: KeyChoice::New, ..
        } => wanted(&manifest.services, &step.subject).key,
        _ => None,
    };
    plan.steps.iter().filter_map(kind).collect()
}

/// Finds what a step of a plan is about: a plan is made of the manifest it is carried out with.
fn wanted<'m, T: Named>(all: &'m [T], name: &str) -> &'m T {
    all.iter()
        .find(|one| one.name() == name)
        .expect("a plan names what its manifest has")
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for WantedIssuing {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for WantedService {
    fn name(&self) -> &str {
        &self.name
    }
}

struct Maker<'a> {
    home: &'a Home,
    manifest: &'a Manifest,
    keys: &'a mut AuthorityKeys,
    /// One for each step that takes one, in their order.
    new_keys: std::vec::IntoIter<CertificateKey>,
    /// Loaded once, or new.
    authorities: BTreeMap<String, CertificateAuthority>,
    /// What services present after a certificate of each.
    chains: BTreeMap<String, Vec<Certificate>>,
    now: OffsetDateTime,
}

impl Maker<'_> {
    fn authority(&mut self, name: &str) -> Result<&CertificateAuthority, ApplyError> {
        if !self.authorities.contains_key(name) {
            let loaded = self.keys.load(self.home, name)?;
            self.authorities.insert(name.to_owned(), loaded);
        }
        Ok(&self.authorities[name])
    }

    fn new_key(&mut self) -> CertificateKey {
        self.new_keys
            .next()
            .expect("a key was made for each step that takes one")
    }

    fn chain(&mut self, authority: &str) -> Result<Vec<Certificate>, ApplyError> {
        if let Some(known) = self.chains.get(authority) {
            return Ok(known.clone());
        }
        let chain = self.home.chain(authority)?;
        self.chains.insert(authority.to_owned(), chain.clone());
        Ok(chain)
    }

    fn issuing(&mut self, wanted: &WantedIssuing) -> Result<NewAuthority, ApplyError> {
        let (manifest, now) = (self.manifest, self.now);
        let failed = |source| ApplyError::Issue {
            name: wanted.name.clone(),
            source,
        };
        let mut request = AuthorityRequest::intermediate(issuing_subject(manifest)?)
            .with_lifetime(wanted.lifetime)
            .with_name_constraints(manifest.authority.constraints.clone());
        if let Some(domain) = &manifest.authority.trust_domain {
            request = request.with_trust_domain(domain);
        }
        let key = self.new_key();
        let is_encrypted = self.home.is_key_encrypted(&layout::key_of(ROOT)).unwrap_or(false);
        let made = self
            .authority(ROOT)?
            .issue_authority(&request, key, now)
            .map_err(failed)?;
        let pem = self.key_pem(made.key(), is_encrypted)?;
        // What leads from other roots to this one stands behind every chain below it.
        let mut chain = vec![made.certificate().clone()];
        chain.extend(self.home.chain(ROOT)?);
        self.chains.insert(wanted.name.clone(), chain);
        let certificate = made.certificate().clone();
        self.authorities.insert(wanted.name.clone(), made);
        Ok(NewAuthority {
            name: wanted.name.clone(),
            certificate,
            key: pem,
        })
    }

    /// The key of a new authority is protected as the root's is.
    fn key_pem(&self, key: &CertificateKey, is_encrypted: bool) -> Result<SecretString, ApplyError> {
        let passphrase = self.keys.passphrase().filter(|_| is_encrypted);
        key_pem(key, passphrase).map_err(ApplyError::Encryption)
    }

    fn issue(
        &mut self,
        wanted: &WantedService,
        key: KeyChoice,
        replaces: Option<String>,
    ) -> Result<NewFiles, ApplyError> {
        let (home, now) = (self.home, self.now);
        let failed = |source| ApplyError::Issue {
            name: wanted.name.clone(),
            source,
        };
        let (public_key, key) = match key {
            KeyChoice::Keep => (kept_key(home, &wanted.name)?, None),
            KeyChoice::New => {
                let made = self.new_key();
                let pem = key_pem(&made, None).map_err(ApplyError::Encryption)?;
                (made.public_key().clone(), Some(pem))
            }
        };
        let request = LeafRequest::new(wanted.profile, wanted.names.clone()).with_lifetime(wanted.lifetime);
        let issuer = self.authority(&wanted.issuer)?;
        let issued = loop {
            let issued = issuer.issue_leaf_for_key(&request, &public_key, now).map_err(failed)?;
            if !home.inventory().knows_serial(&hex(issued.certificate().serial())) {
                break issued;
            }
        };
        let certificate = issued.certificate().clone();
        let profile = wanted.profile.name();
        let record = IssuedRecord {
            lifetime_seconds: wanted.lifetime.whole_seconds(),
            replaces,
            ..IssuedRecord::of(&certificate, &wanted.issuer, Some(&wanted.name), profile, now)
        };
        Ok(NewFiles {
            name: wanted.name.clone(),
            certificate,
            chain: self.chain(&wanted.issuer)?,
            key,
            record: Some(record),
        })
    }

    fn rewrite(&mut self, name: &str) -> Result<NewFiles, ApplyError> {
        let issued = self.home.inventory().issued();
        let newest = issued.iter().rfind(|record| record.service.as_deref() == Some(name));
        let newest = newest.expect("only what was issued is written again");
        let issuer = self.home.inventory().authority_by_key_id(&newest.issuer_key_id);
        let issuer = issuer.expect("the state had its chain").name.clone();
        let certificate = certificates_of(self.home, name)?
            .into_iter()
            .find(|certificate| hex(&certificate.sha256()) == newest.sha256);
        Ok(NewFiles {
            name: name.to_owned(),
            certificate: certificate.expect("the state had it"),
            chain: self.chain(&issuer)?,
            key: None,
            record: None,
        })
    }

    fn revocation(&self, serial: &str, reason: RevocationReason) -> Result<RevokedRecord, ApplyError> {
        let record = self.home.inventory().by_serial(serial).expect("the state had it");
        Ok(RevokedRecord {
            // RFC 5280 §5.3.2: lists count in seconds, and no entry may be later than its list.
            time: self.now.replace_nanosecond(0).unwrap_or(self.now),
            serial: serial.to_owned(),
            issuer_key_id: record.issuer_key_id.clone(),
            reason: reason.name().to_owned(),
            invalidity_date: None,
        })
    }

    fn list(&mut self, name: &str, newly: &[RevokedRecord]) -> Result<list::NextList, ApplyError> {
        let wanted = self.manifest.crl.unwrap_or_default();
        let lifetime = if name == ROOT {
            wanted.root_lifetime
        } else {
            wanted.lifetime
        };
        let (home, now) = (self.home, self.now);
        let authority = self.authority(name)?;
        Ok(list::next(home, name, authority, newly, Some(lifetime), now)?)
    }
}

/// The subject of one more issuing authority: the end tells it from the others.
fn issuing_subject(manifest: &Manifest) -> Result<DistinguishedName, ApplyError> {
    let end = format!("{:08x}", u32::from_be_bytes(random::bytes()));
    manifest.authority.issuing_subject(&end).map_err(ApplyError::Subject)
}

/// The public half of the key that a service has: from the key, or where only a passphrase opens that, from a
/// certificate beside it.
fn kept_key(home: &HomeView, service: &str) -> Result<PublicKey, ApplyError> {
    let failed = |source| ApplyError::Issue {
        name: service.to_owned(),
        source: IssueError::PublicKey(source),
    };
    match home.read_key(&file_of(service, KEY), None) {
        Ok(key) => PublicKey::from_spki_der(&key.public_key().to_spki_der()).map_err(failed),
        Err(HomeError::PassphraseNeeded { .. } | HomeError::NoKey { .. }) => {
            let issued = home.inventory().issued();
            let newest = issued.iter().rfind(|record| record.service.as_deref() == Some(service));
            let certificate = certificates_of(home, service)?
                .into_iter()
                .find(|certificate| newest.is_some_and(|newest| hex(&certificate.spki_sha256()) == newest.spki_sha256));
            let certificate = certificate.ok_or_else(|| ApplyError::Changed {
                service: service.to_owned(),
            })?;
            certificate.subject_public_key().map_err(failed)
        }
        Err(error) => Err(error.into()),
    }
}

/// The certificates that a service's files begin with.
fn certificates_of(home: &HomeView, service: &str) -> Result<Vec<Certificate>, HomeError> {
    let mut found = Vec::new();
    for file in [CERTIFICATE, FULLCHAIN] {
        let pem = home.read_file(&file_of(service, file))?.unwrap_or_default();
        found.extend(certificates_from_pem(&pem).unwrap_or_default().into_iter().next());
    }
    Ok(found)
}
