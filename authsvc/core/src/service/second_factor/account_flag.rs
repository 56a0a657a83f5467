//! The account's own word that it has a second factor.
//!
//! Rows of factors can be deleted by whoever can write the database; the account's record is sealed. It is told after a
//! factor is there and before it goes, so that a crash in between leaves one that is required without the record saying
//! so, and never the other way about.

use super::{SecondFactorError, SecondFactors};
use crate::domain::{UserId, UserRecord};
use crate::storage::StoreError;

/// How often a change is tried anew when others change the same record.
const ATTEMPTS: usize = 8;

impl SecondFactors<'_> {
    pub(super) async fn tell_account(&self, user_id: UserId, second_factor: bool) -> Result<(), SecondFactorError> {
        for _ in 0..ATTEMPTS {
            let Some(record) = self.store.user_by_id(user_id).await? else {
                return Ok(());
            };
            let mut user = self.keys.unseal(|keys| record.clone().open(keys)).await?;
            if user.second_factor == second_factor {
                return Ok(());
            }
            user.second_factor = second_factor;
            let changed = UserRecord::seal(user, &self.keys.sealing().keys)
                .map_err(SecondFactorError::Sealing)?
                .with_shape(record.shape_text().map(str::to_owned));
            if self.store.replace_user(&record, &changed).await? {
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }
}
