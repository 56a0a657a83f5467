//! `authsvc serve`

use std::process::ExitCode;

use time::format_description::well_known::Rfc3339;

use super::CommandError;
use crate::app::{App, BoundSockets, Started};
use crate::cli::ServeArgs;
use crate::transport::tls::TLS_VERSIONS;
use crate::{lifecycle, telemetry};

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, CommandError> {
    let config = super::load_with(&args.config, &args.overrides)?;
    telemetry::init(config.log_level);
    let stop = lifecycle::stop_signal()?;
    let hangups = lifecycle::hangup_signal()?;
    let app = App::start(&config, BoundSockets::default()).await?;
    log_start(&app.started, &config.tokens.issuer);
    Ok(finish(app.run(stop, hangups).await))
}

/// The start line: where, with which TLS, until when.
pub(super) fn log_start(started: &Started, issuer: &str) {
    let until = |time: time::OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        public = %started.public,
        internal = %started.internal,
        ops = %started.ops,
        issuer,
        tls_versions = TLS_VERSIONS.join(","),
        cryptography = cryptokit::Provider::default().name(),
        public_certificate_not_after = until(started.ends.public_certificate),
        internal_certificate_not_after = until(started.ends.internal_certificate),
        revocation_lists_not_after = started.ends.revocation_lists.map(until),
        "started"
    );
}

/// Requests that were cut off are an error, so that an operator can see it.
pub(super) fn finish(drained: bool) -> ExitCode {
    if drained { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
