//! The password again, from somebody who is logged in: a token may have been stolen, or a screen left open.

use std::sync::Arc;

use cryptokit::password::Password;

use super::defence::Factor;
use super::{AuthService, CallContext, ErrorCode, Failure};
use crate::domain::User;

impl AuthService {
    /// Checks the password of an account whose owner acts for itself. Costs what a login costs, and is limited as one is;
    /// it is no login, so that being right forgives nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::TooManyRequests`] before anything is computed; [`ErrorCode::InvalidCredentials`];
    /// [`ErrorCode::Overloaded`] and [`ErrorCode::Unavailable`].
    pub(super) async fn reauthenticate(
        &self,
        user: &User,
        password: Arc<Password>,
        context: &CallContext,
    ) -> Result<(), Failure> {
        let reservation = self
            .defence
            .reserve(&user.email, context.source, Factor::Password)
            .await?;
        match self.verify_password(user.clone(), password).await {
            Ok(_) => {
                reservation.unused();
                Ok(())
            }
            Err(failure) => {
                if failure.code == ErrorCode::InvalidCredentials {
                    reservation.failed();
                } else {
                    reservation.unused();
                }
                Err(failure)
            }
        }
    }
}
