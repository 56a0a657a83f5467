//! One transaction for all who wait: reservations and outcomes that come in while the database is busy go in together.
//!
//! Each login needs one reservation before its hash and leaves one outcome. Under load both travel with those of
//! others, so that the database commits a few times for a hundred logins. Nobody waits for an outcome as long as there is
//! room: it is kept back for a moment, to go in with the reservation that comes next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::ledger::{Answer, Charge, Ledger, Settlement};
use super::names::Names;
use super::{DefencePolicy, Factor};
use crate::clock::Clock;
use crate::storage::attempts::{AttemptScope, Attempts};
use crate::storage::{Store, StoreError};

/// Most requests in one transaction.
const MAX_BATCH: usize = 256;
/// Most outcomes kept for a database that does not answer. Those beyond count as failed.
const MAX_UNSETTLED: usize = 4096;
/// How long an outcome waits for a reservation to travel with. Until it is written its attempt counts as one that is under
/// way, which is never less than what it comes to. Whoever has to know asks for a reservation or a flush, and neither
/// waits.
const OUTCOME_WAIT: Duration = Duration::from_millis(10);

/// What is asked of the worker.
pub(super) enum Request {
    Reserve {
        names: Names,
        factor: Factor,
        reply: oneshot::Sender<Result<Answer, StoreError>>,
    },
    Settle(Charge, Settlement),
    /// Answered when everything before it is in the database.
    Flush(oneshot::Sender<()>),
}

pub(super) struct Worker {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: DefencePolicy,
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    /// Told after each outcome.
    pub(super) settled: Arc<Notify>,
    /// Outcomes to be written.
    pub(super) outcomes: VecDeque<(Charge, Settlement)>,
    /// When the first of them has waited long enough; none when there are none, or when the database would not take them:
    /// they go with the next request then.
    pub(super) write_at: Option<Instant>,
}

#[derive(Default)]
struct Batch {
    reservations: Vec<(Names, Factor)>,
    replies: Vec<oneshot::Sender<Result<Answer, StoreError>>>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.flushes.is_empty()
    }
}

impl Worker {
    /// Works until nobody is left to ask.
    pub(super) async fn run(mut self) {
        let mut received = Vec::new();
        loop {
            let count = self.receive(&mut received).await;
            let batch = self.sort(received.drain(..));
            let due = self.write_at.is_some_and(|at| Instant::now() >= at);
            if !batch.is_empty() || due || self.outcomes.len() >= MAX_BATCH || count == Some(0) {
                self.write_at = None;
                self.work_off(batch).await;
            }
            if count == Some(0) {
                return;
            }
        }
    }

    /// How many requests came, 0 when there will be none; `None` when outcomes have waited long enough.
    async fn receive(&mut self, received: &mut Vec<Request>) -> Option<usize> {
        let next = self.requests.recv_many(received, MAX_BATCH);
        match self.write_at {
            None => Some(next.await),
            Some(at) => timeout_at(at, next).await.ok(),
        }
    }

    fn sort(&mut self, received: impl Iterator<Item = Request>) -> Batch {
        let mut batch = Batch::default();
        for request in received {
            match request {
                Request::Reserve { names, factor, reply } => {
                    // Whoever waited for it may have left.
                    if !reply.is_closed() {
                        batch.reservations.push((names, factor));
                        batch.replies.push(reply);
                    }
                }
                Request::Settle(charge, outcome) => self.keep(charge, outcome),
                Request::Flush(reply) => batch.flushes.push(reply),
            }
        }
        batch
    }

    fn keep(&mut self, charge: Charge, outcome: Settlement) {
        self.outcomes.push_back((charge, outcome));
        self.write_at.get_or_insert_with(|| Instant::now() + OUTCOME_WAIT);
    }

    async fn work_off(&mut self, batch: Batch) {
        let outcomes = self.outcomes.make_contiguous();
        match change(
            self.store.as_ref(),
            self.clock.as_ref(),
            &self.policy,
            outcomes,
            &batch.reservations,
        )
        .await
        {
            Ok(answers) => {
                if !outcomes.is_empty() {
                    self.outcomes.clear();
                    self.settled.notify_waiters();
                }
                for (reply, answer) in batch.replies.into_iter().zip(answers) {
                    // Granted to somebody who left before the answer: no hash was made.
                    if let Err(Ok(Answer::Granted(charge))) = reply.send(Ok(answer)) {
                        self.keep(charge, Settlement::Unused);
                    }
                }
            }
            Err(error) => {
                self.outcomes.truncate(MAX_UNSETTLED);
                let text = super::super::error::describe(&error);
                for reply in batch.replies {
                    // Nobody waits any more, perhaps.
                    let text = text.clone().into();
                    let _ = reply.send(Err(match &error {
                        StoreError::ReadOnly(_) => StoreError::ReadOnly(text),
                        StoreError::Full(_) => StoreError::Full(text),
                        _ => StoreError::Unavailable(text),
                    }));
                }
            }
        }
        for flush in batch.flushes {
            let _ = flush.send(());
        }
    }
}

/// Outcomes first: they make room.
async fn change(
    store: &dyn Store,
    clock: &dyn Clock,
    policy: &DefencePolicy,
    outcomes: &[(Charge, Settlement)],
    reservations: &[(Names, Factor)],
) -> Result<Vec<Answer>, StoreError> {
    let mut answers = Vec::new();
    if outcomes.is_empty() && reservations.is_empty() {
        return Ok(answers);
    }
    let mut scope = AttemptScope::default();
    for names in outcomes
        .iter()
        .map(|(charge, _)| charge.names())
        .chain(reservations.iter().map(|(names, _)| names))
    {
        scope.counters.extend(names.counters());
        scope.accounts.insert(names.account);
    }
    let now = clock.now().unix_timestamp();
    let mut decide = |attempts: &mut Attempts| {
        let ledger = Ledger { policy, now };
        for (charge, outcome) in outcomes {
            ledger.settle(attempts, charge, *outcome);
        }
        answers.clear();
        for (names, factor) in reservations {
            answers.push(ledger.reserve(attempts, names, *factor));
        }
    };
    store.change_attempts(&scope, &mut decide).await?;
    Ok(answers)
}
