//! Sessions.

use async_trait::async_trait;
use authsvc_core::domain::{Session, SessionHolder, SessionId, TokenDigest, UserId};
use authsvc_core::storage::{Begun, EndOfSessions, Ending, Rotation, SessionStore, StoreError};
use cryptokit::jose::Revocation;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite, SqliteConnection};
use time::OffsetDateTime;

use super::revocations::add_revocations;
use super::{SqliteStore, rows, store_error};
use crate::storage::guarded::GuardedPool;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn begin_session(
        &self,
        session: &Session,
        epoch: u64,
        most: u32,
        displaced: &Ending,
    ) -> Result<Begun, StoreError> {
        // Nearly every login: one statement is a transaction of its own, and one exchange with the database's thread.
        if insert_if_room(&self.writer, session, epoch, most, displaced.at).await? {
            return Ok(Begun::Begun { displaced: Vec::new() });
        }
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let unchanged = sqlx::query("SELECT 1 FROM users WHERE id = ? AND disabled = 0 AND session_epoch = ?")
            .bind(session.user_id.to_string())
            .bind(rows::integer(epoch))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if unchanged.is_none() {
            return Ok(Begun::AccountChanged);
        }
        let surplus = sqlx::query(
            "SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL AND idle_end > ?
             ORDER BY last_used_at DESC, created_at DESC, id LIMIT -1 OFFSET ?",
        )
        .bind(session.user_id.to_string())
        .bind(displaced.at.unix_timestamp())
        .bind(i64::from(most.max(1)) - 1)
        .fetch_all(&mut *transaction)
        .await
        .map_err(store_error)?;
        let surplus = surplus.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
        for id in &surplus {
            sqlx::query(END_ONE)
                .bind(displaced.at.unix_timestamp())
                .bind(displaced.why.name())
                .bind(displaced.at.unix_timestamp())
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        revoke_families(&mut transaction, &surplus, displaced).await?;
        insert(&mut transaction, session).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Begun::Begun { displaced: surplus })
    }

    async fn session_by_family(&self, family: &TokenDigest) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query("SELECT * FROM sessions WHERE family = ?")
            .bind(&family.0[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::session).transpose()
    }

    async fn session_by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query("SELECT * FROM sessions WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(rows::session).transpose()
    }

    async fn rotate_session(&self, rotation: &Rotation) -> Result<bool, StoreError> {
        sqlx::query(
            "UPDATE sessions SET generation = generation + 1, spent = current, current = ?, successor = ?,
                 retry_end = ?, spent_by = ?, last_used_at = ?, idle_end = ?
             WHERE id = ? AND generation = ? AND current = ? AND ended_at IS NULL",
        )
        .bind(&rotation.successor.0[..])
        .bind(&rotation.sealed_successor[..])
        .bind(rotation.retry_end.unix_timestamp())
        .bind(&rotation.client.0[..])
        .bind(rotation.at.unix_timestamp())
        .bind(rotation.idle_end.unix_timestamp())
        .bind(rotation.id.to_string())
        .bind(rows::integer(rotation.generation))
        .bind(&rotation.presented.0[..])
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(store_error)
    }

    async fn touch_session(
        &self,
        id: SessionId,
        generation: u64,
        at: OffsetDateTime,
        idle_end: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        sqlx::query(
            "UPDATE sessions SET last_used_at = ?, idle_end = ? WHERE id = ? AND generation = ? AND ended_at IS NULL",
        )
        .bind(at.unix_timestamp())
        .bind(idle_end.unix_timestamp())
        .bind(id.to_string())
        .bind(rows::integer(generation))
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(store_error)
    }

    async fn end_session(&self, id: SessionId, ending: &Ending) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let ended = sqlx::query(END_ONE)
            .bind(ending.at.unix_timestamp())
            .bind(ending.why.name())
            .bind(ending.at.unix_timestamp())
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?
            .rows_affected()
            == 1;
        if ended {
            revoke_families(&mut transaction, &[id], ending).await?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(ended)
    }

    async fn end_sessions_of(
        &self,
        user: UserId,
        except: Option<SessionId>,
        ending: &Ending,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let ended = end_sessions_in(&mut transaction, user, except, ending).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(ended)
    }

    async fn sessions_of(&self, user: UserId, now: OffsetDateTime) -> Result<Vec<Session>, StoreError> {
        let all = sqlx::query(
            "SELECT * FROM sessions WHERE user_id = ? AND ended_at IS NULL AND idle_end > ?
             ORDER BY last_used_at DESC, created_at DESC, id",
        )
        .bind(user.to_string())
        .bind(now.unix_timestamp())
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        all.iter().map(rows::session).collect()
    }

    async fn sessions_after(
        &self,
        after: Option<SessionId>,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<Session>, StoreError> {
        let all = sqlx::query(
            "SELECT * FROM sessions WHERE id > ? AND ended_at IS NULL AND idle_end > ? ORDER BY id LIMIT ?",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(now.unix_timestamp())
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        all.iter().map(rows::session).collect()
    }

    async fn reseal_sessions(&self, resealed: &[(Session, String)]) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let mut done = 0;
        for (expected, seal) in resealed {
            let written = sqlx::query("UPDATE sessions SET seal = ? WHERE id = ? AND seal IS ?")
                .bind(seal)
                .bind(expected.id.to_string())
                .bind(&expected.seal)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
            done += written.rows_affected();
        }
        transaction.commit().await.map(|()| done).map_err(store_error)
    }

    async fn erase_successors(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query("UPDATE sessions SET successor = NULL WHERE successor IS NOT NULL AND retry_end <= ?")
            .bind(now.unix_timestamp())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(store_error)
    }

    async fn prune_sessions(&self, before: OffsetDateTime, most: u32) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE idle_end < ? LIMIT ?)")
            .bind(before.unix_timestamp())
            .bind(i64::from(most))
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(store_error)
    }
}

