//! `/v1/admin/services`

use authsvc_core::domain::ServiceName;
use authsvc_core::service::administration::{Change, Question};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::{ask, change_named, change_with, named, nothing};
use crate::transport::http::Shared;
use crate::transport::http::dto::admin::services::{IdentityRequest, NewServiceRequest, ServicesResponse};
use crate::transport::http::dto::admin::{decode_add_identity, decode_new_service, decode_remove_identity};
use crate::transport::http::problem::{AdminProblems, ProblemDocument};

/// The registered services by name.
#[utoipa::path(
    get,
    path = "/v1/admin/services",
    operation_id = "admin_services_list",
    responses(
        (status = 200, description = "All of them", body = ServicesResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn list(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask(&state, request, "/v1/admin/services", Question::Services).await
}

/// Registers a service by the name in its client certificate.
#[utoipa::path(
    post,
    path = "/v1/admin/services",
    operation_id = "admin_services_add",
    request_body = NewServiceRequest,
    responses(
        (status = 204, description = "Registered"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn add(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/services", decode_new_service).await
}

/// Ends a registration.
#[utoipa::path(
    delete,
    path = "/v1/admin/services/{name}",
    operation_id = "admin_services_remove",
    params(("name" = String, Path, description = "The service's name", min_length = 1, max_length = 64)),
    responses(
        (status = 204, description = "It is not registered any more"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn remove(
    State(state): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(
        &state,
        request,
        "/v1/admin/services/{name}",
        &name,
        |name: ServiceName| Change::RemoveService(name),
    )
    .await
}

/// Gives a service one more identity, as when another CA issues its next certificate.
#[utoipa::path(
    post,
    path = "/v1/admin/services/{name}/identities",
    operation_id = "admin_services_add_identity",
    params(("name" = String, Path, description = "The service's name", min_length = 1, max_length = 64)),
    request_body = IdentityRequest,
    responses(
        (status = 204, description = "It has it"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn add_identity(
    State(state): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    let Some(name) = named::<ServiceName>(&name) else {
        return nothing::<Change>();
    };
    change_with(&state, request, "/v1/admin/services/{name}/identities", |body| {
        decode_add_identity(body, name)
    })
    .await
}

/// Takes an identity from a service that has another one.
#[utoipa::path(
    post,
    path = "/v1/admin/services/{name}/identities/remove",
    operation_id = "admin_services_remove_identity",
    params(("name" = String, Path, description = "The service's name", min_length = 1, max_length = 64)),
    request_body = IdentityRequest,
    responses(
        (status = 204, description = "It does not have it any more"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn remove_identity(
    State(state): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    let Some(name) = named::<ServiceName>(&name) else {
        return nothing::<Change>();
    };
    change_with(&state, request, "/v1/admin/services/{name}/identities/remove", |body| {
        decode_remove_identity(body, name)
    })
    .await
}
