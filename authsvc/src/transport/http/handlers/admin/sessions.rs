//! `/v1/admin/users/{id}/sessions`, `/v1/admin/sessions` and `/v1/admin/revocations`

use authsvc_core::domain::{SessionId, UserId};
use authsvc_core::service::Account;
use authsvc_core::service::administration::{Change, Question};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::{ask_named, ask_with, change_named, change_with};
use crate::transport::http::Shared;
use crate::transport::http::dto::admin::sessions::{
    AdminSessionsResponse, EndedResponse, RevocationRequest, SessionSearchRequest,
};
use crate::transport::http::dto::admin::{decode_revocation, decode_session_search};
use crate::transport::http::problem::{AdminProblems, ProblemDocument};

/// The living sessions of an account.
#[utoipa::path(
    get,
    path = "/v1/admin/users/{id}/sessions",
    operation_id = "admin_sessions_of_user",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "All of them", body = AdminSessionsResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn of_user(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    ask_named(&state, request, "/v1/admin/users/{id}/sessions", &id, |id: UserId| {
        Question::SessionsOf(id)
    })
    .await
}

/// Ends all sessions of an account, which may be gone, and revokes their access tokens.
#[utoipa::path(
    delete,
    path = "/v1/admin/users/{id}/sessions",
    operation_id = "admin_sessions_end_of_user",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "How many there were", body = EndedResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn end_of_user(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}/sessions", &id, |id: UserId| {
        Change::EndSessionsOf(Account::Id(id))
    })
    .await
}

/// All living sessions in the order of their ids, a page at a time.
#[utoipa::path(
    post,
    path = "/v1/admin/sessions/search",
    operation_id = "admin_sessions_search",
    request_body = SessionSearchRequest,
    responses(
        (status = 200, description = "A page", body = AdminSessionsResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn search(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask_with(&state, request, "/v1/admin/sessions/search", decode_session_search).await
}

/// Ends a session, and revokes its access tokens.
#[utoipa::path(
    delete,
    path = "/v1/admin/sessions/{id}",
    operation_id = "admin_sessions_end",
    params(("id" = String, Path, description = "The session's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "How many ended", body = EndedResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn end(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/sessions/{id}", &id, |id: SessionId| {
        Change::EndSession(id)
    })
    .await
}

/// Revokes a token, all tokens of an account, or all that were issued before a moment.
///
/// Every replica refuses them within two seconds.
#[utoipa::path(
    post,
    path = "/v1/admin/revocations",
    operation_id = "admin_sessions_revoke",
    request_body = RevocationRequest,
    responses(
        (status = 200, description = "Revoked, and so many sessions ended", body = EndedResponse),
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn revoke(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/revocations", decode_revocation).await
}
