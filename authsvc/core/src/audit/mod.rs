//! What is written down: who, what, when, where, why, and what an operator can do about it.
//!
//! A caller never sees a [`Reason`]; it sees the public text of a code and the record's id.

mod act;
pub mod chain;
mod keys;
mod reason;
pub mod reasons;

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

pub use act::{Act, ActError, ActRecord, NotRecorded, Note, Operator, Stage, Target, perform};
pub use keys::{AuditKeys, PSEUDONYMS, Pseudonyms, SIGNING};
pub use reason::{Reason, ReasonKind};

use crate::domain::{EmailAddress, ServiceIdentity, ServiceName, UserId};

/// The opaque id that a refusal shows and its record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(Uuid);

impl RecordId {
    /// A fresh, random id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One decision.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its id.
    pub id: RecordId,
    /// When, in UTC.
    pub time: OffsetDateTime,
    /// Who asked.
    pub who: Who,
    /// What was asked for.
    pub what: Action,
    /// Where it came in.
    pub r#where: Where,
    /// How it ended, and why.
    pub outcome: Outcome,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `POST /v1/auth`
    Login,
    /// `POST /v1/me/password`
    ChangePassword,
    /// `POST /v1/password-reset`
    SetPassword,
    /// `POST /v1/validate-token`
    ValidateToken,
    /// `POST /v1/me/otp`
    BeginOtp,
    /// `POST /v1/me/otp/confirm`
    ConfirmOtp,
    /// `POST /v1/me/otp/disable`
    DisableOtp,
    /// `POST /v1/me/otp/recovery-codes`
    RenewRecoveryCodes,
    /// `POST /v1/refresh`
    Refresh,
    /// `POST /v1/logout`
    Logout,
    /// `GET /v1/me/sessions`
    ListSessions,
    /// `DELETE /v1/me/sessions`, or one of them
    EndSessions,
    /// `POST /v1/revoke`
    RevokeToken,
    /// `GET /v1/revocations/…`
    ReadRevocations,
    /// Anything else that was refused before it became one of the above.
    Request,
    /// A TLS connection, before any request.
    Connect,
    /// A step in the life of the signing keys, taken by the service itself.
    ChangeKeys,
    /// Reading changed certificates, revocation lists and settings.
    Reload,
    /// A question of `/v1/admin`.
    AdminQuestion,
    /// A change by `/v1/admin`. Its act has records of its own.
    AdminChange,
}

impl Action {
    /// Whether its success is ordinary traffic: a line, and no row in the database.
    pub const fn is_routine(self) -> bool {
        matches!(
            self,
            Self::ValidateToken | Self::Refresh | Self::ListSessions | Self::AdminChange
        )
    }

    /// Whether services ask for it twice a second and get what they all get: its success is not recorded, as that of
    /// fetching the keys is not.
    pub const fn is_polling(self) -> bool {
        matches!(self, Self::ReadRevocations)
    }

    /// A stable name for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ChangePassword => "change-password",
            Self::SetPassword => "set-password",
            Self::ValidateToken => "validate-token",
            Self::BeginOtp => "otp-begin",
            Self::ConfirmOtp => "otp-confirm",
            Self::DisableOtp => "otp-disable",
            Self::RenewRecoveryCodes => "otp-recovery-codes",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::ListSessions => "list-sessions",
            Self::EndSessions => "end-sessions",
            Self::RevokeToken => "revoke-token",
            Self::ReadRevocations => "read-revocations",
            Self::Request => "request",
            Self::Connect => "connect",
            Self::ChangeKeys => "change-keys",
            Self::Reload => "reload",
            Self::AdminQuestion => "admin-question",
            Self::AdminChange => "admin-change",
        }
    }
}

/// Who asked, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// What was given as the address.
    pub address: Option<GivenAddress>,
    /// The account, once it is known.
    pub user_id: Option<UserId>,
    /// What the client certificate proved.
    pub caller: Option<ServiceIdentity>,
    /// The registered service it belongs to.
    pub service: Option<ServiceName>,
    /// A recovery code was used up to prove it: how many the account has left.
    pub recovery_codes_left: Option<usize>,
}

/// What came in the address field. People type passwords there, so what is not an address is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenAddress {
    /// An address.
    Address(EmailAddress),
    /// Something else.
    NotAnAddress {
        /// Its length in bytes.
        len: usize,
    },
}

impl GivenAddress {
    /// Keeps the address, or only the length.
    pub fn of(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::NotAnAddress { len: text.len() },
        }
    }
}

/// Where a request came in.
#[derive(Clone, Debug)]
pub struct Where {
    /// The peer's address, if it came over a network.
    pub source: Option<IpAddr>,
    /// The route's pattern, never the path or query as sent. `None` when no route matched.
    pub route: Option<&'static str>,
    /// The listener: `public` or `internal`.
    pub listener: &'static str,
    /// The request's id. `None` for a connection that brought no request.
    pub request_id: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As asked.
    Success,
    /// Refused or failed.
    Failure(Reason),
}

/// Takes records.
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Takes one record. Never waits and never fails the request: what it can't write, it counts.
    fn record(&self, record: &AuditRecord);

    /// Counts a success that is to have no record of its own; whether it did. Asked before a record is made.
    fn counts_success(&self, _what: Action, _who: &Who) -> bool {
        false
    }

    /// Takes the record of an act of administration, and returns when no crash can lose it any more.
    ///
    /// # Errors
    ///
    /// [`NotRecorded`]; the act is then not to be done.
    async fn record_act(&self, record: &ActRecord) -> Result<(), NotRecorded>;
}

/// Keeps records in memory.
#[cfg(feature = "test-util")]
#[derive(Debug, Default)]
pub struct RecordingSink {
    records: std::sync::Mutex<Vec<AuditRecord>>,
    acts: std::sync::Mutex<Vec<ActRecord>>,
}

#[cfg(feature = "test-util")]
impl RecordingSink {
    /// Takes what was recorded so far.
    ///
    /// # Panics
    ///
    /// When another thread panicked while recording.
    pub fn take(&self) -> Vec<AuditRecord> {
        std::mem::take(&mut *self.records.lock().expect("recording does not panic"))
    }

    /// Takes the acts that were recorded so far.
    ///
    /// # Panics
    ///
    /// When another thread panicked while recording.
    pub fn take_acts(&self) -> Vec<ActRecord> {
        std::mem::take(&mut *self.acts.lock().expect("recording does not panic"))
    }
}

#[cfg(feature = "test-util")]
#[async_trait]
impl AuditSink for RecordingSink {
    fn record(&self, record: &AuditRecord) {
        self.records
            .lock()
            .expect("recording does not panic")
            .push(record.clone());
    }

    async fn record_act(&self, record: &ActRecord) -> Result<(), NotRecorded> {
        self.acts.lock().expect("recording does not panic").push(record.clone());
        Ok(())
    }
}
