//! `/v1/me/otp`: what owners of accounts do with their second factor.

use std::sync::Arc;

use authsvc_core::audit::Action;
use authsvc_core::domain::OneTimePassword;
use authsvc_core::service::AuthService;
use authsvc_core::service::second_factor::{BegunEnrolment, FactorChanged, IssuedRecoveryCodes};
use cryptokit::password::Password;
use tower::service_fn;

use super::layer::authenticate_user::ByUser;
use super::{Auditable, Call, Endpoint, Wrap};

/// To set up an authenticator app.
#[derive(Debug)]
pub struct BeginOtp {
    /// The account's password.
    pub password: Password,
}

/// To end the setting up.
#[derive(Debug)]
pub struct ConfirmOtp {
    /// A code of the app.
    pub otp: OneTimePassword,
}

/// To take the second factor away.
#[derive(Debug)]
pub struct DisableOtp {
    /// The account's password.
    pub password: Password,
    /// The factor, once more.
    pub otp: OneTimePassword,
}

/// To make new recovery codes.
#[derive(Debug)]
pub struct RenewRecoveryCodes {
    /// The account's password.
    pub password: Password,
    /// The factor, once more.
    pub otp: OneTimePassword,
}

impl Auditable for BeginOtp {
    const ACTION: Action = Action::BeginOtp;
}

impl Auditable for ConfirmOtp {
    const ACTION: Action = Action::ConfirmOtp;
}

impl Auditable for DisableOtp {
    const ACTION: Action = Action::DisableOtp;
}

impl Auditable for RenewRecoveryCodes {
    const ACTION: Action = Action::RenewRecoveryCodes;
}

/// The operations.
#[derive(Clone, Debug)]
pub struct SecondFactorEndpoints {
    /// `POST /v1/me/otp`
    pub begin: Endpoint<BeginOtp, BegunEnrolment>,
    /// `POST /v1/me/otp/confirm`
    pub confirm: Endpoint<ConfirmOtp, IssuedRecoveryCodes>,
    /// `POST /v1/me/otp/disable`
    pub disable: Endpoint<DisableOtp, FactorChanged>,
    /// `POST /v1/me/otp/recovery-codes`
    pub recovery_codes: Endpoint<RenewRecoveryCodes, IssuedRecoveryCodes>,
}

impl SecondFactorEndpoints {
    /// Wraps the use cases in their layers.
    pub(super) fn new(service: &Arc<AuthService>, wrap: &Wrap) -> Self {
        let shared = || Arc::clone(service);
        let (begin, confirm, disable, renew) = (shared(), shared(), shared(), shared());
        Self {
            begin: wrap.by_user(service_fn(move |call: Call<ByUser<BeginOtp>>| {
                let service = Arc::clone(&begin);
                async move {
                    let ByUser { user, request } = call.body;
                    let context = call.meta.context();
                    service.begin_second_factor(&user, request.password, &context).await
                }
            })),
            confirm: wrap.by_user(service_fn(move |call: Call<ByUser<ConfirmOtp>>| {
                let service = Arc::clone(&confirm);
                async move {
                    let ByUser { user, request } = call.body;
                    let context = call.meta.context();
                    service.confirm_second_factor(&user, &request.otp, &context).await
                }
            })),
            disable: wrap.by_user(service_fn(move |call: Call<ByUser<DisableOtp>>| {
                let service = Arc::clone(&disable);
                async move {
                    let ByUser { user, request } = call.body;
                    let context = call.meta.context();
                    service
                        .disable_second_factor(&user, request.password, &request.otp, &context)
                        .await
                }
            })),
            recovery_codes: wrap.by_user(service_fn(move |call: Call<ByUser<RenewRecoveryCodes>>| {
                let service = Arc::clone(&renew);
                async move {
                    let ByUser { user, request } = call.body;
                    let context = call.meta.context();
                    service
                        .renew_recovery_codes(&user, request.password, &request.otp, &context)
                        .await
                }
            })),
        }
    }
}
