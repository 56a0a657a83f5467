//! Sets of recovery codes.

use cryptokit::secret::SecretString;

use super::{RECOVERY_CODES, RECOVERY_COLUMN, SecondFactorError, SecondFactors};
use crate::domain::{FactorId, RecoveryCode, SecondFactor, StoredRecoveryCode, UserId};

/// A fresh set, to be shown to the account's owner, now and never again.
#[derive(Debug)]
pub struct RecoveryCodes(Vec<RecoveryCode>);

impl RecoveryCodes {
    /// The codes in the form that is shown.
    pub fn to_texts(&self) -> Vec<SecretString> {
        self.0.iter().map(RecoveryCode::to_text).collect()
    }
}

impl SecondFactors<'_> {
    /// Makes a set in place of the one there is, of which no code is good any more.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::NotEnabled`] when the factor is gone or another by now; [`SecondFactorError::Sealing`] and
    /// [`SecondFactorError::Store`].
    pub async fn renew_recovery_codes(&self, factor: &SecondFactor) -> Result<RecoveryCodes, SecondFactorError> {
        let (codes, stored) = self.new_recovery_codes(factor.user_id)?;
        let replaced = self.store.replace_recovery_codes(factor.user_id, factor.id, &stored);
        if replaced.await? {
            Ok(codes)
        } else {
            Err(SecondFactorError::NotEnabled)
        }
    }

    /// A set, and what is stored of it. A code has 80 random bits: nobody tries them all against a digest, however fast it
    /// is. It is sealed all the same, to the account, so that a digest cannot be moved to another one.
    pub(super) fn new_recovery_codes(
        &self,
        user_id: UserId,
    ) -> Result<(RecoveryCodes, Vec<StoredRecoveryCode>), SecondFactorError> {
        let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::generate()).collect();
        let stored = codes
            .iter()
            .map(|code| {
                Ok(StoredRecoveryCode {
                    id: FactorId::generate(),
                    digest: self.seal(code.digest().expose_secret(), RECOVERY_COLUMN, user_id)?,
                })
            })
            .collect::<Result<_, SecondFactorError>>()?;
        Ok((RecoveryCodes(codes), stored))
    }
}
