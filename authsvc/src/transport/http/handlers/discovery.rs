//! What the service says about itself: that it answers, its keys, its API description.

use std::time::Duration;

use authsvc_core::service::key_schedule::JWKS_MAX_AGE;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use crate::transport::http::{Shared, openapi_json};
use crate::transport::listener::Connection;

/// How long noting who fetched keys may put the answer off: it is worth something, and less than the keys.
const NOTE_TIMEOUT: Duration = Duration::from_millis(250);

/// Says that the process answers. Reads nothing and checks nothing.
#[utoipa::path(get, path = "/", responses((status = 200, description = "`OK`", body = String, content_type = "text/plain")))]
pub(in crate::transport::http) async fn alive() -> &'static str {
    "OK"
}

/// The public keys of the tokens (RFC 7517 §5).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the set that is there already")),
    responses(
        (
            status = 200,
            description = "A JWK Set",
            body = serde_json::Value,
            content_type = "application/jwk-set+json",
            headers(("ETag" = String, description = "Names this set"), ("Cache-Control" = String)),
        ),
        (status = 304, description = "The set is the one named by If-None-Match"),
    )
)]
pub(in crate::transport::http) async fn jwks(State(state): State<Shared>, request: Request<Body>) -> Response {
    let tokens = state.service.keys().tokens();
    let published = &tokens.published;
    if let Some(peer) = request.extensions().get::<Connection>().and_then(|c| c.peer.as_ref()) {
        let noted = state.service.note_key_fetch(peer, tokens.version, &published.kids);
        // The keys are public: they are served to whoever asks, and when the database is away.
        let _ = tokio::time::timeout(NOTE_TIMEOUT, noted).await;
    }
    let headers = [
        (CACHE_CONTROL, format!("public, max-age={}", JWKS_MAX_AGE.as_secs())),
        (ETAG, published.etag.clone()),
    ];
    if names_the_same(request.headers(), &published.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(CONTENT_TYPE, "application/jwk-set+json")];
    (headers, content_type, published.json.clone()).into_response()
}

/// RFC 9110 §13.1.2: a list of entity tags or `*`, compared weakly.
pub(super) fn names_the_same(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
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
