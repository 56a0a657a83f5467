//! Bodies as they travel, one operation a file.

pub mod admin;
mod login;
mod password;
mod rules;
mod second_factor;
mod sessions;
mod validate_token;

use authsvc_core::audit::GivenAddress;
use authsvc_core::service::FieldError;

pub(super) use login::LoginResponse;
pub use login::{LoginRequest, decode_login};
pub(super) use password::{ChangePasswordRequest, SetPasswordRequest};
pub use password::{decode_change_password, decode_set_password};
pub(super) use second_factor::{
    BeginOtpRequest, BothFactorsRequest, ConfirmOtpRequest, EnrolmentResponse, RecoveryCodesResponse,
    decode_renew_recovery_codes,
};
pub use second_factor::{decode_begin_otp, decode_confirm_otp, decode_disable_otp};
pub(super) use sessions::{LogoutRequest, RefreshRequest, RevokeRequest, SessionsResponse};
pub use sessions::{decode_logout, decode_refresh, decode_revoke};
pub use validate_token::decode_validate_token;
pub(super) use validate_token::{ActiveTokenResponse, ValidateTokenRequest};

use super::json_object::NotAnObject;

/// What can be wrong with a body.
#[derive(Debug)]
pub enum DecodeError {
    /// Not one JSON object.
    Malformed,
    /// Fields that cannot be accepted, and what was given as an address, for the record.
    Fields {
        /// The fields.
        errors: Vec<FieldError>,
        /// What came in the address field.
        address: Option<GivenAddress>,
    },
}

impl From<Vec<FieldError>> for DecodeError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Fields { errors, address: None }
    }
}

impl From<NotAnObject> for DecodeError {
    fn from(NotAnObject: NotAnObject) -> Self {
        Self::Malformed
    }
}
