//! Accounts.

use async_trait::async_trait;
use authsvc_core::domain::{EmailAddress, UserId, UserRecord};
use authsvc_core::storage::{EndOfSessions, HashShapes, PasswordReset, ResealedUser, StoreError, UserStore};
use cryptokit::password::SealedHash;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};
use time::OffsetDateTime;

use super::super::guarded::GuardedPool;
use super::sessions::end_account_sessions;
use super::{SqliteStore, rows, store_error};

// `imported_as` has the shape of every hash, as `UserRecord::with_shape` says; the name is of a time when only imported
// ones had one.
macro_rules! columns {
    () => {
        "id, email, password_hash, disabled, created_at, roles, scopes, second_factor, imported_as, seal"
    };
}

const COLUMNS: &str = columns!();

/// Reads accounts: their columns, and what other statements keep true of them.
macro_rules! select_users {
    ($where:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", session_epoch,
                 EXISTS (SELECT 1 FROM second_factors WHERE second_factors.user_id = users.id) AS factor_stored
             FROM users ",
            $where
        )
    };
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<UserRecord>, StoreError> {
        let row = sqlx::query(select_users!("WHERE email = ?"))
            .bind(email.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::user).transpose()
    }

    async fn user_by_id(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        let row = sqlx::query(select_users!("WHERE id = ?"))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::user).transpose()
    }

    async fn users_after(&self, after: Option<&EmailAddress>, limit: u32) -> Result<Vec<UserRecord>, StoreError> {
        let page = sqlx::query(select_users!("WHERE email > ? ORDER BY email LIMIT ?"))
            .bind(after.map_or("", EmailAddress::as_str))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        page.iter().map(rows::user).collect()
    }

    async fn insert_user(&self, user: &UserRecord) -> Result<(), StoreError> {
        let statement = format!("INSERT INTO users ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        bind_columns(sqlx::query(sqlx::AssertSqlSafe(statement)), user)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn replace_user(&self, expected: &UserRecord, user: &UserRecord) -> Result<bool, StoreError> {
        replace(&self.writer, expected, user, None).await
    }

    async fn replace_user_and_end_sessions(
        &self,
        expected: &UserRecord,
        user: &UserRecord,
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError> {
        replace(&self.writer, expected, user, Some(sessions)).await
    }

    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &SealedHash,
        hash: &SealedHash,
        shape: Option<&str>,
    ) -> Result<bool, StoreError> {
        sqlx::query("UPDATE users SET password_hash = ?, imported_as = ? WHERE id = ? AND password_hash = ?")
            .bind(hash.as_str())
            .bind(shape)
            .bind(id.to_string())
            .bind(expected.as_str())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM users WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn hash_shapes(&self) -> Result<HashShapes, StoreError> {
        let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        let shapes = sqlx::query(
            "SELECT imported_as, count(*) AS number FROM users WHERE imported_as IS NOT NULL
             GROUP BY imported_as ORDER BY number DESC, imported_as",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        Ok(HashShapes {
            accounts: accounts.unsigned_abs(),
            shapes: shapes.iter().map(rows::hash_shape).collect::<Result<_, _>>()?,
        })
    }

    async fn put_password_reset(&self, reset: &PasswordReset) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO password_resets (user_id, token_sha256, expires_at, seal) VALUES (?, ?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE
             SET token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at, seal = excluded.seal",
        )
        .bind(reset.user_id.to_string())
        .bind(&reset.token_sha256[..])
        .bind(reset.expires_at.unix_timestamp())
        .bind(&reset.seal)
        .execute(&self.writer)
        .await
        .map(|_| ())
        .map_err(store_error)
    }

    async fn password_reset(&self, token_sha256: &[u8; 32]) -> Result<Option<PasswordReset>, StoreError> {
        let row = sqlx::query("SELECT * FROM password_resets WHERE token_sha256 = ?")
            .bind(&token_sha256[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::password_reset).transpose()
    }

    async fn redeem_password_reset(
        &self,
        token_sha256: &[u8; 32],
        now: OffsetDateTime,
        expected: &UserRecord,
        user: &UserRecord,
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        if !update(&mut transaction, expected, user).await.map_err(store_error)? {
            return transaction.rollback().await.map(|()| false).map_err(store_error);
        }
        let statement = "DELETE FROM password_resets WHERE token_sha256 = ? AND user_id = ? AND expires_at > ?";
        let used = sqlx::query(statement)
            .bind(&token_sha256[..])
            .bind(user.unverified().id.to_string())
            .bind(now.unix_timestamp())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        if used.rows_affected() != 1 {
            return transaction.rollback().await.map(|()| false).map_err(store_error);
        }
        end_account_sessions(&mut transaction, user.unverified().id, sessions).await?;
        transaction.commit().await.map(|()| true).map_err(store_error)
    }

    async fn prune_password_resets(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM password_resets WHERE expires_at <= ?")
            .bind(now.unix_timestamp())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(store_error)
    }

    async fn stage_import(&self, import: &str, users: &[UserRecord]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        for user in users {
            let statement =
                format!("INSERT INTO user_imports (import, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            bind_columns(sqlx::query(sqlx::AssertSqlSafe(statement)).bind(import), user)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn commit_import(&self, import: &str) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let statement = format!(
            "INSERT INTO users ({COLUMNS}) SELECT {COLUMNS} FROM user_imports WHERE import = ?
             ON CONFLICT (email) DO NOTHING"
        );
        let made = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(import)
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        sqlx::query("DELETE FROM user_imports WHERE import = ?")
            .bind(import)
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(made.rows_affected())
    }

    async fn discard_import(&self, import: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM user_imports WHERE import = ?")
            .bind(import)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn staged_accounts(&self) -> Result<u64, StoreError> {
        let staged: i64 = sqlx::query_scalar("SELECT count(*) FROM user_imports")
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(staged.unsigned_abs())
    }

    async fn prune_imports(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query(
            "DELETE FROM user_imports WHERE import IN
             (SELECT import FROM user_imports GROUP BY import HAVING max(created_at) < ?)",
        )
        .bind(before.unix_timestamp())
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected())
        .map_err(store_error)
    }

    async fn reseal_users(&self, resealed: &[ResealedUser]) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let mut done = 0;
        for ResealedUser { expected, resealed } in resealed {
            let written = sqlx::query(
                "UPDATE users SET password_hash = ?, seal = ? WHERE id = ? AND password_hash = ? AND seal IS ?",
            )
            .bind(resealed.unverified().password_hash.as_str())
            .bind(resealed.seal_text())
            .bind(expected.unverified().id.to_string())
            .bind(expected.unverified().password_hash.as_str())
            .bind(expected.seal_text())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
            done += written.rows_affected();
        }
        transaction.commit().await.map(|()| done).map_err(store_error)
    }

    async fn password_resets_after(&self, after: Option<UserId>, limit: u32) -> Result<Vec<PasswordReset>, StoreError> {
        let page = sqlx::query("SELECT * FROM password_resets WHERE user_id > ? ORDER BY user_id LIMIT ?")
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        page.iter().map(rows::password_reset).collect()
    }

    async fn reseal_password_reset(&self, expected: &PasswordReset, seal: &str) -> Result<bool, StoreError> {
        sqlx::query("UPDATE password_resets SET seal = ? WHERE user_id = ? AND token_sha256 = ? AND seal = ?")
            .bind(seal)
            .bind(expected.user_id.to_string())
            .bind(&expected.token_sha256[..])
            .bind(&expected.seal)
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }
}

