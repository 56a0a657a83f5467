//! The second factor: an authenticator app (TOTP, RFC 6238) and the codes that stand in for a lost one.
//!
//! A factor is required of every login that looks the account up after the factor's row is there, and where the account's
//! sealed record says that there is one. Every code is good once: a step of the clock is accepted by a compare-and-swap on
//! the last one, a recovery code by deleting its row, both in the database, so that neither another replica nor a restart
//! nor a clock set back makes a spent code good again.

mod account_flag;
mod enrolment;
mod error;
mod own_account;
mod recovery;
mod step_up;
mod verification;

use std::fmt;
use std::time::Duration;

use cryptokit::aead::AeadError;
use cryptokit::otp::time_step;
use time::OffsetDateTime;

pub use enrolment::Enrolment;
pub use error::SecondFactorError;
pub use own_account::{BegunEnrolment, FactorChanged, IssuedRecoveryCodes, issuer_name};
pub use recovery::RecoveryCodes;
pub use verification::Accepted;

use crate::domain::{EndReason, Place, SealedField, SessionId, TotpSecret, UserId};
use crate::service::KeyRing;
use crate::service::end_sessions::end_of_sessions;
use crate::service::reseal::Resealed;
use crate::storage::{EndOfSessions, Store};

/// How long an enrolment waits for its first code.
pub const ENROLMENT_LASTS: Duration = Duration::from_secs(10 * 60);

/// Recovery codes of a set.
pub const RECOVERY_CODES: usize = 10;

const SECRET_COLUMN: &str = "second_factors.secret";
const PENDING_COLUMN: &str = "pending_second_factors.secret";
const RECOVERY_COLUMN: &str = "recovery_codes.digest";

/// Second factors at a moment: what login, an account's owner and an operator share.
pub struct SecondFactors<'a> {
    store: &'a dyn Store,
    keys: &'a KeyRing,
    now: OffsetDateTime,
}

impl<'a> SecondFactors<'a> {
    /// Puts it together.
    pub fn new(store: &'a dyn Store, keys: &'a KeyRing, now: OffsetDateTime) -> Self {
        Self { store, keys, now }
    }

    /// Removes an account's second factor, a waiting enrolment and all recovery codes, and ends its sessions but `except`;
    /// whether there was a factor.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::Altered`], [`SecondFactorError::Sealing`] and [`SecondFactorError::Store`].
    pub async fn remove(&self, user_id: UserId, except: Option<SessionId>) -> Result<bool, SecondFactorError> {
        self.tell_account(user_id, false).await?;
        let sessions = self.sessions(except);
        Ok(self.store.remove_second_factor(user_id, &sessions).await?)
    }

    /// Whoever is in one of the account's sessions may be why its factor changes (ASVS 5.0 §7.4.3): they end with the
    /// change, in one transaction.
    fn sessions(&self, except: Option<SessionId>) -> EndOfSessions {
        end_of_sessions(self.now, except, EndReason::FactorChanged)
    }

    /// Seals everything of an account anew that is not sealed under the primary key. What does not open is left as it is,
    /// and keeps nothing else from being sealed.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::Sealing`] and [`SecondFactorError::Store`].
    pub async fn reseal(&self, user_id: UserId) -> Result<Resealed, SecondFactorError> {
        let sealing = self.keys.sealing();
        let mut done = Resealed::default();
        if let Some(factor) = self.store.second_factor(user_id).await? {
            let place = place(SECRET_COLUMN, user_id);
            if let Some(secret) = done.of(factor.secret.reseal(&sealing.keys, place))? {
                let replaced = self.store.replace_totp_secret(user_id, &factor.secret, &secret);
                done.count(replaced.await?);
            }
        }
        for code in self.store.recovery_codes(user_id).await? {
            let place = place(RECOVERY_COLUMN, user_id);
            if let Some(digest) = done.of(code.digest.reseal(&sealing.keys, place))? {
                let replaced = self.store.replace_recovery_code_digest(user_id, &code, &digest);
                done.count(replaced.await?);
            }
        }
        Ok(done)
    }

    fn step(&self) -> u64 {
        // Before 1970 there are no steps, and no clock is there.
        time_step(u64::try_from(self.now.unix_timestamp()).unwrap_or(0))
    }

    fn seal(&self, secret: &[u8], column: &'static str, user_id: UserId) -> Result<SealedField, SecondFactorError> {
        SealedField::seal(&self.keys.sealing().keys, secret, place(column, user_id)).map_err(SecondFactorError::Sealing)
    }

    async fn open(
        &self,
        sealed: &SealedField,
        column: &'static str,
        user_id: UserId,
    ) -> Result<TotpSecret, SecondFactorError> {
        let place = place(column, user_id);
        let secret = self.keys.unseal(|keys| sealed.open(keys, place)).await;
        TotpSecret::from_bytes(secret.map_err(unopened)?.expose_secret()).map_err(|_| SecondFactorError::Unusable)
    }
}

impl fmt::Debug for SecondFactors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactors")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

fn place(column: &'static str, user_id: UserId) -> Place {
    Place { column, user_id }
}

fn unopened(error: AeadError) -> SecondFactorError {
    match error {
        AeadError::Open => SecondFactorError::Unusable,
        other => SecondFactorError::Sealing(other),
    }
}
