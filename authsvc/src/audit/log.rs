//! What a running service records with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::audit::chain::{COMMANDS_CHAIN, Chain, ChainId, Continues, RowEnd};
use authsvc_core::audit::{
    ActRecord, Action, AuditKeys, AuditRecord, AuditSink, NotRecorded, Outcome, Pseudonyms, Stage, Who,
};
use authsvc_core::clock::Clock;
use authsvc_core::storage::{AuditChain, Store, StoreError};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::excess::Excess;
use super::file::{LineFile, Open, open_private};
use super::good_tokens::GoodTokens;
use super::retention::PruneError;
use super::waiting_rows::WaitingRows;
use super::writer::{Class, Gauges, Job, Lost, QUEUE, State, Writer, end_of};
use super::{ascii, own_records};
use crate::audit_log::{Addresses, act_to_json, to_json};
use crate::config::{AddressForm, AuditConfig, GoodTokenForm};

/// How long an act waits to be on record.
const ACT_PATIENCE: Duration = Duration::from_secs(6);
/// Places in the queue that refusals and ordinary traffic leave to acts and logins.
const NOT_FOR_REFUSALS: usize = 1024;
/// How long a service that ends waits for its last record.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Records of one process: a chain of its own, in lines and in rows.
pub struct AuditLog {
    jobs: mpsc::Sender<Job>,
    chain: ChainId,
    lost: Arc<Lost>,
    gauges: Arc<Gauges>,
    pseudonyms: Pseudonyms,
    addresses: AddressForm,
    /// Number of the row of the commands' chain that was named last.
    commands_named: AtomicU64,
    /// `None` where each good token gets a line.
    good_tokens: Option<Arc<GoodTokens>>,
}

/// What a log is made from.
#[derive(Clone, Debug)]
pub struct AuditSetup {
    /// The settings.
    pub config: AuditConfig,
    /// Opens the file.
    pub open: Open,
}

impl AuditSetup {
    /// With real files.
    pub fn new(config: &AuditConfig) -> Self {
        Self {
            config: config.clone(),
            open: open_private,
        }
    }
}

/// Why nothing can be recorded. A service does not start then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditStartError {
    /// The file cannot be used.
    #[error("the audit file {path:?} cannot be used")]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database does not take the chain's first record.
    #[error("the audit chain cannot be begun in the database")]
    Store(#[from] StoreError),
    /// The system gives no thread, or the first record cannot be signed.
    #[error("the audit log cannot be begun: {0}")]
    Begin(String),
}

