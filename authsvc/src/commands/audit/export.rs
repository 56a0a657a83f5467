//! `authsvc audit export`: on record itself, and what it gives can be verified.

use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::storage::{AuditQuery, AuditRow};
use time::format_description::well_known::Rfc3339;

use super::super::installation::Installation;
use super::super::{CommandError, print};
use super::read::{PAGE, each, query};
use crate::cli::{ConfigArgs, ExportFormat, FilterArgs};

pub(super) async fn run(
    filter: &FilterArgs,
    format: ExportFormat,
    config: &ConfigArgs,
) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let done = export(&installation, filter, format).await;
    installation.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

async fn export(installation: &Installation, filter: &FilterArgs, format: ExportFormat) -> Result<(), CommandError> {
    let query = query(filter, installation).await?;
    let what = if is_all(&query) { "all records" } else { "some records" };
    let work = async {
        if format == ExportFormat::Csv {
            print("time,id,event,outcome,reason,user_id,account,source,chain,row\r\n")?;
        }
        let mut write = |row: &AuditRow| {
            print(&match format {
                ExportFormat::Jsonl => format!("{}\n", row.line),
                ExportFormat::Csv => csv(row),
            })
            .map(drop)
        };
        if is_all(&query) {
            chain_by_chain(installation, &mut write).await
        } else {
            each(installation, &query, write).await
        }
    };
    installation.perform("audit.export", Target::named(&what), work).await
}

fn is_all(query: &AuditQuery) -> bool {
    let given = [&query.id, &query.source, &query.network, &query.reason, &query.action];
    given.iter().all(|value| value.is_none())
        && query.accounts.is_empty()
        && query.since.is_none()
        && query.until.is_none()
}

/// In the order in which a verifier wants them.
async fn chain_by_chain(
    installation: &Installation,
    write: &mut impl FnMut(&AuditRow) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let store = installation.store();
    for chain in store.audit_chains().await? {
        let mut after = 0;
        loop {
            let page = store.audit_rows(chain.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.row;
            for row in &page {
                write(row)?;
            }
        }
    }
    Ok(())
}

/// RFC 4180.
fn csv(row: &AuditRow) -> String {
    let facts = &row.facts;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let fields = [
        facts.time.format(&Rfc3339).unwrap_or_default(),
        facts.id.clone(),
        facts.action.clone(),
        facts.outcome.clone(),
        text(&facts.reason),
        text(&facts.user_id),
        text(&facts.account),
        text(&facts.source),
        row.chain.to_string(),
        row.row.to_string(),
    ];
    format!("{}\r\n", fields.map(|field| csv_field(&field)).join(","))
}

/// Spreadsheets take what begins like a formula for one; an address may begin so.
fn csv_field(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_are_no_formulas() {
        assert_eq!(csv_field("a\"b,c\n"), "\"a\"\"b,c\n\"");
        assert_eq!(csv_field("=cmd|' /c calc'!a@b.c"), "\"'=cmd|' /c calc'!a@b.c\"");
        assert_eq!(csv_field(""), "\"\"");
    }
}
