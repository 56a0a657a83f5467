//! Changing and setting passwords as it travels.

use authsvc_core::service::{ChangePassword, FieldError, RESET_TOKEN_LEN, SetPassword};
use cryptokit::password::Password;
use cryptokit::secret::SecretString;
use utoipa::ToSchema;
use validator::Validate;

use super::DecodeError;
use super::rules::no_control_characters;
use crate::transport::http::json_object::{Fields, Text};

const PASSWORD_MAX: u64 = Password::MAX_LEN as u64;
const TOKEN_LEN: u64 = RESET_TOKEN_LEN as u64;

/// `POST /v1/me/password`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct ChangePasswordRequest {
    /// The account's password as it is.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    password: Option<Text>,
    /// What it is to be: 15 characters or more, 8 with a second factor; NFC is applied.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    new_password: Option<Text>,
}

/// `POST /v1/password-reset`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct SetPasswordRequest {
    /// The token of the link.
    #[validate(required, length(equal = TOKEN_LEN), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 43, max_length = 43)]
    token: Option<Text>,
    /// What the password is to be: 15 characters or more, 8 with a second factor; NFC is applied.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    new_password: Option<Text>,
}

/// From a body to a change of password. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_change_password(body: &[u8]) -> Result<ChangePassword, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = ChangePasswordRequest {
        password: fields.text("password"),
        new_password: fields.text("new_password"),
    };
    let request = fields.finish(request).map_err(refused)?;
    Ok(ChangePassword {
        password: password("password", request.password.as_ref())?,
        new_password: password("new_password", request.new_password.as_ref())?,
    })
}

/// From a body to the use of a link. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_set_password(body: &[u8]) -> Result<SetPassword, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = SetPasswordRequest {
        token: fields.text("token"),
        new_password: fields.text("new_password"),
    };
    let request = fields.finish(request).map_err(refused)?;
    let new_password = password("new_password", request.new_password.as_ref())?;
    match request.token {
        Some(token) => Ok(SetPassword {
            token: SecretString::from(token),
            new_password,
        }),
        None => Err(DecodeError::Malformed),
    }
}

/// What validation let through may still be too long once it is normalised.
fn password(field: &'static str, text: Option<&Text>) -> Result<Password, DecodeError> {
    text.and_then(|text| Password::new(text.as_str()).ok()).ok_or_else(|| {
        refused(vec![FieldError {
            field,
            message: "is too short or too long",
        }])
    })
}

fn refused(errors: Vec<FieldError>) -> DecodeError {
    DecodeError::Fields { errors, address: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<T: std::fmt::Debug>(result: Result<T, DecodeError>) -> Vec<&'static str> {
        match result {
            Err(DecodeError::Fields { errors, .. }) => errors.iter().map(|error| error.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_failing_field_is_named() {
        assert_eq!(names(decode_change_password(b"{}")), ["new_password", "password"]);
        assert_eq!(names(decode_set_password(b"{}")), ["new_password", "token"]);
        assert_eq!(
            names(decode_set_password(br#"{"token":"x","new_password":"y","email":"z"}"#)),
            ["*", "token"]
        );
        let long = format!(r#"{{"password":"p","new_password":"{}"}}"#, "\u{1D160}".repeat(256));
        assert_eq!(names(decode_change_password(long.as_bytes())), ["new_password"]);
        assert!(matches!(decode_change_password(b"[]"), Err(DecodeError::Malformed)));
    }

    #[test]
    fn what_is_decoded_shows_no_secret() {
        let token = "t".repeat(43);
        let body = format!(r#"{{"token":"{token}","new_password":"canary canary canary"}}"#);
        let shown = format!("{:?}", decode_set_password(body.as_bytes()).unwrap());
        assert!(!shown.contains("canary") && !shown.contains(&token), "{shown}");
        let change = decode_change_password(br#"{"password":"canary1","new_password":"canary2"}"#).unwrap();
        assert!(!format!("{change:?}").contains("canary"));
    }
}
