//! `authsvc audit search` and `authsvc audit tail`: pages of bounded size, whatever there is.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use authsvc_core::audit::chain::{ChainId, network_of};
use authsvc_core::domain::EmailAddress;
use authsvc_core::storage::{AuditCursor, AuditQuery, AuditRow};
use time::OffsetDateTime;

use super::super::installation::Installation;
use super::super::{CommandError, print};
use super::moment;
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
    let mut after = after.map(parse_cursor).transpose()?;
    let mut left = limit;
    while left > 0 {
        let size = left.min(PAGE);
        let page = installation.store().search_audit(&query, after, size).await?;
        for row in &page {
            print(&format!("{}\n", row.line))?;
        }
        after = page.last().map(AuditRow::cursor).or(after);
        if page.len() < size as usize {
            return Ok(ExitCode::SUCCESS);
        }
        left -= size;
    }
    if let Some(after) = after {
        eprintln!("there may be more: --after {}", cursor_text(after));
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
        print(&format!("{}\n", row.line))?;
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
                print(&format!("{}\n", row.line))?;
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

/// From arguments to a query. An address is looked for in full and under every pseudonym that it has had.
pub(super) async fn query(filter: &FilterArgs, installation: &Installation) -> Result<AuditQuery, CommandError> {
    let now = installation.now();
    let time = |text: &Option<String>| text.as_deref().map(|text| moment::parse(text, now)).transpose();
    let mut query = AuditQuery {
        id: filter.id.clone(),
        reason: filter.reason.clone(),
        action: filter.event.clone(),
        since: time(&filter.since)?,
        until: time(&filter.until)?,
        ..AuditQuery::default()
    };
    if let Some(user) = &filter.user {
        query.accounts.push(user.clone());
        if let Ok(address) = user.parse::<EmailAddress>() {
            query.accounts.push(address.as_str().to_owned());
            query
                .accounts
                .extend(installation.audit_keys().await?.pseudonyms.all_of(&address));
        }
    }
    if let Some(source) = &filter.source {
        match source.parse::<IpAddr>() {
            Ok(address) => {
                query.source = Some(address.to_string());
                query.network = Some(network_of(address));
            }
            Err(_) => query.network = Some(source.clone()),
        }
    }
    Ok(query)
}

/// A cursor is a time, a chain and a number, and is nothing but that when it is read: no part of it becomes SQL.
pub(super) fn cursor_text(cursor: AuditCursor) -> String {
    let micros = cursor.time.unix_timestamp_nanos().div_euclid(1000);
    format!("{micros}.{}.{}", cursor.chain, cursor.row)
}

fn parse_cursor(text: &str) -> Result<AuditCursor, String> {
    let parsed = || {
        let mut parts = text.split('.');
        let (micros, chain, row) = (parts.next()?, parts.next()?, parts.next()?);
        let cursor = AuditCursor {
            time: OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros.parse::<i64>().ok()?) * 1000).ok()?,
            chain: chain.parse::<ChainId>().ok()?,
            row: row.parse::<u32>().ok()?.into(),
        };
        (cursor_text(cursor) == text).then_some(cursor)
    };
    parsed().ok_or_else(|| format!("--after {text:?} is not what a search has printed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_cursors_are_a_time_a_chain_and_a_number_or_nothing() {
        let cursor = AuditCursor {
            time: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            chain: ChainId::generate(),
            row: 17,
        };
        let text = cursor_text(cursor);
        assert_eq!(parse_cursor(&text), Ok(cursor));
        for bad in [
            String::new(),
            format!("{text}."),
            format!("{text} OR 1=1"),
            format!(" {text}"),
            text.replace(".17", ".017"),
            text.replace(".17", ".-17"),
            text.replace(".17", "."),
            text.replace(".17", ".17;DROP TABLE audit_rows"),
            text.replace("1800000000000000", "99999999999999999999"),
            text.replace("1800000000000000", "9223372036854775807"),
            text.to_uppercase(),
            text.replace('-', ""),
        ] {
            if bad != text {
                assert!(parse_cursor(&bad).is_err(), "{bad}");
            }
        }
    }
}
