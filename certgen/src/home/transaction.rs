//! Changing a home: all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};

use cryptokit::key_format::PrivateKey;
use cryptokit::random;
use cryptokit::secret::SecretString;
use cryptokit::x509::{Certificate, RevocationList, certificate_to_pem, certificates_from_pem, certificates_to_pem};
use time::OffsetDateTime;

use super::directory::{Directory, PRIVATE_MODE, PUBLIC_MODE};
use super::error::HomeError;
use super::event::{Event, MovedRecord};
use super::layout::{
    self, CA, CERTIFICATE, CHAIN, COMMIT, FULLCHAIN, INVENTORY, KEY, PENDING, PENDING_PREFIX, RECORDS,
};
use super::pending::{self, Commit, Step};
use super::{Home, file_of};
use crate::text::hex;

/// Whether files that certgen did not write may be overwritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// No: the change is refused.
    #[default]
    OnlyOurs,
    /// Yes, if they are regular files: somebody said `--force`.
    Anything,
}

/// The files of a service.
#[derive(Clone, Copy, Debug)]
pub struct ServiceFiles<'a> {
    /// Its certificate.
    pub certificate: &'a Certificate,
    /// What it presents after it, nearest first, without a root: see [`super::HomeView::chain`].
    pub chain: &'a [Certificate],
    /// What it verifies its peers against: see [`super::HomeView::roots`].
    pub ca: &'a [Certificate],
    /// Its key as PEM, encrypted or not; `None` leaves the one that is there.
    pub key: Option<&'a SecretString>,
}

/// Changes to a home that come into force together, or not at all when it is dropped.
///
/// Every file is written out of sight and flushed to disk. [`commit`](Self::commit) decides with one rename; then the
/// inventory gets its records, and the files their places. A process that is ended before that rename has changed
/// nothing; what one leaves that is ended after it, the next process to open the home completes.
#[derive(Debug)]
pub struct Transaction<'h> {
    home: &'h mut Home,
    /// Name of the directory in which everything is prepared.
    name: String,
    staging: Directory,
    subdirectories: BTreeMap<String, Directory>,
    removed: BTreeSet<String>,
    events: Vec<Event>,
    overwrite: Overwrite,
    decided: bool,
}

impl<'h> Transaction<'h> {
    pub(super) fn begin(home: &'h mut Home) -> Result<Self, HomeError> {
        let name = format!("{PENDING_PREFIX}{:016x}", u64::from_be_bytes(random::bytes()));
        let staging = home.view.directory.make_subdirectory(&name)?;
        Ok(Self {
            home,
            name,
            staging,
            subdirectories: BTreeMap::new(),
            removed: BTreeSet::new(),
            events: Vec::new(),
            overwrite: Overwrite::default(),
            decided: false,
        })
    }

    /// Says what is done about files in the way that are not ours. Links, directories and devices are never overwritten.
    pub fn overwrite(&mut self, overwrite: Overwrite) {
        self.overwrite = overwrite;
    }

    /// The home as it is before the changes.
    pub fn home(&self) -> &Home {
        self.home
    }

    /// A file for all to read, such as `root.pem` or `api/ca.pem`. One that is there is replaced.
    ///
    /// # Errors
    ///
    /// [`HomeError::Name`] for a path that is none of a home's; [`HomeError::SymbolicLink`] or [`HomeError::NotAFile`] for
    /// what is in its place and is no file; [`HomeError::WritableByOthers`] and [`HomeError::ForeignOwner`] for the
    /// directory it goes to; [`HomeError::Io`].
    pub fn public(&mut self, relative: &str, contents: &[u8]) -> Result<(), HomeError> {
        self.stage(relative, contents, PUBLIC_MODE)
    }

    /// A key, for its owner alone. One that is there is replaced: whether it may be is for the caller to know.
    ///
    /// # Errors
    ///
    /// As [`Self::public`].
    pub fn key(&mut self, relative: &str, pem: &SecretString) -> Result<(), HomeError> {
        self.stage(relative, pem.expose_secret().as_bytes(), PRIVATE_MODE)
    }

    /// Certificate and key of an authority.
    ///
    /// # Errors
    ///
    /// [`HomeError::NotOurs`] when one of its files is there already; otherwise as [`Self::public`].
    pub fn new_authority(
        &mut self,
        name: &str,
        certificate: &Certificate,
        key: &SecretString,
    ) -> Result<(), HomeError> {
        for file in [layout::certificate_of(name), layout::key_of(name)] {
            self.refuse_foreign(&file)?;
        }
        self.public(
            &layout::certificate_of(name),
            certificate_to_pem(certificate.der()).as_bytes(),
        )?;
        self.key(&layout::key_of(name), key)
    }

