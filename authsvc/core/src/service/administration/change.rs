//! What administrators change, whichever way they ask: every change there is, what it is called on record, and what comes
//! of it.

use std::time::Duration;

use cryptokit::jose::JwsAlgorithm;
use cryptokit::password::Password;

use crate::audit::{Note, Target};
use crate::domain::{
    EmailAddress, Moment, RecordFault, RecordVersion, Roles, Scopes, ServiceIdentity, ServiceName, SessionId, UserId,
    UserRecord,
};
use crate::service::key_change::KeyChange;
use crate::service::key_keeper::Patience;
use crate::service::password_reset::ResetLink;
use crate::service::registry::NewService;
use crate::service::users::{Account, Grants};

/// A change.
#[derive(Debug)]
pub enum Change {
    /// A new account.
    AddUser {
        /// Its name.
        email: EmailAddress,
        /// Its password, if an operator at the machine has asked its owner for one.
        password: Option<Password>,
        /// Its roles and scopes.
        grants: Grants,
        /// A link with which its owner sets the password, good for so long.
        link: Option<Duration>,
    },
    /// Other roles and scopes; `None` leaves them as they are.
    SetGrants {
        /// Whose.
        account: Account,
        /// Only if the record is of this version.
        version: Option<RecordVersion>,
        /// The roles.
        roles: Option<Roles>,
        /// The scopes.
        scopes: Option<Scopes>,
    },
    /// Nobody may log in to the account, and its sessions end.
    DisableUser(Account),
    /// Its owner may log in again.
    EnableUser(Account),
    /// The account goes, and its sessions end.
    DeleteUser(Account),
    /// A link with which the password is set once.
    MakeResetLink {
        /// Whose.
        account: Account,
        /// How long it is good.
        lifetime: Duration,
    },
    /// Another password, which somebody at the machine typed.
    ResetPassword {
        /// Whose.
        account: Account,
        /// The password.
        password: Password,
    },
    /// The second factor goes, and the sessions end.
    ResetSecondFactor(Account),
    /// Failed logins are forgotten.
    Unlock(Account),
    /// All sessions of an account end, and their access tokens are revoked. By its id also for an account that is gone.
    EndSessionsOf(Account),
    /// One session ends.
    EndSession(SessionId),
    /// One access token is revoked by its `jti`.
    RevokeToken {
        /// The `jti`.
        jti: String,
    },
    /// All access tokens of an account are revoked, such as belong to no session among them, and its sessions end. By its
    /// id also for an account that is gone.
    RevokeTokensOf(Account),
    /// All access tokens issued before a moment, which must not lie in the future, are revoked, and the sessions that had
    /// begun by then end.
    RevokeIssuedBefore(Moment),
    /// A service is registered.
    AddService(NewService),
    /// A registration ends.
    RemoveService(ServiceName),
    /// One more identity.
    AddIdentity {
        /// Whose.
        name: ServiceName,
        /// Which.
        identity: ServiceIdentity,
    },
    /// One identity less.
    RemoveIdentity {
        /// Whose.
        name: ServiceName,
        /// Which.
        identity: ServiceIdentity,
    },
    /// A new signing key.
    RotateKey {
        /// In place of the configured algorithm.
        algorithm: Option<JwsAlgorithm>,
        /// It signs at once, not once those who fetch keys have it.
        now: bool,
    },
    /// The published key signs.
    PromoteKey {
        /// The beginning of its `kid`.
        kid: String,
        /// Whether the reasons to wait count.
        patience: Patience,
    },
    /// A compromised key does nothing any more.
    RevokeKey {
        /// The beginning of its `kid`.
        kid: String,
        /// Why, for the record.
        reason: Note,
    },
    /// Keys that nothing needs any more go.
    PruneKeys,
    /// A new key for the feed of revocations.
    RotateFeedKey {
        /// It signs at once, not once verifiers have had the time to hear of it.
        now: bool,
    },
    /// Compromised keys of the feed do nothing any more, and it begins anew.
    RevokeFeedKeys {
        /// The beginning of the `kid` of one; all of them without.
        kid: Option<String>,
        /// Why, for the record.
        reason: Note,
    },
}

