//! Acts of administration: on record before they begin, or they do not begin.

use std::fmt;
use std::net::IpAddr;

use time::OffsetDateTime;

use super::{AuditSink, RecordId};
use crate::clock::Clock;
use crate::domain::{EmailAddress, ServiceIdentity, ServiceName, UserId};

/// Who administers.
#[derive(Clone, Debug)]
pub enum Operator {
    /// A user of the machine, at the command line.
    SystemUser {
        /// The system's name of the user, or the number where it has none.
        name: String,
    },
    /// A service that is registered as an administrator, over mTLS.
    Service {
        /// Its short name.
        name: ServiceName,
        /// What its certificate proved.
        identity: ServiceIdentity,
        /// Where it asked from.
        source: Option<IpAddr>,
        /// The request's id.
        request_id: Option<String>,
    },
}

/// What an act concerns.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// An account's address.
    pub address: Option<EmailAddress>,
    /// An account's id.
    pub user_id: Option<UserId>,
    /// The name of anything else: a service, a key, a session.
    pub name: Option<String>,
}

impl Target {
    /// An account by its address.
    pub fn address(address: &EmailAddress) -> Self {
        Self {
            address: Some(address.clone()),
            ..Self::default()
        }
    }

    /// An account by its id.
    pub fn user(user_id: UserId) -> Self {
        Self {
            user_id: Some(user_id),
            ..Self::default()
        }
    }

    /// Something that has a name. Only the first 200 bytes or so of it are kept.
    pub fn named(name: &impl fmt::Display) -> Self {
        let mut name = name.to_string();
        name.truncate(name.floor_char_boundary(200));
        Self {
            name: Some(name),
            ..Self::default()
        }
    }
}

/// What is about to be done, by whom, to what.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who does it.
    pub operator: Operator,
    /// A stable name, such as `user.disable`: the words of the command.
    pub name: &'static str,
    /// What it concerns.
    pub target: Target,
    /// Why, in the operator's words, where an act asks for that.
    pub note: Option<Note>,
}

/// Words of an operator. Only the first 500 bytes or so of them are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(String);

impl Note {
    /// Longest note in bytes.
    pub const MAX_LEN: usize = 500;

    /// Keeps the words.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::MAX_LEN)].to_owned())
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far an act has come.
#[derive(Clone, Debug)]
pub enum Stage {
    /// It is about to be done.
    Begun,
    /// It was done.
    Done,
    /// It was refused or failed.
    Failed {
        /// Why, in the words of the error. Never a secret, and nothing that a stranger chose.
        why: String,
    },
}

/// A record of an act.
#[derive(Clone, Debug)]
pub struct ActRecord {
    /// The record's id.
    pub id: RecordId,
    /// The act's id: the same in the record of its beginning and of its end.
    pub act_id: RecordId,
    /// When, in UTC.
    pub time: OffsetDateTime,
    /// The act.
    pub act: Act,
    /// How far it has come.
    pub stage: Stage,
}

/// A record could not be made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log could not record it, and what is not on record is not done")]
pub struct NotRecorded;

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError<E> {
    /// It could not be recorded.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// It failed by itself.
    #[error(transparent)]
    Failed(E),
}

/// Does `work` with a durable record before it and one after it.
///
/// # Errors
///
/// [`ActError::NotRecorded`] when the first record cannot be written: `work` is not polled then. [`ActError::Failed`] with
/// what `work` failed with. When only the second record cannot be written, the act is done and the first record stands
/// without an end, as after a crash.
pub async fn perform<T, E: fmt::Display>(
    sink: &dyn AuditSink,
    clock: &dyn Clock,
    act: Act,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ActError<E>> {
    let act_id = RecordId::generate();
    let record = |stage| ActRecord {
        id: RecordId::generate(),
        act_id,
        time: clock.now(),
        act: act.clone(),
        stage,
    };
    sink.record_act(&record(Stage::Begun)).await?;
    let result = work.await;
    let stage = match &result {
        Ok(_) => Stage::Done,
        Err(error) => Stage::Failed { why: error.to_string() },
    };
    // What is done is done: the sink has counted that its end is not on record.
    let _ = sink.record_act(&record(stage)).await;
    result.map_err(ActError::Failed)
}
