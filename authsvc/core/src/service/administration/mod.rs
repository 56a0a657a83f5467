//! What administrators may do, whether they are at the machine or ask over mTLS: questions, and changes with a durable
//! record before and after each. There is no other way to a change than [`Administration::change`].

mod audit_report;
mod change;
mod error;
mod question;

use std::fmt;
use std::sync::Arc;

use cryptokit::jose::Revocation;

pub use audit_report::AuditReport;
pub use change::{Change, Changed, UserView};
pub use error::AdministrationError;
pub use question::{Answer, AuditFilter, Question, ServiceView};

use super::defence::LoginDefence;
use super::feed_key_keeper::FeedKeyKeeper;
use super::key_keeper::KeyKeeper;
use super::key_ring::KeyRing;
use super::registry::{RegistryError, ServiceRegistry};
use super::second_factor::SecondFactors;
use super::sessions::Sessions;
use super::users::{Account, EnrolmentError, UserAdministration};
use crate::audit::chain::Record;
use crate::audit::{Act, ActError, AuditSink, Operator, perform};
use crate::clock::Clock;
use crate::domain::{EndReason, PageSize, UserId};
use crate::storage::{AuditQuery, AuditRow, Store};

/// What administration is made of.
pub struct AdministrationParts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where acts are recorded.
    pub audit: Arc<dyn AuditSink>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// Keeps accounts.
    pub users: UserAdministration,
    /// Changes signing keys.
    pub keeper: KeyKeeper,
    /// Changes the keys that sign the feed of revocations.
    pub feed_keys: FeedKeyKeeper,
    /// Ends sessions.
    pub sessions: Arc<Sessions>,
    /// Counts failed logins.
    pub defence: Arc<LoginDefence>,
}

impl fmt::Debug for AdministrationParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdministrationParts")
    }
}

/// Answers administrators, and does what they ask for.
#[derive(Debug)]
pub struct Administration {
    parts: AdministrationParts,
    registry: ServiceRegistry,
}

impl Administration {
    /// Puts it together.
    pub fn new(parts: AdministrationParts) -> Self {
        let registry = ServiceRegistry::new(
            Arc::clone(&parts.store),
            Arc::clone(&parts.clock),
            Arc::clone(&parts.keys),
        );
        Self { parts, registry }
    }

