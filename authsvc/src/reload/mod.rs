//! Reading what has changed while the service runs: certificates, keys, client CAs, revocation lists, peppers, and settings
//! that can change without a restart ([`LIVE_SETTINGS`]).
//!
//! What cannot be used is not used: the part in question stays as it is, with an error in the log, an audit record and a
//! count, until its files are good. No connection is dropped for it but those whose client is no longer trusted.

mod file_state;
mod peppers;

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authsvc_core::audit::{Action, AuditRecord, AuditSink, Outcome, Reason, RecordId, Where, Who, reasons};
use authsvc_core::clock::Clock;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

use crate::config::{Config, ConfigError, LIVE_SETTINGS, Limits};
use crate::metrics::Metrics;
use crate::telemetry;
use crate::transport::live_tls::LiveTls;
use file_state::FileState;
pub use peppers::LivePeppers;

/// How long before the end of a revocation list there are warnings.
const LIST_NOTICE: Duration = Duration::days(7);
/// How often a warning is repeated.
const WARNING_INTERVAL: Duration = Duration::hours(12);

/// Reads changed files. Clones share their state.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    tls: Arc<LiveTls>,
    peppers: LivePeppers,
    limits: watch::Sender<Limits>,
    metrics: Metrics,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// What the service was started with, with the live settings as they are now.
    config: Config,
    /// The files as they were when they were last read.
    read: Vec<Option<FileState>>,
    /// The files as they were when a change was first seen. It is acted upon when they are still the same a round later:
    /// who writes a certificate and then its key is let finish.
    changing: Option<Vec<Option<FileState>>>,
    /// What could not be used the last time.
    failure: Option<String>,
    warned: Option<OffsetDateTime>,
}

impl Reloader {
    /// `config` is what `tls` and `limits` were made from.
    pub fn new(
        config: Config,
        tls: Arc<LiveTls>,
        peppers: LivePeppers,
        limits: watch::Sender<Limits>,
        metrics: Metrics,
        audit: Arc<dyn AuditSink>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State {
            read: states_of(&files_of(&config)),
            config,
            changing: None,
            failure: None,
            warned: None,
        };
        Self(Arc::new(Inner {
            tls,
            peppers,
            limits,
            metrics,
            audit,
            clock,
            state: Mutex::new(state),
        }))
    }

    /// Looks whether files have changed, and reads them once they no longer do. To be called again and again.
    ///
    /// # Errors
    ///
    /// None: what goes wrong is recorded, and the next call comes all the same.
    pub async fn look(&self) -> Result<(), Infallible> {
        self.off_thread(|inner| inner.look()).await;
        Ok(())
    }

    /// Reads everything now, changed or not.
    pub async fn reload(&self) {
        self.off_thread(|inner| inner.reload(&mut inner.lock())).await;
    }

    /// What could not be used when files were last read.
    pub fn failure(&self) -> Option<String> {
        self.0.lock().failure.clone()
    }

    /// Files are read and keys are parsed on a thread that serves nobody.
    async fn off_thread(&self, work: impl FnOnce(&Inner) + Send + 'static) {
        let inner = Arc::clone(&self.0);
        // Fails when `work` panics, which has been reported, or when the runtime ends.
        let _ = tokio::task::spawn_blocking(move || work(&inner)).await;
    }
}

impl Inner {
    fn look(&self) {
        let mut state = self.lock();
        let now = states_of(&files_of(&state.config));
        if now == state.read {
            state.changing = None;
        } else if state.changing.as_ref() == Some(&now) {
            self.reload(&mut state);
        } else {
            state.changing = Some(now);
        }
        self.warn_of_ends(&mut state);
    }

