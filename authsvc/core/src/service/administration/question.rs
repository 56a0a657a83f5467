//! What administrators ask.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::audit_report::AuditReport;
use super::change::UserView;
use super::error::AdministrationError;
use crate::audit::AuditKeys;
use crate::audit::chain::network_of;
use crate::domain::{EmailAddress, Moment, PageSize, RecordFault, Service, Session, SessionId, UserId};
use crate::service::SealedKeysets;
use crate::service::feed_key_keeper::FeedKeyReport;
use crate::service::key_keeper::KeyReport;
use crate::storage::{AuditCursor, AuditQuery, AuditRow};

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

impl AuditFilter {
    /// What the database is asked at that time. An address is looked for in full and under every pseudonym that it has
    /// had, for which the keys are opened.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::Moment`], and [`AdministrationError::Keys`] when an address is asked for.
    pub async fn to_query(
        &self,
        now: OffsetDateTime,
        keysets: &SealedKeysets,
    ) -> Result<AuditQuery, AdministrationError> {
        let mut query = AuditQuery {
            id: self.id.clone(),
            reason: self.reason.clone(),
            action: self.event.clone(),
            since: self.since.map(|since| since.seen_from(now)).transpose()?,
            until: self.until.map(|until| until.seen_from(now)).transpose()?,
            ..AuditQuery::default()
        };
        if let Some(account) = &self.account {
            query.accounts.push(account.clone());
            if let Ok(address) = account.parse::<EmailAddress>() {
                let keys = AuditKeys::open(keysets).await?;
                query.accounts.push(address.as_str().to_owned());
                query.accounts.extend(keys.pseudonyms.all_of(&address));
            }
        }
        if let Some(source) = &self.source {
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
}

/// A registration as it is stored, and what is wrong with it, if anything: it is not let in then.
#[derive(Debug)]
pub struct ServiceView {
    /// The registration.
    pub service: Service,
    /// What is wrong with it.
    pub fault: Option<RecordFault>,
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
    Services(Vec<ServiceView>),
    /// The signing keys.
    Keys {
        /// Those of tokens.
        tokens: KeyReport,
        /// Those of the feed of revocations.
        feed: FeedKeyReport,
    },
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
