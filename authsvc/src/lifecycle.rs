//! Signals, and what a process that holds secrets forbids itself.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Keeps memory out of core files and away from other processes of the same user.
///
/// Failing to is logged and no reason to stop: both are second lines of defence.
pub fn harden_process() {
    let limit = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if limit.is_err() || dumpable.is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
}

/// SIGHUP, one item for each time it came since the last: the system joins those that come quickly.
///
/// # Errors
///
/// When the system lets no handlers be installed.
pub fn hangup_signal() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Completes at the first SIGTERM or SIGINT. A second one ends the process at once, with the signal's usual status.
///
/// # Errors
///
/// When the system lets no handlers be installed.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let first = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = first, "asked to stop");
        tokio::spawn(async move {
            let status = tokio::select! {
                _ = terminate.recv() => 128 + 15,
                _ = interrupt.recv() => 128 + 2,
            };
            std::process::exit(status);
        });
    })
}

/// Who runs this process: the name that the system has for the user, or the number where it has none.
pub fn system_user() -> String {
    let id = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(id)).then_some(name)
    });
    match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}
