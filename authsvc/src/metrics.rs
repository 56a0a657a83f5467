//! What is counted. Labels are closed sets: nothing a client sends becomes a label.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authsvc_core::clock::Clock;
use authsvc_core::service::AuthService;
use authsvc_core::storage::{BreakerState, Store};
use cryptokit::password::HashPool;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::hasher::QueuedHasher;
use crate::key_upkeep::KeyUpkeep;
use crate::transport::live_tls::LiveTls;

/// Counters of one process.
#[derive(Clone)]
pub struct Metrics {
    // Each layer of each operation holds a clone, and each request clones some of them: one count, not one a counter.
    counted: Arc<Counted>,
}

struct Counted {
    registry: Mutex<Registry>,
    operations: Family<OperationLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    panics: Counter,
    handshake_failures: Family<HandshakeLabels, Counter>,
    connections: Family<ListenerLabels, Gauge>,
    background_failures: Family<TaskLabels, Counter>,
    connections_ended: Family<HandshakeLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    listener: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    listener: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExpiryLabels {
    what: &'static str,
}

impl Metrics {
    /// All zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("authsvc");
        let mut counted = Counted {
            operations: Family::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(request_histogram as fn() -> Histogram),
            panics: Counter::default(),
            handshake_failures: Family::default(),
            connections: Family::default(),
            background_failures: Family::default(),
            connections_ended: Family::default(),
            reloads: Family::default(),
            registry: Mutex::default(),
        };
        registry.register(
            "operations",
            "Outcomes of logins and validations",
            counted.operations.clone(),
        );
        registry.register(
            "http_requests",
            "Answers by listener, route and status",
            counted.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "From the request's head to its answer",
            counted.durations.clone(),
        );
        registry.register("panics", "Handlers that panicked", counted.panics.clone());
        registry.register(
            "tls_handshake_failures",
            "Handshakes that ended without a connection",
            counted.handshake_failures.clone(),
        );
        registry.register("connections", "Open connections", counted.connections.clone());
        registry.register(
            "background_failures",
            "Rounds of background work that failed",
            counted.background_failures.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections that were ended because of their source, or because their client is no longer trusted",
            counted.connections_ended.clone(),
        );
        registry.register(
            "reloads",
            "Readings of changed files, by whether all of them could be used",
            counted.reloads.clone(),
        );
        counted.registry = Mutex::new(registry);
        Self {
            counted: Arc::new(counted),
        }
    }

    /// Adds a metric that an area of its own counts.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.lock().register(name, help, metric);
    }

    /// Adds what the hashing pool knows.
    pub fn watch_pool(&self, pool: HashPool) {
        self.lock().register_collector(Box::new(PoolCollector(pool)));
    }

    /// Adds what the queue in front of the hashing pool knows.
    pub fn watch_queue(&self, hasher: Arc<QueuedHasher>) {
        self.lock().register_collector(Box::new(QueueCollector(hasher)));
    }

    /// Adds what the audit log counts.
    pub fn watch_audit(&self, collector: Box<dyn Collector>) {
        self.lock().register_collector(collector);
    }

    /// Adds the number of log lines that were lost, audit lines among them.
    pub fn watch_log(&self, lost: fn() -> u64) {
        self.lock().register_collector(Box::new(LostLines(lost)));
    }

    /// Adds when certificates and revocation lists end.
    pub fn watch_ends(&self, live: Arc<LiveTls>) {
        self.lock().register_collector(Box::new(EndsCollector(live)));
    }

    /// Adds how the signing keys are.
    pub fn watch_keys(&self, keys: Arc<KeyUpkeep>) {
        self.lock().register_collector(Box::new(KeyCollector(keys)));
    }

    /// Adds how much is revoked, and how old what is known and what is published of it is.
    pub fn watch_revocations(&self, service: Arc<AuthService>, clock: Arc<dyn Clock>) {
        self.lock()
            .register_collector(Box::new(RevocationCollector(service, clock)));
    }

    /// Counts a connection that was ended, or refused before its handshake.
    pub fn count_connection_ended(&self, listener: &'static str, reason: &'static str) {
        self.counted
            .connections_ended
            .get_or_create(&HandshakeLabels { listener, reason })
            .inc();
    }

    /// Counts a reading of changed files: `applied`, or `refused` where a part of them could not be used.
    pub fn count_reload(&self, outcome: &'static str) {
        self.counted.reloads.get_or_create(&ReloadLabels { outcome }).inc();
    }

    /// Adds where the breakers around the database stand.
    pub fn watch_store(&self, store: Arc<dyn Store>) {
        self.lock().register_collector(Box::new(Breakers(store)));
    }

    /// Counts an operation's outcome.
    pub fn count_operation(&self, operation: &'static str, reason: &'static str) {
        self.counted
            .operations
            .get_or_create(&OperationLabels { operation, reason })
            .inc();
    }

    /// Counts an answer.
    pub fn count_request(&self, listener: &'static str, route: &'static str, status: u16, took: Duration) {
        self.counted
            .requests
            .get_or_create(&RequestLabels {
                listener,
                route,
                status,
            })
            .inc();
        self.counted
            .durations
            .get_or_create(&RouteLabels { listener, route })
            .observe(took.as_secs_f64());
    }

    /// Counts a failed round of background work.
    pub fn count_background_failure(&self, task: &'static str) {
        self.counted
            .background_failures
            .get_or_create(&TaskLabels { task })
            .inc();
    }

    /// Counts a panic.
    pub fn count_panic(&self) {
        self.counted.panics.inc();
    }

    /// Counts a failed handshake.
    pub fn count_handshake_failure(&self, listener: &'static str, reason: &'static str) {
        self.counted
            .handshake_failures
            .get_or_create(&HandshakeLabels { listener, reason })
            .inc();
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection(&self, listener: &'static str) -> ConnectionGuard {
        let gauge = self
            .counted
            .connections
            .get_or_create(&ListenerLabels { listener })
            .clone();
        gauge.inc();
        ConnectionGuard(gauge)
    }

    /// The text that Prometheus scrapes (OpenMetrics 1.0).
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.lock());
        text
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.counted.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Counts one connection while it lives.
#[derive(Debug)]
pub struct ConnectionGuard(Gauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Around an Argon2 run of 15 ms and a validation of 0.1 ms.
fn request_histogram() -> Histogram {
    Histogram::new([
        0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0,
    ])
}

#[derive(Debug)]
struct PoolCollector(HashPool);

#[derive(Debug)]
struct QueueCollector(Arc<QueuedHasher>);

impl Collector for QueueCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let waiting = ConstGauge::new(self.0.waiting() as i64);
        waiting.encode(encoder.encode_descriptor(
            "password_hash_queue",
            "Callers that wait for their turn to hash",
            None,
            waiting.metric_type(),
        )?)?;
        let shed = ConstCounter::new(self.0.shed());
        let descriptor = encoder.encode_descriptor(
            "password_hash_shed",
            "Callers turned away because their turn would have come too late",
            None,
            shed.metric_type(),
        )?;
        shed.encode(descriptor)
    }
}

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let completed = ConstCounter::new(self.0.completed());
        completed.encode(encoder.encode_descriptor(
            "password_hashes",
            "Argon2 runs completed",
            None,
            completed.metric_type(),
        )?)?;
        let in_use = ConstGauge::new(self.0.in_use() as i64);
        in_use.encode(encoder.encode_descriptor(
            "password_hash_permits_in_use",
            "Argon2 runs under way",
            None,
            in_use.metric_type(),
        )?)?;
        let capacity = ConstGauge::new(self.0.capacity() as i64);
        capacity.encode(encoder.encode_descriptor(
            "password_hash_permits",
            "Argon2 runs possible at once",
            None,
            capacity.metric_type(),
        )?)
    }
}

