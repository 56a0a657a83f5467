//! What every change of a password brings with it, whoever makes it: the account's owner, a link or an operator.

use super::LoginDefence;
use super::end_sessions::end_of_sessions;
use crate::clock::Clock;
use crate::domain::{EndReason, SessionId, User};
use crate::storage::{EndOfSessions, Store, StoreError};

/// A change of an account's password.
pub(super) struct PasswordChange<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) clock: &'a dyn Clock,
    pub(super) defence: &'a LoginDefence,
    /// Whose.
    pub(super) user: &'a User,
    /// The session that goes on, of the owner who makes the change.
    pub(super) except: Option<SessionId>,
}

impl PasswordChange<'_> {
    /// Lets `write` put the new hash in its place, and shuts out who came in with the old password; whether `write` did.
    ///
    /// Before the password is another one, so that a crash in between leaves nothing of the old one behind. `write` is to
    /// end the [sessions](Self::sessions) as well, for the login with the old password that was good meanwhile; and the
    /// source that it made known is forgotten after that.
    pub(super) async fn around<E: From<StoreError>>(
        &self,
        write: impl Future<Output = Result<bool, E>> + Send,
    ) -> Result<bool, E> {
        let EndOfSessions { except, ending } = self.sessions();
        self.store.end_sessions_of(self.user.id, except, &ending).await?;
        // Who knew the old password may have made sources known.
        self.defence.forget_known_sources(&self.user.email).await?;
        let written = write.await?;
        if written {
            self.defence.forget_known_sources(&self.user.email).await?;
        }
        Ok(written)
    }

    /// Which sessions end with the write.
    pub(super) fn sessions(&self) -> EndOfSessions {
        end_of_sessions(self.clock.now(), self.except, EndReason::PasswordChanged)
    }
}
