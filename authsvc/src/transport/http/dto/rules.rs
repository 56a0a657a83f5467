//! Rules that several requests share. Bounds are constants that the API description repeats.

use authsvc_core::domain::{AudienceName, CertificateThumbprint, EmailAddress, OneTimePassword, Scopes};
use validator::ValidationError;

use crate::transport::http::json_object::Text;

pub(super) fn no_control_characters(text: &Text) -> Result<(), ValidationError> {
    let text = text.as_str();
    // Most texts are ASCII, and tokens are long: bytes are looked at many at once.
    let is_controlled = match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.chars().any(char::is_control),
    };
    if is_controlled {
        return Err(ValidationError::new("control_characters"));
    }
    Ok(())
}

pub(super) fn email_address(text: &Text) -> Result<(), ValidationError> {
    text.as_str()
        .parse::<EmailAddress>()
        .map(|_| ())
        .map_err(|_| ValidationError::new("email_address"))
}

pub(super) fn audience_name(text: &Text) -> Result<(), ValidationError> {
    text.as_str()
        .parse::<AudienceName>()
        .map(|_| ())
        .map_err(|_| ValidationError::new("audience"))
}

pub(super) fn one_time_password(text: &Text) -> Result<(), ValidationError> {
    OneTimePassword::parse(text.as_str())
        .map(|_| ())
        .map_err(|_| ValidationError::new("one_time_password"))
}

pub(super) fn scopes(text: &Text) -> Result<(), ValidationError> {
    text.as_str()
        .parse::<Scopes>()
        .map(|_| ())
        .map_err(|_| ValidationError::new("scopes"))
}

pub(super) fn thumbprint(text: &Text) -> Result<(), ValidationError> {
    text.as_str()
        .parse::<CertificateThumbprint>()
        .map(|_| ())
        .map_err(|_| ValidationError::new("thumbprint"))
}

/// The one binding there is: its name in a token (RFC 8705 §3.1).
pub(super) fn binding_name(text: &Text) -> Result<(), ValidationError> {
    if text.as_str() == authsvc_core::service::TokenBinding::ClientCertificate.name() {
        return Ok(());
    }
    Err(ValidationError::new("binding"))
}
