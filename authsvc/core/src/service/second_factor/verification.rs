//! Accepting a code, once.

use cryptokit::otp::OtpCode;

use super::{RECOVERY_COLUMN, SECRET_COLUMN, SecondFactorError, SecondFactors, place};
use crate::domain::{FactorId, OneTimePassword, RecoveryCode, SecondFactor, User, UserId};

/// What was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A code of the app.
    Code,
    /// A recovery code, which is used up.
    RecoveryCode {
        /// How many the account has left.
        left: usize,
    },
}

impl SecondFactors<'_> {
    /// The account's second factor.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::Unusable`] where the account says that it has one, and it is gone: somebody took it out of the
    /// database. [`SecondFactorError::Store`].
    pub async fn of(&self, user: &User) -> Result<Option<SecondFactor>, SecondFactorError> {
        match self.store.second_factor(user.id).await? {
            None if user.second_factor => Err(SecondFactorError::Unusable),
            found => Ok(found),
        }
    }

    /// Accepts a code of the factor's app, or a recovery code of its account, and spends it.
    ///
    /// A right code costs one write; a wrong one none.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::WrongCode`], [`SecondFactorError::SpentCode`], [`SecondFactorError::WrongRecoveryCode`],
    /// [`SecondFactorError::Unusable`] and [`SecondFactorError::Store`].
    pub async fn accept(&self, factor: &SecondFactor, otp: &OneTimePassword) -> Result<Accepted, SecondFactorError> {
        match otp {
            OneTimePassword::Code(code) => self.accept_code(factor, code).await.map(|()| Accepted::Code),
            OneTimePassword::Recovery(code) => {
                let left = self.accept_recovery_code(factor.user_id, code).await?;
                Ok(Accepted::RecoveryCode { left })
            }
        }
    }

    async fn accept_code(&self, factor: &SecondFactor, code: &OtpCode) -> Result<(), SecondFactorError> {
        let secret = self.open(&factor.secret, SECRET_COLUMN, factor.user_id).await?;
        let step = secret
            .matching_step(code, self.step())
            .ok_or(SecondFactorError::WrongCode)?;
        // RFC 6238 §5.2: not a second time. The database decides, not what was read from it before.
        let accepted = self.store.accept_time_step(factor.user_id, factor.id, step);
        if accepted.await? {
            Ok(())
        } else {
            Err(SecondFactorError::SpentCode)
        }
    }

    /// How many are left.
    async fn accept_recovery_code(&self, user_id: UserId, code: &RecoveryCode) -> Result<usize, SecondFactorError> {
        let (id, others) = self
            .matching_recovery_code(user_id, code)
            .await?
            .ok_or(SecondFactorError::WrongRecoveryCode)?;
        if self.store.use_recovery_code(user_id, id).await? {
            Ok(others)
        } else {
            // Somebody else was faster with the same one.
            Err(SecondFactorError::WrongRecoveryCode)
        }
    }

    /// Compares with all codes of the account, whichever matches. One that does not open matches nothing, and does not
    /// make the others useless. With it, how many others there are.
    async fn matching_recovery_code(
        &self,
        user_id: UserId,
        code: &RecoveryCode,
    ) -> Result<Option<(FactorId, usize)>, SecondFactorError> {
        let given = code.digest();
        let mut matching = None;
        let codes = self.store.recovery_codes(user_id).await?;
        let others = codes.len().saturating_sub(1);
        for stored in codes {
            let place = place(RECOVERY_COLUMN, user_id);
            let Ok(digest) = self.keys.unseal(|keys| stored.digest.open(keys, place)).await else {
                continue;
            };
            if digest.ct_eq(given.expose_secret()) {
                matching = Some((stored.id, others));
            }
        }
        Ok(matching)
    }
}
