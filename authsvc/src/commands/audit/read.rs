//! `authsvc audit search` and `authsvc audit tail`: pages of bounded size, whatever there is.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use authsvc_core::domain::Moment;
use authsvc_core::service::administration::AuditFilter;
use authsvc_core::storage::{AuditCursor, AuditQuery, AuditRow};
use time::OffsetDateTime;

use super::super::installation::Installation;
use super::super::terminal::visible;
use super::super::{CommandError, print};
use crate::cli::{ConfigArgs, FilterArgs};

/// Rows in memory at once.
pub(super) const PAGE: u32 = 200;
/// How often it is looked for new rows.
const POLL: Duration = Duration::from_millis(500);
/// Rows of another replica may come with times that are past by this much.
const OVERLAP: Duration = Duration::from_secs(10);

pub(super) async fn search(
    filter: &FilterArgs,
    limit: u32,
    after: Option<&str>,
    config: &ConfigArgs,
) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let found = search_in(&installation, filter, limit, after).await;
    installation.close().await;
    found
}

async fn search_in(
    installation: &Installation,
    filter: &FilterArgs,
    limit: u32,
    after: Option<&str>,
) -> Result<ExitCode, CommandError> {
    let query = query(filter, installation).await?;
    let cursor = |text: &str| -> Result<AuditCursor, String> {
        text.parse()
            .map_err(|_| format!("--after {text:?} is not what a search has printed"))
    };
    let mut after = after.map(cursor).transpose()?;
    let mut left = limit;
    while left > 0 {
        let size = left.min(PAGE);
        let page = installation.store().search_audit(&query, after, size).await?;
        for row in &page {
            print(&format!("{}\n", visible(&row.line)))?;
        }
        after = page.last().map(AuditRow::cursor).or(after);
        if page.len() < size as usize {
            return Ok(ExitCode::SUCCESS);
        }
        left -= size;
    }
    if let Some(after) = after {
        eprintln!("there may be more: --after {}", after);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tail(lines: u32, follow: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let done = tail_of(&installation, lines, follow).await;
    installation.close().await;
    done
}

async fn tail_of(installation: &Installation, lines: u32, follow: bool) -> Result<ExitCode, CommandError> {
    let store = installation.store();
    let begins = store.audit_time_before(u64::from(lines)).await?;
    let mut shown = BTreeSet::new();
    let mut query = AuditQuery {
        since: begins,
        ..AuditQuery::default()
    };
    let mut last = Vec::new();
    let mut after = None;
    loop {
        let page = store.search_audit(&query, after, PAGE).await?;
        let Some(end) = page.last() else { break };
        after = Some(end.cursor());
        last.extend(page);
        let surplus = last.len().saturating_sub(lines as usize);
        last.drain(..surplus);
    }
    for row in &last {
        print(&format!("{}\n", visible(&row.line)))?;
    }
    if !follow {
        return Ok(ExitCode::SUCCESS);
    }
    // Everything that is there by now was shown or is older than what was asked for.
    let mut from = after.map_or(OffsetDateTime::UNIX_EPOCH, |after| after.time);
    query.since = Some(from - OVERLAP);
    each(installation, &query, |row| {
        shown.insert((row.facts.time, row.chain, row.row));
        Ok(())
    })
    .await?;
    loop {
        tokio::time::sleep(POLL).await;
        query.since = Some(from - OVERLAP);
        each(installation, &query, |row| {
            if shown.insert((row.facts.time, row.chain, row.row)) {
                print(&format!("{}\n", visible(&row.line)))?;
            }
            from = from.max(row.facts.time);
            Ok(())
        })
        .await?;
        shown.retain(|(time, _, _)| *time >= from - OVERLAP);
    }
}

/// Everything that a query finds, page by page.
pub(super) async fn each(
    installation: &Installation,
    query: &AuditQuery,
    mut take: impl FnMut(&AuditRow) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut after = None;
    loop {
        let page = installation.store().search_audit(query, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.cursor());
        for row in &page {
            take(row)?;
        }
    }
}

/// From arguments to a query.
pub(super) async fn query(filter: &FilterArgs, installation: &Installation) -> Result<AuditQuery, CommandError> {
    let moment = |flag: &str, text: &Option<String>| -> Result<Option<Moment>, CommandError> {
        text.as_deref()
            .map(|text| text.parse().map_err(|error| format!("{flag} {text:?}: {error}").into()))
            .transpose()
    };
    let filter = AuditFilter {
        id: filter.id.clone(),
        account: filter.user.clone(),
        source: filter.source.clone(),
        reason: filter.reason.clone(),
        event: filter.event.clone(),
        since: moment("--since", &filter.since)?,
        until: moment("--until", &filter.until)?,
    };
    Ok(filter.to_query(installation.now(), &installation.keysets()).await?)
}