impl AuditLog {
    /// Begins a chain: its first record is on disk when this returns. Must be called on a runtime.
    ///
    /// # Errors
    ///
    /// [`AuditStartError`].
    pub async fn start(
        setup: &AuditSetup,
        store: Arc<dyn Store>,
        keys: AuditKeys,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuditStartError> {
        let config = &setup.config;
        let now = clock.now();
        let mut continues = Continues::default();
        let mut bodies = Vec::new();
        let file = match &config.file {
            Some(path) => {
                let failed = |source| AuditStartError::File {
                    path: path.clone(),
                    source,
                };
                let (file, found) = LineFile::open(path, config.rotation, setup.open, now).map_err(failed)?;
                continues.line = found.last;
                if let Some((bytes, kept_as)) = found.torn {
                    bodies.push(own_records::torn_line(now, bytes, &kept_as));
                }
                Some(file)
            }
            None => None,
        };
        if let Some(before) = store.latest_audit_chain(&config.replica).await?
            && let Some(last) = store.last_audit_row(before.id).await?
            && let Some((row, hash, time)) = end_of(&last)
        {
            continues.row = Some((before.id, row, hash, time));
        }
        bodies.insert(
            0,
            own_records::started(now, &config.replica, &continues, file.is_some()),
        );

        let chain = ChainId::generate();
        let (lost, gauges) = (Arc::<Lost>::default(), Arc::<Gauges>::default());
        let good_tokens = match config.good_tokens {
            GoodTokenForm::Sums => Some(Arc::<GoodTokens>::default()),
            GoodTokenForm::Lines => None,
        };
        let mut writer = Writer {
            runtime: Handle::current(),
            clock,
            keys: keys.signing,
            chain: Chain::begin(chain),
            replica: config.replica.clone(),
            file,
            standard_error: config.standard_error,
            checkpoint_interval: config.checkpoint_interval,
            excess: Excess::new(config.refusal_rows_per_minute),
            good_tokens: good_tokens.clone(),
            unqueued: Arc::clone(&lost),
            gauges: Arc::clone(&gauges),
            rows: WaitingRows::new(Handle::current(), Arc::clone(&store)),
            state: State::new(now),
        };
        writer.begin(&bodies);
        let listed = AuditChain {
            id: chain,
            replica: config.replica.clone(),
            started_at: now,
        };
        store.insert_audit_chain(&listed).await?;
        store.append_audit_rows(&writer.take_rows()).await?;

        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(|error| AuditStartError::Begin(error.to_string()))?;
        Ok(Self {
            jobs,
            chain,
            lost,
            gauges,
            pseudonyms: keys.pseudonyms,
            addresses: config.addresses,
            commands_named: AtomicU64::new(0),
            good_tokens,
        })
    }

    /// The chain's id.
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// Writes a signed record that says since when rows are kept, and returns when it is in the database.
    ///
    /// # Errors
    ///
    /// [`NotRecorded`].
    pub async fn checkpoint(&self, kept_since: Option<OffsetDateTime>) -> Result<(), NotRecorded> {
        let (durable, recorded) = oneshot::channel();
        let job = Job::Checkpoint { kept_since, durable };
        self.send_and_wait(job, recorded).await.map_err(|_| NotRecorded)
    }

    /// Names the last row of the chain of commands in a signed record of this chain, unless that was done already: whoever
    /// cuts off what commands have recorded is noticed, also when a later command goes on from there.
    ///
    /// # Errors
    ///
    /// [`PruneError`].
    pub async fn name_commands(&self, store: &dyn Store) -> Result<(), PruneError> {
        let Some(last) = store.last_audit_row(COMMANDS_CHAIN).await? else {
            return Ok(());
        };
        let Some((row, hash, _)) = end_of(&last) else {
            return Ok(());
        };
        if self.commands_named.load(Ordering::Relaxed) == row {
            return Ok(());
        }
        let (durable, recorded) = oneshot::channel();
        let end = RowEnd { row, hash };
        self.send_and_wait(Job::Commands { end, durable }, recorded)
            .await
            .map_err(|_| NotRecorded)?;
        self.commands_named.store(row, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the chain with a signed record, if that is possible in a few seconds. Nothing is recorded after it.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let close = async {
            if self.jobs.send(Job::Close { done }).await.is_ok() {
                let _ = closed.await;
            }
        };
        if tokio::time::timeout(CLOSE_PATIENCE, close).await.is_err() {
            tracing::error!("the audit log did not end in time");
        }
    }

    /// What is counted of the log.
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(LogCollector(Arc::clone(&self.gauges)))
    }

    fn addresses(&self) -> Addresses<'_> {
        match self.addresses {
            AddressForm::Full => Addresses::InFull,
            AddressForm::Pseudonym => Addresses::Pseudonymous(&self.pseudonyms),
        }
    }

    async fn send_and_wait(
        &self,
        job: Job,
        recorded: oneshot::Receiver<Result<(), NotRecorded>>,
    ) -> Result<(), Missing> {
        let mut missing = Missing::Everywhere;
        let recorded = async {
            self.jobs.send(job).await.map_err(|_| NotRecorded)?;
            missing = Missing::InTheDatabase;
            recorded.await.map_err(|_| NotRecorded)?
        };
        match tokio::time::timeout(ACT_PATIENCE, recorded).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(missing),
        }
    }

    /// Counts a record that never got into the queue.
    fn count_lost(&self, class: Class) {
        self.lost.count(class);
        self.gauges.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Where a record is not that was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Everywhere,
    InTheDatabase,
}

