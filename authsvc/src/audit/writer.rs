//! The one thread that seals records, writes lines and hands rows on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use authsvc_core::audit::NotRecorded;
use authsvc_core::audit::chain::{AuditSigningKey, Chain, Keep, Record, RowEnd};
use authsvc_core::clock::Clock;
use authsvc_core::storage::AuditRow;
use cryptokit::keyset::Keyset;
use serde_json::json;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::excess::Excess;
use super::file::LineFile;
use super::good_tokens::GoodTokens;
use super::waiting_rows::{Waiter, WaitingRows};
use super::{own_records, row_of};
use crate::log_output;

/// Records that may wait for the thread. What comes when it is full is counted and lost.
pub(super) const QUEUE: usize = 4096;
/// Records that are taken at once.
const BATCH: usize = 256;
/// How often the thread looks around when nothing happens.
const ROUND: Duration = Duration::from_secs(1);
/// Records after which one is signed.
const MAX_UNSIGNED: u64 = 1000;
/// A chain without records says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(12 * 60 * 60);

/// What a record is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// An act of administration: a row, durable before the act.
    Act,
    /// A login and what else happens to accounts: a row.
    Event,
    /// A refusal, which strangers can cause: a line, and a row while there are few.
    Refusal {
        /// Why.
        reason: &'static str,
        /// Whose.
        source: Option<IpAddr>,
    },
    /// Ordinary traffic: a line.
    Routine,
}

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Job {
    Record {
        body: String,
        class: Class,
        time: OffsetDateTime,
        /// Told when the row is committed, or that it is not.
        durable: Option<Waiter>,
    },
    /// A signed record, which says since when rows are kept.
    Checkpoint {
        kept_since: Option<OffsetDateTime>,
        durable: Waiter,
    },
    /// A signed record of what another chain ends with.
    Commands { end: RowEnd, durable: Waiter },
    /// The last record.
    Close { done: oneshot::Sender<()> },
}

/// What could not be done, by class; shared with those who find the queue full.
#[derive(Debug, Default)]
pub(super) struct Lost {
    counts: [AtomicU64; 4],
}

impl Lost {
    pub(super) fn count(&self, class: Class) {
        self.counts[Self::index(class)].fetch_add(1, Ordering::Relaxed);
    }

    fn index(class: Class) -> usize {
        match class {
            Class::Act => 0,
            Class::Event => 1,
            Class::Refusal { .. } => 2,
            Class::Routine => 3,
        }
    }

    fn take(&self) -> BTreeMap<&'static str, u64> {
        ["act", "event", "refusal", "routine"]
            .into_iter()
            .zip(&self.counts)
            .map(|(name, count)| (name, count.swap(0, Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// What others may see of the thread.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) waiting_rows: AtomicU64,
    pub(super) file_failing: AtomicU64,
    pub(super) rows_failing: AtomicU64,
    pub(super) lost: AtomicU64,
}

pub(super) struct Writer {
    pub(super) runtime: Handle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keys: Keyset<AuditSigningKey>,
    pub(super) chain: Chain,
    pub(super) replica: String,
    pub(super) file: Option<LineFile>,
    pub(super) standard_error: bool,
    pub(super) checkpoint_interval: Duration,
    pub(super) excess: Excess,
    pub(super) good_tokens: Option<Arc<GoodTokens>>,
    /// Never got into the queue.
    pub(super) unqueued: Arc<Lost>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) rows: WaitingRows,
    pub(super) state: State,
}

/// What changes from round to round.
#[derive(Debug)]
pub(super) struct State {
    /// Lines of this round.
    lines: Vec<(u64, String)>,
    /// Got a line, and no row because too many waited.
    unkept: Lost,
    unsigned: u64,
    /// Lines of this round may be told of by a signed row: they have to survive what the row survives.
    sync_due: bool,
    signed_at: OffsetDateTime,
    /// Sums are told of once in an interval, however many records there are in it.
    summed_at: OffsetDateTime,
    /// Losses too, which strangers can cause, and the first of them at once.
    losses_told_at: Option<OffsetDateTime>,
}

impl State {
    pub(super) fn new(now: OffsetDateTime) -> Self {
        Self {
            lines: Vec::new(),
            unkept: Lost::default(),
            unsigned: 0,
            sync_due: false,
            signed_at: now,
            summed_at: now,
            losses_told_at: None,
        }
    }
}

/// What the thread waits for.
enum Event {
    /// So many jobs came; 0 when there will be none.
    Jobs(usize),
    Committed(Result<usize, String>),
    Nothing,
}

impl Writer {
    /// Works until it is told to close, or nobody is left to tell it anything.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let runtime = self.runtime.clone();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let pause = self.rows.pause().unwrap_or(ROUND);
            let event = runtime.block_on(async {
                tokio::select! {
                    biased;
                    stored = self.rows.committed() => Event::Committed(stored),
                    count = jobs.recv_many(&mut batch, BATCH) => Event::Jobs(count),
                    () = tokio::time::sleep(pause) => Event::Nothing,
                }
            });
            let ended = matches!(event, Event::Jobs(0));
            if let Event::Committed(stored) = event {
                self.rows.settle(stored);
            }
            let mut closing = None;
            for job in batch.drain(..) {
                if let Some(done) = self.take(job) {
                    closing = Some(done);
                }
            }
            let last = ended || closing.is_some();
            self.round(last);
            if last {
                if let Some(done) = closing {
                    let _ = done.send(());
                }
                return;
            }
        }
    }

