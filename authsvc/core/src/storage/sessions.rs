//! Sessions: families of refresh tokens.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::{ClientPrint, EndReason, Session, SessionId, TokenDigest, UserId};

/// How sessions end. The revocation of each goes into the same transaction.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// When.
    pub at: OffsetDateTime,
    /// Why.
    pub why: EndReason,
    /// When the last access token can have expired that was issued for it: until then its revocation is kept.
    pub tokens_end: OffsetDateTime,
}

/// The end of an account's sessions, as a part of a change of the account: both are done or neither. Logins that looked the
/// account up before begin no session afterwards.
#[derive(Clone, Copy, Debug)]
pub struct EndOfSessions {
    /// The one that goes on.
    pub except: Option<SessionId>,
    /// How the others end.
    pub ending: Ending,
}

/// What became of the wish to begin a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It has begun; these sessions of the user have ended to make room.
    Begun {
        /// Their ids.
        displaced: Vec<SessionId>,
    },
    /// Since the credentials were looked up the account has gone, was disabled or got a second factor, or all its sessions
    /// were ended.
    AccountChanged,
}

/// One use of a rotating token.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which session.
    pub id: SessionId,
    /// The generation that the presented token is of.
    pub generation: u64,
    /// Of the presented token.
    pub presented: TokenDigest,
    /// Of its successor.
    pub successor: TokenDigest,
    /// The successor, sealed under the presented token.
    pub sealed_successor: Vec<u8>,
    /// Who presents it.
    pub client: ClientPrint,
    /// When.
    pub at: OffsetDateTime,
    /// Until when the presented token is answered again.
    pub retry_end: OffsetDateTime,
    /// When the session ends unless the successor is used before.
    pub idle_end: OffsetDateTime,
}

/// Sessions.
///
/// Every change is decided by the database in one statement or under the row's lock, never by what was read before.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Begins a session, if the account exists, is enabled, and its session epoch still is `epoch`. Of the user's
    /// living sessions at most `most` are left, this one included; those unused for longest end.
    async fn begin_session(
        &self,
        session: &Session,
        epoch: u64,
        most: u32,
        displaced: &Ending,
    ) -> Result<Begun, StoreError>;

    /// The session of that family, whatever its state.
    async fn session_by_family(&self, family: &TokenDigest) -> Result<Option<Session>, StoreError>;

    /// The session of that id, whatever its state.
    async fn session_by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Spends a token, if it is the current one of this generation and the session has not ended; whether it was.
    async fn rotate_session(&self, rotation: &Rotation) -> Result<bool, StoreError>;

    /// Notes a use that rotates nothing, if the session is of this generation and has not ended; whether it was.
    async fn touch_session(
        &self,
        id: SessionId,
        generation: u64,
        at: OffsetDateTime,
        idle_end: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Ends a session; whether it had not ended.
    async fn end_session(&self, id: SessionId, ending: &Ending) -> Result<bool, StoreError>;

    /// Ends all sessions of a user but one, and raises the account's session epoch, so that no login that is under way
    /// begins one; how many ended.
    async fn end_sessions_of(
        &self,
        user: UserId,
        except: Option<SessionId>,
        ending: &Ending,
    ) -> Result<u64, StoreError>;

    /// The user's living sessions, the one used last first.
    async fn sessions_of(&self, user: UserId, now: OffsetDateTime) -> Result<Vec<Session>, StoreError>;

    /// All living sessions after the one with that id, by id, at most `most`.
    async fn sessions_after(
        &self,
        after: Option<SessionId>,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<Session>, StoreError>;

    /// Gives sessions other seals, each if its seal still is that of the session as it was read; how many.
    async fn reseal_sessions(&self, resealed: &[(Session, String)]) -> Result<u64, StoreError>;

    /// Erases sealed successors whose time is over; how many.
    async fn erase_successors(&self, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// Removes sessions that ended or ran out before a moment; how many, at most `most`.
    async fn prune_sessions(&self, before: OffsetDateTime, most: u32) -> Result<u64, StoreError>;
}
