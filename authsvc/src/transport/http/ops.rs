//! Health, readiness and metrics, on a listener of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authsvc_core::clock::Clock;
use authsvc_core::service::{AuthService, FEED_HEARTBEAT, MAX_REVOCATION_AGE};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::metrics::Metrics;
use crate::reload::Reloader;
use crate::transport::live_tls::{Ends, LiveTls};

/// What readiness looks at.
#[derive(Clone)]
pub struct OpsState {
    /// For its store.
    pub service: Arc<AuthService>,
    /// Counters.
    pub metrics: Metrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For the ends of certificates and revocation lists.
    pub tls: Arc<LiveTls>,
    /// For files that changed and cannot be used.
    pub reloader: Reloader,
    /// Set once the process is on its way out.
    pub draining: Arc<AtomicBool>,
}

impl std::fmt::Debug for OpsState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpsState")
    }
}

/// The routes of the ops listener.
pub fn ops_router(state: OpsState) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "OK" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .layer(axum::middleware::map_response(secure))
        .with_state(state)
}

async fn secure(mut response: Response) -> Response {
    super::observe::add_security_headers(response.headers_mut());
    response
}

/// 200 when requests can be served, else 503; either way what each check found.
async fn readyz(State(state): State<OpsState>) -> Response {
    let database = match state.service.store().ping().await {
        Ok(()) => Check::Ok,
        Err(error) => Check::Failed(error.to_string()),
    };
    let accepting = if state.draining.load(Ordering::Relaxed) {
        Check::Failed("shutting down".to_owned())
    } else {
        Check::Ok
    };
    let (now, ends) = (state.clock.now(), state.tls.ends());
    let mut checks = vec![
        ("database", database),
        ("certificates", certificates(&ends, now)),
        ("accepting", accepting),
    ];
    checks.extend(revocations(&state.service, now).map(|detail| ("revocations", Check::Warning(detail))));
    checks.extend(
        ends.revocation_lists
            .map(|end| ("revocation_lists", revocation_lists(end, now))),
    );
    checks.extend(state.reloader.failure().map(|detail| ("files", Check::Warning(detail))));
    let ready = !checks.iter().any(|(_, check)| matches!(check, Check::Failed(_)));
    let details: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, check)| (name.to_owned(), check.json()))
        .collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({ "status": if ready { "ok" } else { "failed" }, "checks": details })),
    )
        .into_response()
}

/// What a check found.
enum Check {
    Ok,
    /// Good for so many days.
    Until(i64),
    /// To be seen to, and no reason to send requests elsewhere.
    Warning(String),
    Failed(String),
}

impl Check {
    fn json(self) -> Value {
        match self {
            Self::Ok => json!({ "status": "ok" }),
            Self::Until(days) => json!({ "status": "ok", "days_left": days }),
            Self::Warning(detail) => json!({ "status": "warning", "detail": detail }),
            Self::Failed(detail) => json!({ "status": "failed", "detail": detail }),
        }
    }
}

fn certificates(ends: &Ends, now: OffsetDateTime) -> Check {
    let end = ends.public_certificate.min(ends.internal_certificate);
    let days = (end - now).whole_days();
    if now > end {
        Check::Failed(format!("a certificate ended at {end}"))
    } else if now >= ends.renewal_due {
        Check::Warning(format!("a certificate ends in {days} days"))
    } else {
        Check::Until(days)
    }
}

/// What is wrong with what is known, or published, of revocations. Logins go on all the same.
fn revocations(service: &AuthService, now: OffsetDateTime) -> Option<String> {
    let as_of = service.sessions().revocations_as_of();
    if as_of.is_none_or(|as_of| (now - as_of).abs() > MAX_REVOCATION_AGE) {
        return Some("what is revoked is not known: no token is called good".to_owned());
    }
    let seen = service.feed().seen()?;
    let issued_at = i64::try_from(seen.issued_at).unwrap_or(i64::MAX);
    let age = now.unix_timestamp().saturating_sub(issued_at);
    let late = i64::try_from(3 * FEED_HEARTBEAT.as_secs()).unwrap_or(i64::MAX);
    (age > late).then(|| format!("nothing has been published to the feed of revocations for {age} seconds"))
}

/// Without a current list no client of its CA is let in. The public listener goes on, so this is no reason to send
/// logins elsewhere.
fn revocation_lists(end: OffsetDateTime, now: OffsetDateTime) -> Check {
    if now > end {
        Check::Warning(format!(
            "a revocation list ended at {end}: its CA's clients are refused"
        ))
    } else {
        Check::Until((end - now).whole_days())
    }
}

async fn metrics(State(state): State<OpsState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], state.metrics.render()).into_response()
}
