//! `POST /v1/validate-token` as it travels.

use authsvc_core::service::ActiveToken;
use cryptokit::jose::MAX_TOKEN_LEN;
use cryptokit::secret::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use validator::Validate;
use zeroize::Zeroizing;

use super::DecodeError;
use super::rules::no_control_characters;
use crate::endpoint::ValidateToken;
use crate::transport::http::json_object::{Fields, Text};

const TOKEN_MAX: u64 = MAX_TOKEN_LEN as u64;

/// `POST /v1/validate-token`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct ValidateTokenRequest {
    /// The access token.
    #[validate(required, length(min = 1, max = TOKEN_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 8192)]
    token: Option<Text>,
}

/// From a body to the question.
///
/// # Errors
///
/// [`DecodeError`].
pub(in crate::transport::http) fn decode_validate_token(body: &[u8]) -> Result<ValidateToken, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = ValidateTokenRequest {
        token: fields.text("token"),
    };
    let request = fields
        .finish(request)
        .map_err(|errors| DecodeError::Fields { errors, address: None })?;
    match request.token {
        Some(token) => Ok(ValidateToken {
            token: SecretString::from(Zeroizing::<String>::from(token)),
        }),
        None => Err(DecodeError::Malformed),
    }
}

/// A good token's claims.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct ActiveTokenResponse<'a> {
    /// Always `true`; a token that is not good is a 401.
    active: bool,
    /// The issuer.
    iss: &'a str,
    /// The user's id.
    sub: &'a str,
    /// Whom the token is for: a name, or a list of names.
    #[schema(value_type = String)]
    aud: &'a cryptokit::jose::Audience,
    /// The user's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// Scopes, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    /// The client it was issued to.
    client_id: &'a str,
    /// When it was issued, in seconds since 1970.
    iat: u64,
    /// Not good before, in seconds since 1970.
    nbf: u64,
    /// When it ends, in seconds since 1970.
    exp: u64,
    /// Its own id.
    jti: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
}

impl<'a> From<&'a ActiveToken> for ActiveTokenResponse<'a> {
    fn from(active: &'a ActiveToken) -> Self {
        let claims = &*active.claims;
        Self {
            active: true,
            iss: &claims.iss,
            sub: &claims.sub,
            aud: &claims.aud,
            email: claims.email.as_deref(),
            scope: claims.scope.as_deref(),
            client_id: &claims.client_id,
            iat: claims.iat,
            // Always there in what this issuer signs.
            nbf: claims.nbf.unwrap_or(claims.iat),
            exp: claims.exp,
            jti: &claims.jti,
            token_type: "Bearer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_to_the_byte() {
        assert!(decode_validate_token(format!(r#"{{"token":"{}"}}"#, "x".repeat(8192)).as_bytes()).is_ok());
        assert!(decode_validate_token(format!(r#"{{"token":"{}"}}"#, "x".repeat(8193)).as_bytes()).is_err());
    }
}
