//! `/v1/admin/audit`

use authsvc_core::service::administration::Question;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::{ask, ask_with, nothing};
use crate::transport::http::Shared;
use crate::transport::http::dto::admin::audit::{
    AuditRecordResponse, AuditResponse, AuditSearchRequest, AuditTopRequest, AuditTopResponse,
};
use crate::transport::http::dto::admin::{decode_audit_search, decode_audit_top};
use crate::transport::http::problem::{AdminProblems, ProblemDocument};

/// Audit records that the database keeps, in the order of time, a page at a time.
#[utoipa::path(
    post,
    path = "/v1/admin/audit/search",
    operation_id = "admin_audit_search",
    request_body = AuditSearchRequest,
    responses(
        (status = 200, description = "A page", body = AuditResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn search(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask_with(&state, request, "/v1/admin/audit/search", decode_audit_search).await
}

/// The sources, accounts and reasons with the most refusals.
#[utoipa::path(
    post,
    path = "/v1/admin/audit/top",
    operation_id = "admin_audit_top",
    request_body = AuditTopRequest,
    responses(
        (status = 200, description = "The highest first", body = AuditTopResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn top(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask_with(&state, request, "/v1/admin/audit/top", decode_audit_top).await
}

/// Why an answer was a refusal, by the id that it showed.
#[utoipa::path(
    get,
    path = "/v1/admin/audit/records/{id}",
    operation_id = "admin_audit_record",
    params(("id" = String, Path, description = "The id that the answer showed", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "The record", body = AuditRecordResponse),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn record(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_id {
        return nothing::<Question>();
    }
    let id = id.to_ascii_lowercase();
    ask(
        &state,
        request,
        "/v1/admin/audit/records/{id}",
        Question::AuditRecord { id },
    )
    .await
}
