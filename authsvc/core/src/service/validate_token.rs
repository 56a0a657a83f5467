//! `POST /v1/validate-token`: whether a token is good for the service that asks.

use cryptokit::jose::{AccessTokenClaims, Verified};
use cryptokit::secret::SecretString;

use super::authorize_caller::AuthorizedCaller;
use super::{AuthService, ErrorCode, Failure};
use crate::audit::reasons;
use crate::domain::ServiceName;

/// A good token's claims.
#[derive(Debug)]
pub struct ActiveToken {
    /// What the token says, verified.
    pub claims: Verified<AccessTokenClaims>,
    /// The service that asked.
    pub caller: ServiceName,
}

impl AuthService {
    /// Verifies a token for one of the caller's own audiences.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] for every cause, a token for somebody else's audience included;
    /// [`ErrorCode::Unavailable`].
    pub async fn validate_token(
        &self,
        caller: &AuthorizedCaller,
        token: &SecretString,
    ) -> Result<ActiveToken, Failure> {
        let refuse = |reason| Failure::new(ErrorCode::InvalidToken, reason).with_service(caller.name());
        let audiences: Vec<String> = caller.audiences().iter().map(ToString::to_string).collect();
        let claims = self
            .verify_token(token, &audiences)
            .map_err(|error| refuse(reasons::token::of(&error)))?;

        let disabled = || refuse(reasons::token::DISABLED_USER);
        let user_id = claims.sub.parse().map_err(|_| disabled())?;
        let user = self
            .live_user(user_id)
            .await
            .map_err(|error| Failure::from(error).with_service(caller.name()))?;
        match user {
            Some(_) => Ok(ActiveToken {
                claims,
                caller: caller.name().clone(),
            }),
            None => Err(disabled().with_user(Some(user_id))),
        }
    }
}
