//! The middle ring: one `tower::Service` for each operation, wrapped in layers that every transport shares.
//!
//! ```text
//! login:           audit ▸ metrics ▸ deadline ▸ AuthService::authenticate
//! change_password: audit ▸ metrics ▸ deadline ▸ authenticate user ▸ AuthService::change_password
//! set_password:    audit ▸ metrics ▸ deadline ▸ AuthService::set_password_by_link
//! validate_token:  audit ▸ metrics ▸ deadline ▸ authorize ▸ AuthService::validate_token
//! admin:           audit ▸ metrics ▸ deadline ▸ authorize administrator ▸ Administration::ask, Administration::change
//! second_factor:   audit ▸ metrics ▸ deadline ▸ authenticate_user ▸ AuthService::begin_second_factor, …
//! ```
//!
//! From the outside in: the audit layer sees every outcome, a deadline's included; nothing is decided about a token
//! before the caller is known.

pub mod admin;
pub mod layer;
mod revocation_feed;
pub mod second_factor;
pub mod sessions;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::{Action, AuditSink, Where};
use authsvc_core::clock::Clock;
use authsvc_core::domain::{EmailAddress, ServiceIdentity};
use authsvc_core::service::administration::Administration;
use authsvc_core::service::{
    ActiveToken, Administrator, AuthService, CallContext, ChangePassword, Failure, FeedAnswer, FeedQuestion,
    IssuedToken, Login, PasswordSet, SetPassword, TokenQuestion,
};
use cryptokit::secret::SecretString;
use cryptokit::x509::PeerCertificate;
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, service_fn};

use crate::metrics::Metrics;
use admin::AdminEndpoints;
use layer::authenticate_user::{AuthenticateUserLayer, ByUser};
use layer::authorize::{AuthorizeAdminLayer, AuthorizeLayer, Authorized};
use layer::{AuditLayer, Concerns, DeadlineLayer, MetricsLayer};
use second_factor::SecondFactorEndpoints;
use sessions::SessionEndpoints;

/// An operation: a typed request in, a typed result out.
pub type Endpoint<Request, Response> = BoxCloneSyncService<Call<Request>, Response, Failure>;

/// A request on its way in.
#[derive(Clone, Debug)]
pub struct Call<Body> {
    /// Where it came from.
    pub meta: CallMeta,
    /// What is asked.
    pub body: Body,
}

/// What every operation knows of its request.
#[derive(Clone, Debug)]
pub struct CallMeta {
    /// Where it came from: the peer, or for whom a listed proxy says it asks.
    pub source: Option<IpAddr>,
    /// When the caller stops waiting, if it said so.
    pub deadline: Option<Instant>,
    /// The route's pattern.
    pub route: &'static str,
    /// The listener.
    pub listener: &'static str,
    /// The request's id.
    pub request_id: Arc<str>,
    /// What the TLS layer proved of the peer, if it was asked to.
    pub peer: Option<Arc<PeerCertificate>>,
    /// The bearer token (RFC 6750 §2.1), if one was sent.
    pub bearer: Option<Arc<SecretString>>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

impl CallMeta {
    /// For the use cases.
    pub fn context(&self) -> CallContext {
        CallContext {
            source: self.source,
            peer: self.peer.clone(),
            user_agent: self.user_agent.clone(),
        }
    }

    /// For an audit record, if one is to be made.
    fn origin(&self) -> Origin {
        Origin {
            source: self.source,
            route: self.route,
            listener: self.listener,
            request_id: Arc::clone(&self.request_id),
            peer: self.peer.clone(),
        }
    }
}

/// What an audit record says of where a request came from. Cheap to take along: most requests are never recorded.
struct Origin {
    source: Option<IpAddr>,
    route: &'static str,
    listener: &'static str,
    request_id: Arc<str>,
    peer: Option<Arc<PeerCertificate>>,
}

impl Origin {
    /// The first name of the peer's certificate, for the record only; nothing is decided by it.
    fn caller(&self) -> Option<ServiceIdentity> {
        self.peer
            .as_deref()
            .and_then(|peer| ServiceIdentity::all_of(peer).next())
    }

    fn to_where(&self) -> Where {
        Where {
            source: self.source,
            route: Some(self.route),
            listener: self.listener,
            request_id: Some(self.request_id.to_string()),
        }
    }
}

/// What an operation's audit record says about who asked, before anything is checked.
pub trait Auditable {
    /// The operation.
    const ACTION: Action;

    /// The address given, if the operation takes one.
    fn address(&self) -> Option<&EmailAddress> {
        None
    }
}

impl Auditable for Login {
    const ACTION: Action = Action::Login;

