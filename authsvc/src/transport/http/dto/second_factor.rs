//! `/v1/me/otp` as it travels.

use authsvc_core::domain::OneTimePassword;
use authsvc_core::service::FieldError;
use authsvc_core::service::second_factor::{BegunEnrolment, IssuedRecoveryCodes};
use cryptokit::password::Password;
use cryptokit::secret::SecretString;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::DecodeError;
use super::rules::{no_control_characters, one_time_password};
use crate::endpoint::second_factor::{BeginOtp, ConfirmOtp, DisableOtp, RenewRecoveryCodes};
use crate::qr_code::QrCode;
use crate::transport::http::json_object::{Fields, Text};

const PASSWORD_MAX: u64 = Password::MAX_LEN as u64;
const OTP_MIN: u64 = OneTimePassword::MIN_LEN as u64;
const OTP_MAX: u64 = OneTimePassword::MAX_LEN as u64;

/// `POST /v1/me/otp`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct BeginOtpRequest {
    /// The account's password.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    password: Option<Text>,
    /// `svg` to have the QR code drawn as well.
    #[validate(custom(function = picture))]
    #[schema(value_type = Option<String>, pattern = "^svg$", example = "svg")]
    qr: Option<Text>,
}

/// `POST /v1/me/otp/confirm`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct ConfirmOtpRequest {
    /// What the app shows: six digits.
    #[validate(required, length(min = OTP_MIN, max = OTP_MAX), custom(function = one_time_password))]
    #[schema(value_type = String, required = true, min_length = 6, max_length = 19, example = "012345")]
    otp: Option<Text>,
}

/// `POST /v1/me/otp/disable` and `POST /v1/me/otp/recovery-codes`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct BothFactorsRequest {
    /// The account's password.
    #[validate(required, length(min = 1, max = PASSWORD_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1024)]
    password: Option<Text>,
    /// What the app shows, or a recovery code.
    #[validate(required, length(min = OTP_MIN, max = OTP_MAX), custom(function = one_time_password))]
    #[schema(value_type = String, required = true, min_length = 6, max_length = 19, example = "012345")]
    otp: Option<Text>,
}

/// From a body to what is asked, and whether a picture is wanted.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_begin_otp(body: &[u8]) -> Result<(BeginOtp, bool), DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = BeginOtpRequest {
        password: fields.text("password"),
        qr: fields.text("qr"),
    };
    let request = fields.finish(request).map_err(refused)?;
    let picture = request.qr.is_some();
    let password = password(request.password)?;
    Ok((BeginOtp { password }, picture))
}

/// From a body to what is asked.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_confirm_otp(body: &[u8]) -> Result<ConfirmOtp, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = ConfirmOtpRequest {
        otp: fields.text("otp"),
    };
    let request = fields.finish(request).map_err(refused)?;
    Ok(ConfirmOtp { otp: otp(request.otp)? })
}

/// From a body to what is asked.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_disable_otp(body: &[u8]) -> Result<DisableOtp, DecodeError> {
    decode_both(body).map(|(password, otp)| DisableOtp { password, otp })
}

/// From a body to what is asked.
///
/// # Errors
///
/// [`DecodeError`].
pub(in crate::transport::http) fn decode_renew_recovery_codes(body: &[u8]) -> Result<RenewRecoveryCodes, DecodeError> {
    decode_both(body).map(|(password, otp)| RenewRecoveryCodes { password, otp })
}

fn decode_both(body: &[u8]) -> Result<(Password, OneTimePassword), DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = BothFactorsRequest {
        password: fields.text("password"),
        otp: fields.text("otp"),
    };
    let request = fields.finish(request).map_err(refused)?;
    Ok((password(request.password)?, otp(request.otp)?))
}

fn password(text: Option<Text>) -> Result<Password, DecodeError> {
    let text = text.ok_or(DecodeError::Malformed)?;
    Password::new(text.as_str()).map_err(|_| {
        // One that only normalisation makes too long.
        refused(vec![FieldError {
            field: "password",
            message: "is too short or too long",
        }])
    })
}

fn otp(text: Option<Text>) -> Result<OneTimePassword, DecodeError> {
    let text = text.ok_or(DecodeError::Malformed)?;
    OneTimePassword::parse(text.as_str()).map_err(|_| DecodeError::Malformed)
}

