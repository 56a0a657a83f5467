//! `GET /v1/revocations/…`: the signed feed of what is revoked.

use authsvc_core::audit::reasons;
use authsvc_core::service::{FEED_HEARTBEAT, FeedAnswer, FeedDocument, FeedKeys, FeedQuestion};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, Request, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::discovery::names_the_same;
use super::operate_without_body;
use crate::transport::http::problem::{PostProblems, ProblemDocument, Refusal};
use crate::transport::http::{HttpState, Shared};
use crate::transport::status::Problem;

/// The keys of the feed. Not a JWK Set, so that nobody verifies tokens with them by mistake.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct RevocationKeysResponse {
    /// Whose feed it is.
    issuer: String,
    /// Seconds between two deltas at most.
    heartbeat_seconds: u64,
    /// Any of them may have signed.
    feed_keys: Vec<RevocationKey>,
}

/// One key of the feed.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct RevocationKey {
    /// Its name in documents.
    kid: String,
    /// `Ed25519`
    algorithm: &'static str,
    /// The key's 32 bytes, base64url.
    public_key: String,
}

/// The public keys that sign the feed of revocations.
///
/// Ask again every minute: what was signed with a key that is no longer among them is not to be believed. Served on the
/// internal listener, to registered services.
#[utoipa::path(
    get,
    path = "/v1/revocations/keys",
    responses(
        (status = 200, description = "The keys", body = RevocationKeysResponse),
        (status = 304, description = "They are those named by If-None-Match"),
        (status = 403, description = "The caller is not registered", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn keys(State(state): State<Shared>, request: Request<Body>) -> Response {
    read(&state, request, "/v1/revocations/keys", FeedQuestion::Keys).await
}

/// All that is revoked, as a signed document. Deltas with greater numbers follow upon it.
///
/// A snapshot may be some seconds behind the feed: take the deltas after it. Served on the internal listener, to
/// registered services.
#[utoipa::path(
    get,
    path = "/v1/revocations/snapshot",
    responses(
        (status = 200, description = "A JWS of the type `revocation-snapshot+jwt`", body = String, content_type = "application/jwt",
         headers(("ETag" = String, description = "Names the snapshot"))),
        (status = 304, description = "It is the one named by If-None-Match"),
        (status = 403, description = "The caller is not registered", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn snapshot(State(state): State<Shared>, request: Request<Body>) -> Response {
    read(&state, request, "/v1/revocations/snapshot", FeedQuestion::Snapshot).await
}

/// What was revoked after the delta before, as a signed document. It never changes.
///
/// Ask for the number after the last one; there is one every few seconds, whether or not anything was revoked. Served
/// on the internal listener, to registered services.
#[utoipa::path(
    get,
    path = "/v1/revocations/{feed}/{number}",
    params(
        ("feed" = String, Path, description = "The feed's name, as in its snapshot"),
        ("number" = u64, Path, description = "The delta's number, from 1"),
    ),
    responses(
        (status = 200, description = "A JWS of the type `revocation-delta+jwt`", body = String, content_type = "application/jwt",
         headers(("ETag" = String, description = "Names the delta"))),
        (status = 204, description = "There is none with this number yet"),
        (status = 403, description = "The caller is not registered", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such feed, or the delta is too old: get a snapshot", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn delta(
    State(state): State<Shared>,
    Path((feed, number)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    // One spelling for each number: caches must not hold a document twice.
    let parsed = number.parse::<u64>().ok().filter(|parsed| parsed.to_string() == number);
    let Some(number) = parsed else {
        return super::not_found().await.into_response();
    };
    let question = FeedQuestion::Delta { feed, number };
    read(&state, request, "/v1/revocations/{feed}/{number}", question).await
}

async fn read(state: &HttpState, request: Request<Body>, route: &'static str, question: FeedQuestion) -> Response {
    let endpoint = state.endpoints.revocation_feed.clone();
    let headers = request.headers().clone();
    operate_without_body(state, request, route, question, endpoint, |answer| match answer {
        FeedAnswer::Keys(keys) => encode_keys(&keys, &headers),
        // To be asked for again each time: there may be a newer one.
        FeedAnswer::Snapshot(document) => encode(&document, "private, no-cache", &headers),
        FeedAnswer::Delta(document) => encode(&document, "private, max-age=600, immutable", &headers),
        FeedAnswer::NotYet => (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response(),
        FeedAnswer::Gone => Refusal::new(Problem::NotFound, reasons::request::NOT_FOUND).into_response(),
    })
    .await
}

fn encode(document: &FeedDocument, caching: &'static str, asked: &HeaderMap) -> Response {
    let etag = format!("\"{}.{}\"", document.feed, document.seq);
    let headers = [(CACHE_CONTROL, caching.to_owned()), (ETAG, etag.clone())];
    if names_the_same(asked, &etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(CONTENT_TYPE, "application/jwt")], document.text.clone()).into_response()
}

fn encode_keys(keys: &FeedKeys, asked: &HeaderMap) -> Response {
    let names: Vec<&str> = keys.keys.iter().map(|(kid, _)| kid.as_str()).collect();
    let etag = format!("\"{}\"", base64url::encode(&sha256(names.join(" ").as_bytes())[..16]));
    // To be asked for again each time: a kept answer would add its age to the time for which an ended key is believed.
    let caching = [(CACHE_CONTROL, "private, no-cache".to_owned()), (ETAG, etag.clone())];
    if names_the_same(asked, &etag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let body = RevocationKeysResponse {
        issuer: keys.issuer.clone(),
        heartbeat_seconds: FEED_HEARTBEAT.as_secs(),
        feed_keys: keys
            .keys
            .iter()
            .map(|(kid, public_key)| RevocationKey {
                kid: kid.clone(),
                algorithm: "Ed25519",
                public_key: base64url::encode(public_key),
            })
            .collect(),
    };
    (caching, axum::Json(body)).into_response()
}
