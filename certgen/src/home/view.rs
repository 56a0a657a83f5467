//! A home as it is read.

use std::path::{Path, PathBuf};

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use cryptokit::x509::{
    Certificate, CertificateAuthority, CertificateKey, IssueError, MAX_PEM_BYTES, certificates_from_pem,
};
use time::OffsetDateTime;

use super::directory::Directory;
use super::error::HomeError;
use super::event::AuthorityRecord;
use super::inventory::{Inventory, split_torn};
use super::layout::{self, INVENTORY, PENDING};
use crate::text::hex;

/// Largest inventory read, in bytes: some 300,000 certificates.
pub(super) const MAX_INVENTORY_BYTES: u64 = 256 * 1024 * 1024;

/// A home as it was at one moment. Reading takes no lock and changes nothing.
///
/// Single files may be of a later moment than the inventory when another process is at work.
#[derive(Debug)]
pub struct HomeView {
    pub(super) directory: Directory,
    pub(super) inventory: Inventory,
    pub(super) notices: Vec<String>,
    inventory_bytes: usize,
}

impl HomeView {
    /// Reads the inventory of a home. A line that is just being written is not in it yet.
    ///
    /// # Errors
    ///
    /// [`HomeError::Missing`], [`HomeError::NotAHome`], [`HomeError::SymbolicLink`] and the like for what is no home;
    /// [`HomeError::Inventory`] for an inventory that is not ours.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        Self::read(Directory::open(path)?)
    }

    pub(super) fn read(directory: Directory) -> Result<Self, HomeError> {
        let text = read_inventory(&directory)?;
        let (whole, _) = split_torn(&text);
        let inventory = Inventory::parse(whole).map_err(|source| HomeError::Inventory {
            path: directory.path().join(INVENTORY),
            source,
        })?;
        Ok(Self {
            directory,
            inventory,
            notices: Vec::new(),
            inventory_bytes: text.len(),
        })
    }

    /// Its directory, as it was named when it was opened.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Whether another process has changed the home since this was read, or is changing it: what was read of its files
    /// meanwhile may belong to two moments. A home that cannot be looked at counts as unchanged.
    pub fn is_outdated(&self) -> bool {
        let is_longer = read_inventory(&self.directory).is_ok_and(|text| text.len() != self.inventory_bytes);
        is_longer
            || self
                .directory
                .subdirectory(PENDING)
                .is_ok_and(|pending| pending.is_some())
    }

    /// What was issued, revoked and listed.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What its user should know, as sentences: what was found and put right when it was opened.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The path of a file, for messages. Whether it is there is another question.
    pub fn path_of(&self, relative: &str) -> PathBuf {
        self.path().join(relative)
    }

    /// The contents of a public file of at most [`MAX_PEM_BYTES`] bytes, if it is there. No link is followed.
    ///
    /// # Errors
    ///
    /// [`HomeError::SymbolicLink`], [`HomeError::NotAFile`], [`HomeError::TooLarge`], [`HomeError::Io`].
    pub fn read_file(&self, relative: &str) -> Result<Option<Vec<u8>>, HomeError> {
        self.read_file_up_to(relative, MAX_PEM_BYTES as u64)
    }

    /// As [`Self::read_file`], for files that may be longer or must be shorter: at most `max` bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::read_file`].
    pub fn read_file_up_to(&self, relative: &str, max: u64) -> Result<Option<Vec<u8>>, HomeError> {
        match relative.split_once('/') {
            None => self.directory.read(relative, max),
            Some((directory, file)) => match self.directory.subdirectory(directory)? {
                Some(directory) => directory.read(file, max),
                None => Ok(None),
            },
        }
    }

    /// The certificate of an authority, which must be the one that the inventory has under this name.
    ///
    /// # Errors
    ///
    /// [`HomeError::UnknownAuthority`]; [`HomeError::Certificate`] and [`HomeError::NotInInventory`] for a file that was
    /// changed; otherwise as [`Self::read_file`].
    pub fn authority_certificate(&self, name: &str) -> Result<Certificate, HomeError> {
        self.certificate_of(self.authority_record(name)?)
    }

    /// Refuses what is not an authority that issues certificates to services. One that is revoked is.
    ///
    /// # Errors
    ///
    /// [`HomeError::UnknownAuthority`].
    pub fn check_is_issuing(&self, name: &str) -> Result<(), HomeError> {
        self.issuing_record(name).map(|_| ())
    }

    /// Refuses to have an authority issue whose certificates nobody would accept.
    ///
    /// # Errors
    ///
    /// [`HomeError::UnknownAuthority`]; [`HomeError::IssuerRevoked`]; [`HomeError::IssuerExpired`].
    pub fn check_issuer(&self, name: &str, now: OffsetDateTime) -> Result<(), HomeError> {
        let record = self.issuing_record(name)?;
        let name = name.to_owned();
        if let Some(revocation) = self.inventory.revocation(&record.serial) {
            return Err(HomeError::IssuerRevoked {
                is_successor: self.inventory.authority(&layout::outgoing(&name)).is_some(),
                name,
                time: revocation.time,
            });
        }
        if record.not_after < now {
            let not_after = record.not_after;
            return Err(HomeError::IssuerExpired { name, not_after });
        }
        Ok(())
    }

    /// The certificates above an authority, nearest first, root last; none above a root.
    ///
    /// # Errors
    ///
    /// As [`Self::authority_certificate`].
    pub fn issuers(&self, name: &str) -> Result<Vec<Certificate>, HomeError> {
        let mut record = self.authority_record(name)?;
        let mut issuers = Vec::new();
        while record.issuer_key_id != record.key_id {
            let unknown = || self.unknown_authority(&record.issuer_key_id);
            record = self
                .inventory
                .authority_by_key_id(&record.issuer_key_id)
                .ok_or_else(unknown)?;
            issuers.push(self.certificate_of(record)?);
            if issuers.len() > self.inventory.authorities().count() {
                // Only an inventory that was written by hand goes in a circle.
                return Err(self.unknown_authority(&record.issuer_key_id));
            }
        }
        Ok(issuers)
    }

    /// What a service presents after its own certificate when this authority issued it: the authority, those between it
    /// and the root, and while roots are exchanged what leads from the other root to this one.
    ///
    /// # Errors
    ///
    /// As [`Self::authority_certificate`].
    pub fn chain(&self, name: &str) -> Result<Vec<Certificate>, HomeError> {
        let mut chain = vec![self.authority_certificate(name)?];
        chain.extend(self.issuers(name)?);
        let root = chain.pop();
        let root_key_id = root.as_ref().and_then(Certificate::subject_key_identifier);
        let root_key_id = root_key_id.map(hex).unwrap_or_default();
        for cross in self.inventory.crosses_of(&root_key_id) {
            chain.push(self.certificate_of(cross)?);
        }
        Ok(chain)
    }

    /// What relying parties are told to trust, newest first.
    ///
    /// # Errors
    ///
    /// As [`Self::authority_certificate`].
    pub fn roots(&self) -> Result<Vec<Certificate>, HomeError> {
        self.inventory.roots().map(|root| self.certificate_of(root)).collect()
    }

    /// An authority with its key and the certificates above it. The passphrase is used if the key is encrypted.
    ///
    /// # Errors
    ///
    /// As [`Self::authority_certificate`] and [`Self::authority_key`]; [`HomeError::Authority`] when certificate and key
    /// are not of one another.
    pub fn authority(&self, name: &str, passphrase: Option<&SecretString>) -> Result<CertificateAuthority, HomeError> {
        let certificate = self.authority_certificate(name)?;
        let issuers = self.issuers(name)?;
        let failed = |source: IssueError| HomeError::Authority {
            name: name.to_owned(),
            source,
        };
        let key = self.authority_key(name, passphrase)?;
        let key = CertificateKey::from_pkcs8(key.into_pkcs8()).map_err(|error| failed(error.into()))?;
        CertificateAuthority::load(certificate, issuers, key).map_err(failed)
    }

    /// The key of an authority.
    ///
    /// # Errors
    ///
    /// As [`Self::read_key`].
    pub fn authority_key(&self, name: &str, passphrase: Option<&SecretString>) -> Result<PrivateKey, HomeError> {
        self.read_key(&layout::key_of(name), passphrase)
    }

    /// A key file. The passphrase is used if the key is encrypted.
    ///
    /// # Errors
    ///
    /// [`HomeError::NoKey`] when it is not there; [`HomeError::KeyFile`] when others can use it;
    /// [`HomeError::PassphraseNeeded`]; [`HomeError::Key`] for a wrong passphrase and for what is no key.
    pub fn read_key(&self, relative: &str, passphrase: Option<&SecretString>) -> Result<PrivateKey, HomeError> {
        let path = self.path_of(relative);
        let text = self.read_key_text(relative)?;
        let failed = |source: KeyFormatError| HomeError::Key {
            path: path.clone(),
            source,
        };
        match (PrivateKey::from_pem(text.as_bytes()), passphrase) {
            (Ok(key), _) => Ok(key),
            (Err(KeyFormatError::Encrypted), None) => Err(HomeError::PassphraseNeeded { path }),
            (Err(KeyFormatError::Encrypted), Some(passphrase)) => {
                PrivateKey::from_encrypted_pem(text.as_bytes(), passphrase).map_err(failed)
            }
            (Err(error), _) => Err(failed(error)),
        }
    }

    /// Whether a passphrase is needed to read this key file.
    ///
    /// # Errors
    ///
    /// As [`Self::read_key`].
    pub fn is_key_encrypted(&self, relative: &str) -> Result<bool, HomeError> {
        match self.read_key(relative, None) {
            Ok(_) => Ok(false),
            Err(HomeError::PassphraseNeeded { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) fn read_key_text(&self, relative: &str) -> Result<zeroize::Zeroizing<String>, HomeError> {
        let path = self.path_of(relative);
        let (directory, file) = match relative.split_once('/') {
            None => (None, relative),
            Some((directory, file)) => (self.directory.subdirectory(directory)?, file),
        };
        let directory = directory.as_ref().unwrap_or(&self.directory);
        if directory.kind(file)?.is_none() {
            return Err(HomeError::NoKey { path });
        }
        directory.check_replaceable(file)?;
        Ok(private_files::read(&path)?)
    }

    fn authority_record(&self, name: &str) -> Result<&AuthorityRecord, HomeError> {
        self.inventory
            .authority(name)
            .ok_or_else(|| self.unknown_authority(name))
    }

    fn issuing_record(&self, name: &str) -> Result<&AuthorityRecord, HomeError> {
        let record = self.inventory.authority(name).filter(|record| record.issues());
        record.ok_or_else(|| self.unknown_authority(name))
    }

    fn unknown_authority(&self, name: &str) -> HomeError {
        let known = self.inventory.authorities_in_use();
        HomeError::UnknownAuthority {
            name: name.escape_debug().to_string(),
            known: known
                .filter(|authority| authority.issues())
                .map(|authority| authority.name.clone())
                .collect(),
        }
    }

    fn certificate_of(&self, record: &AuthorityRecord) -> Result<Certificate, HomeError> {
        let relative = layout::certificate_of(&record.name);
        let path = self.path_of(&relative);
        let pem = self
            .read_file(&relative)?
            .ok_or_else(|| HomeError::Missing { path: path.clone() })?;
        let certificates = certificates_from_pem(&pem).map_err(|source| HomeError::Certificate {
            path: path.clone(),
            source,
        })?;
        match <[Certificate; 1]>::try_from(certificates) {
            Ok([certificate]) if hex(&certificate.sha256()) == record.sha256 => Ok(certificate),
            _ => Err(HomeError::NotInInventory { path }),
        }
    }
}

/// The bytes of the inventory.
pub(super) fn read_inventory(directory: &Directory) -> Result<Vec<u8>, HomeError> {
    let text = directory.read(INVENTORY, MAX_INVENTORY_BYTES)?;
    text.ok_or_else(|| HomeError::NotAHome {
        path: directory.path().to_owned(),
    })
}
