//! `authsvc audit top`: who is guessing, and at what.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use authsvc_core::storage::{AuditDimension, AuditQuery};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::installation::Installation;
use super::super::{CommandError, print};
use super::moment;
use super::read::each;
use crate::cli::ConfigArgs;

/// Counted beyond what is shown, since the sums of an excess may change the order.
const MARGIN: u32 = 64;

pub(super) async fn run(since: &str, count: u32, json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let report = report(&installation, since, count).await;
    installation.close().await;
    let report = report?;
    print(&if json {
        format!("{}\n", report.to_json())
    } else {
        report.to_text()
    })
}

struct Report {
    since: String,
    tops: Vec<(&'static str, Vec<(String, u64)>)>,
    unattributed: u64,
}

async fn report(installation: &Installation, since: &str, count: u32) -> Result<Report, CommandError> {
    let since = moment::parse(since, installation.now())?;
    let summaries = AuditQuery {
        action: Some("sys_audit_summary".to_owned()),
        since: Some(since),
        ..AuditQuery::default()
    };
    let (mut networks, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    let mut unattributed = 0;
    each(installation, &summaries, |row| {
        let line: Value = serde_json::from_str(&row.line)?;
        let excess = &line["authsvc"]["audit"]["excess"];
        unattributed += excess["others"].as_u64().unwrap_or_default();
        for sum in excess["sums"].as_array().into_iter().flatten() {
            let count = sum["count"].as_u64().unwrap_or_default();
            for (counts, member) in [(&mut networks, "network"), (&mut reasons, "reason")] {
                let name = sum[member].as_str().unwrap_or_default();
                if !name.is_empty() {
                    *counts.entry(name.to_owned()).or_default() += count;
                }
            }
        }
        Ok(())
    })
    .await?;
    let mut tops = Vec::new();
    for (title, dimension, excess) in [
        ("sources", AuditDimension::Network, networks),
        ("accounts", AuditDimension::Account, BTreeMap::new()),
        ("reasons", AuditDimension::Reason, reasons),
    ] {
        let mut counts: BTreeMap<String, u64> = excess;
        let rows = installation.store().top_audit(dimension, since, count + MARGIN).await?;
        for (name, rows) in rows {
            *counts.entry(name).or_default() += rows;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        counts.truncate(count as usize);
        tops.push((title, counts));
    }
    Ok(Report {
        since: since.format(&Rfc3339)?,
        tops,
        unattributed,
    })
}

impl Report {
    fn to_json(&self) -> Value {
        let mut report = json!({ "since": self.since, "unattributed": self.unattributed });
        for (title, counts) in &self.tops {
            report[*title] = counts
                .iter()
                .map(|(name, count)| json!({ "name": name, "failures": count }))
                .collect();
        }
        report
    }

    fn to_text(&self) -> String {
        let mut text = format!("Refusals and failures since {}\n", self.since);
        for (title, counts) in &self.tops {
            let _ = write!(text, "\nTop {title}\n");
            if counts.is_empty() {
                text.push_str("  none\n");
            }
            for (name, count) in counts {
                let _ = writeln!(text, "{count:>10}  {name}");
            }
        }
        if self.unattributed > 0 {
            let _ = write!(
                text,
                "\n{} more came from too many sources to count each.\n",
                self.unattributed
            );
        }
        text
    }
}
