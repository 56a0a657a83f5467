//! What administrators ask.

use super::audit_report::AuditReport;
use super::change::UserView;
use crate::domain::{EmailAddress, Moment, PageSize, Service, Session, SessionId, UserId};
use crate::service::key_keeper::KeyReport;
use crate::storage::{AuditCursor, AuditRow};

/// A question.
#[derive(Clone, Debug)]
pub enum Question {
    /// Accounts in the order of their names.
    Users {
        /// After this one.
        after: Option<EmailAddress>,
        /// How many.
        size: PageSize,
    },
    /// The account of that name.
    UserByAddress(EmailAddress),
    /// One account.
    User(UserId),
    /// The living sessions of an account.
    SessionsOf(UserId),
    /// All living sessions, by id.
    Sessions {
        /// After this one.
        after: Option<SessionId>,
        /// How many.
        size: PageSize,
    },
    /// The registry.
    Services,
    /// The signing keys.
    Keys,
    /// Audit records in the order of time.
    Audit {
        /// Which.
        filter: AuditFilter,
        /// After this one.
        after: Option<AuditCursor>,
        /// How many.
        size: PageSize,
    },
    /// The record of an id that an answer showed.
    AuditRecord {
        /// The id.
        id: String,
    },
    /// Who is guessing, and at what.
    AuditTop {
        /// From when on.
        since: Moment,
        /// How many of each.
        count: PageSize,
    },
}

/// Which audit records; everything that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The record's id.
    pub id: Option<String>,
    /// An account: its address, id or pseudonym.
    pub account: Option<String>,
    /// An IP address, or an IPv6 network as the summary names it.
    pub source: Option<String>,
    /// The reason's code.
    pub reason: Option<String>,
    /// The event's name.
    pub event: Option<String>,
    /// From then on.
    pub since: Option<Moment>,
    /// Before then.
    pub until: Option<Moment>,
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// Accounts, and whether there may be more.
    Users {
        /// The accounts.
        users: Vec<UserView>,
        /// The name after which to go on.
        next: Option<EmailAddress>,
    },
    /// An account.
    User(UserView),
    /// Sessions.
    Sessions {
        /// The sessions.
        sessions: Vec<Session>,
        /// The id after which to go on.
        next: Option<SessionId>,
    },
    /// Services by name.
    Services(Vec<Service>),
    /// The signing keys.
    Keys(KeyReport),
    /// Audit records.
    Audit {
        /// The records.
        rows: Vec<AuditRow>,
        /// The place after which to go on.
        next: Option<AuditCursor>,
    },
    /// One audit record, and whether its digest is the one that it should have.
    AuditRecord {
        /// The record.
        row: Box<AuditRow>,
        /// Whether its digest is right.
        intact: bool,
    },
    /// Sums.
    AuditTop(AuditReport),
}
