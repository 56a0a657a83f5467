//! Setting up an authenticator app: a secret that waits for its first code, or one that an operator hands over.

use time::OffsetDateTime;

use super::{ENROLMENT_LASTS, PENDING_COLUMN, RecoveryCodes, SECRET_COLUMN, SecondFactorError, SecondFactors};
use crate::domain::{
    FactorId, OneTimePassword, PendingSecondFactor, SecondFactor, SessionId, StoredRecoveryCode, TotpSecret, UserId,
};
use crate::storage::StoreError;

/// A secret that waits for its first code.
#[derive(Debug)]
pub struct Enrolment {
    /// To be shown to the account's owner, now and never again.
    pub secret: TotpSecret,
    /// From when on it cannot be confirmed any more.
    pub expires_at: OffsetDateTime,
}

impl SecondFactors<'_> {
    /// Makes a secret for an account that has no second factor. It takes the place of one that was begun before and is not
    /// required of anybody until [`confirm`](Self::confirm) has seen a code of it.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::AlreadyEnabled`], [`SecondFactorError::Sealing`] and [`SecondFactorError::Store`].
    pub async fn begin(&self, user_id: UserId) -> Result<Enrolment, SecondFactorError> {
        if self.store.second_factor(user_id).await?.is_some() {
            return Err(SecondFactorError::AlreadyEnabled);
        }
        let secret = TotpSecret::generate();
        let expires_at = self.now + ENROLMENT_LASTS;
        let pending = PendingSecondFactor {
            user_id,
            secret: self.seal(secret.expose_secret(), PENDING_COLUMN, user_id)?,
            expires_at,
        };
        self.store.put_pending_second_factor(&pending).await?;
        Ok(Enrolment { secret, expires_at })
    }

    /// Ends an enrolment with a code of its secret: from now on the account needs it, and its sessions but `except` have ended.
    /// The code is spent by that.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::NotPending`] without an enrolment, after its end, and when another confirmation was first;
    /// [`SecondFactorError::WrongCode`], for a recovery code too; [`SecondFactorError::Unusable`],
    /// [`SecondFactorError::Sealing`] and [`SecondFactorError::Store`].
    pub async fn confirm(
        &self,
        user_id: UserId,
        otp: &OneTimePassword,
        except: Option<SessionId>,
    ) -> Result<RecoveryCodes, SecondFactorError> {
        let pending = self
            .store
            .pending_second_factor(user_id)
            .await?
            .filter(|pending| self.now < pending.expires_at)
            .ok_or(SecondFactorError::NotPending)?;
        let secret = self.open(&pending.secret, PENDING_COLUMN, user_id).await?;
        let OneTimePassword::Code(code) = otp else {
            return Err(SecondFactorError::WrongCode);
        };
        let step = secret
            .matching_step(code, self.step())
            .ok_or(SecondFactorError::WrongCode)?;
        let (factor, codes, stored) = self.factor(user_id, &secret, step)?;
        let sessions = self.sessions(except);
        let activated = self
            .store
            .activate_second_factor(&pending.secret, &factor, &stored, &sessions);
        if !activated.await? {
            return Err(SecondFactorError::NotPending);
        }
        self.tell_account(user_id, true).await?;
        Ok(codes)
    }

    /// Gives an account a second factor at once, as an operator does who hands both over, and ends its sessions.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::AlreadyEnabled`]; [`StoreError::Conflict`] when there is no such account;
    /// [`SecondFactorError::Sealing`] and [`SecondFactorError::Store`].
    pub async fn hand_over(&self, user_id: UserId) -> Result<(TotpSecret, RecoveryCodes), SecondFactorError> {
        let secret = TotpSecret::generate();
        let (factor, codes, stored) = self.factor(user_id, &secret, 0)?;
        let sessions = self.sessions(None);
        if self.store.insert_second_factor(&factor, &stored, &sessions).await? {
            self.tell_account(user_id, true).await?;
            return Ok((secret, codes));
        }
        match self.store.second_factor(user_id).await? {
            Some(_) => Err(SecondFactorError::AlreadyEnabled),
            None => Err(StoreError::Conflict.into()),
        }
    }

    fn factor(
        &self,
        user_id: UserId,
        secret: &TotpSecret,
        last_step: u64,
    ) -> Result<(SecondFactor, RecoveryCodes, Vec<StoredRecoveryCode>), SecondFactorError> {
        let factor = SecondFactor {
            id: FactorId::generate(),
            user_id,
            secret: self.seal(secret.expose_secret(), SECRET_COLUMN, user_id)?,
            last_step,
            enabled_at: self.now,
        };
        let (codes, stored) = self.new_recovery_codes(user_id)?;
        Ok((factor, codes, stored))
    }
}
