//! Sealing everything anew that an older key has sealed: one pass over all rows, in batches, while the service runs.
//!
//! ```text
//!   accounts          password hash, and the seal over the record
//!   reset links       their seals
//!   second factors    secrets, and digests of recovery codes
//!   services          the seals over their registrations
//!   sessions          the seals over those that live
//! ```
//!
//! Each row is written if it still holds what was read, so that nothing that happens meanwhile is undone; two passes at
//! once, on two replicas, do some of the work twice and nothing wrong. A pass that was interrupted is begun anew: what is
//! done is read and left alone. What does not open is left as it is, and counted.
//!
//! Not touched is what ends by itself before the old key goes: enrolments of second factors, which wait for ten minutes,
//! and accounts that an import has put aside.

use cryptokit::aead::{AeadError, AeadKey};
use cryptokit::keyset::Keyset;
use cryptokit::password::{HashBinding, ResealError};
use time::OffsetDateTime;

use super::key_ring::KeyRing;
use super::password_reset;
use super::second_factor::{SecondFactorError, SecondFactors};
use super::users::PASSWORD_HASH_COLUMN;
use crate::clock::Clock;
use crate::domain::{RecordFault, SealedRow, UserRecord};
use crate::storage::{ResealedUser, Store, StoreError};

/// Rows that are read, and written in one transaction, at once.
const BATCH: u32 = 200;

/// What a pass did and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Secrets and seals that are under the primary key since.
    pub resealed: u64,
    /// Rows that were changed by somebody else between reading and writing: the next pass looks at them.
    pub missed: u64,
    /// What does not open under any key, as before.
    pub unopened: u64,
    /// Accounts that an import has put aside: nobody knows yet which key they need.
    pub staged: u64,
}

