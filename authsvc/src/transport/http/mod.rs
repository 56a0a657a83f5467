//! HTTP: routes, bodies in, answers out.

mod body;
mod dto;
pub mod forwarded;
mod handlers;
pub mod inherited_deadline;
mod json_object;
mod metadata;
mod observe;
pub mod ops;
mod problem;

use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::AuditSink;
use authsvc_core::clock::Clock;
use authsvc_core::service::AuthService;
use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
pub const ROUTES: [&str; 44] = [
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
    "/v1/admin/audit/search",
    "/v1/admin/audit/top",
    "/v1/admin/audit/records/{id}",
    "/.well-known/jwks.json",
    "/metadata",
    "/v1/metadata",
    "/openapi.json",
];

#[derive(OpenApi)]
#[openapi(info(
    title = "authsvc",
    description = "Checks passwords, issues RS256 access tokens (RFC 9068), and tells registered services over mTLS \
                   whether a token is good. Errors are problem documents (RFC 9457). Unknown request fields are \
                   refused; clients must ignore unknown response fields.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
))]
struct Description;

/// The routes of the public listener.
pub fn public_router(state: HttpState) -> Router {
    finish(public_routes(), Arc::new(state))
}

/// The routes of the internal listener: the public ones and those for registered services.
pub fn internal_router(state: HttpState) -> Router {
    finish(internal_routes(), Arc::new(state))
}

/// The API description of everything that is served, as it is committed and reviewed.
///
/// # Panics
///
/// Never: the document is plain data.
pub fn openapi_json() -> String {
    let document = internal_routes().into_openapi();
    let mut text = document.to_pretty_json().expect("an OpenAPI document is plain data");
    text.push('\n');
    text
}

fn public_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(handlers::discovery::alive))
        .routes(routes!(handlers::login::login))
        .routes(routes!(handlers::second_factor::begin_otp))
        .routes(routes!(handlers::second_factor::confirm_otp))
        .routes(routes!(handlers::second_factor::disable_otp))
        .routes(routes!(handlers::second_factor::renew_recovery_codes))
        .routes(routes!(handlers::password::change_password))
        .routes(routes!(handlers::password::set_password))
        .routes(routes!(handlers::sessions::refresh))
        .routes(routes!(handlers::sessions::logout))
        .routes(routes!(handlers::sessions::list, handlers::sessions::end_all))
        .routes(routes!(handlers::sessions::end_one))
        .routes(routes!(handlers::discovery::jwks))
        .routes(routes!(metadata::metadata))
        .routes(routes!(metadata::metadata_v1))
        .routes(routes!(handlers::discovery::openapi))
}

fn internal_routes() -> OpenApiRouter<Shared> {
    public_routes()
        .routes(routes!(handlers::validate_token::validate_token))
        .routes(routes!(handlers::sessions::revoke))
        .routes(routes!(handlers::revocation_feed::keys))
        .routes(routes!(handlers::revocation_feed::snapshot))
        .routes(routes!(handlers::revocation_feed::delta))
        .merge(admin_routes())
}

fn admin_routes() -> OpenApiRouter<Shared> {
    use handlers::admin::{audit, keys, services, sessions, users};
    OpenApiRouter::new()
        .routes(routes!(users::add))
        .routes(routes!(users::search))
        .routes(routes!(users::show, users::set, users::delete))
        .routes(routes!(users::disable))
        .routes(routes!(users::enable))
        .routes(routes!(users::unlock))
        .routes(routes!(users::reset_link))
        .routes(routes!(users::reset_otp))
        .routes(routes!(sessions::of_user, sessions::end_of_user))
        .routes(routes!(sessions::search))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::revoke))
        .routes(routes!(services::list, services::add))
        .routes(routes!(services::remove))
        .routes(routes!(services::add_identity))
        .routes(routes!(services::remove_identity))
        .routes(routes!(keys::list, keys::rotate))
        .routes(routes!(keys::prune))
        .routes(routes!(keys::promote))
        .routes(routes!(keys::revoke))
        .routes(routes!(audit::search))
        .routes(routes!(audit::top))
        .routes(routes!(audit::record))
}

fn finish(routes: OpenApiRouter<Shared>, state: Shared) -> Router {
    let (router, _) = routes.split_for_parts();
    router
        .fallback(handlers::not_found)
        .method_not_allowed_fallback(handlers::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&state),
            observe::observe,
        ))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_api_description_is_the_one_the_code_gives() {
        let committed = include_str!("../../../openapi.json");
        let generated = openapi_json();
        assert!(
            committed == generated,
            "authsvc/openapi.json is out of date; `cargo run -p authsvc -- openapi > authsvc/openapi.json` renews it"
        );
    }

    #[test]
    fn every_route_is_named_in_the_closed_list_and_follows_the_naming_rule() {
        let document = internal_routes().into_openapi();
        let mut paths: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        let mut listed = ROUTES;
        paths.sort_unstable();
        listed.sort_unstable();
        assert_eq!(paths, listed);
        for path in paths.into_iter().filter(|path| *path != "/") {
            assert!(
                !path.ends_with('/') && !path.contains('_') && path.to_ascii_lowercase() == path,
                "{path}"
            );
        }
    }
}
