//! Health, readiness and metrics, on a listener of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authsvc_core::clock::Clock;
use authsvc_core::service::AuthService;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use time::OffsetDateTime;

use crate::metrics::Metrics;

/// What readiness looks at.
#[derive(Clone)]
pub struct OpsState {
    /// For its store.
    pub service: Arc<AuthService>,
    /// Counters.
    pub metrics: Metrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the first of the listeners' certificates ends.
    pub certificates_end: OffsetDateTime,
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
        Ok(()) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    let certificates = if state.clock.now() < state.certificates_end {
        Ok(())
    } else {
        Err(format!("a certificate ended at {}", state.certificates_end))
    };
    let accepting = if state.draining.load(Ordering::Relaxed) {
        Err("shutting down".to_owned())
    } else {
        Ok(())
    };
    let checks = [
        ("database", database),
        ("certificates", certificates),
        ("accepting", accepting),
    ];
    let ready = checks.iter().all(|(_, result)| result.is_ok());
    let details: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, result)| {
            let detail = match result {
                Ok(()) => json!({ "status": "ok" }),
                Err(detail) => json!({ "status": "failed", "detail": detail }),
            };
            (name.to_owned(), detail)
        })
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

async fn metrics(State(state): State<OpsState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], state.metrics.render()).into_response()
}