    /// Gives the files of an authority another name: certificate, key and revocation lists, as far as they are there. What
    /// is staged under the old name takes its place.
    ///
    /// # Errors
    ///
    /// [`HomeError::NotOurs`] when there is a file of the new name; otherwise as [`Self::public`].
    pub fn move_authority(
        &mut self,
        name: &str,
        new_name: &str,
        certificate: &Certificate,
        now: OffsetDateTime,
    ) -> Result<(), HomeError> {
        let file = layout::certificate_of(new_name);
        self.refuse_foreign(&file)?;
        self.public(&file, certificate_to_pem(certificate.der()).as_bytes())?;
        self.remove(&layout::certificate_of(name))?;
        let (key, new_key) = (layout::key_of(name), layout::key_of(new_name));
        self.refuse_foreign(&new_key)?;
        match self.copy_key(&key, &new_key) {
            // It is kept elsewhere.
            Err(HomeError::NoKey { .. }) => {}
            copied => {
                copied?;
                self.remove(&key)?;
            }
        }
        for end in ["crl.pem", "crl.der"] {
            let (list, new_list) = (format!("{name}.{end}"), format!("{new_name}.{end}"));
            let max = RevocationList::MAX_DER_BYTES as u64 * 2;
            if let Some(contents) = self.home.view.read_file_up_to(&list, max)? {
                self.public(&new_list, &contents)?;
                self.remove(&list)?;
            }
        }
        self.record(Event::Moved(MovedRecord {
            time: now,
            sha256: hex(&certificate.sha256()),
            name: new_name.to_owned(),
        }));
        Ok(())
    }

    /// Refuses a file that is there already, where none of ours can be.
    ///
    /// # Errors
    ///
    /// [`HomeError::NotOurs`], unless anything may be overwritten; [`HomeError::Name`].
    pub fn refuse_foreign(&self, relative: &str) -> Result<(), HomeError> {
        let (directory, file) = split(relative)?;
        let home = &self.home.view.directory;
        let there = match directory {
            None => home.kind(file)?.is_some(),
            Some(directory) => match home.subdirectory(directory)? {
                Some(directory) => directory.kind(file)?.is_some(),
                None => false,
            },
        };
        if there && self.overwrite == Overwrite::OnlyOurs {
            return Err(HomeError::NotOurs {
                path: home.path().join(relative),
            });
        }
        Ok(())
    }

    /// A copy of a key file under another name, as it is, encrypted or not.
    ///
    /// # Errors
    ///
    /// As [`Self::public`] and [`super::HomeView::read_key`].
    pub fn copy_key(&mut self, from: &str, to: &str) -> Result<(), HomeError> {
        let text = self.home.view.read_key_text(from)?;
        self.stage(to, text.as_bytes(), PRIVATE_MODE)
    }

    /// Removes a file that may be there.
    ///
    /// # Errors
    ///
    /// As [`Self::public`].
    pub fn remove(&mut self, relative: &str) -> Result<(), HomeError> {
        let (directory, file) = split(relative)?;
        self.check_place(directory, file)?;
        self.removed.insert(relative.to_owned());
        Ok(())
    }

    /// The files of a service, all at once.
    ///
    /// # Errors
    ///
    /// [`HomeError::Name`] for a name that cannot be a service's; [`HomeError::Taken`] for one of the home's own files;
    /// [`HomeError::NotOurs`] when one of the files in the way
    /// was not written by certgen; otherwise as [`Self::public`].
    pub fn service(&mut self, name: &str, files: &ServiceFiles<'_>) -> Result<(), HomeError> {
        if !layout::is_name(name) {
            return Err(HomeError::Name {
                name: name.escape_debug().to_string(),
            });
        }
        if layout::is_reserved(name) {
            return Err(HomeError::Taken { name: name.to_owned() });
        }
        if self.overwrite == Overwrite::OnlyOurs {
            self.check_ours(name, files.key.is_some())?;
        }
        let certificate = certificate_to_pem(files.certificate.der());
        let chain = certificates_to_pem(files.chain);
        self.public(&file_of(name, CERTIFICATE), certificate.as_bytes())?;
        self.public(&file_of(name, CHAIN), chain.as_bytes())?;
        self.public(&file_of(name, FULLCHAIN), format!("{certificate}{chain}").as_bytes())?;
        self.public(&file_of(name, CA), certificates_to_pem(files.ca).as_bytes())?;
        match files.key {
            Some(key) => self.key(&file_of(name, KEY), key),
            None => Ok(()),
        }
    }

    /// Something that happens with these changes.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Puts everything into force.
    ///
    /// # Errors
    ///
    /// [`HomeError::KnownSerial`] for a certificate whose serial number was given out before, or [`HomeError::Io`]: then
    /// nothing has changed. [`HomeError::Unfinished`]: then everything is decided, and not yet all in place.
    pub fn commit(self) -> Result<(), HomeError> {
        self.commit_step_by_step(&mut |_| ())
    }

