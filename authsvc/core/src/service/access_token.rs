//! Making access tokens: one place, whatever they are issued for.

use cryptokit::jose::{AccessTokenClaims, Audience};
use cryptokit::secret::SecretString;
use time::OffsetDateTime;

use super::key_ring::SigningError;
use super::{AuthService, CallContext, ErrorCode, Failure, token_binding};
use crate::audit::{Reason, RecordId, reasons};
use crate::domain::{LoginMethods, Scopes, Session, User};

/// A signed access token that nobody has yet.
pub(super) struct SignedToken {
    pub(super) token: SecretString,
    pub(super) issued_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    pub(super) scope: Option<String>,
}

impl AuthService {
    /// Signs an access token of a session, permitting of `scope` what the account may by now.
    ///
    /// To be called before what makes the token good is written: if writing fails, the token is dropped and nobody has
    /// it; and a token is never newer than the session's state that it was issued for, so that a revocation which comes
    /// in between outlives it.
    pub(super) fn sign_access_token(
        &self,
        user: &User,
        session: &Session,
        scope: Option<&str>,
        context: &CallContext,
    ) -> Result<SignedToken, Failure> {
        let issued_at = self.clock.now();
        let expires_at = issued_at + self.policy.access_token_ttl;
        let bind_to = context.peer.as_deref().filter(|_| session.bind_tokens);
        if session.bind_tokens && bind_to.is_none() {
            // What was bound must not become unbound by a refresh.
            return Err(Failure::new(ErrorCode::InvalidToken, reasons::session::FOREIGN_CLIENT));
        }
        // What the account lost since it logged in is not given out again.
        let scope = scope
            .and_then(|scope| scope.parse::<Scopes>().ok())
            .map(|scope| scope.intersection(&user.scopes).to_string())
            .filter(|scope| !scope.is_empty());
        let roles: Vec<String> = user.roles.iter().map(ToString::to_string).collect();
        let claims = AccessTokenClaims {
            nbf: Some(numeric_date(issued_at)?),
            email: Some(user.email.to_string()),
            scope: scope.clone(),
            roles: (!roles.is_empty()).then_some(roles),
            cnf: bind_to.map(token_binding::confirmation_of),
            sid: Some(session.id.to_string()),
            auth_time: Some(numeric_date(session.created_at)?),
            acr: Some(LoginMethods::from_amr(&session.amr).acr().to_owned()),
            amr: Some(session.amr.clone()),
            ..AccessTokenClaims::new(
                &self.policy.issuer,
                &user.id.to_string(),
                Audience::one(session.audience.as_str()),
                &session.client_id,
                &RecordId::generate().to_string(),
                numeric_date(issued_at)?,
                numeric_date(expires_at)?,
            )
        };
        let token = self.keys.sign(&claims).map_err(signing_failure)?;
        Ok(SignedToken {
            token,
            issued_at,
            expires_at,
            scope,
        })
    }
}

fn signing_failure(error: SigningError) -> Failure {
    let (code, kind) = match error {
        SigningError::OutsideUsagePeriod { .. } => (ErrorCode::Unavailable, reasons::key::SIGNING_KEY_ENDED),
        SigningError::Unpolled => (ErrorCode::Unavailable, reasons::key::KEYS_UNPOLLED),
        SigningError::Issue(_) => (ErrorCode::Internal, reasons::system::INTERNAL),
    };
    Failure::new(code, Reason::new(kind, error.to_string()))
}

fn numeric_date(time: OffsetDateTime) -> Result<u64, Failure> {
    u64::try_from(time.unix_timestamp()).map_err(|_| {
        let detail = "the clock is before 1970".to_owned();
        Failure::new(ErrorCode::Internal, Reason::new(reasons::system::INTERNAL, detail))
    })
}