/// Writes a record over another one, and what belongs to that.
async fn replace(
    writer: &GuardedPool<Sqlite>,
    expected: &UserRecord,
    user: &UserRecord,
    sessions: Option<&EndOfSessions>,
) -> Result<bool, StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
    if !update(&mut transaction, expected, user).await.map_err(store_error)? {
        return transaction.rollback().await.map(|()| false).map_err(store_error);
    }
    let (former, hash) = (&expected.unverified().password_hash, &user.unverified().password_hash);
    if former.as_str() != hash.as_str() {
        sqlx::query("DELETE FROM password_resets WHERE user_id = ?")
            .bind(user.unverified().id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
    }
    if let Some(sessions) = sessions {
        end_account_sessions(&mut transaction, user.unverified().id, sessions).await?;
    }
    transaction.commit().await.map(|()| true).map_err(store_error)
}

/// The compare-and-swap that every change of a record goes through.
async fn update(
    connection: &mut SqliteConnection,
    expected: &UserRecord,
    record: &UserRecord,
) -> Result<bool, sqlx::Error> {
    let user = record.unverified();
    sqlx::query(
        "UPDATE users SET password_hash = ?, disabled = ?, roles = ?, scopes = ?, second_factor = ?,
         imported_as = ?, seal = ? WHERE id = ? AND seal IS ?",
    )
    .bind(user.password_hash.as_str())
    .bind(i64::from(user.disabled))
    .bind(user.roles.to_string())
    .bind(user.scopes.to_string())
    .bind(i64::from(user.second_factor))
    .bind(record.shape_text())
    .bind(record.seal_text())
    .bind(user.id.to_string())
    .bind(expected.seal_text())
    .execute(connection)
    .await
    .map(|done| done.rows_affected() == 1)
}

/// In the order of [`COLUMNS`].
fn bind_columns<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    record: &UserRecord,
) -> Query<'q, Sqlite, SqliteArguments> {
    let user = record.unverified();
    query
        .bind(user.id.to_string())
        .bind(user.email.to_string())
        .bind(user.password_hash.as_str().to_owned())
        .bind(i64::from(user.disabled))
        .bind(user.created_at.unix_timestamp())
        .bind(user.roles.to_string())
        .bind(user.scopes.to_string())
        .bind(i64::from(user.second_factor))
        .bind(record.shape_text().map(str::to_owned))
        .bind(record.seal_text().map(str::to_owned))
}
