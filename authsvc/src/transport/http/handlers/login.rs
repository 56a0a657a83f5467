//! `POST /v1/auth`

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::operate;
use crate::transport::http::Shared;
use crate::transport::http::dto::{LoginRequest, LoginResponse, decode_login};
use crate::transport::http::problem::{PostProblems, ProblemDocument};

/// Checks an address and a password and issues an access token.
///
/// An account with a second factor is answered 401 `otp-required` when its password is right and `otp` is missing, and
/// `invalid-otp` when that is wrong or was used before. The first party's login; never offered to third parties (RFC 9700 §2.4).
#[utoipa::path(
    post,
    path = "/v1/auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "The credentials are good", body = LoginResponse<'static>),
        (status = 401, description = "The credentials are not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn login(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.login.clone();
    operate(&state, request, "/v1/auth", decode_login, endpoint, |issued| {
        super::json(&LoginResponse::from(&issued))
    })
    .await
}
