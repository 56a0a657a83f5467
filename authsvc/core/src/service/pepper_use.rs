//! Which peppers the stored hashes were made with: what has to be known before one goes.
//!
//! A hash names its pepper, and is sealed: all of them are opened, in batches. No column shows it, so that a copy of the
//! database does not tell which accounts have not logged in since.

use cryptokit::keyset::KeyId;
use cryptokit::password::HashBinding;

use super::key_ring::KeyRing;
use super::users::PASSWORD_HASH_COLUMN;
use crate::storage::{Store, StoreError};

/// Accounts that are read at once.
const BATCH: u32 = 500;

/// How many hashes there are of each pepper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PepperUse {
    /// By the pepper they name.
    pub named: Vec<(KeyId, u64)>,
    /// Of those that name none: imported.
    pub unnamed: u64,
    /// Of those that do not open, or are no hashes.
    pub unreadable: u64,
    /// Of accounts that an import has put aside, which are not looked into.
    pub staged: u64,
}

impl PepperUse {
    /// How many hashes name that pepper.
    pub fn of(&self, id: KeyId) -> u64 {
        self.named
            .iter()
            .find(|(named, _)| *named == id)
            .map_or(0, |(_, number)| *number)
    }

    fn count(&mut self, pepper: Option<KeyId>) {
        let Some(id) = pepper else {
            self.unnamed += 1;
            return;
        };
        match self.named.iter_mut().find(|(named, _)| *named == id) {
            Some((_, number)) => *number += 1,
            None => self.named.push((id, 1)),
        }
    }
}

/// Counts. O(accounts).
///
/// # Errors
///
/// What the store fails with.
pub async fn pepper_use(store: &dyn Store, ring: &KeyRing) -> Result<PepperUse, StoreError> {
    let mut found = PepperUse {
        staged: store.staged_accounts().await?,
        ..PepperUse::default()
    };
    let mut after = None;
    loop {
        let page = store.users_after(after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = Some(last.unverified().email.clone());
        for record in page {
            let user = record.unverified();
            let id = user.id.to_string();
            let binding = HashBinding {
                column: PASSWORD_HASH_COLUMN,
                user_id: &id,
            };
            match ring.unseal(|keys| user.password_hash.open(keys, binding)).await {
                Ok(hash) => found.count(hash.pepper()),
                Err(_) => found.unreadable += 1,
            }
        }
    }
}
