//! Problem documents (RFC 9457).

use std::collections::BTreeMap;
use std::time::Duration;

use authsvc_core::audit::{Action, Reason, RecordId, Who};
use authsvc_core::service::{Failure, FieldError};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::transport::status::{Problem, TYPE_PREFIX};

/// The document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument {
    /// What kind of problem it is; stable.
    #[serde(rename = "type")]
    #[schema(example = "urn:authsvc:problem:invalid-credentials")]
    kind: String,
    /// What the kind is called.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What it means, for people.
    detail: &'static str,
    /// The opaque id under which the operator finds the cause.
    id: String,
    /// Every field that cannot be accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField>,
}

/// A field that cannot be accepted.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemField {
    /// Its name; `*` stands for unknown fields.
    field: &'static str,
    /// What is expected.
    message: &'static str,
}

/// What can be wrong with any request that has a body, for the API description.
pub(super) struct PostProblems;

impl IntoResponses for PostProblems {
    fn responses() -> BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        let mut responses = BTreeMap::new();
        for problem in [
            Problem::MalformedRequest,
            Problem::NotAcceptable,
            Problem::RequestTimeout,
            Problem::BodyTooLarge,
            Problem::UnsupportedMediaType,
            Problem::ValidationFailed,
            Problem::TooManyRequests,
            Problem::Internal,
            Problem::Overloaded,
        ] {
            let entry = problem.entry();
            let response = problem_response(entry.title);
            responses.insert(entry.status.as_str().to_owned(), response.into());
        }
        responses
    }
}

/// What can be wrong with any request to the administrators' interface, for the API description.
pub(super) struct AdminProblems;

impl IntoResponses for AdminProblems {
    fn responses() -> BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        let mut responses = PostProblems::responses();
        let forbidden = problem_response("The caller is no administrator");
        responses.insert(StatusCode::FORBIDDEN.as_str().to_owned(), forbidden.into());
        responses
    }
}

fn problem_response(description: &str) -> utoipa::openapi::Response {
    let schema = utoipa::openapi::Ref::from_schema_name("Problem");
    let content = utoipa::openapi::ContentBuilder::new().schema(Some(schema)).build();
    utoipa::openapi::ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

/// A request that is refused before it becomes an operation. The outermost layer records it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    problem: Problem,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    pub(super) id: RecordId,
    pub(super) reason: Reason,
    pub(super) who: Who,
    pub(super) action: Action,
}

impl Refusal {
    pub(super) fn new(problem: Problem, reason: impl Into<Reason>) -> Self {
        Self {
            problem,
            fields: Vec::new(),
            retry_after: None,
            id: RecordId::generate(),
            reason: reason.into(),
            who: Who::default(),
            action: Action::Request,
        }
    }

    pub(super) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }

    pub(super) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(super) fn with_who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub(super) fn of(mut self, action: Action) -> Self {
        self.action = action;
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = respond(self.problem, self.id, &self.fields, self.retry_after);
        response.extensions_mut().insert(self);
        response
    }
}

/// An operation's failure, which its audit layer has recorded.
pub(super) fn failure(failure: &Failure) -> Response {
    respond(failure.code.into(), failure.id, &failure.fields, failure.retry_after)
}

fn respond(problem: Problem, id: RecordId, fields: &[FieldError], retry_after: Option<Duration>) -> Response {
    let entry = problem.entry();
    let document = ProblemDocument {
        kind: format!("{TYPE_PREFIX}{}", entry.slug),
        title: entry.title,
        status: entry.status.as_u16(),
        detail: entry.detail,
        id: id.to_string(),
        errors: fields
            .iter()
            .map(|error| ProblemField {
                field: error.field,
                message: error.message,
            })
            .collect(),
    };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = (entry.status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    match problem {
        // RFC 9110 §15.5.2: a 401 names a scheme. RFC 6750 §3.1 names the error.
        Problem::InvalidCredentials | Problem::OtpRequired | Problem::InvalidOtp => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"authsvc\""));
        }
        Problem::InvalidToken => {
            let value = HeaderValue::from_static("Bearer realm=\"authsvc\", error=\"invalid_token\"");
            headers.insert(WWW_AUTHENTICATE, value);
        }
        Problem::InsufficientScope => {
            let value = HeaderValue::from_static("Bearer realm=\"authsvc\", error=\"insufficient_scope\"");
            headers.insert(WWW_AUTHENTICATE, value);
        }
        Problem::TooManyRequests | Problem::Overloaded | Problem::Unavailable | Problem::DeadlineExceeded => {
            let seconds = retry_after.map_or(1, |wait| wait.as_secs().max(1));
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The body was not read to its end; the connection cannot be used again.
        Problem::RequestTimeout | Problem::BodyTooLarge => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}
