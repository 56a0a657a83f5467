//! `POST /v1/validate-token` as it travels.

use authsvc_core::domain::{MAX_NAMES, ScopeName, Scopes};
use authsvc_core::service::{ActiveToken, TokenQuestion};
use cryptokit::jose::{Confirmation, MAX_TOKEN_LEN};
use cryptokit::secret::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use validator::Validate;

use super::DecodeError;
use super::rules::{binding_name, no_control_characters, scopes, thumbprint};
use crate::transport::http::json_object::{Fields, Text};

const TOKEN_MAX: u64 = MAX_TOKEN_LEN as u64;
/// As many names as a set may have, at their longest; the spaces between come off.
const SCOPE_MAX: u64 = (MAX_NAMES * ScopeName::MAX_LEN) as u64;

/// `POST /v1/validate-token`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct ValidateTokenRequest {
    /// The access token.
    #[validate(required, length(min = 1, max = TOKEN_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 8192)]
    token: Option<Text>,
    /// Scopes that the token has to have, all of them, separated by spaces. Otherwise the answer is 403.
    #[validate(length(min = 1, max = SCOPE_MAX), custom(function = scopes))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4096, example = "orders:read")]
    scope: Option<Text>,
    /// SHA-256 of the certificate that the token's bearer presented to the caller, in base64url. To be taken from the
    /// TLS layer, never from a header. A token that is bound to a certificate is good with this one only.
    #[validate(custom(function = thumbprint))]
    #[schema(value_type = Option<String>, min_length = 43, max_length = 43, example = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0")]
    client_certificate_sha256: Option<Text>,
    /// `x5t#S256`: a token that is bound to no certificate is not good.
    #[validate(custom(function = binding_name))]
    #[schema(value_type = Option<String>, pattern = "^x5t#S256$")]
    required_binding: Option<Text>,
}

/// From a body to the question. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_validate_token(body: &[u8]) -> Result<TokenQuestion, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = ValidateTokenRequest {
        token: fields.text("token"),
        scope: fields.text("scope"),
        client_certificate_sha256: fields.text("client_certificate_sha256"),
        required_binding: fields.text("required_binding"),
    };
    let request = fields
        .finish(request)
        .map_err(|errors| DecodeError::Fields { errors, address: None })?;
    question(request).ok_or(DecodeError::Malformed)
}

fn question(request: ValidateTokenRequest) -> Option<TokenQuestion> {
    Some(TokenQuestion {
        token: SecretString::from(request.token?),
        required_scopes: match request.scope {
            None => Scopes::default(),
            Some(text) => text.as_str().parse().ok()?,
        },
        client_certificate: match request.client_certificate_sha256 {
            None => None,
            Some(text) => Some(text.as_str().parse().ok()?),
        },
        binding_required: request.required_binding.is_some(),
    })
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
    /// Those of its scopes that the caller is registered with, separated by spaces.
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
    /// What binds the token: `x5t#S256` when it is bound to the certificate that was named, and `none`.
    binding: &'static str,
    /// The binding, as in the token (RFC 8705 §3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" }))]
    cnf: Option<&'a Confirmation>,
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
            scope: active.scope.as_deref(),
            client_id: &claims.client_id,
            iat: claims.iat,
            // Always there in what this issuer signs.
            nbf: claims.nbf.unwrap_or(claims.iat),
            exp: claims.exp,
            jti: &claims.jti,
            token_type: "Bearer",
            binding: active.binding.name(),
            cnf: claims.cnf.as_ref(),
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