    fn take(&mut self, job: Job) -> Option<oneshot::Sender<()>> {
        match job {
            Job::Record {
                body,
                class,
                time,
                durable,
            } => {
                let has_room = match class {
                    Class::Refusal { .. } => self.rows.has_room_for_refusals(),
                    _ => self.rows.has_room(),
                };
                let keep = match class {
                    Class::Routine => Keep::LineOnly,
                    Class::Refusal { reason, source } if !self.excess.gets_row(time, reason, source) => Keep::LineOnly,
                    _ if has_room => Keep::Row,
                    _ => {
                        self.state.unkept.count(class);
                        self.gauges.lost.fetch_add(1, Ordering::Relaxed);
                        Keep::LineOnly
                    }
                };
                let is_sealed = self.seal(&body, keep, false);
                if let Some(durable) = durable {
                    self.answer(durable, is_sealed && keep == Keep::Row);
                }
                None
            }
            Job::Checkpoint { kept_since, durable } => {
                let body = own_records::checkpoint(self.clock.now(), self.is_in_file(), kept_since, None);
                self.sign_own(&body, durable);
                None
            }
            Job::Commands { end, durable } => {
                let body = own_records::commands(self.clock.now(), self.is_in_file(), end);
                self.sign_own(&body, durable);
                None
            }
            Job::Close { done } => Some(done),
        }
    }

    fn sign_own(&mut self, body: &str, durable: Waiter) {
        let keep = self.keep_own();
        let is_sealed = self.seal(body, keep, true);
        self.answer(durable, is_sealed && keep == Keep::Row);
    }

    /// Tells who waits what becomes of the row that was sealed last, if there is one.
    fn answer(&mut self, durable: Waiter, is_row: bool) {
        match is_row {
            true => self.rows.wait_for_last(durable),
            false => drop(durable.send(Err(NotRecorded))),
        }
    }

    /// Records of the log's own are lines only while there is no room for rows.
    fn keep_own(&self) -> Keep {
        match self.rows.has_room() {
            true => Keep::Row,
            false => Keep::LineOnly,
        }
    }

    /// Whether it was done.
    fn seal(&mut self, body: &str, keep: Keep, sign: bool) -> bool {
        let keys = sign.then_some(&self.keys);
        let sealed = match self.chain.seal(body, keep, keys) {
            Ok(sealed) => sealed,
            Err(error) => {
                // The chain is as it was; the next checkpoint signs for this record as well.
                tracing::error!(error = %error, "an audit record could not be signed");
                return false;
            }
        };
        if sign {
            self.state.unsigned = 0;
            self.state.sync_due = true;
            self.state.signed_at = self.clock.now();
        } else {
            self.state.unsigned += 1;
        }
        if let Some(row) = row_of(self.chain.id, &sealed) {
            self.rows.push(row);
        }
        self.state.lines.push((sealed.seq, sealed.line));
        true
    }

    fn round(&mut self, last: bool) {
        let now = self.clock.now();
        self.report_losses(now, last);
        // Sums wait for room, and go on growing.
        if last || (self.is_over(self.state.summed_at, now) && self.rows.has_room()) {
            self.sum_up(now);
        }
        let due = self.is_over(self.state.signed_at, now);
        let rotates = self.file.as_ref().is_some_and(|file| file.is_due(now));
        let unsigned = self.state.unsigned;
        if last {
            self.seal(
                &own_records::stopped(now, &self.replica, self.is_in_file()),
                Keep::Row,
                true,
            );
        } else if unsigned >= MAX_UNSIGNED
            || (unsigned > 0 && (due || rotates))
            || now - self.state.signed_at >= HEARTBEAT
        {
            let keep = self.keep_own();
            self.seal(&own_records::checkpoint(now, self.is_in_file(), None, None), keep, true);
        }
        self.write_lines(now);
        if rotates {
            self.rotate(now);
        }
        // What a row vouches for is in the file by now.
        match last {
            true => self.finish(),
            false => self.rows.commit_if_due(),
        }
        self.rows.show(&self.gauges.waiting_rows, &self.gauges.rows_failing);
    }