impl Change {
    /// Its stable name on record: the words of the command.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddUser { .. } => "user.add",
            Self::SetGrants { .. } => "user.set",
            Self::DisableUser(_) => "user.disable",
            Self::EnableUser(_) => "user.enable",
            Self::DeleteUser(_) => "user.delete",
            Self::MakeResetLink { .. } => "user.reset-link",
            Self::ResetPassword { .. } => "user.reset-password",
            Self::ResetSecondFactor(_) => "user.otp-reset",
            Self::Unlock(_) => "user.unlock",
            Self::EndSessionsOf(_) => "session.end-all",
            Self::EndSession(_) => "session.end",
            Self::RevokeToken { .. } | Self::RevokeTokensOf(_) | Self::RevokeIssuedBefore(_) => "token.revoke",
            Self::AddService(_) => "service.add",
            Self::RemoveService(_) => "service.remove",
            Self::AddIdentity { .. } => "service.add-identity",
            Self::RemoveIdentity { .. } => "service.remove-identity",
            Self::RotateKey { .. } => "key.rotate",
            Self::PromoteKey { .. } => "key.promote",
            Self::RevokeKey { .. } => "key.revoke",
            Self::PruneKeys => "key.prune",
            Self::RotateFeedKey { .. } => "key.feed-rotate",
            Self::RevokeFeedKeys { .. } => "key.feed-revoke",
        }
    }

    /// What it concerns.
    pub fn target(&self) -> Target {
        match self {
            Self::AddUser { email, .. } => Target::address(email),
            Self::SetGrants { account, .. }
            | Self::DisableUser(account)
            | Self::EnableUser(account)
            | Self::DeleteUser(account)
            | Self::MakeResetLink { account, .. }
            | Self::ResetPassword { account, .. }
            | Self::ResetSecondFactor(account)
            | Self::Unlock(account)
            | Self::EndSessionsOf(account)
            | Self::RevokeTokensOf(account) => match account {
                Account::Address(address) => Target::address(address),
                Account::Id(id) => Target::user(*id),
            },
            Self::EndSession(id) => Target::named(id),
            Self::RevokeToken { jti } => Target::named(jti),
            Self::RevokeIssuedBefore(Moment::At(time)) => Target::named(&format!("issued before {time}")),
            Self::AddService(service) => Target::named(&service.name),
            Self::RemoveService(name) | Self::AddIdentity { name, .. } | Self::RemoveIdentity { name, .. } => {
                Target::named(name)
            }
            Self::PromoteKey { kid, .. } | Self::RevokeKey { kid, .. } => Target::named(kid),
            Self::RevokeFeedKeys { kid: Some(kid), .. } => Target::named(kid),
            Self::RevokeIssuedBefore(Moment::Ago(_))
            | Self::RotateKey { .. }
            | Self::PruneKeys
            | Self::RotateFeedKey { .. }
            | Self::RevokeFeedKeys { kid: None, .. } => Target::default(),
        }
    }

    /// Why, where the change asks for that.
    pub fn note(&self) -> Option<Note> {
        match self {
            Self::RevokeKey { reason, .. } | Self::RevokeFeedKeys { reason, .. } => Some(reason.clone()),
            _ => None,
        }
    }
}

/// An account as it is stored, and what is wrong with its record, if anything: what it says is not to be believed then.
#[derive(Debug)]
pub struct UserView {
    /// The record.
    pub record: UserRecord,
    /// What is wrong with it.
    pub fault: Option<RecordFault>,
}

/// What came of a change.
#[derive(Debug)]
pub enum Changed {
    /// An account was made.
    UserAdded {
        /// The account.
        user: UserView,
        /// The link, if one was asked for.
        link: Option<ResetLink>,
    },
    /// An account is different now.
    User(UserView),
    /// An account is gone.
    UserDeleted(UserId),
    /// A link was made. Whoever has it can have the account.
    Link(ResetLink),
    /// Whether there was a second factor, which is gone.
    SecondFactorReset(bool),
    /// So many sessions have ended.
    SessionsEnded(u64),
    /// A key was changed, or none had to be.
    Key(Option<KeyChange>),
    /// Done, and nothing is to be said about it.
    Done,
}
