//! How long rows are kept: so many days, and so many rows. Lines are kept as files are.

use std::time::Duration;

use authsvc_core::audit::chain::COMMANDS_CHAIN;
use authsvc_core::storage::{AuditQuery, Store};
use time::OffsetDateTime;

use super::AuditLog;

/// Chains of processes that ended at least this long ago may go as a whole: a living one records twice a day.
const ENDED: Duration = Duration::from_secs(48 * 60 * 60);

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Rows that are younger.
    pub max_age: Duration,
    /// At most about this many rows.
    pub max_rows: u64,
}

/// Why rows were not looked after.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] authsvc_core::storage::StoreError),
    /// What is kept must be on record before anything is removed.
    #[error(transparent)]
    NotRecorded(#[from] authsvc_core::audit::NotRecorded),
}

/// Names the end of the commands' chain, and removes what is not to be kept, after a signed record has said so. How many rows
/// that were.
///
/// # Errors
///
/// [`PruneError`]; nothing was removed, or only some of it, and the next run goes on.
pub async fn prune(
    log: &AuditLog,
    store: &dyn Store,
    retention: Retention,
    now: OffsetDateTime,
) -> Result<u64, PruneError> {
    log.name_commands(store).await?;
    let by_age = now - retention.max_age;
    let kept_since = match store.audit_time_before(retention.max_rows).await? {
        Some(by_number) => by_age.max(by_number),
        None => by_age,
    };
    let older = AuditQuery {
        until: Some(kept_since),
        ..AuditQuery::default()
    };
    // The last signed row of that age stays, as the beginning of what is kept: one row is no reason to prune.
    if store.search_audit(&older, None, 2).await?.len() < 2 {
        return Ok(0);
    }
    log.checkpoint(Some(kept_since)).await?;
    let ended_before = kept_since.min(now - ENDED);
    Ok(store
        .prune_audit(kept_since, ended_before, &[log.chain(), COMMANDS_CHAIN])
        .await?)
}
