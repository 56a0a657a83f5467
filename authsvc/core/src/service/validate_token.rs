//! `POST /v1/validate-token`: whether a token is good for the service that asks.

use cryptokit::jose::{AccessTokenClaims, Verified};
use cryptokit::secret::SecretString;

use super::authorize_caller::AuthorizedCaller;
use super::token_binding::{self, TokenBinding};
use super::{AuthService, ErrorCode, Failure};
use crate::audit::reasons;
use crate::domain::{CertificateThumbprint, ScopeName, Scopes, ServiceName};

/// What a service asks about a token.
#[derive(Debug)]
pub struct TokenQuestion {
    /// The token.
    pub token: SecretString,
    /// The scopes that it has to have, all of them.
    pub required_scopes: Scopes,
    /// The certificate that the token's bearer presented to the service.
    pub client_certificate: Option<CertificateThumbprint>,
    /// Whether a token that is bound to no certificate is refused.
    pub binding_required: bool,
}

impl TokenQuestion {
    /// Whether it is good, and nothing else.
    pub fn new(token: SecretString) -> Self {
        Self {
            token,
            required_scopes: Scopes::default(),
            client_certificate: None,
            binding_required: false,
        }
    }
}

/// A good token's claims.
#[derive(Debug)]
pub struct ActiveToken {
    /// What the token says, verified.
    pub claims: Verified<AccessTokenClaims>,
    /// Those of its scopes that the service is told of, in the token's order. `None` when there are none.
    pub scope: Option<String>,
    /// What its binding was found to be.
    pub binding: TokenBinding,
    /// The service that asked.
    pub caller: ServiceName,
}

impl AuthService {
    /// Verifies a token for one of the caller's own audiences.
    ///
    /// A token for somebody else is refused before its account or its revocation is looked at. So what the time of an
    /// answer can tell of such a token is what the public keys tell of it: whether it was signed here, and its time.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] for every cause, a token for somebody else's audience included;
    /// [`ErrorCode::InsufficientScope`] for a good one that lacks a required scope; [`ErrorCode::Unavailable`].
    pub async fn validate_token(
        &self,
        caller: &AuthorizedCaller,
        question: &TokenQuestion,
    ) -> Result<ActiveToken, Failure> {
        let refuse = |reason| Failure::new(ErrorCode::InvalidToken, reason).with_service(caller.name());
        let audiences: Vec<String> = caller.audiences().iter().map(ToString::to_string).collect();
        let claims = self
            .verify_token(&question.token, &audiences)
            .map_err(|error| refuse(reasons::token::of(&error)))?;
        let binding = token_binding::check(&claims, question.client_certificate, question.binding_required)
            .map_err(|kind| refuse(kind).with_user(claims.sub.parse().ok()))?;

        self.sessions
            .check(&claims)
            .await
            .map_err(|failure| failure.with_service(caller.name()).with_user(claims.sub.parse().ok()))?;

        let disabled = || refuse(reasons::token::DISABLED_USER);
        let user_id = claims.sub.parse().map_err(|_| disabled())?;
        let is_live = self
            .is_live(user_id)
            .await
            .map_err(|error| Failure::from(error).with_service(caller.name()))?;
        if !is_live {
            return Err(disabled().with_user(Some(user_id)));
        }
        let visible = visible_scopes(claims.scope.as_deref().unwrap_or_default(), caller.scopes());
        if question
            .required_scopes
            .iter()
            .any(|scope| !visible.contains(&scope.as_str()))
        {
            let failure = Failure::new(ErrorCode::InsufficientScope, reasons::token::SCOPE);
            return Err(failure.with_service(caller.name()).with_user(Some(user_id)));
        }
        let scope = (!visible.is_empty()).then(|| visible.join(" "));
        Ok(ActiveToken {
            scope,
            claims,
            binding,
            caller: caller.name().clone(),
        })
    }
}

/// A service learns of the scopes that it was registered with, and of no others.
fn visible_scopes<'a>(scope: &'a str, told_of: &[ScopeName]) -> Vec<&'a str> {
    let names = scope.split(' ').filter(|name| !name.is_empty());
    names
        .filter(|name| told_of.iter().any(|told| told.as_str() == *name))
        .collect()
}
