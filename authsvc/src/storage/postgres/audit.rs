//! Audit records.

use async_trait::async_trait;
use authsvc_core::audit::chain::{ChainId, Facts};
use authsvc_core::storage::{AuditChain, AuditCursor, AuditDimension, AuditQuery, AuditRow, AuditStore, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use super::{PostgresStore, rows, store_error, unhurried};

const ROWS: &str = "audit_rows";
const CHAINS: &str = "audit_chains";
const COLUMNS: &str = "chain, row, time, signed, record_id, action, outcome, reason, user_id, account, source, line";

#[async_trait]
impl AuditStore for PostgresStore {
    async fn insert_audit_chain(&self, chain: &AuditChain) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO audit_chains (id, replica, started_at) VALUES ($1, $2, $3)")
            .bind(chain.id.to_string())
            .bind(&chain.replica)
            .bind(micros(chain.started_at))
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn latest_audit_chain(&self, replica: &str) -> Result<Option<AuditChain>, StoreError> {
        let row = sqlx::query(
            "SELECT id, replica, started_at FROM audit_chains WHERE replica = $1 ORDER BY started_at DESC, id LIMIT 1",
        )
        .bind(replica)
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.as_ref().map(chain).transpose()
    }

    async fn audit_chains(&self) -> Result<Vec<AuditChain>, StoreError> {
        let all = sqlx::query("SELECT id, replica, started_at FROM audit_chains ORDER BY started_at, id")
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter().map(chain).collect()
    }

    /// One statement, which is a transaction of its own and one round trip.
    async fn append_audit_rows(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        fn each<T>(rows: &[AuditRow], column: impl Fn(&AuditRow) -> T) -> Vec<T> {
            rows.iter().map(column).collect()
        }
        sqlx::query(
            "INSERT INTO audit_rows (chain, row, time, signed, record_id, action, outcome, reason, user_id, account, \
             source, network, line)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::text[], \
             $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])",
        )
        .bind(each(rows, |row| row.chain.to_string()))
        .bind(each(rows, |row| row.row.cast_signed()))
        .bind(each(rows, |row| micros(row.facts.time)))
        .bind(each(rows, |row| row.signed))
        .bind(each(rows, |row| row.facts.id.clone()))
        .bind(each(rows, |row| row.facts.action.clone()))
        .bind(each(rows, |row| row.facts.outcome.clone()))
        .bind(each(rows, |row| row.facts.reason.clone()))
        .bind(each(rows, |row| row.facts.user_id.clone()))
        .bind(each(rows, |row| row.facts.account.clone()))
        .bind(each(rows, |row| row.facts.source.clone()))
        .bind(each(rows, |row| row.facts.network()))
        .bind(each(rows, |row| row.line.clone()))
        .execute(&self.writer)
        .await
        .map(|_| ())
        .map_err(store_error)
    }

    async fn last_audit_row(&self, chain: ChainId) -> Result<Option<AuditRow>, StoreError> {
        let row = sqlx::query(
            "SELECT chain, row, time, signed, record_id, action, outcome, reason, user_id, account, source, line \
             FROM audit_rows WHERE chain = $1 ORDER BY row DESC LIMIT 1",
        )
        .bind(chain.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.as_ref().map(audit_row).transpose()
    }

    async fn audit_rows(&self, chain: ChainId, after_row: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let page = sqlx::query(
            "SELECT chain, row, time, signed, record_id, action, outcome, reason, user_id, account, source, line \
             FROM audit_rows WHERE chain = $1 AND row > $2 ORDER BY row LIMIT $3",
        )
        .bind(chain.to_string())
        .bind(after_row.cast_signed())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        page.iter().map(audit_row).collect()
    }

    async fn search_audit(
        &self,
        query: &AuditQuery,
        after: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut sql = QueryBuilder::<Postgres>::new(format!("SELECT {COLUMNS} FROM audit_rows WHERE true"));
        for (condition, value) in [
            (" AND record_id = ", &query.id),
            (" AND source = ", &query.source),
            (" AND network = ", &query.network),
            (" AND reason = ", &query.reason),
            (" AND action = ", &query.action),
        ] {
            if let Some(value) = value {
                sql.push(condition).push_bind(value.clone());
            }
        }
        for (condition, moment) in [(" AND time >= ", query.since), (" AND time < ", query.until)] {
            if let Some(moment) = moment {
                sql.push(condition).push_bind(micros(moment));
            }
        }
        if !query.accounts.is_empty() {
            for (before, column) in [(" AND (", "account"), (" OR ", "user_id")] {
                sql.push(before).push(column).push(" IN (");
                let mut values = sql.separated(", ");
                for account in &query.accounts {
                    values.push_bind(account.clone());
                }
                sql.push(")");
            }
            sql.push(")");
        }
        if let Some(after) = after {
            sql.push(" AND (time, chain, row) > (").push_bind(micros(after.time));
            sql.push(", ").push_bind(after.chain.to_string());
            sql.push(", ").push_bind(after.row.cast_signed()).push(")");
        }
        sql.push(" ORDER BY time, chain, row LIMIT ")
            .push_bind(i64::from(limit));
        let page = sql.build().fetch_all(&self.readers).await.map_err(store_error)?;
        page.iter().map(audit_row).collect()
    }

    async fn top_audit(
        &self,
        dimension: AuditDimension,
        since: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = match dimension {
            AuditDimension::Network => {
                "SELECT network AS value, COUNT(*) AS n FROM audit_rows WHERE outcome = 'failure' AND time >= $1 \
                 AND network IS NOT NULL GROUP BY network ORDER BY n DESC, value LIMIT $2"
            }
            AuditDimension::Account => {
                "SELECT account AS value, COUNT(*) AS n FROM audit_rows WHERE outcome = 'failure' AND time >= $1 \
                 AND account IS NOT NULL GROUP BY account ORDER BY n DESC, value LIMIT $2"
            }
            AuditDimension::Reason => {
                "SELECT reason AS value, COUNT(*) AS n FROM audit_rows WHERE outcome = 'failure' AND time >= $1 \
                 AND reason IS NOT NULL GROUP BY reason ORDER BY n DESC, value LIMIT $2"
            }
        };
        let found = sqlx::query(sql)
            .bind(micros(since))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        found
            .iter()
            .map(|row| {
                Ok((
                    rows::get(row, ROWS, "value")?,
                    rows::get::<i64>(row, ROWS, "n")?.cast_unsigned(),
                ))
            })
            .collect()
    }

    async fn audit_time_before(&self, newer: u64) -> Result<Option<OffsetDateTime>, StoreError> {
        let row = sqlx::query("SELECT time FROM audit_rows ORDER BY time DESC, chain DESC, row DESC LIMIT 1 OFFSET $1")
            .bind(i64::try_from(newer).unwrap_or(i64::MAX))
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(|row| moment(row, ROWS, "time")).transpose()
    }

    async fn prune_audit(
        &self,
        kept_since: OffsetDateTime,
        ended_before: OffsetDateTime,
        living: &[ChainId],
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        for chain in self.audit_chains().await? {
            let mut transaction = unhurried(&self.writer).await?;
            let last: Option<i64> =
                sqlx::query_scalar("SELECT time FROM audit_rows WHERE chain = $1 ORDER BY row DESC LIMIT 1")
                    .bind(chain.id.to_string())
                    .fetch_optional(&mut *transaction)
                    .await
                    .map_err(store_error)?;
            let ended = last.is_none_or(|last| last <= micros(ended_before)) && chain.started_at <= ended_before;
            if ended && !living.contains(&chain.id) {
                let done = sqlx::query("DELETE FROM audit_rows WHERE chain = $1")
                    .bind(chain.id.to_string())
                    .execute(&mut *transaction)
                    .await
                    .map_err(store_error)?;
                removed += done.rows_affected();
                sqlx::query("DELETE FROM audit_chains WHERE id = $1")
                    .bind(chain.id.to_string())
                    .execute(&mut *transaction)
                    .await
                    .map_err(store_error)?;
            } else {
                let done = sqlx::query(
                    "DELETE FROM audit_rows WHERE chain = $1 AND row < (SELECT row FROM audit_rows \
                     WHERE chain = $1 AND signed AND time <= $2 ORDER BY row DESC LIMIT 1)",
                )
                .bind(chain.id.to_string())
                .bind(micros(kept_since))
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
                removed += done.rows_affected();
            }
            transaction.commit().await.map_err(store_error)?;
        }
        Ok(removed)
    }
}

fn chain(row: &PgRow) -> Result<AuditChain, StoreError> {
    Ok(AuditChain {
        id: rows::parse(row, CHAINS, "id")?,
        replica: rows::get(row, CHAINS, "replica")?,
        started_at: moment(row, CHAINS, "started_at")?,
    })
}

fn audit_row(row: &PgRow) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        chain: rows::parse(row, ROWS, "chain")?,
        row: rows::get::<i64>(row, ROWS, "row")?.cast_unsigned(),
        signed: rows::get(row, ROWS, "signed")?,
        facts: Facts {
            time: moment(row, ROWS, "time")?,
            id: rows::get(row, ROWS, "record_id")?,
            action: rows::get(row, ROWS, "action")?,
            outcome: rows::get(row, ROWS, "outcome")?,
            reason: rows::get(row, ROWS, "reason")?,
            user_id: rows::get(row, ROWS, "user_id")?,
            account: rows::get(row, ROWS, "account")?,
            source: rows::get(row, ROWS, "source")?,
        },
        line: rows::get(row, ROWS, "line")?,
    })
}

fn moment(row: &PgRow, table: &'static str, column: &'static str) -> Result<OffsetDateTime, StoreError> {
    let micros: i64 = rows::get(row, table, column)?;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|_| StoreError::Inconsistent { table, column })
}

fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}
