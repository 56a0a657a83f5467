//! What every change of a password brings with it, whoever makes it: the account's owner, a link or an operator.

use super::LoginDefence;
use super::end_sessions::end_sessions;
use crate::clock::Clock;
use crate::domain::{EndReason, SessionId, User};
use crate::storage::{Store, StoreError};

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
    /// Before the password is another one, so that a crash in between leaves nothing of the old one behind; and after it,
    /// for the login with the old password that was good meanwhile.
    pub(super) async fn around<E: From<StoreError>>(
        &self,
        write: impl Future<Output = Result<bool, E>> + Send,
    ) -> Result<bool, E> {
        self.shut_out().await?;
        let written = write.await?;
        if written {
            self.shut_out().await?;
        }
        Ok(written)
    }

    /// Ends the sessions, and forgets from where the account logs in: who knew the old password may have made sources
    /// known.
    async fn shut_out(&self) -> Result<(), StoreError> {
        let (now, why) = (self.clock.now(), EndReason::PasswordChanged);
        end_sessions(self.store, now, self.user.id, self.except, why).await?;
        self.defence.forget_known_sources(&self.user.email).await
    }
}
