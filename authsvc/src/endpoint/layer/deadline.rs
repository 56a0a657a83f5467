//! No operation takes longer than it may: the smaller of what this service grants and what the caller will wait.

use std::task::{Context, Poll};
use std::time::Duration;

use authsvc_core::audit::reasons;
use authsvc_core::service::{ErrorCode, Failure};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::BoxFuture;
use crate::call_scope::CallScope;
use crate::endpoint::Call;

/// Ends calls that take too long.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer {
    after: Duration,
}

impl DeadlineLayer {
    /// Each call may take `after`.
    pub fn new(after: Duration) -> Self {
        Self { after }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline {
            inner,
            after: self.after,
        }
    }
}

/// A service with a deadline.
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    after: Duration,
}

impl<S, Body> Service<Call<Body>> for Deadline<S>
where
    S: Service<Call<Body>, Error = Failure, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<S::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call<Body>) -> Self::Future {
        let local = Instant::now() + self.after;
        let deadline = call.meta.deadline.map_or(local, |inherited| inherited.min(local));
        let scope = CallScope {
            source: call.meta.source.map(Into::into),
            deadline: Some(deadline),
        };
        let pending = tokio::time::timeout_at(deadline, scope.around(self.inner.call(call)));
        Box::pin(async move {
            pending.await.unwrap_or_else(|_| {
                Err(Failure::new(
                    ErrorCode::DeadlineExceeded,
                    reasons::system::DEADLINE_EXCEEDED,
                ))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use tower::service_fn;

    use super::*;
    use crate::endpoint::CallMeta;

    #[tokio::test(start_paused = true)]
    async fn a_call_takes_no_longer_than_is_granted_here_nor_than_its_caller_waits() {
        let endless = service_fn(|_: Call<()>| async {
            std::future::pending::<()>().await;
            Ok::<_, Failure>(())
        });
        let mut limited = DeadlineLayer::new(Duration::from_secs(30)).layer(endless);
        for (caller_waits, takes) in [(None, 30), (Some(5), 5), (Some(90), 30)] {
            let begun = Instant::now();
            let meta = CallMeta {
                source: None,
                deadline: caller_waits.map(|seconds| begun + Duration::from_secs(seconds)),
                route: "/",
                listener: "public",
                request_id: "r".into(),
                peer: None,
                bearer: None,
                user_agent: None,
            };
            let failure = limited.call(Call { meta, body: () }).await.unwrap_err();
            assert_eq!(failure.code, ErrorCode::DeadlineExceeded);
            // A timer is good to a millisecond.
            assert_eq!(begun.elapsed().as_secs(), takes);
        }
    }
}
