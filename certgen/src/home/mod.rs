//! An authority's directory: its files, what it has issued, and changes that happen whole or not at all.
//!
//! ```
//! use certgen::home::{Home, HomeView, IssuedRecord, Event, ServiceFiles};
//! use certgen::init::{InitRequest, init};
//! use cryptokit::key_format::PrivateKey;
//! use cryptokit::x509::{LeafProfile, LeafRequest, SubjectAlternativeName};
//!
//! # let parent = tempfile::tempdir()?;
//! # let pki = parent.path().join("pki");
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! init(&InitRequest::new(&pki), now)?;
//!
//! let mut home = Home::open(&pki)?;
//! let authority = home.authority("intermediate", None)?;
//! let request = LeafRequest::new(LeafProfile::Client, vec![SubjectAlternativeName::parse("dns:worker.example")?]);
//! let (issued, key) = authority.issue_leaf(&request, now)?;
//! let key = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())?.to_pem();
//! let (chain, ca) = (home.chain("intermediate")?, home.roots()?);
//!
//! let mut changes = home.begin()?;
//! changes.service("worker", &ServiceFiles { certificate: issued.certificate(), chain: &chain, ca: &ca, key: Some(&key) })?;
//! changes.record(Event::Issued(IssuedRecord::of(issued.certificate(), "intermediate", Some("worker"), "client", now)));
//! changes.commit()?;
//!
//! assert!(HomeView::open(&pki)?.inventory().service("worker").is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod error;
mod event;
mod inventory;
pub mod layout;
mod lock;
mod pending;
mod records;
mod transaction;
mod view;

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

pub use error::HomeError;
pub use event::{
    AuthorityKind, AuthorityRecord, CrlRecord, Event, IssuedRecord, LineError, MovedRecord, ReinstatedRecord,
    RevokedRecord,
};
pub use inventory::{Inventory, InventoryError};
pub use layout::file_of;
pub use lock::Patience;
pub use transaction::{Overwrite, ServiceFiles, Transaction};
pub use view::HomeView;

use directory::{Directory, PRIVATE_MODE};
use inventory::split_torn;
use layout::{INVENTORY, TORN};

/// A home that nobody else changes while this value lives. It reads like a [`HomeView`].
#[derive(Debug)]
pub struct Home {
    view: HomeView,
    /// Length of the inventory in bytes.
    inventory_length: u64,
    /// Held, not read: closing it unlocks.
    _lock: File,
}

impl Home {
    /// Opens a home for changes: waits for its lock, completes what a process that was ended had decided, removes what
    /// it had only prepared, and reads the inventory.
    ///
    /// # Errors
    ///
    /// [`HomeError::Busy`] after 30 seconds of waiting; [`HomeError::ForeignOwner`] and [`HomeError::WritableByOthers`]
    /// for a directory in which others could meddle; [`HomeError::ForeignChanges`]; otherwise as [`HomeView::open`].
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        Self::open_with(path, Patience::default())
    }

    /// As [`Self::open`], with another patience.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with(path: &Path, patience: Patience<'_>) -> Result<Self, HomeError> {
        let directory = Directory::open(path)?;
        directory.check_ours()?;
        if directory.kind(INVENTORY)?.is_none() {
            return Err(HomeError::NotAHome {
                path: directory.path().to_owned(),
            });
        }
        let lock = lock::acquire(&directory, patience)?;
        let mut notices = Vec::new();
        if pending::roll_forward(&directory, &mut |_| ())? {
            notices.push("completed the changes of a certgen that was ended while it made them".to_owned());
        }
        pending::clean(&directory)?;
        notices.extend(set_torn_line_aside(&directory)?);
        let length = view::read_inventory(&directory)?.len();
        let mut view = HomeView::read(directory)?;
        view.notices = notices;
        Ok(Self {
            view,
            inventory_length: length as u64,
            _lock: lock,
        })
    }

    /// Begins changes. Nothing happens before they are committed.
    ///
    /// # Errors
    ///
    /// [`HomeError::Io`] when nothing can be written here.
    pub fn begin(&mut self) -> Result<Transaction<'_>, HomeError> {
        Transaction::begin(self)
    }
}

impl Deref for Home {
    type Target = HomeView;

    fn deref(&self) -> &HomeView {
        &self.view
    }
}

/// Half a line at the end was never in force: its changes were not decided. It is kept beside, for who wants to look.
fn set_torn_line_aside(directory: &Directory) -> Result<Option<String>, HomeError> {
    let text = view::read_inventory(directory)?;
    let (whole, torn) = split_torn(&text);
    if torn.is_empty() {
        return Ok(None);
    }
    directory.check_replaceable(TORN)?;
    directory.remove(TORN)?;
    directory.create(TORN, torn, PRIVATE_MODE)?;
    directory.append(INVENTORY, whole.len() as u64, b"")?;
    Ok(Some(format!(
        "the last line of {INVENTORY} was not whole; it is in {TORN} now"
    )))
}

#[cfg(test)]
mod tests;
