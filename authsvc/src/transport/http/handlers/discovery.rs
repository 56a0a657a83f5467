//! What the service says about itself: that it answers, its keys, its API description.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::transport::http::{HttpState, openapi_json};

/// How long a key set may be cached.
const JWKS_CACHE: &str = "public, max-age=300";

/// Says that the process answers. Reads nothing and checks nothing.
#[utoipa::path(get, path = "/", responses((status = 200, description = "`OK`", body = String, content_type = "text/plain")))]
pub(in crate::transport::http) async fn alive() -> &'static str {
    "OK"
}

/// The public keys of the tokens (RFC 7517 §5).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    responses((status = 200, description = "A JWK Set", body = serde_json::Value, content_type = "application/jwk-set+json"))
)]
pub(in crate::transport::http) async fn jwks(State(state): State<HttpState>) -> Response {
    let mut response = state.service.keys().tokens().published.json.clone().into_response();
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
pub(in crate::transport::http) async fn openapi() -> Response {
    let mut response = openapi_json().into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
