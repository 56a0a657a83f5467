//! Who calls is settled before what is asked is looked at.

use std::sync::Arc;
use std::task::{Context, Poll};

use authsvc_core::audit::reasons;
use authsvc_core::service::{AuthService, AuthorizedCaller, ErrorCode, Failure};
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::Call;

/// A request together with the proof of who makes it.
#[derive(Debug)]
pub struct Authorized<Body> {
    /// Who asks.
    pub caller: AuthorizedCaller,
    /// What is asked.
    pub request: Body,
}

/// Lets registered services through.
#[derive(Clone, Debug)]
pub struct AuthorizeLayer {
    service: Arc<AuthService>,
}

impl AuthorizeLayer {
    /// Asks `service` who is registered.
    pub fn new(service: Arc<AuthService>) -> Self {
        Self { service }
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorize {
            inner,
            service: Arc::clone(&self.service),
        }
    }
}

/// A service that only registered services reach.
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    inner: S,
    service: Arc<AuthService>,
}

impl<S, Body> Service<Call<Body>> for Authorize<S>
where
    S: Service<Call<Authorized<Body>>, Error = Failure, Future: Send> + Clone + Send + 'static,
    Body: Send + 'static,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<S::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call<Body>) -> Self::Future {
        let clone = self.inner.clone();
        // The clone may not be ready; the one that was polled is.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let service = Arc::clone(&self.service);
        Box::pin(async move {
            let peer = call.meta.peer.clone().ok_or_else(no_certificate)?;
            let caller = service.authorize_caller(&peer).await?;
            let name = caller.name().clone();
            let request = Authorized {
                caller,
                request: call.body,
            };
            inner
                .call(Call {
                    meta: call.meta,
                    body: request,
                })
                .await
                .map_err(|failure| failure.with_service(&name))
        })
    }
}

/// The internal listener does not let such a connection happen; an operation wired to another one must refuse.
fn no_certificate() -> Failure {
    Failure::new(ErrorCode::CallerNotAllowed, reasons::caller::UNREGISTERED)
}
