//! `POST /v1/validate-token`

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::operate;
use crate::transport::http::Shared;
use crate::transport::http::dto::{ActiveTokenResponse, ValidateTokenRequest, decode_validate_token};
use crate::transport::http::problem::{PostProblems, ProblemDocument};

/// Says whether a token is good for the service that asks, which is known by its client certificate.
///
/// An introspection (RFC 7662) with these differences: a token that is not good, whatever the cause, a token for somebody
/// else included, is a 401 problem and not `"active": false`; a required scope that is missing is a 403; and a token that
/// is bound to a certificate (RFC 8705) is good only together with it. Of a token's scopes the caller sees those it is
/// registered with.
///
/// Served on the internal listener only.
#[utoipa::path(
    post,
    path = "/v1/validate-token",
    request_body = ValidateTokenRequest,
    responses(
        (status = 200, description = "The token is good for one of the caller's audiences", body = ActiveTokenResponse<'static>),
        (status = 401, description = "The token is not good for this caller, or is bound to another certificate", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The caller is not registered, or the token is good and lacks a required scope", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn validate_token(
    State(state): State<Shared>,
    request: Request<Body>,
) -> Response {
    let endpoint = state.endpoints.validate_token.clone();
    operate(
        &state,
        request,
        "/v1/validate-token",
        decode_validate_token,
        endpoint,
        |active| super::json(&ActiveTokenResponse::from(&active)),
    )
    .await
}
