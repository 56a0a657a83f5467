//! Logs beside the audit lines: JSON on standard error.

use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::config::LogLevel;
use crate::log_output::LogLines;

/// Starts logging at `level`.
///
/// The level is this program's own. Libraries are held at warnings whatever it is: some write headers and frames at
/// their finer levels, and what they write is not theirs to redact.
pub fn init(level: LogLevel) {
    let (targets, handle) = reload::Layer::new(targets(level));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(LogLines)
        .with_filter(targets);
    // A second call, in a test that starts two services, changes nothing.
    if tracing_subscriber::registry().with(lines).try_init().is_ok() {
        let _ = LEVEL.set(handle);
    }
}

/// Goes on at another level.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        // Fails once logging has ended, and then there is nothing to change.
        let _ = handle.reload(targets(level));
    }
}

static LEVEL: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

fn targets(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target("authsvc", ours)
        .with_target("authsvc_core", ours)
}