const END_ONE: &str = "UPDATE sessions SET ended_at = ?, end_reason = ?, idle_end = min(idle_end, ?), successor = NULL
                       WHERE id = ? AND ended_at IS NULL";

/// Ends an account's sessions within a transaction that changes the account.
pub(super) async fn end_account_sessions(
    connection: &mut SqliteConnection,
    user: UserId,
    sessions: &EndOfSessions,
) -> Result<(), StoreError> {
    end_sessions_in(connection, user, sessions.except, &sessions.ending)
        .await
        .map(drop)
}

/// Ends all sessions of a user but one, within a transaction that changes the account as well.
pub(super) async fn end_sessions_in(
    connection: &mut SqliteConnection,
    user: UserId,
    except: Option<SessionId>,
    ending: &Ending,
) -> Result<u64, StoreError> {
    sqlx::query("UPDATE users SET session_epoch = session_epoch + 1 WHERE id = ?")
        .bind(user.to_string())
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    let ended = sqlx::query(
        "UPDATE sessions SET ended_at = ?, end_reason = ?, idle_end = min(idle_end, ?), successor = NULL
         WHERE user_id = ? AND id <> ? AND ended_at IS NULL RETURNING id",
    )
    .bind(ending.at.unix_timestamp())
    .bind(ending.why.name())
    .bind(ending.at.unix_timestamp())
    .bind(user.to_string())
    .bind(except.map(|id| id.to_string()).unwrap_or_default())
    .fetch_all(&mut *connection)
    .await
    .map_err(store_error)?;
    let ended = ended.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
    revoke_families(connection, &ended, ending).await?;
    Ok(ended.len() as u64)
}

/// Revokes the access tokens of sessions that have ended, within the transaction that ends them.
pub(super) async fn revoke_families(
    connection: &mut SqliteConnection,
    ended: &[SessionId],
    ending: &Ending,
) -> Result<(), StoreError> {
    let exp = rows::seconds(ending.tokens_end);
    let revocations: Vec<Revocation> = ended
        .iter()
        .map(|id| Revocation::Family {
            sid: id.to_string(),
            exp,
        })
        .collect();
    add_revocations(connection, &revocations).await.map(|_| ())
}

/// Adds a session unless its account has changed or has as many as it may. Whether it was added.
async fn insert_if_room(
    writer: &GuardedPool<Sqlite>,
    session: &Session,
    epoch: u64,
    most: u32,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    columns(sqlx::query(INSERT_IF_ROOM), session)
        .bind(session.user_id.to_string())
        .bind(rows::integer(epoch))
        .bind(session.user_id.to_string())
        .bind(now.unix_timestamp())
        .bind(i64::from(most.max(1)))
        .execute(writer)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(store_error)
}

async fn insert(connection: &mut SqliteConnection, session: &Session) -> Result<(), StoreError> {
    columns(sqlx::query(INSERT), session)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

macro_rules! insert_session {
    ($rows:literal) => {
        concat!(
            "INSERT INTO sessions (id, user_id, issuer_spki_sha256, san, client_id, family, generation, current,
                 audience, scope, amr, created_at, last_used_at, idle_end, absolute_end, source, user_agent,
                 bind_tokens, seal) ",
            $rows
        )
    };
}

const INSERT: &str = insert_session!("VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
const INSERT_IF_ROOM: &str = insert_session!(
    "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
     WHERE EXISTS (SELECT 1 FROM users WHERE id = ? AND disabled = 0 AND session_epoch = ?)
       AND (SELECT count(*) FROM sessions WHERE user_id = ? AND ended_at IS NULL AND idle_end > ?) < ?"
);

/// Binds a new session's columns in the order in which both statements name them.
fn columns<'q>(query: Query<'q, Sqlite, SqliteArguments>, session: &'q Session) -> Query<'q, Sqlite, SqliteArguments> {
    let (issuer, san) = match &session.holder {
        SessionHolder::Bearer => (None, None),
        SessionHolder::Service(identity) => (
            Some(identity.issuer_spki_sha256.to_vec()),
            Some(identity.subject_alternative_name.to_string()),
        ),
    };
    query
        .bind(session.id.to_string())
        .bind(session.user_id.to_string())
        .bind(issuer)
        .bind(san)
        .bind(&session.client_id)
        .bind(&session.family.0[..])
        .bind(rows::integer(session.generation))
        .bind(&session.current.0[..])
        .bind(session.audience.as_str())
        .bind(&session.scope)
        .bind(session.amr.join(" "))
        .bind(session.created_at.unix_timestamp())
        .bind(session.last_used_at.unix_timestamp())
        .bind(session.idle_end.unix_timestamp())
        .bind(session.absolute_end.unix_timestamp())
        .bind(&session.source)
        .bind(&session.user_agent)
        .bind(session.bind_tokens)
        .bind(&session.seal)
}

pub(super) fn id_of(row: &SqliteRow) -> Result<SessionId, StoreError> {
    row.try_get::<String, _>("id")
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(StoreError::Inconsistent {
            table: "sessions",
            column: "id",
        })
}
