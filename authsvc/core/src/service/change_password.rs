//! `POST /v1/me/password`: another password, by whoever knows the old one.

use std::sync::Arc;

use cryptokit::password::Password;

use super::authenticate_user::AuthenticatedUser;
use super::hash_shape;
use super::password_change::PasswordChange;
use super::password_policy::{PasswordContext, PasswordRefusal};
use super::users::seal_hash;
use super::{AuthService, CallContext, ErrorCode, Failure};
use crate::audit::{Reason, reasons};
use crate::domain::{SessionId, User, UserId, UserRecord};

/// The old password and the new one. A token alone changes nothing: whoever finds one must not be able to keep the
/// account.
#[derive(Debug)]
pub struct ChangePassword {
    /// What is said to be the account's password.
    pub password: Password,
    /// What it is to be.
    pub new_password: Password,
}

/// An account whose password was set.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSet {
    /// Whose.
    pub user_id: UserId,
}

impl AuthService {
    /// Changes the password, ends all sessions but the token's own, and forgets from where the account logs in.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidField`] for a new password that is not good enough, before the old one is looked at;
    /// [`ErrorCode::TooManyRequests`] before anything is computed; [`ErrorCode::InvalidCredentials`] when the old one is
    /// not the account's, as at a login and from the same budget; [`ErrorCode::Overloaded`] and
    /// [`ErrorCode::Unavailable`].
    pub async fn change_password(
        &self,
        by: &AuthenticatedUser,
        request: ChangePassword,
        context: &CallContext,
    ) -> Result<PasswordSet, Failure> {
        let user_id = by.user().id;
        let new_password = Arc::new(request.new_password);
        self.accept_new_password(&new_password, PasswordContext::of(by.user()))
            .await?;

        // Read again: what is written below is written only over this.
        let record = self.store.user_by_id(user_id).await?.ok_or_else(gone)?;
        let opened = self.keys.unseal(|keys| record.clone().open(keys)).await;
        let user = opened.map_err(|_| gone())?;
        self.reauthenticate(&user, Arc::new(request.password), context).await?;

        let changed = self.with_password(&user, &new_password).await?;
        let except = by.claims().sid.as_deref().and_then(|sid| sid.parse::<SessionId>().ok());
        let change = self.password_change(&user, except);
        let sessions = change.sessions();
        let write = self.store.replace_user_and_end_sessions(&record, &changed, &sessions);
        if !change.around(write).await? {
            return Err(Failure::new(
                ErrorCode::InvalidCredentials,
                reasons::password::CHANGED_MEANWHILE,
            ));
        }
        self.sessions.follow().await;
        Ok(PasswordSet { user_id })
    }

    /// Whether a new password is good enough.
    pub(super) async fn accept_new_password(
        &self,
        password: &Arc<Password>,
        context: PasswordContext,
    ) -> Result<(), Failure> {
        match self.password_rules.check(Arc::clone(password), context).await {
            Ok(()) => Ok(()),
            Err(PasswordRefusal::Unfit(unfit)) => Err(Failure::new(
                ErrorCode::InvalidField,
                Reason::new(reasons::password::NEW_PASSWORD_REFUSED, unfit.to_string()),
            )
            .with_field("new_password", unfit.message())),
            Err(PasswordRefusal::List(error)) => Err(Failure::new(
                ErrorCode::Unavailable,
                Reason::new(reasons::password::BREACHED_FILE, error.to_string()),
            )),
        }
    }

    /// The account's record with another password.
    pub(super) async fn with_password(&self, user: &User, password: &Arc<Password>) -> Result<UserRecord, Failure> {
        let hashed = self.hasher.hash(Arc::clone(password)).await;
        let stored = hashed.map_err(|error| super::authenticate::hashing_failure(&error))?;
        let sealing = self.keys.sealing();
        let sealed = seal_hash(&sealing.keys, &stored, user.id).and_then(|password_hash| {
            let user = User {
                password_hash,
                ..user.clone()
            };
            Ok(UserRecord::seal(user, &sealing.keys)?.with_shape(hash_shape::of_own(&stored)))
        });
        sealed.map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                Reason::new(reasons::system::INTERNAL, error.to_string()),
            )
        })
    }

    pub(super) fn password_change<'a>(&'a self, user: &'a User, except: Option<SessionId>) -> PasswordChange<'a> {
        PasswordChange {
            store: self.store.as_ref(),
            clock: self.clock.as_ref(),
            defence: &self.defence,
            user,
            except,
        }
    }
}

fn gone() -> Failure {
    Failure::new(ErrorCode::InvalidToken, reasons::token::DISABLED_USER)
}