/// Why a pass ended early. What it did is done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// The primary key may seal no more.
    #[error("the sealing key may seal no more; make another one")]
    Sealing(#[source] AeadError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

impl Resealed {
    /// Whether every row that opens was under the primary key before the pass: nothing needs another key.
    pub fn found_nothing(&self) -> bool {
        (self.resealed, self.missed, self.staged) == (0, 0, 0)
    }

    /// Sorts an outcome: what is to be written, if anything is.
    pub(super) fn of<T>(&mut self, sealed: Result<Option<T>, AeadError>) -> Result<Option<T>, SecondFactorError> {
        match sealed {
            Ok(sealed) => Ok(sealed),
            Err(AeadError::Open) => {
                self.unopened += 1;
                Ok(None)
            }
            Err(error) => Err(SecondFactorError::Sealing(error)),
        }
    }

    /// Counts a row by whether it was written.
    pub(super) fn count(&mut self, written: bool) {
        match written {
            true => self.resealed += 1,
            false => self.missed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.resealed += other.resealed;
        self.missed += other.missed;
        self.unopened += other.unopened;
        self.staged += other.staged;
    }
}

/// One pass over everything, under the keys that the ring has when it begins.
///
/// # Errors
///
/// [`PassError`].
pub(super) async fn reseal_everything(
    store: &dyn Store,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Resealed, PassError> {
    let sealing = ring.sealing();
    // Before the accounts: what an import makes accounts of from now on is counted here or found there.
    let mut done = Resealed {
        staged: store.staged_accounts().await?,
        ..Resealed::default()
    };
    done.add(reseal_users(store, &sealing.keys).await?);
    done.add(reseal_links(store, &sealing.keys).await?);
    done.add(reseal_services(store, &sealing.keys).await?);
    done.add(reseal_sessions(store, &sealing.keys, clock.now()).await?);
    let factors = SecondFactors::new(store, ring, clock.now());
    let mut after = None;
    loop {
        let page = store.users_with_second_factor(after, BATCH).await?;
        let Some(last) = page.last().copied() else {
            return Ok(done);
        };
        for user_id in page {
            done.add(factors.reseal(user_id).await?);
        }
        after = Some(last);
    }
}

async fn reseal_users(store: &dyn Store, keys: &Keyset<AeadKey>) -> Result<Resealed, PassError> {
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let page = store.users_after(after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else {
            return Ok(done);
        };
        after = Some(last.unverified().email.clone());
        let mut changes = Vec::new();
        for record in page {
            changes.extend(resealed_user(record, keys, &mut done)?);
        }
        if changes.is_empty() {
            continue;
        }
        let written = store.reseal_users(&changes).await?;
        done.resealed += written;
        done.missed += (changes.len() as u64).saturating_sub(written);
    }
}

/// The account under the primary key, if any part of it is under another one. The parts are apart: a record without a
/// seal, as an older program writes it, has a hash that must not be left behind.
fn resealed_user(
    record: UserRecord,
    keys: &Keyset<AeadKey>,
    done: &mut Resealed,
) -> Result<Option<ResealedUser>, PassError> {
    let sealed = match record.reseal(keys).map_err(PassError::Sealing)? {
        Ok(sealed) => sealed,
        Err(RecordFault::Unsealed) => None,
        Err(RecordFault::Altered) => {
            done.unopened += 1;
            None
        }
    };
    let id = record.unverified().id.to_string();
    let binding = HashBinding {
        column: PASSWORD_HASH_COLUMN,
        user_id: &id,
    };
    let hash = match record.unverified().password_hash.reseal(keys, binding) {
        Ok(hash) => hash,
        Err(ResealError::Seal(error)) => return Err(PassError::Sealing(error)),
        Err(_) => {
            done.unopened += 1;
            None
        }
    };
    let resealed = match (sealed, hash) {
        (None, None) => return Ok(None),
        (sealed, None) => sealed.unwrap_or_else(|| record.clone()),
        (sealed, Some(hash)) => sealed.unwrap_or_else(|| record.clone()).with_resealed_hash(hash),
    };
    Ok(Some(ResealedUser {
        expected: record,
        resealed,
    }))
}

async fn reseal_links(store: &dyn Store, keys: &Keyset<AeadKey>) -> Result<Resealed, PassError> {
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let page = store.password_resets_after(after, BATCH).await?;
        let Some(last) = page.last() else {
            return Ok(done);
        };
        after = Some(last.user_id);
        for reset in page {
            match password_reset::reseal(keys, &reset) {
                Ok(None) => {}
                Ok(Some(seal)) => done.count(store.reseal_password_reset(&reset, &seal).await?),
                Err(AeadError::Open) => done.unopened += 1,
                Err(error) => return Err(PassError::Sealing(error)),
            }
        }
    }
}

async fn reseal_services(store: &dyn Store, keys: &Keyset<AeadKey>) -> Result<Resealed, PassError> {
    let mut done = Resealed::default();
    for service in store.services().await? {
        if let Some(seal) = done.of(service.reseal(keys))? {
            done.count(store.reseal_service(&service, &seal).await?);
        }
    }
    Ok(done)
}

/// Of living sessions: no other is asked for its seal again.
async fn reseal_sessions(
    store: &dyn Store,
    keys: &Keyset<AeadKey>,
    now: OffsetDateTime,
) -> Result<Resealed, PassError> {
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let page = store.sessions_after(after, BATCH, now).await?;
        let Some(last) = page.last() else {
            return Ok(done);
        };
        after = Some(last.id);
        let mut changes = Vec::new();
        for session in page {
            if let Some(seal) = done.of(session.reseal(keys))? {
                changes.push((session, seal));
            }
        }
        if changes.is_empty() {
            continue;
        }
        let written = store.reseal_sessions(&changes).await?;
        done.resealed += written;
        done.missed += (changes.len() as u64).saturating_sub(written);
    }
}

/// Seals the services and the living sessions that have no seal, as they stand: those of a program that knew no seals.
/// Whoever calls this vouches for them. Altered ones are left as they are. How many of each.
///
/// # Errors
///
/// [`PassError`].
pub async fn seal_unsealed_rows(
    store: &dyn Store,
    ring: &KeyRing,
    now: OffsetDateTime,
) -> Result<(u64, u64), PassError> {
    let sealing = ring.sealing();
    let (mut services, mut sessions) = (0, 0);
    for service in store.services().await? {
        if service.seal.is_none() {
            let seal = service.new_seal(&sealing.keys).map_err(PassError::Sealing)?;
            services += u64::from(store.reseal_service(&service, &seal).await?);
        }
    }
    let mut after = None;
    loop {
        let page = store.sessions_after(after, BATCH, now).await?;
        let Some(last) = page.last() else {
            return Ok((services, sessions));
        };
        after = Some(last.id);
        let mut changes = Vec::new();
        for session in page {
            if session.seal.is_none() {
                let seal = session.new_seal(&sealing.keys).map_err(PassError::Sealing)?;
                changes.push((session, seal));
            }
        }
        if !changes.is_empty() {
            sessions += store.reseal_sessions(&changes).await?;
        }
    }
}

impl From<SecondFactorError> for PassError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Store(error) => Self::Store(error),
            SecondFactorError::Sealing(error) => Self::Sealing(error),
            // Of what can come of sealing anew there is no more; what does not open was counted.
            _ => Self::Sealing(AeadError::Open),
        }
    }
}
