//! The routes of the API, one area a file: decode, call the endpoint, encode.

pub(super) mod admin;
pub(super) mod discovery;
pub(super) mod login;
pub(super) mod password;
pub(super) mod revocation_feed;
pub(super) mod second_factor;
pub(super) mod sessions;
pub(super) mod validate_token;

use std::sync::Arc;

use authsvc_core::audit::{Reason, Who, reasons};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use cryptokit::secret::SecretString;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use serde::Serialize;
use tower::ServiceExt;

use super::dto::DecodeError;
use super::observe::Observed;
use super::problem::{self, Refusal};
use super::{HttpState, body};
use crate::endpoint::{Auditable, Call, CallMeta, Endpoint};
use crate::transport::listener::Connection;
use crate::transport::status::Problem;

/// An operation with a JSON body: reads and decodes it, calls the endpoint, encodes what comes of it.
async fn operate<Operation, Outcome>(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    decode: impl FnOnce(&[u8]) -> Result<Operation, DecodeError>,
    endpoint: Endpoint<Operation, Outcome>,
    encode: impl FnOnce(Outcome) -> Response,
) -> Response
where
    Operation: Auditable,
{
    let meta = meta(state, &request, route);
    let operation = match body::read(state, request).await {
        Ok(bytes) => match decode(bytes.expose_secret()) {
            Ok(operation) => operation,
            Err(error) => return undecodable(error).of(Operation::ACTION).into_response(),
        },
        Err(refusal) => return refusal.of(Operation::ACTION).into_response(),
    };
    match endpoint.oneshot(Call { meta, body: operation }).await {
        Ok(outcome) => encode(outcome),
        Err(failure) => problem::failure(&failure),
    }
}

/// An operation without a body.
async fn operate_without_body<Operation, Outcome>(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    operation: Operation,
    endpoint: Endpoint<Operation, Outcome>,
    encode: impl FnOnce(Outcome) -> Response,
) -> Response
where
    Operation: Auditable,
{
    if let Some(refusal) = body::fault_before_body(&request) {
        return refusal.of(Operation::ACTION).into_response();
    }
    let meta = meta(state, &request, route);
    drop(request);
    match endpoint.oneshot(Call { meta, body: operation }).await {
        Ok(outcome) => encode(outcome),
        Err(failure) => problem::failure(&failure),
    }
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
        source: observed.and_then(|observed| observed.source),
        deadline: observed.and_then(|observed| observed.deadline),
        route: observed.and_then(|observed| observed.route).unwrap_or(route),
        listener: state.listener,
        request_id: observed
            .map(|observed| Arc::clone(&observed.request_id))
            .unwrap_or_default(),
        peer: connection.and_then(|connection| connection.peer.clone()),
        bearer: bearer(request.headers()),
        user_agent: user_agent(request.headers()),
    }
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1). Two such headers are none: who reads the other one would see
/// another caller.
fn bearer(headers: &HeaderMap) -> Option<Arc<SecretString>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| Arc::new(SecretString::new(token.to_owned())))
}

/// What the client calls itself; two such headers are one of their values joined, in their order (RFC 9110 §5.3).
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(USER_AGENT)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
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
