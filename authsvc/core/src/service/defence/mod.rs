//! How many guesses there are: limits that are reserved before anything is computed, in the database that all replicas
//! share.
//!
//! ```text
//! reserve(account, source, factor)  ──▶  Refused: 429, nothing was computed
//!         │
//!         ▼
//!    Reservation  ──▶  succeeded()   what this source got wrong at this account is forgiven
//!                 ──▶  failed()      counted
//!                 ──▶  unused()      given back: nothing was tried
//!                 ──▶  dropped       counted as failed: the client left while its guess was checked
//! ```
//!
//! Three budgets are taken from at once, or none: of the account and the source together, of the source, and of the
//! account. A fifth of the latter two is kept for sources that the account knows, because someone logged in from there
//! within 30 days. Names are canonical and digested under a key, and it makes no difference whether there is an account.
//!
//! What is under way counts like a failure until its outcome is known. Who would be one too many for that reason alone
//! waits: a second right password at the same time is no attack.

mod error;
mod ledger;
mod names;
mod policy;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use cryptokit::keyed_digest::DigestKey;
use cryptokit::keyset::Keyset;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

pub use error::{DefenceError, Limit};
pub use policy::{DefencePolicy, Factor, FactorLimits};

use super::{KeyStorageError, SealedKeysets};
use crate::clock::Clock;
use crate::domain::EmailAddress;
use crate::storage::attempts::{SweepOrder, Swept};
use crate::storage::{Store, StoreError};
use ledger::{Answer, Charge, KNOWN_FOR_SECONDS, Settlement};
use names::{Names, account_key};
use worker::{Request, Worker};

/// Name of the keyset whose key digests the names of counters.
pub const DIGEST_KEYSET: &str = "login-defence";
/// How long an attempt waits for others whose outcome decides about it.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How often it looks whether another replica has brought the outcome.
const BUSY_POLL: Duration = Duration::from_millis(50);
/// The table is swept in so many parts, one at a time, so that no sweep holds it for long.
const SLICES: u8 = 16;

/// Counts guesses.
pub struct LoginDefence {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    names: Keyset<DigestKey>,
    policy: DefencePolicy,
    requests: mpsc::UnboundedSender<Request>,
    settled: Arc<Notify>,
    next_slice: AtomicU8,
}

/// An attempt that was let through. Settle it; dropped, it counts as failed.
#[derive(Debug)]
#[must_use = "dropped, it counts as failed"]
pub struct Reservation {
    /// Taken when it is settled.
    charge: Option<Charge>,
    requests: mpsc::UnboundedSender<Request>,
}