#[async_trait]
impl AuditSink for AuditLog {
    fn record(&self, record: &AuditRecord) {
        let class = class_of(record);
        let job = Job::Record {
            body: ascii::to_line(&to_json(record, self.addresses())),
            class,
            time: record.time,
            durable: None,
        };
        // Strangers cause these, as many as they like.
        let is_common = matches!(class, Class::Refusal { .. } | Class::Routine);
        let has_room = !is_common || self.jobs.capacity() > NOT_FOR_REFUSALS;
        if !has_room || self.jobs.try_send(job).is_err() {
            self.count_lost(class);
        }
    }

    fn counts_success(&self, what: Action, who: &Who) -> bool {
        self.good_tokens.as_ref().is_some_and(|counts| counts.count(what, who))
    }

    async fn record_act(&self, record: &ActRecord) -> Result<(), NotRecorded> {
        let (durable, recorded) = oneshot::channel();
        let job = Job::Record {
            body: ascii::to_line(&act_to_json(record, self.addresses())),
            class: Class::Act,
            time: record.time,
            durable: Some(durable),
        };
        let outcome = self.send_and_wait(job, recorded).await;
        if let Err(missing) = outcome {
            tracing::error!(id = %record.id, act = record.act.name, "an act could not be recorded");
            // What has begun is done by now, and nothing else says that its end is missing.
            if missing == Missing::Everywhere && !matches!(record.stage, Stage::Begun) {
                self.count_lost(Class::Act);
            }
        }
        outcome.map_err(|_| NotRecorded)
    }
}

fn class_of(record: &AuditRecord) -> Class {
    // Answered like any other, and about nobody: strangers could fill the table with them.
    let ends_nothing = record.what == Action::Logout && record.who.user_id.is_none();
    match &record.outcome {
        Outcome::Success if record.what.is_routine() || ends_nothing => Class::Routine,
        Outcome::Success => Class::Event,
        Outcome::Failure(reason) => Class::Refusal {
            reason: reason.code(),
            source: record.r#where.source,
        },
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("chain", &self.chain).finish()
    }
}

#[derive(Debug)]
struct LogCollector(Arc<Gauges>);

impl Collector for LogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let lost = ConstCounter::new(self.0.lost.load(Ordering::Relaxed));
        let descriptor = encoder.encode_descriptor(
            "audit_events_lost",
            "Events that were not recorded in full",
            None,
            lost.metric_type(),
        )?;
        lost.encode(descriptor)?;
        for (name, help, value) in [
            (
                "audit_rows_waiting",
                "Records that wait for the database",
                &self.0.waiting_rows,
            ),
            (
                "audit_rows_failing",
                "Whether the database takes no records",
                &self.0.rows_failing,
            ),
            (
                "audit_file_failing",
                "Whether the audit file takes no lines",
                &self.0.file_failing,
            ),
        ] {
            let gauge = ConstGauge::new(value.load(Ordering::Relaxed).cast_signed());
            let descriptor = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(descriptor)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use authsvc_core::audit::{RecordId, Where};
    use authsvc_core::domain::UserId;

    use super::*;

    #[test]
    fn a_logout_that_ends_nothing_gets_no_row() {
        let mut record = AuditRecord {
            id: RecordId::generate(),
            time: OffsetDateTime::UNIX_EPOCH,
            who: Who::default(),
            what: Action::Logout,
            r#where: Where {
                source: None,
                route: None,
                listener: "public",
                request_id: None,
            },
            outcome: Outcome::Success,
        };
        assert_eq!(class_of(&record), Class::Routine);
        record.who.user_id = Some(UserId::generate());
        assert_eq!(class_of(&record), Class::Event);
    }
}