    pub(super) fn commit_step_by_step(mut self, reached: &mut dyn FnMut(Step)) -> Result<(), HomeError> {
        self.refuse_known_serials()?;
        let commit = Commit {
            v: pending::VERSION,
            inventory_length: self.home.inventory_length,
            remove: self.removed.iter().cloned().collect(),
        };
        let records: String = self.events.iter().map(Event::to_line).collect();
        let commit = serde_json::to_vec(&commit).expect("numbers and strings");
        self.staging.create(RECORDS, records.as_bytes(), PRIVATE_MODE)?;
        self.staging.create(COMMIT, &commit, PRIVATE_MODE)?;
        for directory in self.subdirectories.values() {
            directory.sync()?;
        }
        self.staging.sync()?;
        reached(Step::Prepared);

        let home = &self.home.view.directory;
        home.rename(&self.name, home, PENDING)?;
        self.decided = true;
        home.sync()
            .and_then(|()| {
                reached(Step::Decided);
                pending::roll_forward(home, reached)
            })
            .map_err(|error| HomeError::Unfinished(Box::new(error)))?;

        self.home.inventory_length += records.len() as u64;
        for event in std::mem::take(&mut self.events) {
            self.home.view.inventory.apply(event);
        }
        Ok(())
    }

    fn stage(&mut self, relative: &str, contents: &[u8], mode: u32) -> Result<(), HomeError> {
        let (directory, file) = split(relative)?;
        self.check_place(directory, file)?;
        self.removed.remove(relative);
        match directory {
            None => self.staging.create(file, contents, mode),
            Some(name) => {
                if !self.subdirectories.contains_key(name) {
                    let made = self.staging.make_subdirectory(name)?;
                    self.subdirectories.insert(name.to_owned(), made);
                }
                self.subdirectories[name].create(file, contents, mode)
            }
        }
    }

    /// Finds now what would stop the changes once they are decided.
    fn check_place(&self, directory: Option<&str>, file: &str) -> Result<(), HomeError> {
        let home = &self.home.view.directory;
        match directory {
            None => home.check_replaceable(file),
            Some(name) => match home.subdirectory(name)? {
                None => Ok(()),
                Some(there) => there.check_ours().and_then(|()| there.check_replaceable(file)),
            },
        }
    }

    fn check_ours(&self, service: &str, replaces_key: bool) -> Result<(), HomeError> {
        let view = &self.home.view;
        let Some(there) = view.directory.subdirectory(service)? else {
            return Ok(());
        };
        let not_ours = |file: &str| HomeError::NotOurs {
            path: there.path().join(file),
        };
        if !view.inventory.knows_service(service) {
            for file in layout::SERVICE_FILES {
                if there.kind(file)?.is_some() {
                    return Err(not_ours(file));
                }
            }
            return Ok(());
        }
        let mut ours = view
            .inventory
            .issued()
            .iter()
            .filter(|record| record.service.as_deref() == Some(service));
        if let Some(pem) = view.read_file(&file_of(service, CERTIFICATE))? {
            let certificates = certificates_from_pem(&pem).unwrap_or_default();
            let [certificate] = certificates.as_slice() else {
                return Err(not_ours(CERTIFICATE));
            };
            let sha256 = hex(&certificate.sha256());
            if !ours.clone().any(|record| record.sha256 == sha256) {
                return Err(not_ours(CERTIFICATE));
            }
        }
        if replaces_key && there.kind(KEY)?.is_some() {
            let text = view.read_key_text(&file_of(service, KEY))?;
            // Whose an encrypted key is cannot be seen without its passphrase; the certificate beside it speaks for it.
            if let Ok(key) = PrivateKey::from_pem(text.as_bytes()) {
                let sha256 = hex(&cryptokit::hash::sha256(&key.public_key().to_spki_der()));
                if !ours.any(|record| record.spki_sha256 == sha256) {
                    return Err(not_ours(KEY));
                }
            }
        }
        Ok(())
    }

    fn refuse_known_serials(&self) -> Result<(), HomeError> {
        let mut new = BTreeSet::new();
        for event in &self.events {
            let serial = match event {
                Event::Issued(record) => &record.serial,
                Event::Authority(record) => &record.serial,
                _ => continue,
            };
            if self.home.view.inventory.knows_serial(serial) || !new.insert(serial) {
                return Err(HomeError::KnownSerial { serial: serial.clone() });
            }
        }
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.decided {
            // The error that led here is the one to report; what remains is removed by the next that opens the home.
            let _ = self.home.view.directory.remove_tree(&self.name);
        }
    }
}

/// Directory and file of a path of ours.
fn split(relative: &str) -> Result<(Option<&str>, &str), HomeError> {
    let (directory, file) = match relative.split_once('/') {
        Some((directory, file)) => (Some(directory), file),
        None => (None, relative),
    };
    // A file of the same name as one of the home's own would be taken for it.
    let is_good = layout::is_name(file) && directory.is_none_or(layout::is_name) && relative != INVENTORY;
    if is_good {
        Ok((directory, file))
    } else {
        Err(HomeError::Name {
            name: relative.escape_debug().to_string(),
        })
    }
}