    /// Whether an interval is over. A clock that was set back begins another.
    fn is_over(&self, began: OffsetDateTime, now: OffsetDateTime) -> bool {
        now < began || now - began >= self.checkpoint_interval
    }

    fn sum_up(&mut self, now: OffsetDateTime) {
        self.state.summed_at = now;
        if let Some(sums) = self.excess.take() {
            self.seal(&own_records::excess(now, sums), Keep::Row, false);
        }
        if let Some(sums) = self.good_tokens.as_ref().and_then(|counts| counts.take()) {
            self.seal(&own_records::good_tokens(now, &sums), Keep::Row, false);
        }
    }

    /// Stores what waits, and says what will be missing: there is no record after the last one.
    fn finish(&mut self) {
        let lines = self.file.as_ref().map_or(0, LineFile::waiting);
        if lines > 0 {
            tracing::error!(
                lines,
                "audit lines found no room in the file, and the process ends: they are lost to it"
            );
        }
        self.rows.finish();
    }

    /// Whether lines go to a file, and it takes them as far as is known.
    fn is_in_file(&self) -> bool {
        self.file.as_ref().is_some_and(LineFile::takes_lines)
    }

    /// Puts the file aside. Before old files are removed, a signed record says with which line the rest begins: who
    /// removes more than that is noticed.
    fn rotate(&mut self, now: OffsetDateTime) {
        let Some(file) = &mut self.file else { return };
        file.rotate(now);
        let Some((surplus, from)) = file.surplus() else { return };
        self.seal(
            &own_records::checkpoint(now, self.is_in_file(), None, Some(&from)),
            Keep::Row,
            true,
        );
        self.write_lines(now);
        if self.is_in_file() {
            for path in surplus {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// What was lost is on record as soon as there is room for the record, and before the last one.
    fn report_losses(&mut self, now: OffsetDateTime, last: bool) {
        let is_due = self.state.losses_told_at.is_none_or(|told| self.is_over(told, now));
        if last || (is_due && self.rows.are_few()) {
            let unqueued = self.unqueued.take();
            let unkept = self.state.unkept.take();
            if !unqueued.is_empty() || !unkept.is_empty() {
                let counts = json!({ "not_recorded": unqueued, "without_row": unkept });
                self.seal(&own_records::lost(now, counts), Keep::Row, true);
                self.state.losses_told_at = Some(now);
            }
        }
        while let Some(gap) = self.file.as_mut().and_then(LineFile::take_gap) {
            self.seal(&own_records::gap(now, gap), Keep::Row, true);
        }
    }

    fn write_lines(&mut self, now: OffsetDateTime) {
        let lines = std::mem::take(&mut self.state.lines);
        let was_in_file = self.is_in_file();
        if self.standard_error {
            for (_, line) in &lines {
                log_output::write_line(format!("{line}\n").as_bytes());
            }
        }
        if let Some(file) = &mut self.file {
            file.follow_path(now);
            file.append(lines, now);
            let is_signed = std::mem::take(&mut self.state.sync_due);
            if is_signed {
                file.sync();
            }
            self.gauges
                .file_failing
                .store(u64::from(file.is_failing()), Ordering::Relaxed);
            let through = file.taken_through();
            // A signed record of this round says that it is in the file. Its row is stored together with one that says
            // better, or else the file would look cut off if this process ended before there is room again.
            if is_signed && was_in_file && !self.is_in_file() {
                self.seal(&own_records::file_failing(now, through), Keep::Row, true);
                self.write_lines(now);
            }
        }
    }

    /// Begins the chain: its first record, signed and in the database before anything else happens.
    pub(super) fn begin(&mut self, bodies: &[String]) {
        for (index, body) in bodies.iter().enumerate() {
            self.seal(body, Keep::Row, index == 0);
        }
        let now = self.clock.now();
        self.write_lines(now);
        if let Some(file) = &mut self.file {
            file.sync();
        }
    }

    /// The rows that wait, for whoever stores them first.
    pub(super) fn take_rows(&mut self) -> Vec<AuditRow> {
        self.rows.take()
    }
}

/// Reads the last row of a chain that has ended: what the next one continues.
pub(super) fn end_of(row: &AuditRow) -> Option<(u64, authsvc_core::audit::chain::Digest, OffsetDateTime)> {
    let record = Record::parse(row.line.as_bytes()).ok()?;
    Some((row.row, record.hash, record.facts.time))
}
