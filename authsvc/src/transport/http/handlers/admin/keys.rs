//! `/v1/admin/keys`

use authsvc_core::service::administration::{Change, Question};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::{ask, change, change_with, nothing};
use crate::transport::http::Shared;
use crate::transport::http::dto::admin::keys::{
    KeyChangeResponse, KeysResponse, PromoteRequest, RevokeFeedKeysRequest, RevokeKeyRequest, RotateFeedKeyRequest,
    RotateRequest, may_be_kid,
};
use crate::transport::http::dto::admin::{
    decode_promote, decode_revoke_feed_keys, decode_revoke_key, decode_rotate, decode_rotate_feed_key,
};
use crate::transport::http::problem::{AdminProblems, ProblemDocument};

/// The signing keys, and which services have not fetched the next one.
#[utoipa::path(
    get,
    path = "/v1/admin/keys",
    operation_id = "admin_keys_list",
    responses(
        (status = 200, description = "All of them", body = KeysResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn list(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask(&state, request, "/v1/admin/keys", Question::Keys).await
}

/// Makes a signing key and publishes it. It signs once those who fetch keys have it, a day later at most.
#[utoipa::path(
    post,
    path = "/v1/admin/keys",
    operation_id = "admin_keys_rotate",
    request_body = RotateRequest,
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn rotate(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/keys", decode_rotate).await
}

/// Lets the published key sign, if its time has come and every service has it.
#[utoipa::path(
    post,
    path = "/v1/admin/keys/{kid}/promote",
    operation_id = "admin_keys_promote",
    params(("kid" = String, Path, description = "The kid, or its beginning", min_length = 1, max_length = 64)),
    request_body = PromoteRequest,
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn promote(
    State(state): State<Shared>,
    Path(kid): Path<String>,
    request: Request<Body>,
) -> Response {
    if !may_be_kid(&kid) {
        return nothing::<Change>();
    }
    change_with(&state, request, "/v1/admin/keys/{kid}/promote", |body| {
        decode_promote(body, kid)
    })
    .await
}

/// Ends a compromised key at once: every token that it signed is refused.
#[utoipa::path(
    post,
    path = "/v1/admin/keys/{kid}/revoke",
    operation_id = "admin_keys_revoke",
    params(("kid" = String, Path, description = "The kid, or its beginning", min_length = 1, max_length = 64)),
    request_body = RevokeKeyRequest,
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn revoke(
    State(state): State<Shared>,
    Path(kid): Path<String>,
    request: Request<Body>,
) -> Response {
    if !may_be_kid(&kid) {
        return nothing::<Change>();
    }
    change_with(&state, request, "/v1/admin/keys/{kid}/revoke", |body| {
        decode_revoke_key(body, kid)
    })
    .await
}

/// Takes revoked keys out, and retired ones whose last token has ended.
#[utoipa::path(
    post,
    path = "/v1/admin/keys/prune",
    operation_id = "admin_keys_prune",
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 204, description = "Every key is needed still"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn prune(State(state): State<Shared>, request: Request<Body>) -> Response {
    change(&state, request, "/v1/admin/keys/prune", Change::PruneKeys).await
}

/// Makes a key for the feed of revocations and publishes it. It signs eleven minutes later.
#[utoipa::path(
    post,
    path = "/v1/admin/feed-keys",
    operation_id = "admin_feed_keys_rotate",
    request_body = RotateFeedKeyRequest,
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn rotate_feed(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/feed-keys", decode_rotate_feed_key).await
}

/// Ends a compromised key of the feed of revocations at once, or all of them: a new one signs a feed that begins anew.
#[utoipa::path(
    post,
    path = "/v1/admin/feed-keys/revoke",
    operation_id = "admin_feed_keys_revoke",
    request_body = RevokeFeedKeysRequest,
    responses(
        (status = 200, description = "What was done", body = KeyChangeResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn revoke_feed(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/feed-keys/revoke", decode_revoke_feed_keys).await
}
