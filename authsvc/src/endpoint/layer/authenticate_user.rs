//! Whose account a request is about is settled by its bearer token, before what is asked is looked at.

use std::sync::Arc;
use std::task::{Context, Poll};

use authsvc_core::audit::reasons;
use authsvc_core::service::{AuthService, AuthenticatedUser, ErrorCode, Failure};
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::Call;

/// A request together with the proof of whose account makes it.
#[derive(Debug)]
pub struct ByUser<Body> {
    /// Whose account it is.
    pub user: AuthenticatedUser,
    /// What is asked.
    pub request: Body,
}

/// Lets owners of accounts through.
#[derive(Clone, Debug)]
pub struct AuthenticateUserLayer {
    service: Arc<AuthService>,
}

impl AuthenticateUserLayer {
    /// Asks `service` whose token it is.
    pub fn new(service: Arc<AuthService>) -> Self {
        Self { service }
    }
}

impl<S> Layer<S> for AuthenticateUserLayer {
    type Service = AuthenticateUser<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthenticateUser {
            inner,
            service: Arc::clone(&self.service),
        }
    }
}

/// A service that only owners of accounts reach.
#[derive(Clone, Debug)]
pub struct AuthenticateUser<S> {
    inner: S,
    service: Arc<AuthService>,
}

impl<S, Body> Service<Call<Body>> for AuthenticateUser<S>
where
    S: Service<Call<ByUser<Body>>, Error = Failure, Future: Send> + Clone + Send + 'static,
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
            let token = call.meta.bearer.clone().ok_or_else(no_token)?;
            let user = service.authenticate_user(&token).await?;
            let user_id = user.user().id;
            let request = ByUser {
                user,
                request: call.body,
            };
            inner
                .call(Call {
                    meta: call.meta,
                    body: request,
                })
                .await
                .map_err(|failure| failure.with_user(Some(user_id)))
        })
    }
}

fn no_token() -> Failure {
    Failure::new(ErrorCode::InvalidToken, reasons::token::NONE)
}
