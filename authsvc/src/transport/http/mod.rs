//! HTTP: routes, bodies in, answers out.

mod body;
mod description;
mod dto;
pub mod forwarded;
mod handlers;
pub mod inherited_deadline;
mod json_object;
mod metadata;
mod observe;
pub mod ops;
mod problem;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::AuditSink;
use authsvc_core::clock::Clock;
use authsvc_core::service::AuthService;
use axum::Router;

pub use description::{generate_openapi, openapi_json};
pub use dto::{
    DecodeError, LoginRequest, admin as admin_requests, decode_begin_otp, decode_change_password, decode_confirm_otp,
    decode_disable_otp, decode_login, decode_logout, decode_refresh, decode_revoke, decode_set_password,
    decode_validate_token,
};
pub use metadata::Metadata;

use crate::endpoint::Endpoints;
use crate::metrics::Metrics;
use crate::request_rate::RequestRates;
use forwarded::TrustedProxies;

/// What the routes of a listener share.
pub struct HttpState {
    /// The operations.
    pub endpoints: Arc<Endpoints>,
    /// For the key set.
    pub service: Arc<AuthService>,
    /// Where refusals are recorded that never became an operation.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Metrics,
    /// Whose word about a request's source is taken.
    pub proxies: Arc<TrustedProxies>,
    /// How fast one may ask.
    pub rates: Arc<RequestRates>,
    /// Where owners of accounts set their passwords with a link's token, if there is such a page.
    pub reset_url: Option<Arc<str>>,
    /// Largest body in bytes.
    pub max_body_bytes: usize,
    /// For a request's body to arrive.
    pub body_timeout: Duration,
    /// Which listener the routes are on.
    pub listener: &'static str,
}

/// As each request has it, which clones it some times.
type Shared = Arc<HttpState>;

impl std::fmt::Debug for HttpState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpState")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// Patterns of all routes, so that records and metrics never carry a path as it was sent.
pub const ROUTES: [&str; 46] = [
    "/",
    "/v1/auth",
    "/v1/refresh",
    "/v1/logout",
    "/v1/me/sessions",
    "/v1/me/sessions/{id}",
    "/v1/revoke",
    "/v1/revocations/keys",
    "/v1/revocations/snapshot",
    "/v1/revocations/{feed}/{number}",
    "/v1/me/password",
    "/v1/password-reset",
    "/v1/validate-token",
    "/v1/me/otp",
    "/v1/me/otp/confirm",
    "/v1/me/otp/disable",
    "/v1/me/otp/recovery-codes",
    "/v1/admin/users",
    "/v1/admin/users/search",
    "/v1/admin/users/{id}",
    "/v1/admin/users/{id}/disable",
    "/v1/admin/users/{id}/enable",
    "/v1/admin/users/{id}/unlock",
    "/v1/admin/users/{id}/reset-link",
    "/v1/admin/users/{id}/otp",
    "/v1/admin/users/{id}/sessions",
    "/v1/admin/sessions/search",
    "/v1/admin/sessions/{id}",
    "/v1/admin/revocations",
    "/v1/admin/services",
    "/v1/admin/services/{name}",
    "/v1/admin/services/{name}/identities",
    "/v1/admin/services/{name}/identities/remove",
    "/v1/admin/keys",
    "/v1/admin/keys/prune",
    "/v1/admin/keys/{kid}/promote",
    "/v1/admin/keys/{kid}/revoke",
    "/v1/admin/feed-keys",
    "/v1/admin/feed-keys/revoke",
    "/v1/admin/audit/search",
    "/v1/admin/audit/top",
    "/v1/admin/audit/records/{id}",
    "/.well-known/jwks.json",
    "/metadata",
    "/v1/metadata",
    "/openapi.json",
];

/// The routes of the public listener.
pub fn public_router(state: HttpState) -> Router {
    finish(routes::serve_public(Router::new()), Arc::new(state))
}

/// The routes of the internal listener: the public ones and those for registered services.
pub fn internal_router(state: HttpState) -> Router {
    let routes = routes::serve_public(Router::new());
    let routes = routes::serve_services(routes);
    finish(routes::serve_administrators(routes), Arc::new(state))
}

fn finish(routes: Router<Shared>, state: Shared) -> Router {
    routes
        .fallback(handlers::not_found)
        .method_not_allowed_fallback(handlers::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&state),
            observe::observe,
        ))
        .with_state(state)
}
