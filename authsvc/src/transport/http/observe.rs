//! The outermost layer: request id, panics, records of refusals, security headers, counters.

use std::any::Any;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use authsvc_core::audit::{AuditRecord, Outcome, Reason, RecordId, Where, Who, reasons};
use authsvc_core::domain::ServiceIdentity;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Version};

use super::problem::Refusal;
use super::{HttpState, ROUTES, Shared, inherited_deadline};
use crate::transport::listener::Connection;
use crate::transport::status::Problem;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a client.
const MAX_REQUEST_ID_LEN: usize = 64;
/// What stands for a route that does not exist, in metrics.
const NO_ROUTE: &str = "none";

/// What handlers learn of their request, beside its content.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) request_id: Arc<str>,
    pub(super) route: Option<&'static str>,
    /// Where it came from, by all that can be believed.
    pub(super) source: Option<IpAddr>,
    /// When the caller stops waiting, if it said so and is one whose word is taken.
    pub(super) deadline: Option<tokio::time::Instant>,
}

pub(super) async fn observe(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| known_route(path.as_str()));
    let connection = request.extensions().get::<Connection>().cloned();
    let version = request.version();
    let headers = request.headers();
    let source = connection
        .as_ref()
        .map(|connection| state.proxies.source(connection.remote.ip(), headers));
    let deadline = connection
        .as_ref()
        .filter(|connection| connection.peer.is_some() || state.proxies.contains(connection.remote.ip()))
        .and_then(|_| inherited_deadline::timeout(headers))
        .and_then(|timeout| tokio::time::Instant::now().checked_add(timeout));
    request.extensions_mut().insert(Observed {
        request_id: Arc::clone(&request_id),
        route,
        source,
        deadline,
    });

    let outcome = match refuse_too_fast(&state, connection.as_ref(), source) {
        None => AssertUnwindSafe(next.run(request)).catch_unwind().await,
        Some(refusal) => Ok(refusal.into_response()),
    };
    let mut response = outcome.unwrap_or_else(|panic| {
        state.metrics.count_panic();
        let detail = format!("a handler panicked: {}", panic_text(panic.as_ref()));
        Refusal::new(Problem::Internal, Reason::new(reasons::system::INTERNAL, detail)).into_response()
    });

    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let place = Where {
            source,
            route,
            listener: state.listener,
            request_id: Some(request_id.to_string()),
        };
        record(&state, refusal, place, connection.as_ref());
    }
    add_headers(&mut response, &request_id, version);
    let status = response.status().as_u16();
    let took = started.elapsed();
    state
        .metrics
        .count_request(state.listener, route.unwrap_or(NO_ROUTE), status, took);
    tracing::debug!(
        listener = state.listener,
        route = route.unwrap_or(NO_ROUTE),
        status,
        request_id = &*request_id,
        milliseconds = took.as_secs_f64() * 1000.0,
        "answered"
    );
    response
}

/// Counts the request against its rate, before anything of it is read; a refusal where it is one too many.
fn refuse_too_fast(state: &HttpState, connection: Option<&Connection>, source: Option<IpAddr>) -> Option<Refusal> {
    let peer = connection
        .and_then(|connection| connection.peer.as_deref())
        .filter(|peer| !peer.subject_alternative_names().is_empty());
    let counted = match (peer, source) {
        (Some(peer), _) => state.rates.count_caller(peer),
        (None, Some(source)) => state.rates.count_source(source.into()),
        (None, None) => Ok(()),
    };
    let too_fast = counted.err()?;
    let refusal = Refusal::new(Problem::TooManyRequests, reasons::defence::REQUEST_RATE);
    Some(refusal.with_retry_after(too_fast.retry_after))
}

fn record(state: &HttpState, refusal: Refusal, place: Where, connection: Option<&Connection>) {
    let caller = connection
        .and_then(|connection| connection.peer.as_deref())
        .and_then(|peer| ServiceIdentity::all_of(peer).next());
    state.audit.record(&AuditRecord {
        id: refusal.id,
        time: state.clock.now(),
        who: Who { caller, ..refusal.who },
        what: refusal.action,
        r#where: place,
        outcome: Outcome::Failure(refusal.reason),
    });
}

/// The client's id if it is harmless, else a fresh one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_harmless(id) => id.into(),
        _ => RecordId::generate().to_string().into(),
    }
}

fn is_harmless(id: &str) -> bool {
    (1..=MAX_REQUEST_ID_LEN).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn known_route(pattern: &str) -> Option<&'static str> {
    ROUTES.into_iter().find(|route| *route == pattern)
}

/// A panic's text is this program's own, not a client's.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

pub(super) fn add_security_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

fn add_headers(response: &mut Response<Body>, request_id: &str, version: Version) {
    let headers = response.headers_mut();
    if version == Version::HTTP_2 {
        // RFC 9113 §8.2.2: connection-specific fields do not exist there.
        headers.remove(header::CONNECTION);
    }
    add_security_headers(headers);
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_request_ids_are_replaced() {
        let with = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            request_id(&headers)
        };
        assert_eq!(
            &*with(b"f058ebd6-02f7-4d3f-942e-904344e8cdef"),
            "f058ebd6-02f7-4d3f-942e-904344e8cdef"
        );
        for hostile in [&b""[..], b"a b", b"a\"b", b"\xff", b"a,b", b"{}", &[b'x'; 65]] {
            let id = with(hostile);
            assert_eq!(id.len(), 36, "{hostile:?}");
            assert!(is_harmless(&id));
        }
    }
}
