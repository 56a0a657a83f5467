//! From a bearer token to the account that acts for itself.

use cryptokit::jose::{AccessTokenClaims, Verified};
use cryptokit::secret::SecretString;

use super::{AuthService, ErrorCode, Failure};
use crate::audit::reasons;
use crate::domain::{AudienceName, User};

/// Proof that a request comes from an account's owner. Only [`AuthService::authenticate_user`] makes one.
#[derive(Debug)]
pub struct AuthenticatedUser {
    user: User,
    claims: Verified<AccessTokenClaims>,
}

impl AuthenticatedUser {
    /// The account, as it is now.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// What the token says.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.claims
    }
}

impl AuthService {
    /// Verifies an access token that was issued for this service itself.
    ///
    /// A token for another audience is refused: a service that is handed one must not be able to change its user's
    /// password with it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] for every cause; [`ErrorCode::Unavailable`].
    pub async fn authenticate_user(&self, token: &SecretString) -> Result<AuthenticatedUser, Failure> {
        let refuse = |reason| Failure::new(ErrorCode::InvalidToken, reason);
        let claims = self
            .verify_token(token, &[AudienceName::OWN.to_owned()])
            .map_err(|error| refuse(reasons::token::of(&error)))?;
        self.sessions
            .check(&claims)
            .await
            .map_err(|failure| failure.with_user(claims.sub.parse().ok()))?;
        let user_id = claims.sub.parse().map_err(|_| refuse(reasons::token::DISABLED_USER))?;
        match self.live_user(user_id).await? {
            Some(user) => Ok(AuthenticatedUser { user, claims }),
            None => Err(refuse(reasons::token::DISABLED_USER).with_user(Some(user_id))),
        }
    }
}