impl LoginDefence {
    /// Counts in `store`, under names that `names` digests. Runs a task of its own until it and its reservations are
    /// dropped: call it within a runtime.
    pub fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        names: Keyset<DigestKey>,
        policy: DefencePolicy,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let settled = Arc::new(Notify::new());
        let worker = Worker {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            policy,
            requests: receiver,
            settled: Arc::clone(&settled),
            outcomes: VecDeque::new(),
            write_at: None,
        };
        tokio::spawn(worker.run());
        Self {
            store,
            clock,
            names,
            policy,
            requests: sender,
            settled,
            next_slice: AtomicU8::new(0),
        }
    }

    /// Takes one attempt from every budget that it concerns. Nothing may be computed before.
    ///
    /// # Errors
    ///
    /// [`DefenceError::Refused`] when a budget is used up, [`DefenceError::Busy`] when too many are under way for too
    /// long, [`DefenceError::Store`].
    pub async fn reserve(
        &self,
        account: &EmailAddress,
        source: Option<IpAddr>,
        factor: Factor,
    ) -> Result<Reservation, DefenceError> {
        let names = Names::of(self.key(), account, source, factor);
        let give_up_at = Instant::now() + BUSY_WAIT;
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            // From here on no outcome is missed.
            settled.as_mut().enable();
            match self.ask(names, factor).await? {
                Answer::Granted(charge) => {
                    return Ok(Reservation {
                        charge: Some(charge),
                        requests: self.requests.clone(),
                    });
                }
                Answer::Refused { limit, seconds } => {
                    return Err(DefenceError::Refused {
                        limit,
                        retry_after: Duration::from_secs(seconds),
                    });
                }
                Answer::Busy if Instant::now() >= give_up_at => return Err(DefenceError::Busy),
                // Another replica's outcomes are seen by looking again; nothing is lost when this wait is cut short.
                Answer::Busy => drop(tokio::time::timeout(BUSY_POLL, settled).await),
            }
        }
    }

    /// Forgets every failure at an account, and the sources it knows.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn unlock(&self, account: &EmailAddress) -> Result<(), StoreError> {
        // What was decided before must not come after.
        self.flush().await;
        self.store.forget_account(account_key(self.key(), account)).await
    }

    /// Forgets the sources that an account knows: its password has changed, and who knew the old one may have made
    /// them known.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn forget_known_sources(&self, account: &EmailAddress) -> Result<(), StoreError> {
        // A login that is good already is known before it is forgotten.
        self.flush().await;
        self.store.forget_known_sources(account_key(self.key(), account)).await
    }

    /// Returns when every outcome so far is in the database, or could not be written.
    pub async fn flush(&self) {
        let (reply, done) = oneshot::channel();
        if self.requests.send(Request::Flush(reply)).is_ok() {
            // Nothing to wait for when the worker is gone.
            let _ = done.await;
        }
    }

    /// Clears the next part of the table. To be called every few seconds.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        // A sixteenth of all keys.
        let slice = u64::from(self.next_slice.fetch_add(1, Ordering::Relaxed) % SLICES);
        let first = i64::MIN.wrapping_add_unsigned(slice << 60);
        let last = first | ((1 << 60) - 1);
        let now = self.clock.now().unix_timestamp();
        let longest = i64::try_from(self.policy.longest_window().as_secs()).unwrap_or(i64::MAX / 4);
        self.store
            .sweep_attempts(&SweepOrder {
                keys: first..=last,
                now,
                latest_end: now + longest,
                known_sources_before: now - KNOWN_FOR_SECONDS,
                keep: self.policy.max_counters.div_ceil(u64::from(SLICES)),
            })
            .await
    }

    fn key(&self) -> &DigestKey {
        self.names.primary().1
    }

    /// A number that is the address's: evenly spread, known to nobody without the key, the same on every replica and after
    /// a restart.
    pub(in crate::service) fn draw(&self, account: &EmailAddress) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.key().digest(&[b"decoy", account.as_str().as_bytes()]);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    async fn ask(&self, names: Names, factor: Factor) -> Result<Answer, DefenceError> {
        let (reply, answer) = oneshot::channel();
        let gone = || DefenceError::Store(StoreError::Unavailable("the login defence has ended".into()));
        self.requests
            .send(Request::Reserve { names, factor, reply })
            .map_err(|_| gone())?;
        Ok(answer.await.map_err(|_| gone())??)
    }
}

impl fmt::Debug for LoginDefence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginDefence")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Reservation {
    /// The whole login is good: its source's failures at this account are forgiven, and the account knows the source
    /// from now on. For a factor other than the password only the former.
    pub fn succeeded(mut self) {
        self.settle(Settlement::Succeeded);
    }

    /// The guess was wrong.
    pub fn failed(mut self) {
        self.settle(Settlement::Failed);
    }

    /// Nothing was tried, or it was right and another factor decides.
    pub fn unused(mut self) {
        self.settle(Settlement::Unused);
    }

    fn settle(&mut self, outcome: Settlement) {
        if let Some(charge) = self.charge.take() {
            // Without a worker nothing is served any more; the attempt counts as failed when its lease ends.
            let _ = self.requests.send(Request::Settle(charge, outcome));
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.settle(Settlement::Failed);
    }
}

/// Opens the keyset that digests names, making it where there is none yet. All replicas of an installation have the same.
///
/// # Errors
///
/// [`KeyStorageError`].
pub async fn open_digest_key(keysets: &SealedKeysets) -> Result<Keyset<DigestKey>, KeyStorageError> {
    let (_, keyset) = keysets
        .open_or_create(DIGEST_KEYSET, || Ok(DigestKey::generate()))
        .await?;
    Ok(keyset)
}
