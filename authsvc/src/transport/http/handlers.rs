//! The routes of the API: decode, call the endpoint, encode.

use authsvc_core::audit::{Action, Reason, Who, reasons};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use serde::Serialize;
use tower::ServiceExt;

use super::dto::{
    ActiveTokenResponse, DecodeError, LoginRequest, LoginResponse, ValidateTokenRequest, decode_login,
    decode_validate_token,
};
use super::observe::Observed;
use super::problem::{self, PostProblems, ProblemDocument, Refusal};
use super::{HttpState, body};
use crate::endpoint::{Call, CallMeta};
use crate::transport::listener::Connection;
use crate::transport::status::Problem;

/// How long a key set may be cached.
const JWKS_CACHE: &str = "public, max-age=300";

/// Says that the process answers. Reads nothing and checks nothing.
#[utoipa::path(get, path = "/", responses((status = 200, description = "`OK`", body = String, content_type = "text/plain")))]
pub(super) async fn alive() -> &'static str {
    "OK"
}

/// Checks an address and a password and issues an access token.
///
/// The first party's login; never offered to third parties (RFC 9700 §2.4).
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
pub(super) async fn login(State(state): State<HttpState>, request: Request<Body>) -> Response {
    let meta = meta(&state, &request, "/v1/auth");
    let login = match body::read(&state, request).await {
        Ok(bytes) => match decode_login(&bytes) {
            Ok(login) => login,
            Err(error) => return undecodable(error).of(Action::Login).into_response(),
        },
        Err(refusal) => return refusal.of(Action::Login).into_response(),
    };
    match state.endpoints.login.clone().oneshot(Call { meta, body: login }).await {
        Ok(issued) => json(&LoginResponse::from(&issued)),
        Err(failure) => problem::failure(&failure),
    }
}

/// Says whether a token is good for the service that asks, which is known by its client certificate.
///
/// Served on the internal listener only.
#[utoipa::path(
    post,
    path = "/v1/validate-token",
    request_body = ValidateTokenRequest,
    responses(
        (status = 200, description = "The token is good for one of the caller's audiences", body = ActiveTokenResponse<'static>),
        (status = 401, description = "The token is not good", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The caller is not registered", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(super) async fn validate_token(State(state): State<HttpState>, request: Request<Body>) -> Response {
    let meta = meta(&state, &request, "/v1/validate-token");
    let question = match body::read(&state, request).await {
        Ok(bytes) => match decode_validate_token(&bytes) {
            Ok(question) => question,
            Err(error) => return undecodable(error).of(Action::ValidateToken).into_response(),
        },
        Err(refusal) => return refusal.of(Action::ValidateToken).into_response(),
    };
    match state
        .endpoints
        .validate_token
        .clone()
        .oneshot(Call { meta, body: question })
        .await
    {
        Ok(active) => json(&ActiveTokenResponse::from(&active)),
        Err(failure) => problem::failure(&failure),
    }
}

/// The public keys of the tokens (RFC 7517 §5).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    responses((status = 200, description = "A JWK Set", body = serde_json::Value, content_type = "application/jwk-set+json"))
)]
pub(super) async fn jwks(State(state): State<HttpState>) -> Response {
    let mut response = state.service.jwk_set().to_json().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(JWKS_CACHE));
    response
}

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value))
)]
pub(super) async fn openapi() -> Response {
    let mut response = super::openapi_json().into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) async fn not_found() -> Refusal {
    Refusal::new(Problem::NotFound, reasons::request::NOT_FOUND)
}

pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(Problem::MethodNotAllowed, reasons::request::METHOD_NOT_ALLOWED)
}

fn meta(state: &HttpState, request: &Request<Body>, route: &'static str) -> CallMeta {
    let connection = request.extensions().get::<Connection>();
    let observed = request.extensions().get::<Observed>();
    CallMeta {
        source: connection.map(|connection| connection.remote.ip()),
        route: observed.and_then(|observed| observed.route).unwrap_or(route),
        listener: state.listener,
        request_id: observed.map(|observed| observed.request_id.clone()).unwrap_or_default(),
        peer: connection.and_then(|connection| connection.peer.clone()),
    }
}

fn undecodable(error: DecodeError) -> Refusal {
    match error {
        DecodeError::Malformed => Refusal::new(Problem::MalformedRequest, reasons::request::MALFORMED_REQUEST),
        DecodeError::Fields { errors, address } => {
            let detail = errors
                .iter()
                .map(|error| format!("{} {}", error.field, error.message))
                .collect::<Vec<_>>()
                .join("; ");
            Refusal::new(
                Problem::ValidationFailed,
                Reason::new(reasons::request::VALIDATION_FAILED, detail),
            )
            .with_fields(errors)
            .with_who(Who {
                address,
                ..Who::default()
            })
        }
    }
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (StatusCode::OK, headers, body).into_response()
        }
        Err(error) => Refusal::new(
            Problem::Internal,
            Reason::new(reasons::system::INTERNAL, error.to_string()),
        )
        .into_response(),
    }
}