#[derive(Debug)]
struct KeyCollector(Arc<KeyUpkeep>);

impl Collector for KeyCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauges = self.0.gauges();
        let mut gauge = |name: &str, help: &str, value: i64| {
            let value = ConstGauge::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
        };
        gauge(
            "signing_key_age_seconds",
            "Since when the signing key signs",
            gauges.age_seconds,
        )?;
        if let Some(left) = gauges.seconds_left {
            let help = "Until the signing key may no longer sign; rotation is weeks ahead of it";
            gauge("signing_key_seconds_left", help, left)?;
        }
        gauge("published_keys", "Keys in the JWK Set", gauges.published)?;
        gauge(
            "key_laggards",
            "Services that have not fetched the key that is to sign next",
            gauges.laggards,
        )
    }
}

struct RevocationCollector(Arc<AuthService>, Arc<dyn Clock>);

impl fmt::Debug for RevocationCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationCollector")
    }
}

impl Collector for RevocationCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(service, clock) = self;
        let now = clock.now();
        let mut gauge = |name: &str, help: &str, value: i64| {
            let value = ConstGauge::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
        };
        let kept = i64::try_from(service.sessions().revocations()).unwrap_or(i64::MAX);
        gauge("revocations", "Revocations kept in memory", kept)?;
        if let Some(as_of) = service.sessions().revocations_as_of() {
            let help = "How old what is known of revocations is; above 2 no token is called good";
            gauge("revocations_age_seconds", help, (now - as_of).whole_seconds())?;
        }
        let Some(seen) = service.feed().seen() else {
            return Ok(());
        };
        let number = i64::try_from(seen.seq).unwrap_or(i64::MAX);
        gauge("revocation_feed_number", "Number of the last published delta", number)?;
        let issued_at = i64::try_from(seen.issued_at).unwrap_or(i64::MAX);
        gauge(
            "revocation_feed_age_seconds",
            "How old the last published delta is; there is one every 5 seconds",
            now.unix_timestamp().saturating_sub(issued_at),
        )
    }
}

#[derive(Debug)]
struct LostLines(fn() -> u64);

impl Collector for LostLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let lost = ConstCounter::new((self.0)());
        let descriptor =
            encoder.encode_descriptor("log_lines_lost", "Log lines not written", None, lost.metric_type())?;
        lost.encode(descriptor)
    }
}

#[derive(Debug)]
struct EndsCollector(Arc<LiveTls>);

impl Collector for EndsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let ends = self.0.ends();
        let mut all = vec![
            ("public_certificate", ends.public_certificate),
            ("internal_certificate", ends.internal_certificate),
        ];
        all.extend(ends.revocation_lists.map(|end| ("client_crl", end)));
        let family = Family::<ExpiryLabels, Gauge>::default();
        for (what, end) in all {
            family.get_or_create(&ExpiryLabels { what }).set(end.unix_timestamp());
        }
        let descriptor = encoder.encode_descriptor(
            "not_after_timestamp_seconds",
            "When a certificate or the first revocation list ends, in seconds since 1970",
            None,
            family.metric_type(),
        )?;
        family.encode(descriptor)
    }
}

#[derive(Debug)]
struct Breakers(Arc<dyn Store>);

impl Collector for Breakers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "database_breaker_state",
            "0 closed, 1 half open, 2 open",
            None,
            MetricType::Gauge,
        )?;
        for (access, state) in self.0.breakers() {
            let value = match state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            ConstGauge::new(value).encode(family.encode_family(&[("access", access)])?)?;
        }
        Ok(())
    }
}
