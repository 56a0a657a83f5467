//! Accounts.

use async_trait::async_trait;
use authsvc_core::domain::{EmailAddress, User, UserId};
use authsvc_core::storage::{StoreError, UserStore};
use cryptokit::password::SealedHash;

use super::{PostgresStore, rows, store_error};

#[async_trait]
impl UserStore for PostgresStore {
    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT id, email, password_hash, disabled, created_at FROM users WHERE email = $1")
            .bind(email.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::user).transpose()
    }

    async fn user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT id, email, password_hash, disabled, created_at FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::user).transpose()
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let all = sqlx::query("SELECT id, email, password_hash, disabled, created_at FROM users ORDER BY email")
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter().map(rows::user).collect()
    }

    async fn insert_user(&self, user: &User) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO users (id, email, password_hash, disabled, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(user.id.to_string())
            .bind(user.email.as_str())
            .bind(user.password_hash.as_str())
            .bind(user.disabled)
            .bind(user.created_at.unix_timestamp())
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn set_user_disabled(&self, id: UserId, disabled: bool) -> Result<bool, StoreError> {
        sqlx::query("UPDATE users SET disabled = $1 WHERE id = $2")
            .bind(disabled)
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn set_password_hash(&self, id: UserId, hash: &SealedHash) -> Result<bool, StoreError> {
        sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2")
            .bind(hash.as_str())
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &SealedHash,
        hash: &SealedHash,
    ) -> Result<bool, StoreError> {
        sqlx::query("UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
            .bind(hash.as_str())
            .bind(id.to_string())
            .bind(expected.as_str())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }
}
