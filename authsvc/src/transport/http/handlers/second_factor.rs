//! `/v1/me/otp`

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};

use super::operate;
use crate::transport::http::Shared;
use crate::transport::http::dto::{
    BeginOtpRequest, BothFactorsRequest, ConfirmOtpRequest, EnrolmentResponse, RecoveryCodesResponse, decode_begin_otp,
    decode_confirm_otp, decode_disable_otp, decode_renew_recovery_codes,
};
use crate::transport::http::problem::{PostProblems, ProblemDocument};

/// Begins to set up an authenticator app.
///
/// Takes a bearer token for the audience `authsvc`, and the password again. Nothing changes at login until a code of the
/// app is confirmed; the secret is shown now and never again.
#[utoipa::path(
    post,
    path = "/v1/me/otp",
    request_body = BeginOtpRequest,
    responses(
        (status = 200, description = "The secret, waiting ten minutes for its first code", body = EnrolmentResponse<'static>),
        (status = 401, description = "The token or the password is not good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The account has a second factor", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn begin_otp(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.second_factor.begin.clone();
    let picture = AtomicBool::new(false);
    let decode = |body: &[u8]| {
        let (operation, wanted) = decode_begin_otp(body)?;
        picture.store(wanted, Ordering::Relaxed);
        Ok(operation)
    };
    operate(&state, request, "/v1/me/otp", decode, endpoint, |begun| {
        super::json(&EnrolmentResponse::new(&begun, picture.load(Ordering::Relaxed)))
    })
    .await
}

/// Ends the setting up with a code of the app.
///
/// From now on the account needs a code at every login. Its other sessions end. The recovery codes are shown now and never
/// again.
#[utoipa::path(
    post,
    path = "/v1/me/otp/confirm",
    request_body = ConfirmOtpRequest,
    responses(
        (status = 200, description = "The second factor is in use", body = RecoveryCodesResponse),
        (status = 401, description = "The token or the code is not good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Nothing waits for a code", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn confirm_otp(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.second_factor.confirm.clone();
    operate(
        &state,
        request,
        "/v1/me/otp/confirm",
        decode_confirm_otp,
        endpoint,
        |issued| super::json(&RecoveryCodesResponse::from(&issued)),
    )
    .await
}

/// Takes the second factor away, with the password and the factor itself or a recovery code.
///
/// The account's other sessions end.
#[utoipa::path(
    post,
    path = "/v1/me/otp/disable",
    request_body = BothFactorsRequest,
    responses(
        (status = 204, description = "The account has no second factor any more"),
        (status = 401, description = "The token, the password or the code is not good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The account has no second factor", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn disable_otp(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.second_factor.disable.clone();
    operate(
        &state,
        request,
        "/v1/me/otp/disable",
        decode_disable_otp,
        endpoint,
        |_| StatusCode::NO_CONTENT.into_response(),
    )
    .await
}

/// Makes new recovery codes. All that were issued before are void.
#[utoipa::path(
    post,
    path = "/v1/me/otp/recovery-codes",
    request_body = BothFactorsRequest,
    responses(
        (status = 200, description = "The new codes", body = RecoveryCodesResponse),
        (status = 401, description = "The token, the password or the code is not good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The account has no second factor", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn renew_recovery_codes(
    State(state): State<Shared>,
    request: Request<Body>,
) -> Response {
    let endpoint = state.endpoints.second_factor.recovery_codes.clone();
    let route = "/v1/me/otp/recovery-codes";
    operate(
        &state,
        request,
        route,
        decode_renew_recovery_codes,
        endpoint,
        |issued| super::json(&RecoveryCodesResponse::from(&issued)),
    )
    .await
}
