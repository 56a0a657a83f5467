//! `/v1/admin/users`

use authsvc_core::audit::reasons;
use authsvc_core::domain::{RecordVersion, UserId};
use authsvc_core::service::Account;
use authsvc_core::service::administration::{Change, Question};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::IF_MATCH;
use http::{HeaderMap, Request};

use super::{ask_named, ask_with, change_named, change_with, named, nothing};
use crate::endpoint::Auditable;
use crate::transport::http::Shared;
use crate::transport::http::dto::admin::users::{
    GrantsRequest, LinkResponse, NewUserRequest, NewUserResponse, ResetLinkRequest, UserEntry, UserSearchRequest,
    UsersResponse,
};
use crate::transport::http::dto::admin::{decode_grants, decode_new_user, decode_reset_link, decode_user_search};
use crate::transport::http::problem::{AdminProblems, ProblemDocument, Refusal};
use crate::transport::status::Problem;

/// Adds an account, and makes a link with which its owner sets the password.
///
/// Nobody but the owner ever knows the password. The link is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/admin/users",
    operation_id = "admin_users_add",
    request_body = NewUserRequest,
    responses(
        (status = 201, description = "The account and the link", body = NewUserResponse<'static>),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn add(State(state): State<Shared>, request: Request<Body>) -> Response {
    change_with(&state, request, "/v1/admin/users", decode_new_user).await
}

/// Accounts in the order of their names, a page at a time, or the one of an address.
#[utoipa::path(
    post,
    path = "/v1/admin/users/search",
    operation_id = "admin_users_search",
    request_body = UserSearchRequest,
    responses(
        (status = 200, description = "A page", body = UsersResponse),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn search(State(state): State<Shared>, request: Request<Body>) -> Response {
    ask_with(&state, request, "/v1/admin/users/search", decode_user_search).await
}

/// One account. `ETag` says which state of it this is.
#[utoipa::path(
    get,
    path = "/v1/admin/users/{id}",
    operation_id = "admin_users_show",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "The account", body = UserEntry),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn show(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    ask_named(&state, request, "/v1/admin/users/{id}", &id, |id: UserId| {
        Question::User(id)
    })
    .await
}

/// Replaces an account's roles and scopes, if it still is in the state that `If-Match` names.
///
/// `*` stands for whatever state it is in. Tokens that were issued before keep theirs until they end.
#[utoipa::path(
    patch,
    path = "/v1/admin/users/{id}",
    operation_id = "admin_users_set",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36), ("If-Match" = String, Header, description = "The ETag of the account as it was read")),
    request_body = GrantsRequest,
    responses(
        (status = 200, description = "The account", body = UserEntry),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn set(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let Some(id) = named::<UserId>(&id) else {
        return nothing::<Change>();
    };
    let version = match condition(request.headers()) {
        Condition::Missing => {
            return Refusal::new(Problem::PreconditionRequired, reasons::admin::NO_CONDITION)
                .of(Change::ACTION)
                .into_response();
        }
        Condition::Anything => None,
        Condition::Version(version) => Some(version),
    };
    change_with(&state, request, "/v1/admin/users/{id}", |body| {
        decode_grants(body, id, version)
    })
    .await
}

/// Removes an account for good, and ends its sessions.
#[utoipa::path(
    delete,
    path = "/v1/admin/users/{id}",
    operation_id = "admin_users_delete",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn delete(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}", &id, |id: UserId| {
        Change::DeleteUser(Account::Id(id))
    })
    .await
}

/// Forbids an account to log in, and ends its sessions.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/disable",
    operation_id = "admin_users_disable",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "The account", body = UserEntry),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn disable(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}/disable", &id, |id: UserId| {
        Change::DisableUser(Account::Id(id))
    })
    .await
}

/// Allows an account to log in again.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/enable",
    operation_id = "admin_users_enable",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 200, description = "The account", body = UserEntry),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn enable(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}/enable", &id, |id: UserId| {
        Change::EnableUser(Account::Id(id))
    })
    .await
}

/// Forgets the failed logins of an account.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/unlock",
    operation_id = "admin_users_unlock",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn unlock(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}/unlock", &id, |id: UserId| {
        Change::Unlock(Account::Id(id))
    })
    .await
}

/// Makes a link with which an account's password is set once, in place of any other.
///
/// The link is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/reset-link",
    operation_id = "admin_users_reset_link",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    request_body = ResetLinkRequest,
    responses(
        (status = 200, description = "The link", body = LinkResponse<'static>),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn reset_link(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let Some(id) = named::<UserId>(&id) else {
        return nothing::<Change>();
    };
    change_with(&state, request, "/v1/admin/users/{id}/reset-link", |body| {
        decode_reset_link(body, id)
    })
    .await
}

/// Takes the second factor from an account, and ends its sessions. Says the same if it had none.
#[utoipa::path(
    delete,
    path = "/v1/admin/users/{id}/otp",
    operation_id = "admin_users_reset_otp",
    params(("id" = String, Path, description = "The account's id", min_length = 36, max_length = 36)),
    responses(
        (status = 204, description = "It has none"),
        (status = 404, description = "No such thing", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What is there stands in the way", body = ProblemDocument, content_type = "application/problem+json"),
        AdminProblems,
    )
)]
pub(in crate::transport::http) async fn reset_otp(
    State(state): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    change_named(&state, request, "/v1/admin/users/{id}/otp", &id, |id: UserId| {
        Change::ResetSecondFactor(Account::Id(id))
    })
    .await
}

/// Which state a change is meant for (RFC 9110 §13.1.1).
enum Condition {
    Missing,
    Anything,
    Version(RecordVersion),
}

/// One strong tag. A list, a weak tag or something else equals no state that there is: it fails, and nothing is changed.
fn condition(headers: &HeaderMap) -> Condition {
    let mut values = headers.get_all(IF_MATCH).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(IF_MATCH) {
            true => Condition::Version(RecordVersion::from_text("")),
            false => Condition::Missing,
        };
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Condition::Anything;
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Condition::Version(RecordVersion::from_text(tag.unwrap_or_default()))
}