    /// Changes something: on record before it is begun, or it is not begun; and on record how it ended.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::NotRecorded`], with nothing done; else why the change was not made.
    pub async fn change(&self, operator: Operator, change: Change) -> Result<Changed, AdministrationError> {
        let by = operator.clone();
        let act = Act {
            operator,
            name: change.name(),
            target: change.target(),
            note: change.note(),
        };
        let (sink, clock) = (self.parts.audit.as_ref(), self.parts.clock.as_ref());
        let work = async { self.carry_out(&by, change).await.map_err(Recorded) };
        match perform(sink, clock, act, work).await {
            Ok(changed) => Ok(changed),
            Err(ActError::Failed(Recorded(error))) => Err(error),
            Err(ActError::NotRecorded(error)) => Err(error.into()),
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// When there is no such thing, or the database did not do its part.
    pub async fn ask(&self, question: Question) -> Result<Answer, AdministrationError> {
        let Self { parts, registry } = self;
        Ok(match question {
            Question::Users { after, size } => {
                let records = parts.users.page_of(after.as_ref(), size.get()).await?;
                let next = last_of_full(&records, size).map(|last| last.unverified().email.clone());
                let mut users = Vec::with_capacity(records.len());
                for record in records {
                    let fault = parts.users.fault_of(&record).await;
                    users.push(UserView { record, fault });
                }
                Answer::Users { users, next }
            }
            Question::UserByAddress(email) => match parts.users.find(&email.into()).await {
                Err(EnrolmentError::NoSuchUser { .. }) => Answer::Users {
                    users: Vec::new(),
                    next: None,
                },
                found => {
                    let record = found?;
                    let fault = parts.users.fault_of(&record).await;
                    let users = vec![UserView { record, fault }];
                    Answer::Users { users, next: None }
                }
            },
            Question::User(id) => Answer::User(self.view(&id.into()).await?),
            Question::SessionsOf(id) => {
                let id = self.id_of(&id.into()).await?;
                let sessions = parts.sessions.of_user(id).await?;
                Answer::Sessions { sessions, next: None }
            }
            Question::Sessions { after, size } => {
                let sessions = parts.sessions.page_of(after, size.get()).await?;
                let next = last_of_full(&sessions, size).map(|last| last.id);
                Answer::Sessions { sessions, next }
            }
            Question::Services => {
                let mut services = Vec::new();
                for service in registry.list().await? {
                    let fault = registry.fault_of(&service).await;
                    services.push(ServiceView { service, fault });
                }
                Answer::Services(services)
            }
            Question::Keys => Answer::Keys {
                tokens: parts.keeper.report().await?,
                feed: parts.feed_keys.report().await?,
            },
            Question::Audit { filter, after, size } => {
                let query = filter.to_query(parts.clock.now(), parts.keys.keysets()).await?;
                let rows = parts.store.search_audit(&query, after, size.get()).await?;
                let next = last_of_full(&rows, size).map(AuditRow::cursor);
                Answer::Audit { rows, next }
            }
            Question::AuditRecord { id } => {
                let query = AuditQuery {
                    id: Some(id),
                    ..AuditQuery::default()
                };
                let found = parts.store.search_audit(&query, None, 1).await?;
                let row = found.into_iter().next().ok_or(AdministrationError::NoSuchRecord)?;
                let parsed = Record::parse(row.line.as_bytes());
                Answer::AuditRecord {
                    intact: parsed.is_ok_and(|record| record.computed == record.hash),
                    row: Box::new(row),
                }
            }
            Question::AuditTop { since, count } => {
                let since = since.seen_from(parts.clock.now())?;
                Answer::AuditTop(AuditReport::of(parts.store.as_ref(), since, count.get()).await?)
            }
        })
    }

    async fn carry_out(&self, by: &Operator, change: Change) -> Result<Changed, AdministrationError> {
        if takes_itself_away(by, &change) {
            return Err(AdministrationError::Oneself);
        }
        let Self { parts, registry } = self;
        let users = &parts.users;
        Ok(match change {
            Change::AddUser {
                email,
                password,
                grants,
                link,
            } => {
                let id = users.add_with(email, password, grants).await?;
                let link = match link {
                    Some(lifetime) => Some(users.reset_link(id, lifetime).await?),
                    None => None,
                };
                let user = self.view(&id.into()).await?;
                Changed::UserAdded { user, link }
            }
            Change::SetGrants {
                account,
                version,
                roles,
                scopes,
            } => {
                let user = users.set_grants_if(account, version.as_ref(), roles, scopes).await?;
                Changed::User(self.view(&user.id.into()).await?)
            }
            Change::DisableUser(account) => {
                let id = users.set_disabled(account, true).await?;
                Changed::User(self.view(&id.into()).await?)
            }
            Change::EnableUser(account) => {
                let id = users.set_disabled(account, false).await?;
                Changed::User(self.view(&id.into()).await?)
            }
            Change::DeleteUser(account) => {
                // The address may become another account's. Before, so that a crash in between leaves none; and after, for
                // a login that was good meanwhile.
                let email = users.find(&account).await?.unverified().email.clone();
                parts.defence.forget_known_sources(&email).await?;
                let id = users.delete(account).await?;
                parts.defence.forget_known_sources(&email).await?;
                Changed::UserDeleted(id)
            }
            Change::MakeResetLink { account, lifetime } => Changed::Link(users.reset_link(account, lifetime).await?),
            Change::ResetPassword { account, password } => {
                let id = users.reset_password(account, password, &parts.defence).await?;
                Changed::User(self.view(&id.into()).await?)
            }
            Change::ResetSecondFactor(account) => {
                let id = self.id_of(&account).await?;
                let factors = SecondFactors::new(parts.store.as_ref(), &parts.keys, parts.clock.now());
                Changed::SecondFactorReset(factors.remove(id, None).await?)
            }
            Change::Unlock(account) => {
                // Attempts are counted by name, also at names without an account.
                let email = match account {
                    Account::Address(email) => email,
                    Account::Id(_) => users.find(&account).await?.unverified().email.clone(),
                };
                parts.defence.unlock(&email).await?;
                Changed::Done
            }
            Change::EndSessionsOf(account) => {
                let id = self.id_also_gone(&account).await?;
                Changed::SessionsEnded(parts.sessions.end_all(id, None, EndReason::Operator).await?)
            }
            Change::RevokeTokensOf(account) => {
                let id = self.id_also_gone(&account).await?;
                Changed::SessionsEnded(parts.sessions.revoke_user(id).await?)
            }
            Change::EndSession(id) => match parts.sessions.end(id, EndReason::Operator).await? {
                true => Changed::SessionsEnded(1),
                false => return Err(AdministrationError::NoSuchSession),
            },
            Change::RevokeToken { jti } => {
                // What is too long for the feed would stop it.
                let name = jti.clone();
                let revocation = Revocation::Token { jti: name, exp: 0 };
                revocation.check().map_err(|_| AdministrationError::TokenId)?;
                parts.sessions.revoke_jti(&jti).await?;
                Changed::Done
            }
            Change::RevokeIssuedBefore(moment) => {
                let now = parts.clock.now();
                let before = moment.seen_from(now)?;
                if before > now {
                    return Err(AdministrationError::FutureMoment);
                }
                Changed::SessionsEnded(parts.sessions.revoke_issued_before(before).await?)
            }
            Change::AddService(service) => {
                let (name, identity) = (service.name.clone(), service.identity.clone());
                registry.add(service).await.map_err(|error| match error {
                    RegistryError::Taken => AdministrationError::ServiceTaken { name, identity },
                    other => of_registry(other),
                })?;
                Changed::Done
            }
            Change::RemoveService(name) => match registry.remove(&name).await? {
                true => Changed::Done,
                false => return Err(AdministrationError::NoSuchService { name }),
            },
            Change::AddIdentity { name, identity } => match registry.add_identity(&name, &identity).await {
                Ok(true) => Changed::Done,
                Ok(false) => return Err(AdministrationError::NoSuchService { name }),
                Err(RegistryError::Taken) => return Err(AdministrationError::IdentityTaken { identity }),
                Err(other) => return Err(of_registry(other)),
            },
            Change::RemoveIdentity { name, identity } => {
                match registry.remove_identity(&name, &identity).await.map_err(of_registry)? {
                    true => Changed::Done,
                    false => return Err(AdministrationError::NotItsIdentity { name, identity }),
                }
            }
            Change::RotateKey { algorithm, now } => Changed::Key(Some(match now {
                false => parts.keeper.rotate(algorithm).await?,
                true => parts.keeper.replace_now(algorithm).await?,
            })),
            Change::PromoteKey { kid, patience } => Changed::Key(Some(parts.keeper.promote(&kid, patience).await?)),
            Change::RevokeKey { kid, .. } => Changed::Key(Some(parts.keeper.revoke(&kid).await?)),
            Change::PruneKeys => Changed::Key(parts.keeper.prune().await?),
            Change::RotateFeedKey { now } => Changed::Key(Some(match now {
                false => parts.feed_keys.rotate().await?,
                true => parts.feed_keys.replace_now().await?,
            })),
            Change::RevokeFeedKeys { kid, .. } => Changed::Key(Some(parts.feed_keys.revoke(kid.as_deref()).await?)),
        })
    }

    async fn view(&self, account: &Account) -> Result<UserView, AdministrationError> {
        let record = self.parts.users.find(account).await?;
        let fault = self.parts.users.fault_of(&record).await;
        Ok(UserView { record, fault })
    }

    /// An id as it is given: what is done to the sessions of an account needs no account any more.
    async fn id_also_gone(&self, account: &Account) -> Result<UserId, AdministrationError> {
        match account {
            Account::Id(id) => Ok(*id),
            Account::Address(_) => self.id_of(account).await,
        }
    }

    async fn id_of(&self, account: &Account) -> Result<UserId, AdministrationError> {
        Ok(self.parts.users.find(account).await?.unverified().id)
    }
}

/// An error as the record of an act has it.
struct Recorded(AdministrationError);

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.for_record())
    }
}

/// Whether an administrator would not be let in any more: others do that, or somebody at the machine, so that one is left.
fn takes_itself_away(by: &Operator, change: &Change) -> bool {
    match (by, change) {
        (Operator::Service { name, .. }, Change::RemoveService(removed)) => name == removed,
        (Operator::Service { identity, .. }, Change::RemoveIdentity { identity: removed, .. }) => identity == removed,
        _ => false,
    }
}

fn of_registry(error: RegistryError) -> AdministrationError {
    match error {
        RegistryError::Store(error) => error.into(),
        other => AdministrationError::Registry(other),
    }
}

/// A page that is not full is the last one.
fn last_of_full<T>(page: &[T], size: PageSize) -> Option<&T> {
    page.last().filter(|_| page.len() >= size.get() as usize)
}
