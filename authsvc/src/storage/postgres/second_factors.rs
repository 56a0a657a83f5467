//! Second factors.

use async_trait::async_trait;
use authsvc_core::domain::{FactorId, PendingSecondFactor, SealedField, SecondFactor, StoredRecoveryCode, UserId};
use authsvc_core::storage::{EndOfSessions, SecondFactorStore, StoreError};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::sessions::end_account_sessions;
use super::{PostgresStore, rows, store_error};

#[async_trait]
impl SecondFactorStore for PostgresStore {
    async fn second_factor(&self, user_id: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row =
            sqlx::query("SELECT user_id, id, secret, last_step, enabled_at FROM second_factors WHERE user_id = $1")
                .bind(user_id.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(store_error)?;
        row.as_ref().map(rows::second_factor).transpose()
    }

    async fn pending_second_factor(&self, user_id: UserId) -> Result<Option<PendingSecondFactor>, StoreError> {
        let row = sqlx::query("SELECT user_id, secret, expires_at FROM pending_second_factors WHERE user_id = $1")
            .bind(user_id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::pending_second_factor).transpose()
    }

    async fn put_pending_second_factor(&self, pending: &PendingSecondFactor) -> Result<(), StoreError> {
        // From the account's own row, so that a missing one is no violation of a key but no row.
        let done = sqlx::query(
            "INSERT INTO pending_second_factors (user_id, secret, expires_at)
             SELECT id, $2, $3 FROM users WHERE id = $1
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, expires_at = excluded.expires_at",
        )
        .bind(pending.user_id.to_string())
        .bind(pending.secret.as_str())
        .bind(pending.expires_at.unix_timestamp())
        .execute(&self.writer)
        .await
        .map_err(store_error)?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    async fn activate_second_factor(
        &self,
        pending: &SealedField,
        factor: &SecondFactor,
        codes: &[StoredRecoveryCode],
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        lock_account(&mut transaction, factor.user_id).await?;
        let ended = sqlx::query("DELETE FROM pending_second_factors WHERE user_id = $1 AND secret = $2")
            .bind(factor.user_id.to_string())
            .bind(pending.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        if ended.rows_affected() == 0 || !insert(&mut transaction, factor, codes, sessions).await? {
            return Ok(false);
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn insert_second_factor(
        &self,
        factor: &SecondFactor,
        codes: &[StoredRecoveryCode],
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        lock_account(&mut transaction, factor.user_id).await?;
        if !insert(&mut transaction, factor, codes, sessions).await? {
            return Ok(false);
        }
        sqlx::query("DELETE FROM pending_second_factors WHERE user_id = $1")
            .bind(factor.user_id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn accept_time_step(&self, user_id: UserId, factor: FactorId, step: u64) -> Result<bool, StoreError> {
        let Ok(step) = i64::try_from(step) else {
            return Ok(false);
        };
        sqlx::query("UPDATE second_factors SET last_step = $3 WHERE user_id = $1 AND id = $2 AND last_step < $3")
            .bind(user_id.to_string())
            .bind(factor.to_string())
            .bind(step)
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn recovery_codes(&self, user_id: UserId) -> Result<Vec<StoredRecoveryCode>, StoreError> {
        let all = sqlx::query("SELECT id, digest FROM recovery_codes WHERE user_id = $1 ORDER BY id")
            .bind(user_id.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter().map(rows::recovery_code).collect()
    }

    async fn use_recovery_code(&self, user_id: UserId, code: FactorId) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1 AND id = $2")
            .bind(user_id.to_string())
            .bind(code.to_string())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn replace_recovery_codes(
        &self,
        user_id: UserId,
        factor: FactorId,
        codes: &[StoredRecoveryCode],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        lock_account(&mut transaction, user_id).await?;
        let current = sqlx::query("SELECT 1 FROM second_factors WHERE user_id = $1 AND id = $2")
            .bind(user_id.to_string())
            .bind(factor.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if current.is_none() {
            return Ok(false);
        }
        write_codes(&mut transaction, user_id, codes).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn remove_second_factor(&self, user_id: UserId, sessions: &EndOfSessions) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        lock_account(&mut transaction, user_id).await?;
        for statement in [
            "DELETE FROM pending_second_factors WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
        ] {
            sqlx::query(statement)
                .bind(user_id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        let removed = sqlx::query("DELETE FROM second_factors WHERE user_id = $1")
            .bind(user_id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        let removed = removed.rows_affected() == 1;
        if removed {
            end_account_sessions(&mut transaction, user_id, sessions).await?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(removed)
    }

    async fn prune_pending_second_factors(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM pending_second_factors WHERE expires_at <= $1")
            .bind(now.unix_timestamp())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(store_error)
    }

    async fn replace_totp_secret(
        &self,
        user_id: UserId,
        expected: &SealedField,
        secret: &SealedField,
    ) -> Result<bool, StoreError> {
        sqlx::query("UPDATE second_factors SET secret = $1 WHERE user_id = $2 AND secret = $3")
            .bind(secret.as_str())
            .bind(user_id.to_string())
            .bind(expected.as_str())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn replace_recovery_code_digest(
        &self,
        user_id: UserId,
        expected: &StoredRecoveryCode,
        digest: &SealedField,
    ) -> Result<bool, StoreError> {
        sqlx::query("UPDATE recovery_codes SET digest = $1 WHERE user_id = $2 AND id = $3 AND digest = $4")
            .bind(digest.as_str())
            .bind(user_id.to_string())
            .bind(expected.id.to_string())
            .bind(expected.digest.as_str())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn users_with_second_factor(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, StoreError> {
        let all = sqlx::query("SELECT user_id FROM second_factors WHERE user_id > $1 ORDER BY user_id LIMIT $2")
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter()
            .map(|row| rows::parse(row, "second_factors", "user_id"))
            .collect()
    }
}

/// One after the other, whoever changes several of an account's rows.
async fn lock_account(transaction: &mut PgConnection, user_id: UserId) -> Result<(), StoreError> {
    sqlx::query("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE")
        .bind(user_id.to_string())
        .execute(transaction)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Adds a factor where there is none, with its codes; whether it did.
async fn insert(
    transaction: &mut PgConnection,
    factor: &SecondFactor,
    codes: &[StoredRecoveryCode],
    sessions: &EndOfSessions,
) -> Result<bool, StoreError> {
    let Ok(last_step) = i64::try_from(factor.last_step) else {
        return Ok(false);
    };
    let inserted = sqlx::query(
        "INSERT INTO second_factors (user_id, id, secret, last_step, enabled_at)
         SELECT id, $2, $3, $4, $5 FROM users WHERE id = $1
         ON CONFLICT (user_id) DO NOTHING",
    )
    .bind(factor.user_id.to_string())
    .bind(factor.id.to_string())
    .bind(factor.secret.as_str())
    .bind(last_step)
    .bind(factor.enabled_at.unix_timestamp())
    .execute(&mut *transaction)
    .await
    .map_err(store_error)?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    end_account_sessions(transaction, factor.user_id, sessions).await?;
    write_codes(transaction, factor.user_id, codes).await?;
    Ok(true)
}

async fn write_codes(
    transaction: &mut PgConnection,
    user_id: UserId,
    codes: &[StoredRecoveryCode],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user_id.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    for code in codes {
        sqlx::query("INSERT INTO recovery_codes (user_id, id, digest) VALUES ($1, $2, $3)")
            .bind(user_id.to_string())
            .bind(code.id.to_string())
            .bind(code.digest.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}
