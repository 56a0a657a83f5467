//! `POST /v1/revoke` (RFC 7009): a service gives up a token that was issued to it, an administrator any.

use cryptokit::jose::{AccessTokenClaims, Revocation};
use cryptokit::secret::SecretString;

use super::SKEW;
use super::logout::LoggedOut;
use super::refresh::may_use;
use crate::domain::{AudienceName, EndReason, RefreshToken};
use crate::service::{AuthService, AuthorizedCaller, Failure};

/// A token to be revoked.
#[derive(Debug)]
pub struct RevokeToken {
    /// An access token or a refresh token: its form says which, whatever a hint says (RFC 7009 §2.1).
    pub token: SecretString,
}

impl AuthService {
    /// Revokes an access token, or ends the session of a refresh token. A token that is not good or somebody else's is
    /// no error (RFC 7009 §2.2), and nothing is done then: the answer tells nobody whose it is.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unavailable`](crate::service::ErrorCode::Unavailable): the token may still be good.
    pub async fn revoke_token(&self, caller: &AuthorizedCaller, token: &SecretString) -> Result<LoggedOut, Failure> {
        if let Some(presented) = RefreshToken::parse(token.expose_secret()) {
            return self.revoke_family(caller, &presented).await;
        }
        match self.verify_token(token, &self.every_audience().await?) {
            Ok(claims) if caller.is_administrator() || claims.client_id == caller.name().as_str() => {
                self.revoke_access_token(&claims).await
            }
            _ => Ok(LoggedOut::default()),
        }
    }

    async fn revoke_family(&self, caller: &AuthorizedCaller, presented: &RefreshToken) -> Result<LoggedOut, Failure> {
        let found = self.store.session_by_family(&presented.family()).await?;
        let may = |session: &_| caller.is_administrator() || may_use(session, Some(caller));
        let Some(session) = found.filter(may) else {
            return Ok(LoggedOut::default());
        };
        let ended = self.sessions.end(session.id, EndReason::Revoked).await?;
        Ok(LoggedOut {
            user_id: Some(session.user_id),
            ended: ended.into(),
        })
    }

    async fn revoke_access_token(&self, claims: &AccessTokenClaims) -> Result<LoggedOut, Failure> {
        let revocation = Revocation::Token {
            jti: claims.jti.clone(),
            exp: claims.exp.saturating_add(SKEW.as_secs()),
        };
        self.sessions.revoke(revocation).await?;
        Ok(LoggedOut {
            user_id: claims.sub.parse().ok(),
            ended: 0,
        })
    }

    /// Whoever a token was for: it is verified to be revoked, not to be used.
    async fn every_audience(&self) -> Result<Vec<String>, Failure> {
        let services = self.store.services().await?;
        let registered = services.iter().flat_map(|service| &service.audiences);
        Ok(registered
            .chain(self.policy.default_audience.as_ref())
            .map(ToString::to_string)
            .chain([AudienceName::OWN.to_owned()])
            .collect())
    }
}
