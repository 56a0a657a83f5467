//! Rows on their way into the database.
//!
//! They are committed in groups, one at a time, by a task of its own: a database that hangs holds up neither lines nor
//! what comes after them. A group that could not be stored stays in front and is tried again.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use authsvc_core::audit::NotRecorded;
use authsvc_core::audit::chain::ChainId;
use authsvc_core::storage::{AuditRow, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Rows that may wait.
const MOST: usize = 10_000;
/// Of these, what refusals do not get: strangers who cause them take no room from anything else.
const NOT_FOR_REFUSALS: usize = 2_000;
/// Rows of which a group is committed at once, although others may join them.
const ENOUGH: usize = 256;
/// Rows of a group.
const GROUP: usize = 512;
/// How long a row may wait for others that are committed with it, when nobody waits for it.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a commit may take.
const COMMIT: Duration = Duration::from_secs(5);
/// When a failed commit is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Told when the row is stored, or that it is not.
pub(super) type Waiter = oneshot::Sender<Result<(), NotRecorded>>;

/// How many rows of a group are stored, or why none is.
type Stored = Result<usize, String>;

/// Rows that are not stored yet, in their order.
pub(super) struct WaitingRows {
    runtime: Handle,
    store: Arc<dyn Store>,
    rows: Vec<AuditRow>,
    /// Each with the number of its row.
    waiters: Vec<(u64, Waiter)>,
    commit: Option<JoinHandle<Stored>>,
    committed_at: Instant,
    failed_at: Option<Instant>,
}

impl WaitingRows {
    pub(super) fn new(runtime: Handle, store: Arc<dyn Store>) -> Self {
        Self {
            runtime,
            store,
            rows: Vec::new(),
            waiters: Vec::new(),
            commit: None,
            committed_at: Instant::now(),
            failed_at: None,
        }
    }

    pub(super) fn push(&mut self, row: AuditRow) {
        self.rows.push(row);
    }

    /// The rows, for whoever stores them first.
    pub(super) fn take(&mut self) -> Vec<AuditRow> {
        std::mem::take(&mut self.rows)
    }

    /// Tells `waiter` what becomes of the row that was pushed last.
    pub(super) fn wait_for_last(&mut self, waiter: Waiter) {
        match self.rows.last() {
            Some(last) => self.waiters.push((last.row, waiter)),
            None => drop(waiter.send(Err(NotRecorded))),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.rows.len() < MOST
    }

    pub(super) fn has_room_for_refusals(&self) -> bool {
        self.rows.len() < MOST - NOT_FOR_REFUSALS
    }

    /// Whether there is room for good.
    pub(super) fn are_few(&self) -> bool {
        self.rows.len() < MOST / 2
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failed_at.is_some()
    }

    /// When to look again whether a commit is due, unless something happens before.
    pub(super) fn pause(&self) -> Option<Duration> {
        (self.commit.is_none() && !self.rows.is_empty()).then_some(PAUSE)
    }

    /// The end of the commit that is under way, to be given to [`settle`](Self::settle). Never, when there is none.
    pub(super) async fn committed(&mut self) -> Stored {
        match &mut self.commit {
            Some(commit) => commit.await.unwrap_or_else(|error| Err(error.to_string())),
            None => pending().await,
        }
    }

    /// Begins to commit the next group, if none is under way: at once when somebody waits for a row, after a failure a
    /// little later, else when there are enough or the first has waited long enough.
    pub(super) fn commit_if_due(&mut self) {
        let backs_off = self.failed_at.is_some_and(|failed| failed.elapsed() < RETRY);
        let is_due = self.rows.len() >= ENOUGH || self.committed_at.elapsed() >= PAUSE;
        if self.commit.is_some() || (self.waiters.is_empty() && (backs_off || !is_due)) {
            return;
        }
        self.begin();
    }

    fn begin(&mut self) {
        let group = self.rows[..self.rows.len().min(GROUP)].to_vec();
        if group.is_empty() {
            return;
        }
        self.commit = Some(self.runtime.spawn(store(Arc::clone(&self.store), group)));
    }

    /// Takes off what is stored, and tells those who waited for it. After a failure everybody is told, also who waits for a
    /// row of a later group.
    pub(super) fn settle(&mut self, stored: Stored) {
        self.commit = None;
        self.committed_at = Instant::now();
        match stored {
            Ok(count) => {
                if let Some(last) = self.rows.drain(..count.min(self.rows.len())).next_back() {
                    for (_, waiter) in self.waiters.extract_if(.., |(row, _)| *row <= last.row) {
                        let _ = waiter.send(Ok(()));
                    }
                }
                if self.failed_at.take().is_some() {
                    tracing::info!("audit rows are stored again");
                }
            }
            Err(error) => {
                for (_, waiter) in self.waiters.drain(..) {
                    let _ = waiter.send(Err(NotRecorded));
                }
                if self.failed_at.replace(Instant::now()).is_none() {
                    tracing::error!(error = %error, "audit rows cannot be stored; they wait in memory");
                }
            }
        }
    }

    /// Commits what waits, until nothing does or it cannot be done.
    pub(super) fn finish(&mut self) {
        loop {
            if self.commit.is_none() {
                self.begin();
            }
            if self.commit.is_none() {
                return;
            }
            let stored = self.runtime.clone().block_on(self.committed());
            let failed = stored.is_err();
            self.settle(stored);
            if failed {
                tracing::error!(
                    first = self.rows.first().map(|row| row.row),
                    last = self.rows.last().map(|row| row.row),
                    "audit rows are not stored, and the process ends: the records between these numbers are in its lines only"
                );
                return;
            }
        }
    }

    pub(super) fn show(&self, waiting: &AtomicU64, failing: &AtomicU64) {
        waiting.store(self.len(), Ordering::Relaxed);
        failing.store(u64::from(self.is_failing()), Ordering::Relaxed);
    }
}

async fn store(store: Arc<dyn Store>, group: Vec<AuditRow>) -> Stored {
    let Some(chain) = group.first().map(|row| row.chain) else {
        return Ok(0);
    };
    match tokio::time::timeout(COMMIT, store.append_audit_rows(&group)).await {
        Ok(Ok(())) => Ok(group.len()),
        Ok(Err(StoreError::Conflict)) => stored_before(store.as_ref(), chain, &group).await,
        Ok(Err(error)) => Err(chain_of(&error)),
        Err(_) => Err("the database did not answer in time".to_owned()),
    }
}

/// A commit whose answer was lost: what is there is taken off, if it is ours. Groups only grow, so that it is of this one.
async fn stored_before(store: &dyn Store, chain: ChainId, group: &[AuditRow]) -> Stored {
    let last = store.last_audit_row(chain).await.map_err(|error| error.to_string())?;
    last.and_then(|last| group.iter().position(|row| row.line == last.line))
        .map(|position| position + 1)
        .ok_or_else(|| "another process writes to this chain".to_owned())
}

/// An error and its causes.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
