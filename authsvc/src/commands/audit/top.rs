//! `authsvc audit top`: who is guessing, and at what.

use std::fmt::Write as _;
use std::process::ExitCode;

use authsvc_core::domain::Moment;
use authsvc_core::service::administration::AuditReport;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::installation::Installation;
use super::super::terminal::visible;
use super::super::{CommandError, print};
use crate::cli::ConfigArgs;

pub(super) async fn run(since: &str, count: u32, json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let since: Moment = since.parse().map_err(|error| format!("--since {since:?}: {error}"))?;
    let installation = Installation::open(config).await?;
    let since = since.seen_from(installation.now())?;
    let report = AuditReport::of(installation.store().as_ref(), since, count).await;
    installation.close().await;
    let report = report?;
    print(&if json {
        format!("{}\n", to_json(&report)?)
    } else {
        to_text(&report)?
    })
}

fn to_json(report: &AuditReport) -> Result<Value, CommandError> {
    let mut document = json!({ "since": report.since.format(&Rfc3339)?, "unattributed": report.unattributed });
    for (title, counts) in tops(report) {
        document[title] = counts
            .iter()
            .map(|(name, count)| json!({ "name": name, "failures": count }))
            .collect();
    }
    Ok(document)
}

fn to_text(report: &AuditReport) -> Result<String, CommandError> {
    let mut text = format!("Refusals and failures since {}\n", report.since.format(&Rfc3339)?);
    for (title, counts) in tops(report) {
        let _ = write!(text, "\nTop {title}\n");
        if counts.is_empty() {
            text.push_str("  none\n");
        }
        for (name, count) in counts {
            let _ = writeln!(text, "{count:>10}  {}", visible(name));
        }
    }
    if report.unattributed > 0 {
        let _ = write!(
            text,
            "\n{} more came from too many sources to count each.\n",
            report.unattributed
        );
    }
    Ok(text)
}

fn tops(report: &AuditReport) -> [(&'static str, &[(String, u64)]); 3] {
    [
        ("sources", &report.sources),
        ("accounts", &report.accounts),
        ("reasons", &report.reasons),
    ]
}
