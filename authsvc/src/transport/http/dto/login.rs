//! `POST /v1/auth` as it travels.

use authsvc_core::audit::GivenAddress;
use authsvc_core::domain::{AudienceName, EmailAddress, OneTimePassword};
use authsvc_core::service::{FieldError, IssuedToken, Login};
use cryptokit::password::Password;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use validator::Validate;

use super::DecodeError;
use super::rules::{audience_name, binding_name, email_address, no_control_characters, one_time_password, scopes};
use crate::transport::http::json_object::{Fields, Text};

const EMAIL_MIN: u64 = EmailAddress::MIN_LEN as u64;
const EMAIL_MAX: u64 = EmailAddress::MAX_LEN as u64;
const PASSWORD_MAX: u64 = Password::MAX_LEN as u64;
const OTP_MIN: u64 = OneTimePassword::MIN_LEN as u64;
const OTP_MAX: u64 = OneTimePassword::MAX_LEN as u64;
const AUDIENCE_MAX: u64 = AudienceName::MAX_LEN as u64;
const SCOPE_MAX: u64 = 1024;

/// `POST /v1/auth`
#[derive(Debug, Validate, ToSchema)]
pub struct LoginRequest {
    /// The account's e-mail address.
    #[validate(
        required,
        length(min = EMAIL_MIN, max = EMAIL_MAX),
        custom(function = no_control_characters),
        custom(function = email_address)
    )]
    #[schema(value_type = String, required = true, format = "email", min_length = 5, max_length = 254, example = "alice@example.com")]
    email: Option<Text>,
    /// The account's password; NFC is applied.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    password: Option<Text>,
    /// The second factor of an account that has one: what its authenticator app shows, or a recovery code.
    #[validate(length(min = OTP_MIN, max = OTP_MAX), custom(function = one_time_password))]
    #[schema(value_type = Option<String>, min_length = 6, max_length = 19, example = "012345")]
    otp: Option<Text>,
    /// Whom the token is for; the configured audience if absent.
    #[validate(length(min = 1, max = AUDIENCE_MAX), custom(function = audience_name))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "orders")]
    audience: Option<Text>,
    /// What the token is to allow: scopes with one space in between (RFC 6749 §3.3). All that the account may if absent;
    /// what it may not is left out, and the answer says what was granted.
    #[validate(length(min = 1, max = SCOPE_MAX), custom(function = scopes))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1024, example = "orders:read")]
    scope: Option<Text>,
    /// `x5t#S256`: the token is for the holder of the client's certificate only (RFC 8705 §3). On the internal listener.
    #[validate(custom(function = binding_name))]
    #[schema(value_type = Option<String>, pattern = "^x5t#S256$", example = "x5t#S256")]
    binding: Option<Text>,
}

/// From a body to a login. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_login(body: &[u8]) -> Result<Login, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = LoginRequest {
        email: fields.text("email"),
        password: fields.text("password"),
        otp: fields.text("otp"),
        audience: fields.text("audience"),
        scope: fields.text("scope"),
        binding: fields.text("binding"),
    };
    let address = request.email.as_ref().map(|text| GivenAddress::of(text.as_str()));
    let refused = |errors| DecodeError::Fields {
        errors,
        address: address.clone(),
    };
    let request = fields.finish(request).map_err(refused)?;
    login_from(&request).ok_or_else(|| {
        // A password that only normalisation makes too long.
        refused(vec![FieldError {
            field: "password",
            message: "is too short or too long",
        }])
    })
}

fn login_from(request: &LoginRequest) -> Option<Login> {
    Some(Login {
        email: request.email.as_ref()?.as_str().parse().ok()?,
        password: Password::new(request.password.as_ref()?.as_str()).ok()?,
        otp: match &request.otp {
            None => None,
            Some(text) => Some(OneTimePassword::parse(text.as_str()).ok()?),
        },
        audience: match &request.audience {
            None => None,
            Some(text) => Some(text.as_str().parse().ok()?),
        },
        scope: match &request.scope {
            None => None,
            Some(text) => Some(text.as_str().parse().ok()?),
        },
        bind: request.binding.is_some(),
    })
}