    fn reload(&self, state: &mut State) {
        let mut failures = Vec::new();
        let restart = match self.read_settings(state) {
            Ok(restart) => restart,
            Err(error) => {
                failures.push(format!("configuration: {error}"));
                Vec::new()
            }
        };
        // Before reading, so that what changes meanwhile is seen the next time.
        state.read = states_of(&files_of(&state.config));
        state.changing = None;
        let reloaded = self.tls.reload(&state.config.public, &state.config.internal);
        failures.extend(
            reloaded
                .failed
                .iter()
                .map(|(part, error)| format!("{part}: {}", chain_of(error))),
        );
        if let Err(error) = self.peppers.reload() {
            failures.push(format!("peppers: {}", chain_of(&error)));
        }
        let applied = reloaded.changed.join(", ");
        if !restart.is_empty() {
            tracing::warn!(
                settings = restart.join(", "),
                "changed settings take effect with a restart"
            );
        }
        state.warned = None;
        if failures.is_empty() {
            tracing::info!(changed = applied, "files were read again");
            state.failure = None;
            self.metrics.count_reload("applied");
            self.record(Outcome::Success);
        } else {
            let failures = failures.join("; ");
            tracing::error!(
                changed = applied,
                failures,
                "changed files cannot be used; what they concern stays as it is"
            );
            self.metrics.count_reload("refused");
            self.record(Outcome::Failure(Reason::new(
                reasons::system::RELOAD_REFUSED,
                failures.clone(),
            )));
            state.failure = Some(failures);
        }
    }

    /// Takes over the settings that can change; names the others that have.
    fn read_settings(&self, state: &mut State) -> Result<Vec<&'static str>, ConfigError> {
        let file = &state.config.origin.file;
        private_files::check_unchangeable(file).map_err(|error| ConfigError(vec![error.to_string()]))?;
        let new = state.config.origin.read_again()?;
        let differing = state.config.origin.differing(&new.origin);
        let (live, restart): (Vec<_>, Vec<_>) = differing.into_iter().partition(|key| LIVE_SETTINGS.contains(key));
        if !live.is_empty() {
            let config = &mut state.config;
            // The addresses are bound already, and are not looked at again.
            (config.public, config.internal) = (new.public, new.internal);
            config.limits = Limits {
                max_connections_per_source: new.limits.max_connections_per_source,
                max_connection_age: new.limits.max_connection_age,
                handshake_timeout: new.limits.handshake_timeout,
                header_timeout: new.limits.header_timeout,
                ..config.limits
            };
            config.log_level = new.log_level;
            config.origin.take_over(&new.origin, &live);
            self.limits.send_replace(config.limits);
            telemetry::set_level(config.log_level);
            tracing::info!(settings = live.join(", "), "changed settings are in use");
        }
        Ok(restart)
    }

    /// A certificate or a list that is about to end, or has.
    fn warn_of_ends(&self, state: &mut State) {
        let now = self.clock.now();
        if state.warned.is_some_and(|last| now - last < WARNING_INTERVAL) {
            return;
        }
        let ends = self.tls.ends();
        let days = |end: OffsetDateTime| (end - now).whole_days();
        if now >= ends.renewal_due {
            state.warned = Some(now);
            let end = ends.public_certificate.min(ends.internal_certificate);
            tracing::warn!(
                days_left = days(end),
                "a server certificate ends soon; replace its files (certgen renew), they are read without a restart"
            );
        }
        match ends.revocation_lists {
            Some(end) if now > end => {
                state.warned = Some(now);
                tracing::error!(
                    "a revocation list has ended: its CA's clients are refused; make a new one (certgen crl)"
                );
            }
            Some(end) if now > end - LIST_NOTICE => {
                state.warned = Some(now);
                tracing::warn!(
                    days_left = days(end),
                    "a revocation list ends soon; make a new one (certgen crl), it is read without a restart"
                );
            }
            _ => {}
        }
    }

    fn record(&self, outcome: Outcome) {
        self.audit.record(&AuditRecord {
            id: RecordId::generate(),
            time: self.clock.now(),
            who: Who::default(),
            what: Action::Reload,
            r#where: Where {
                source: None,
                route: None,
                listener: "process",
                request_id: None,
            },
            outcome,
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reloader")
    }
}

fn files_of(config: &Config) -> Vec<PathBuf> {
    let mut files: Vec<&Path> = vec![
        &config.origin.file,
        &config.public.certificate_file,
        &config.public.key_file,
        &config.internal.certificate_file,
        &config.internal.key_file,
        &config.internal.client_ca_file,
        &config.pepper_file,
    ];
    files.extend(config.internal.client_crl_files.iter().map(PathBuf::as_path));
    files.into_iter().map(Path::to_owned).collect()
}

fn states_of(files: &[PathBuf]) -> Vec<Option<FileState>> {
    files.iter().map(|file| FileState::of(file)).collect()
}

/// The error and its causes in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