    fn address(&self) -> Option<&EmailAddress> {
        Some(&self.email)
    }
}

impl Auditable for TokenQuestion {
    const ACTION: Action = Action::ValidateToken;
}

impl Auditable for ChangePassword {
    const ACTION: Action = Action::ChangePassword;
}

impl Auditable for SetPassword {
    const ACTION: Action = Action::SetPassword;
}

/// Every operation, ready for any transport.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// `POST /v1/auth`
    pub login: Endpoint<Login, IssuedToken>,
    /// `POST /v1/me/password`
    pub change_password: Endpoint<ChangePassword, PasswordSet>,
    /// `POST /v1/password-reset`
    pub set_password: Endpoint<SetPassword, PasswordSet>,
    /// `POST /v1/validate-token`
    pub validate_token: Endpoint<TokenQuestion, ActiveToken>,
    /// `/v1/me/otp`
    pub second_factor: SecondFactorEndpoints,
    /// Refreshing, ending and revoking.
    pub sessions: SessionEndpoints,
    /// `GET /v1/revocations/…`
    pub revocation_feed: Endpoint<FeedQuestion, FeedAnswer>,
    /// `/v1/admin`
    pub admin: AdminEndpoints,
}

impl Endpoints {
    /// Wraps the use cases in their layers.
    pub fn new(
        service: &Arc<AuthService>,
        administration: &Arc<Administration>,
        audit: &Arc<dyn AuditSink>,
        clock: &Arc<dyn Clock>,
        metrics: &Metrics,
        deadline: Duration,
    ) -> Self {
        let login = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<Login>| {
                let service = Arc::clone(&service);
                async move { service.authenticate(call.body, &call.meta.context()).await }
            })
        };
        let change_password = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<ByUser<ChangePassword>>| {
                let service = Arc::clone(&service);
                async move {
                    let ByUser { user, request } = call.body;
                    service.change_password(&user, request, &call.meta.context()).await
                }
            })
        };
        let set_password = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<SetPassword>| {
                let service = Arc::clone(&service);
                async move { service.set_password_by_link(call.body).await }
            })
        };
        let validate_token = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<Authorized<TokenQuestion>>| {
                let service = Arc::clone(&service);
                async move { service.validate_token(&call.body.caller, &call.body.request).await }
            })
        };
        let wrap = Wrap {
            service: Arc::clone(service),
            audit: AuditLayer::new(Arc::clone(audit), Arc::clone(clock)),
            metrics: MetricsLayer::new(metrics.clone()),
            deadline: DeadlineLayer::new(deadline),
        };
        Self {
            login: wrap.by_anybody(login),
            change_password: wrap.by_user(change_password),
            set_password: wrap.by_anybody(set_password),
            validate_token: wrap.by_service(validate_token),
            second_factor: SecondFactorEndpoints::new(service, &wrap),
            sessions: SessionEndpoints::new(service, &wrap),
            revocation_feed: revocation_feed::endpoint(service, &wrap),
            admin: AdminEndpoints::new(administration, &wrap),
        }
    }
}

/// What operations are wrapped in, by who may ask for them.
struct Wrap {
    service: Arc<AuthService>,
    audit: AuditLayer,
    metrics: MetricsLayer,
    deadline: DeadlineLayer,
}

impl Wrap {
    /// For anybody.
    fn by_anybody<S, Body, Response>(&self, operation: S) -> Endpoint<Body, Response>
    where
        S: Operation<Body, Response>,
        Body: Auditable + Send + 'static,
        Response: Concerns + Send + 'static,
    {
        BoxCloneSyncService::new(
            ServiceBuilder::new()
                .layer(self.audit.clone())
                .layer(self.metrics.clone())
                .layer(self.deadline)
                .service(operation),
        )
    }

    /// For registered services.
    fn by_service<S, Body, Response>(&self, operation: S) -> Endpoint<Body, Response>
    where
        S: Operation<Authorized<Body>, Response>,
        Body: Auditable + Send + 'static,
        Response: Concerns + Send + 'static,
    {
        BoxCloneSyncService::new(
            ServiceBuilder::new()
                .layer(self.audit.clone())
                .layer(self.metrics.clone())
                .layer(self.deadline)
                .layer(AuthorizeLayer::new(Arc::clone(&self.service)))
                .service(operation),
        )
    }

    /// For registered services that administer.
    fn by_administrator<S, Body, Response>(&self, operation: S) -> Endpoint<Body, Response>
    where
        S: Operation<Authorized<Body, Administrator>, Response>,
        Body: Auditable + Send + 'static,
        Response: Concerns + Send + 'static,
    {
        BoxCloneSyncService::new(
            ServiceBuilder::new()
                .layer(self.audit.clone())
                .layer(self.metrics.clone())
                .layer(self.deadline)
                .layer(AuthorizeAdminLayer::new(Arc::clone(&self.service)))
                .service(operation),
        )
    }

    /// For the owners of accounts.
    fn by_user<S, Body, Response>(&self, operation: S) -> Endpoint<Body, Response>
    where
        S: Operation<ByUser<Body>, Response>,
        Body: Auditable + Send + 'static,
        Response: Concerns + Send + 'static,
    {
        BoxCloneSyncService::new(
            ServiceBuilder::new()
                .layer(self.audit.clone())
                .layer(self.metrics.clone())
                .layer(self.deadline)
                .layer(AuthenticateUserLayer::new(Arc::clone(&self.service)))
                .service(operation),
        )
    }
}

/// A use case as a service.
trait Operation<Body, Response>:
    Service<Call<Body>, Response = Response, Error = Failure, Future: Send + 'static> + Clone + Send + Sync + 'static
{
}

impl<S, Body, Response> Operation<Body, Response> for S where
    S: Service<Call<Body>, Response = Response, Error = Failure, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
