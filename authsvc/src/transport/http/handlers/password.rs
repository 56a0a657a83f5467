//! `POST /v1/me/password` and `POST /v1/password-reset`

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{Request, StatusCode};

use super::operate;
use crate::transport::http::Shared;
use crate::transport::http::dto::{
    ChangePasswordRequest, SetPasswordRequest, decode_change_password, decode_set_password,
};
use crate::transport::http::problem::{PostProblems, ProblemDocument};

/// Changes the password of the account whose token is sent, and ends its other sessions.
///
/// The token must have been issued for the audience `authsvc`; the old password is asked for all the same.
#[utoipa::path(
    post,
    path = "/v1/me/password",
    request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "The password is another one now"),
        (status = 401, description = "The token or the old password is not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn change_password(
    State(state): State<Shared>,
    request: Request<Body>,
) -> Response {
    let endpoint = state.endpoints.change_password.clone();
    operate(
        &state,
        request,
        "/v1/me/password",
        decode_change_password,
        endpoint,
        |_| no_content(),
    )
    .await
}

/// Sets a password with the token of a link that an operator made, and ends all sessions of the account.
///
/// A token works once. One that is unknown, used, expired or replaced by another is refused in one and the same way.
#[utoipa::path(
    post,
    path = "/v1/password-reset",
    request_body = SetPasswordRequest,
    responses((status = 204, description = "The password is set"), PostProblems)
)]
pub(in crate::transport::http) async fn set_password(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.set_password.clone();
    operate(
        &state,
        request,
        "/v1/password-reset",
        decode_set_password,
        endpoint,
        |_| no_content(),
    )
    .await
}

fn no_content() -> Response {
    (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response()
}