/// A fresh token.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct LoginResponse<'a> {
    /// The access token, a JWT (RFC 9068).
    token: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: i64,
    /// When it ends (RFC 3339, UTC).
    #[schema(format = "date-time", example = "2027-01-15T08:15:00Z")]
    expires_at: String,
    /// With which `POST /v1/refresh` issues the next one.
    refresh_token: &'a str,
    /// What the access token allows, which may be less than was asked for; absent when it allows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl<'a> From<&'a IssuedToken> for LoginResponse<'a> {
    fn from(issued: &'a IssuedToken) -> Self {
        // The token's own expiry has whole seconds; so has this.
        let expires_at = issued.expires_at.truncate_to_second();
        Self {
            token: issued.token.expose_secret(),
            token_type: "Bearer",
            expires_in: expires_at.unix_timestamp() - issued.issued_at.unix_timestamp(),
            expires_at: expires_at.format(&Rfc3339).unwrap_or_default(),
            refresh_token: issued.refresh_token.expose_secret(),
            scope: issued.scope.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Vec<(&'static str, &'static str)> {
        match decode_login(body.as_bytes()) {
            Err(DecodeError::Fields { errors, .. }) => errors.iter().map(|e| (e.field, e.message)).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_good_login_is_decoded() {
        let login = decode_login(br#"{"email":"Alice@Example.com","password":"p","audience":"orders"}"#).unwrap();
        assert_eq!(login.email.as_str(), "alice@example.com");
        assert_eq!(login.audience.unwrap().as_str(), "orders");
    }

    #[test]
    fn every_failing_field_is_named_once_and_no_value_is_repeated() {
        assert_eq!(fields("{}"), [("email", "is required"), ("password", "is required")]);
        assert_eq!(
            fields(r#"{"email":1,"password":null,"audience":[]}"#),
            [
                ("audience", "must be a string"),
                ("email", "must be a string"),
                ("password", "must be a string")
            ],
        );
        assert_eq!(
            fields(r#"{"Email":"a@b.c","password":"","hunter2":"x"}"#),
            [
                ("*", "unknown fields are not accepted"),
                ("email", "is required"),
                ("password", "is too short or too long"),
            ],
        );
        assert_eq!(
            fields(r#"{"email":"a@x\r\nBcc: v[127.0.0.1]","password":"a\u0007b","audience":"a b"}"#),
            [
                ("audience", "must be 1 to 128 visible ASCII characters"),
                ("email", "must not contain control characters"),
                ("email", "must be an e-mail address"),
                ("password", "must not contain control characters"),
            ],
        );
    }

    #[test]
    fn bounds_hold_to_the_byte() {
        let with = |password: &str| format!(r#"{{"email":"a@b.c","password":"{password}"}}"#);
        assert!(decode_login(with(&"x".repeat(1024)).as_bytes()).is_ok());
        assert_eq!(
            fields(&with(&"x".repeat(1025))),
            [("password", "is too short or too long")]
        );
        // Within the bound as sent, beyond it once normalised.
        assert_eq!(
            fields(&with(&"\u{1D160}".repeat(256))),
            [("password", "is too short or too long")]
        );
    }

    #[test]
    fn validation_errors_carry_no_secret() {
        let request = LoginRequest {
            email: Fields::parse(br#"{"e":"canary@"}"#).unwrap().text("e"),
            password: Fields::parse(br#"{"p":"canary\u0001"}"#).unwrap().text("p"),
            otp: Fields::parse(br#"{"o":"canary"}"#).unwrap().text("o"),
            audience: None,
            scope: None,
            binding: None,
        };
        let errors = request.validate().unwrap_err();
        for shown in [format!("{errors:?}"), errors.to_string(), format!("{request:?}")] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_malformed() {
        for body in [
            "",
            "null",
            "[]",
            "\"x\"",
            "{\"email\":\"a@b.c\",\"email\":\"a@b.c\"}",
            "{} {}",
            "{}x",
        ] {
            assert!(
                matches!(decode_login(body.as_bytes()), Err(DecodeError::Malformed)),
                "{body}"
            );
        }
    }
}
