//! Work that runs to its end, whatever becomes of whoever asked for it.
//!
//! A client that hangs up drops its request wherever that happens to wait. What ends a session must not be given up
//! halfway because a thief has hung up.

use std::task::{Context, Poll};

use authsvc_core::audit::{Reason, reasons};
use authsvc_core::service::{ErrorCode, Failure};
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::Call;

/// Runs each call as a task of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct DetachLayer;

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Detach(inner)
    }
}

/// A service whose calls outlive their callers.
#[derive(Clone, Copy, Debug)]
pub struct Detach<S>(S);

impl<S, Body> Service<Call<Body>> for Detach<S>
where
    S: Service<Call<Body>, Error = Failure, Response: Send + 'static, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<S::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, call: Call<Body>) -> Self::Future {
        let task = tokio::spawn(self.0.call(call));
        Box::pin(async move {
            match task.await {
                Ok(result) => result,
                Err(error) => match error.try_into_panic() {
                    // As if it had not been detached: it is recorded where panics are.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => Err(Failure::new(
                        ErrorCode::Unavailable,
                        Reason::new(reasons::system::INTERNAL, error.to_string()),
                    )),
                },
            }
        })
    }
}
