//! Outcomes counted by operation and reason.

use std::task::{Context, Poll};

use authsvc_core::service::Failure;
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::{Auditable, Call};
use crate::metrics::Metrics;

/// Counts outcomes.
#[derive(Clone, Debug)]
pub struct MetricsLayer {
    metrics: Metrics,
}

impl MetricsLayer {
    /// Counts into `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured {
            inner,
            metrics: self.metrics.clone(),
        }
    }
}

/// A service whose outcomes are counted.
#[derive(Clone, Debug)]
pub struct Measured<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, Body> Service<Call<Body>> for Measured<S>
where
    S: Service<Call<Body>, Error = Failure, Future: Send + 'static>,
    Body: Auditable,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<S::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call<Body>) -> Self::Future {
        let count = Count {
            metrics: self.metrics.clone(),
            operation: Body::ACTION.name(),
            // What is left unless the call comes to an end: its client went away, or a handler panicked.
            reason: "unfinished",
        };
        let pending = self.inner.call(call);
        Box::pin(async move {
            // Moved in whole: the block would otherwise take the field that it names, and leave the rest behind.
            let mut count = count;
            let result = pending.await;
            count.reason = result.as_ref().err().map_or("none", |failure| failure.reason.code());
            result
        })
    }
}

/// Counts when it is dropped, so that a call that is given up in the middle is counted as well.
struct Count {
    metrics: Metrics,
    operation: &'static str,
    reason: &'static str,
}

impl Drop for Count {
    fn drop(&mut self) {
        self.metrics.count_operation(self.operation, self.reason);
    }
}
