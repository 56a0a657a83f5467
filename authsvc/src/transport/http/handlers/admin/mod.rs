//! `/v1/admin`: what administrators ask and change. Served on the internal listener only, to registered services that may
//! administer.
//!
//! Nothing that is looked for is in a URL but ids and names of things that are no secrets: what is asked for in lists,
//! addresses and cursors among it, travels in bodies (`POST …/search`), since URLs end up in logs.

pub(in crate::transport::http) mod audit;
pub(in crate::transport::http) mod keys;
pub(in crate::transport::http) mod services;
pub(in crate::transport::http) mod sessions;
pub(in crate::transport::http) mod users;

use std::str::FromStr;

use authsvc_core::audit::reasons;
use authsvc_core::service::administration::{Answer, Change, Changed, Question, UserView};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, ETAG, LOCATION};
use http::{HeaderValue, Request, StatusCode};

use super::{json, operate, operate_without_body};
use crate::endpoint::Auditable;
use crate::transport::http::HttpState;
use crate::transport::http::dto::DecodeError;
use crate::transport::http::dto::admin::audit::{AuditRecordResponse, AuditResponse, AuditTopResponse};
use crate::transport::http::dto::admin::keys::{KeyChangeResponse, KeysResponse};
use crate::transport::http::dto::admin::services::ServicesResponse;
use crate::transport::http::dto::admin::sessions::{AdminSessionsResponse, EndedResponse};
use crate::transport::http::dto::admin::users::{LinkResponse, NewUserResponse, UserEntry, UsersResponse};
use crate::transport::http::problem::Refusal;
use crate::transport::status::Problem;

/// A question that the path alone asks.
async fn ask(state: &HttpState, request: Request<Body>, route: &'static str, question: Question) -> Response {
    let endpoint = state.endpoints.admin.ask.clone();
    operate_without_body(state, request, route, question, endpoint, |got| answered(got.outcome)).await
}

/// A question with a body.
async fn ask_with(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    decode: impl FnOnce(&[u8]) -> Result<Question, DecodeError>,
) -> Response {
    let endpoint = state.endpoints.admin.ask.clone();
    operate(state, request, route, decode, endpoint, |got| answered(got.outcome)).await
}

/// A change that method and path alone say.
async fn change(state: &HttpState, request: Request<Body>, route: &'static str, change: Change) -> Response {
    let endpoint = state.endpoints.admin.change.clone();
    let encode = |got: crate::endpoint::admin::ByAdministrator<Changed>| changed(state, got.outcome);
    operate_without_body(state, request, route, change, endpoint, encode).await
}

/// A change with a body.
async fn change_with(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    decode: impl FnOnce(&[u8]) -> Result<Change, DecodeError>,
) -> Response {
    let endpoint = state.endpoints.admin.change.clone();
    operate(state, request, route, decode, endpoint, |got| {
        changed(state, got.outcome)
    })
    .await
}

/// As [`ask`], about what the path names.
async fn ask_named<T: FromStr + ToString>(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    name: &str,
    question: impl FnOnce(T) -> Question,
) -> Response {
    match named(name) {
        Some(name) => ask(state, request, route, question(name)).await,
        None => nothing::<Question>(),
    }
}

/// As [`change`], of what the path names.
async fn change_named<T: FromStr + ToString>(
    state: &HttpState,
    request: Request<Body>,
    route: &'static str,
    name: &str,
    what: impl FnOnce(T) -> Change,
) -> Response {
    match named(name) {
        Some(name) => change(state, request, route, what(name)).await,
        None => nothing::<Change>(),
    }
}

/// What stands in a path, in its one spelling; anything else names nothing.
fn named<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|parsed: &T| parsed.to_string() == text)
}

/// A path that can name nothing.
fn nothing<T: Auditable>() -> Response {
    Refusal::new(Problem::NotFound, reasons::admin::NO_SUCH_TARGET)
        .of(T::ACTION)
        .into_response()
}

fn answered(answer: Answer) -> Response {
    match answer {
        Answer::Users { users, next } => json(&UsersResponse::new(&users, next.as_ref())),
        Answer::User(view) => user(StatusCode::OK, &view, json(&UserEntry::from(&view))),
        Answer::Sessions { sessions, next } => json(&AdminSessionsResponse::new(&sessions, next)),
        Answer::Services(services) => json(&ServicesResponse::new(&services)),
        Answer::Keys { tokens, feed } => json(&KeysResponse::new(&tokens, &feed)),
        Answer::Audit { rows, next } => json(&AuditResponse::new(&rows, next)),
        Answer::AuditRecord { row, intact } => json(&AuditRecordResponse::new(&row, intact)),
        Answer::AuditTop(report) => json(&AuditTopResponse::new(&report)),
    }
}

fn changed(state: &HttpState, changed: Changed) -> Response {
    let reset_url = state.reset_url.as_deref();
    match changed {
        Changed::UserAdded { user: view, link } => {
            let body = NewUserResponse {
                user: UserEntry::from(&view),
                link: link.as_ref().map(|link| LinkResponse::new(link, reset_url)),
            };
            let mut response = user(StatusCode::CREATED, &view, json(&body));
            let place = format!("/v1/admin/users/{}", view.record.unverified().id);
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(LOCATION, place);
            }
            response
        }
        Changed::User(view) => user(StatusCode::OK, &view, json(&UserEntry::from(&view))),
        Changed::Link(link) => json(&LinkResponse::new(&link, reset_url)),
        Changed::SessionsEnded(sessions_ended) => json(&EndedResponse { sessions_ended }),
        Changed::Key(Some(change)) => json(&KeyChangeResponse::new(&change)),
        Changed::UserDeleted(_) | Changed::SecondFactorReset(_) | Changed::Key(None) | Changed::Done => {
            (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response()
        }
    }
}

/// Adds which state of the account it is.
fn user(status: StatusCode, view: &UserView, mut response: Response) -> Response {
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.record.version().as_str())) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
