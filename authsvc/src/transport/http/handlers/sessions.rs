//! `POST /v1/refresh`, `POST /v1/logout`, `/v1/me/sessions` and `POST /v1/revoke`

use authsvc_core::service::LoggedOut;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};

use super::{operate, operate_without_body};
use crate::endpoint::sessions::{EndSessions, ListSessions};
use crate::transport::http::Shared;
use crate::transport::http::dto::{
    LoginResponse, LogoutRequest, RefreshRequest, RevokeRequest, SessionsResponse, decode_logout, decode_refresh,
    decode_revoke,
};
use crate::transport::http::problem::{PostProblems, ProblemDocument};

/// Issues a fresh access token for the session of a refresh token.
///
/// A token of a registered service, presented over mTLS, stays the same. Any other is good for one use: the answer
/// holds its successor. If the answer is lost, the same client may ask again for 10 seconds and gets the same
/// successor. A spent token that comes later, or from another client, ends the session.
#[utoipa::path(
    post,
    path = "/v1/refresh",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The session goes on", body = LoginResponse<'static>),
        (status = 401, description = "The token is not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn refresh(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.sessions.refresh.clone();
    operate(&state, request, "/v1/refresh", decode_refresh, endpoint, |issued| {
        super::json(&LoginResponse::from(&issued))
    })
    .await
}

/// Ends the session of a refresh token and revokes its access tokens.
///
/// Says the same whether there was a session or not.
#[utoipa::path(
    post,
    path = "/v1/logout",
    request_body = LogoutRequest,
    responses((status = 204, description = "No session has this token any more"), PostProblems)
)]
pub(in crate::transport::http) async fn logout(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.sessions.logout.clone();
    operate(&state, request, "/v1/logout", decode_logout, endpoint, done).await
}

/// The sessions of the user whose token of the audience `authsvc` is shown.
#[utoipa::path(
    get,
    path = "/v1/me/sessions",
    responses(
        (status = 200, description = "All that live", body = SessionsResponse<'static>),
        (status = 401, description = "The token is not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn list(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.sessions.list.clone();
    operate_without_body(&state, request, "/v1/me/sessions", ListSessions, endpoint, |own| {
        super::json(&SessionsResponse::from(&own))
    })
    .await
}

/// Ends all sessions of the user, the one that asks included.
#[utoipa::path(
    delete,
    path = "/v1/me/sessions",
    responses(
        (status = 204, description = "None lives any more"),
        (status = 401, description = "The token is not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn end_all(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.sessions.end.clone();
    operate_without_body(&state, request, "/v1/me/sessions", EndSessions::All, endpoint, done).await
}

/// Ends one session of the user. One that is not the user's is like one that does not exist.
#[utoipa::path(
    delete,
    path = "/v1/me/sessions/{id}",
    params(("id" = String, Path, description = "The session's id", min_length = 36, max_length = 36)),
    responses(
        (status = 204, description = "The user has no such session any more"),
        (status = 401, description = "The token is not good", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn end_one(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let Ok(id) = id.parse() else {
        return super::not_found().await.into_response();
    };
    let endpoint = state.endpoints.sessions.end.clone();
    operate_without_body(
        &state,
        request,
        "/v1/me/sessions/{id}",
        EndSessions::One(id),
        endpoint,
        done,
    )
    .await
}

/// Revokes a token that was issued to the asking service, or any for an administrator (RFC 7009).
///
/// Served on the internal listener only. Says the same for a token that is not good or somebody else's, and does
/// nothing then.
#[utoipa::path(
    post,
    path = "/v1/revoke",
    request_body = RevokeRequest,
    responses(
        (status = 204, description = "The token is not good any more, or is not the caller's to revoke"),
        (status = 403, description = "The caller is not registered", body = ProblemDocument, content_type = "application/problem+json"),
        PostProblems,
    )
)]
pub(in crate::transport::http) async fn revoke(State(state): State<Shared>, request: Request<Body>) -> Response {
    let endpoint = state.endpoints.sessions.revoke.clone();
    operate(&state, request, "/v1/revoke", decode_revoke, endpoint, done).await
}

fn done(_: LoggedOut) -> Response {
    StatusCode::NO_CONTENT.into_response()
}
