//! One record for each outcome of an operation.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use authsvc_core::audit::{Action, AuditRecord, AuditSink, GivenAddress, Outcome, RecordId, Who, reasons};
use authsvc_core::clock::Clock;
use authsvc_core::domain::{ServiceName, UserId};
use authsvc_core::service::second_factor::{BegunEnrolment, FactorChanged, IssuedRecoveryCodes};
use authsvc_core::service::{ActiveToken, Failure, IssuedToken, PasswordSet};
use tower::{Layer, Service};

use super::BoxFuture;
use crate::endpoint::{Auditable, Call, Origin};

/// Records what became of each call.
#[derive(Clone)]
pub struct AuditLayer {
    sink: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
}

impl AuditLayer {
    /// Writes to `sink` at the time of `clock`.
    pub fn new(sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        Self { sink, clock }
    }
}

impl fmt::Debug for AuditLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditLayer")
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Audited {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose outcomes are recorded.
#[derive(Clone, Debug)]
pub struct Audited<S> {
    inner: S,
    layer: AuditLayer,
}

impl<S, Body> Service<Call<Body>> for Audited<S>
where
    S: Service<Call<Body>, Error = Failure, Future: Send + 'static, Response: Concerns>,
    Body: Auditable,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<S::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call<Body>) -> Self::Future {
        let who = Who {
            address: call.body.address().cloned().map(GivenAddress::Address),
            ..Who::default()
        };
        let mut pending_record = PendingRecord {
            layer: self.layer.clone(),
            origin: Some(call.meta.origin()),
            who,
            what: Body::ACTION,
        };
        let pending = self.inner.call(call);
        Box::pin(async move {
            let result = pending.await;
            match &result {
                Ok(response) => {
                    pending_record.who.user_id = response.user_id();
                    pending_record.who.service = response.service().cloned();
                    if Body::ACTION.is_polling() {
                        pending_record.origin = None;
                    }
                    pending_record.who.recovery_codes_left = response.recovery_codes_left();
                    pending_record.succeed();
                }
                Err(failure) => {
                    pending_record.who.user_id = failure.who.user_id;
                    pending_record.who.service = failure.who.service.clone();
                    pending_record.who.recovery_codes_left = failure.who.recovery_codes_left;
                    pending_record.write(Outcome::Failure(failure.reason.clone()), || failure.id);
                }
            }
            result
        })
    }
}

/// A record that is written in any case: a call whose client goes away is dropped in the middle, and has cost a hash.
struct PendingRecord {
    layer: AuditLayer,
    /// Taken when the record is written.
    origin: Option<Origin>,
    who: Who,
    what: Action,
}

impl PendingRecord {
    fn succeed(&mut self) {
        if self.layer.sink.counts_success(self.what, &self.who) {
            self.origin = None;
        }
        self.write(Outcome::Success, RecordId::generate);
    }

    fn write(&mut self, outcome: Outcome, id: impl FnOnce() -> RecordId) {
        let Some(origin) = self.origin.take() else { return };
        let who = Who {
            caller: origin.caller(),
            ..std::mem::take(&mut self.who)
        };
        self.layer.sink.record(&AuditRecord {
            id: id(),
            time: self.layer.clock.now(),
            who,
            what: self.what,
            r#where: origin.to_where(),
            outcome,
        });
    }
}

impl Drop for PendingRecord {
    fn drop(&mut self) {
        // A panic is recorded where it is turned into an answer.
        if !std::thread::panicking() {
            let outcome = Outcome::Failure(reasons::system::CLIENT_GONE.into());
            self.write(outcome, RecordId::generate);
        }
    }
}

/// What a response says about who is concerned.
pub trait Concerns {
    /// The account.
    fn user_id(&self) -> Option<UserId>;

    /// The service that asked.
    fn service(&self) -> Option<&ServiceName> {
        None
    }

    /// How many recovery codes the account has left, when one was used up.
    fn recovery_codes_left(&self) -> Option<usize> {
        None
    }
}

impl Concerns for IssuedToken {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }

    fn recovery_codes_left(&self) -> Option<usize> {
        self.recovery_codes_left
    }
}

impl Concerns for PasswordSet {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

impl Concerns for BegunEnrolment {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

impl Concerns for IssuedRecoveryCodes {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

impl Concerns for FactorChanged {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

impl Concerns for ActiveToken {
    fn user_id(&self) -> Option<UserId> {
        self.claims.sub.parse().ok()
    }

    fn service(&self) -> Option<&ServiceName> {
        Some(&self.caller)
    }
}