fn refused(errors: Vec<FieldError>) -> DecodeError {
    DecodeError::Fields { errors, address: None }
}

fn picture(text: &Text) -> Result<(), ValidationError> {
    if text.as_str() == "svg" {
        Ok(())
    } else {
        Err(ValidationError::new("picture"))
    }
}

/// What is shown once, to be taken over by an authenticator app.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct EnrolmentResponse<'a> {
    /// The secret in base32, to be typed into an app without a camera.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: &'a str,
    /// What the QR code holds.
    #[schema(
        example = "otpauth://totp/auth.example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=auth.example&algorithm=SHA1&digits=6&period=30"
    )]
    uri: &'a str,
    /// From when on it cannot be confirmed any more (RFC 3339, UTC).
    #[schema(format = "date-time", example = "2027-01-15T08:10:00Z")]
    expires_at: String,
    /// The QR code as an SVG document, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    qr_svg: Option<ShownOnce>,
}

impl<'a> EnrolmentResponse<'a> {
    /// With the QR code if `picture`.
    pub(in crate::transport::http) fn new(begun: &'a BegunEnrolment, picture: bool) -> Self {
        let uri = begun.uri.expose_secret();
        Self {
            secret: begun.secret.expose_secret(),
            uri,
            expires_at: begun
                .expires_at
                .truncate_to_second()
                .format(&Rfc3339)
                .unwrap_or_default(),
            qr_svg: picture
                .then(|| QrCode::new(uri).ok().map(|code| ShownOnce(code.to_svg().into())))
                .flatten(),
        }
    }
}

/// Codes that stand in for the app, each once. They are shown now and never again.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct RecoveryCodesResponse {
    /// The codes. All that were issued before are void.
    #[schema(value_type = Vec<String>, min_items = 10, max_items = 10, example = json!(["ABCD-EFGH-IJKL-MNOP"]))]
    recovery_codes: Vec<ShownOnce>,
}

impl From<&IssuedRecoveryCodes> for RecoveryCodesResponse {
    fn from(issued: &IssuedRecoveryCodes) -> Self {
        Self {
            recovery_codes: issued.codes.to_texts().into_iter().map(ShownOnce).collect(),
        }
    }
}

struct ShownOnce(SecretString);

impl Serialize for ShownOnce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T: std::fmt::Debug>(decoded: Result<T, DecodeError>) -> Vec<(&'static str, &'static str)> {
        match decoded {
            Err(DecodeError::Fields { errors, .. }) => errors.iter().map(|e| (e.field, e.message)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn good_bodies_are_decoded() {
        assert!(!decode_begin_otp(br#"{"password":"p"}"#).unwrap().1);
        assert!(decode_begin_otp(br#"{"password":"p","qr":"svg"}"#).unwrap().1);
        let confirm = decode_confirm_otp(br#"{"otp":"012345"}"#).unwrap();
        assert!(matches!(confirm.otp, OneTimePassword::Code(_)));
        let disable = decode_disable_otp(br#"{"password":"p","otp":"abcdefghijklmnop"}"#).unwrap();
        assert!(matches!(disable.otp, OneTimePassword::Recovery(_)));
    }

    #[test]
    fn l9_what_is_no_code_is_refused_before_anything_is_checked() {
        for otp in [
            "12345",
            "123 456",
            " 123456",
            "123456 ",
            "１２３４５６",
            "1234567",
            "12345a",
            "",
            "ABCD EFGH IJKL MNOP",
        ] {
            let body = serde_json::json!({ "otp": otp }).to_string();
            let found = fields(decode_confirm_otp(body.as_bytes()));
            assert!(
                found.iter().all(|(field, _)| *field == "otp") && !found.is_empty(),
                "{otp:?}"
            );
        }
        assert_eq!(
            fields(decode_confirm_otp(br#"{"otp":123456}"#)),
            [("otp", "must be a string")],
            "a number has lost its leading zeros"
        );
        assert_eq!(
            fields(decode_begin_otp(br#"{"password":"p","qr":"gif"}"#)),
            [("qr", "must be svg")]
        );
        assert_eq!(
            fields(decode_disable_otp(br"{}")),
            [("otp", "is required"), ("password", "is required")]
        );
    }
}
