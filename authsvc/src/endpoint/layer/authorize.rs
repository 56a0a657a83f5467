//! Who calls is settled before what is asked is looked at.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use authsvc_core::audit::reasons;
use authsvc_core::service::{Administrator, AuthService, AuthorizedCaller, ErrorCode, Failure};
use cryptokit::x509::PeerCertificate;
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::Call;

/// A request together with the proof of who makes it.
#[derive(Debug)]
pub struct Authorized<Body, Proof = AuthorizedCaller> {
    /// Who asks.
    pub caller: Proof,
    /// What is asked.
    pub request: Body,
}

/// Lets registered services through, or of those only the ones that `P` is a proof of.
pub struct AuthorizeLayer<P = AuthorizedCaller> {
    service: Arc<AuthService>,
    proof: PhantomData<fn() -> P>,
}

/// Lets administrators through.
pub type AuthorizeAdminLayer = AuthorizeLayer<Administrator>;

/// What a caller's certificate can prove about it.
pub trait CallerProof: Sized + Send + 'static {
    /// Looks the caller up.
    fn of(service: &AuthService, peer: &PeerCertificate) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// The registered service.
    fn caller(&self) -> &AuthorizedCaller;
}

impl CallerProof for AuthorizedCaller {
    async fn of(service: &AuthService, peer: &PeerCertificate) -> Result<Self, Failure> {
        service.authorize_recent_caller(peer).await
    }

    fn caller(&self) -> &AuthorizedCaller {
        self
    }
}

impl CallerProof for Administrator {
    async fn of(service: &AuthService, peer: &PeerCertificate) -> Result<Self, Failure> {
        service.authorize_admin(peer).await
    }

    fn caller(&self) -> &AuthorizedCaller {
        Self::caller(self)
    }
}

impl<P> AuthorizeLayer<P> {
    /// Asks `service` who is registered.
    pub fn new(service: Arc<AuthService>) -> Self {
        Self {
            service,
            proof: PhantomData,
        }
    }
}

impl<P> Clone for AuthorizeLayer<P> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.service))
    }
}

impl<P> fmt::Debug for AuthorizeLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizeLayer")
    }
}

impl<S, P> Layer<S> for AuthorizeLayer<P> {
    type Service = Authorize<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorize {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that only those reach whom `P` is a proof of.
pub struct Authorize<S, P = AuthorizedCaller> {
    inner: S,
    layer: AuthorizeLayer<P>,
}

impl<S: Clone, P> Clone for Authorize<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S, P> fmt::Debug for Authorize<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}

impl<S, P, Body> Service<Call<Body>> for Authorize<S, P>
where
    S: Service<Call<Authorized<Body, P>>, Error = Failure, Future: Send> + Clone + Send + 'static,
    P: CallerProof,
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
        let service = Arc::clone(&self.layer.service);
        Box::pin(async move {
            let peer = call.meta.peer.clone().ok_or_else(no_certificate)?;
            let proof = P::of(&service, &peer).await?;
            let name = proof.caller().name().clone();
            let request = Authorized {
                caller: proof,
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
