//! Audit records, as administrators look for them.

use authsvc_core::domain::{Moment, PageSize};
use authsvc_core::service::administration::{AuditFilter, AuditReport, Question};
use authsvc_core::storage::{AuditCursor, AuditRow};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{moment, page_size};
use crate::transport::http::dto::DecodeError;
use crate::transport::http::json_object::Fields;

const MAX_TERM: usize = 254;

/// `POST /v1/admin/audit/search`; everything that is given must fit.
#[derive(ToSchema)]
pub(in crate::transport::http) struct AuditSearchRequest {
    /// The record's id, which an answer showed.
    #[schema(value_type = Option<String>, max_length = 254)]
    id: Option<Term>,
    /// An account: its address, id or pseudonym.
    #[schema(value_type = Option<String>, max_length = 254)]
    account: Option<Term>,
    /// An IP address, or an IPv6 network as the summary names it.
    #[schema(value_type = Option<String>, max_length = 254)]
    source: Option<Term>,
    /// The reason's code, such as `wrong_password`.
    #[schema(value_type = Option<String>, max_length = 254)]
    reason: Option<Term>,
    /// The event, such as `authn_login_fail`.
    #[schema(value_type = Option<String>, max_length = 254)]
    event: Option<Term>,
    /// From then on: RFC 3339, or how long ago, such as `30m`.
    #[schema(value_type = Option<String>, max_length = 64)]
    since: Option<Moment>,
    /// Before then.
    #[schema(value_type = Option<String>, max_length = 64)]
    until: Option<Moment>,
    /// Go on after the page that gave this as `next`.
    #[schema(value_type = Option<String>, max_length = 80)]
    after: Option<AuditCursor>,
    /// How many; 100 if absent.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 500, default = 100)]
    limit: PageSize,
}

/// From a body to a search. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_audit_search(body: &[u8]) -> Result<Question, DecodeError> {
    const TERM: &str = "must have 1 to 254 bytes without control characters";
    const MOMENT: &str = "must be a time, or how long ago";
    let mut fields = Fields::parse(body)?;
    let request = AuditSearchRequest {
        id: fields.parsed("id", TERM),
        account: fields.parsed("account", TERM),
        source: fields.parsed("source", TERM),
        reason: fields.parsed("reason", TERM),
        event: fields.parsed("event", TERM),
        since: fields.parsed("since", MOMENT),
        until: fields.parsed("until", MOMENT),
        after: fields.parsed("after", "must be what a page gave as next"),
        limit: page_size(&mut fields, "limit"),
    };
    fields.done()?;
    let text = |term: Option<Term>| term.map(|Term(text)| text);
    Ok(Question::Audit {
        filter: AuditFilter {
            id: text(request.id),
            account: text(request.account),
            source: text(request.source),
            reason: text(request.reason),
            event: text(request.event),
            since: request.since,
            until: request.until,
        },
        after: request.after,
        size: request.limit,
    })
}

/// `POST /v1/admin/audit/top`
#[derive(ToSchema)]
pub(in crate::transport::http) struct AuditTopRequest {
    /// From then on: RFC 3339, or how long ago; an hour if absent.
    #[schema(value_type = Option<String>, max_length = 64, default = "1h")]
    since: Option<Moment>,
    /// How many of each; 100 if absent.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 500, default = 100)]
    count: PageSize,
}

/// From a body to sums. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_audit_top(body: &[u8]) -> Result<Question, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = AuditTopRequest {
        since: fields.parsed("since", "must be a time, or how long ago"),
        count: page_size(&mut fields, "count"),
    };
    fields.done()?;
    Ok(Question::AuditTop {
        since: request
            .since
            .unwrap_or(Moment::Ago(std::time::Duration::from_secs(3600))),
        count: request.count,
    })
}

/// A word to look for.
struct Term(String);

impl std::str::FromStr for Term {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = (1..=MAX_TERM).contains(&text.len()) && !text.chars().any(char::is_control);
        plain.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// A page of records.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct AuditResponse {
    /// In the order of time, as `docs/events.md` describes them.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Value>,
    /// To be sent as `after`; absent when this was the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl AuditResponse {
    pub(in crate::transport::http) fn new(rows: &[AuditRow], next: Option<AuditCursor>) -> Self {
        Self {
            records: rows.iter().map(record).collect(),
            next: next.map(|cursor| cursor.to_string()),
        }
    }
}

/// One record.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct AuditRecordResponse {
    /// As `docs/events.md` describes it; `authsvc.advice` says what to do.
    #[schema(value_type = Object)]
    record: Value,
    /// Whether its digest is right. `authsvc audit verify` checks the whole chain.
    intact: bool,
}

impl AuditRecordResponse {
    pub(in crate::transport::http) fn new(row: &AuditRow, intact: bool) -> Self {
        Self {
            record: record(row),
            intact,
        }
    }
}

/// What was altered so that it is no JSON any more is told as text.
fn record(row: &AuditRow) -> Value {
    serde_json::from_str(&row.line).unwrap_or_else(|_| Value::String(row.line.clone()))
}

/// Sums of refusals and failures.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct AuditTopResponse {
    /// From when on (RFC 3339, UTC).
    #[schema(format = "date-time")]
    since: String,
    /// By source, the highest first.
    sources: Vec<Failures>,
    /// By account.
    accounts: Vec<Failures>,
    /// By reason.
    reasons: Vec<Failures>,
    /// Those that came from too many sources to count each.
    unattributed: u64,
}

/// A name and how often it failed.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct Failures {
    /// The name.
    name: String,
    /// How often.
    failures: u64,
}

impl AuditTopResponse {
    pub(in crate::transport::http) fn new(report: &AuditReport) -> Self {
        let counts = |counts: &[(String, u64)]| {
            let entry = |(name, failures): &(String, u64)| Failures {
                name: name.clone(),
                failures: *failures,
            };
            counts.iter().map(entry).collect()
        };
        Self {
            since: moment(report.since),
            sources: counts(&report.sources),
            accounts: counts(&report.accounts),
            reasons: counts(&report.reasons),
            unattributed: report.unattributed,
        }
    }
}
