//! Which handlers are served on which listener, and described.

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::HttpMethod;
use utoipa_axum::PathItemExt;
use utoipa_axum::router::OpenApiRouter;

use super::handlers::admin::{audit, keys, services, sessions as admin_sessions, users};
use super::handlers::{discovery, login, password, revocation_feed, second_factor, sessions, validate_token};
use super::{Shared, metadata};

/// Makes two functions of one list, so that no route can be served and left out of the description: what puts the
/// handlers into a router, and what describes them. Path and methods are those of the handlers' annotations. `@path` is
/// an inner arm of `utoipa_axum::routes`, which names the types that the annotations make; should another version lack it, this
/// does not compile.
macro_rules! routes {
    ($(#[$doc:meta])* $serve:ident, $describe:ident: $($($part:ident)::+),+ $(,)?) => {
        $(#[$doc])*
        pub(super) fn $serve(router: Router<Shared>) -> Router<Shared> {
            $(
                let path = utoipa_axum::routes!(@path [path()] of $($part)::+);
                let methods = utoipa_axum::routes!(@path [methods()] of $($part)::+);
                let router = serve(router, &path, &methods, $($part)::+);
            )+
            router
        }

        /// The same for the description.
        pub(super) fn $describe(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
            router$(.routes(utoipa_axum::routes!($($part)::+)))+
        }
    };
}

routes! {
    /// What anyone may ask.
    serve_public, describe_public:
        discovery::alive,
        login::login,
        second_factor::begin_otp,
        second_factor::confirm_otp,
        second_factor::disable_otp,
        second_factor::renew_recovery_codes,
        password::change_password,
        password::set_password,
        sessions::refresh,
        sessions::logout,
        sessions::list,
        sessions::end_all,
        sessions::end_one,
        discovery::jwks,
        metadata::metadata,
        metadata::metadata_v1,
        discovery::openapi,
}

routes! {
    /// What registered services may ask.
    serve_services, describe_services:
        validate_token::validate_token,
        sessions::revoke,
        revocation_feed::keys,
        revocation_feed::snapshot,
        revocation_feed::delta,
}

routes! {
    /// What administrators may ask.
    serve_administrators, describe_administrators:
        users::add,
        users::search,
        users::show,
        users::set,
        users::delete,
        users::disable,
        users::enable,
        users::unlock,
        users::reset_link,
        users::reset_otp,
        admin_sessions::of_user,
        admin_sessions::end_of_user,
        admin_sessions::search,
        admin_sessions::end,
        admin_sessions::revoke,
        services::list,
        services::add,
        services::remove,
        services::add_identity,
        services::remove_identity,
        keys::list,
        keys::rotate,
        keys::prune,
        keys::promote,
        keys::revoke,
        keys::rotate_feed,
        keys::revoke_feed,
        audit::search,
        audit::top,
        audit::record,
}

fn serve<H, T>(router: Router<Shared>, path: &str, methods: &[HttpMethod], handler: H) -> Router<Shared>
where
    H: Handler<T, Shared>,
    T: 'static,
{
    let served = methods.iter().fold(MethodRouter::new(), |served, method| {
        served.on(method.to_method_filter(), handler.clone())
    });
    router.route(path, served)
}
