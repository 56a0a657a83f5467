//! Keeping accounts: what an operator may do.

use std::fmt;
use std::sync::Arc;

use cryptokit::aead::{AeadError, AeadKey};
use cryptokit::encoding::base64url;
use cryptokit::keyset::Keyset;
use cryptokit::password::{HashBinding, Password, SealedHash, StoredHash};
use cryptokit::random;
use zeroize::Zeroizing;

use super::LoginDefence;
use super::end_sessions::end_sessions;
use super::hash_shape;
use super::hashing::{CredentialHasher, HashingError};
use super::key_ring::KeyRing;
use super::password_change::PasswordChange;
use super::password_policy::{PasswordContext, PasswordPolicy, PasswordRefusal, PasswordRules};
use crate::clock::Clock;
use crate::domain::{
    AlteredRecord, EmailAddress, EndReason, RecordFault, RecordVersion, Roles, Scopes, User, UserId, UserRecord,
};
use crate::storage::{EndOfSessions, Store, StoreError};

/// Where sealed password hashes live; part of what binds them to their place.
pub(super) const PASSWORD_HASH_COLUMN: &str = "users.password_hash";

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// The password is not good enough, or that could not be found out.
    #[error(transparent)]
    Password(#[from] PasswordRefusal),
    /// An account of that name exists.
    #[error("an account {email} exists already")]
    Taken {
        /// The name.
        email: EmailAddress,
    },
    /// There is no such account.
    #[error("there is no account {account}")]
    NoSuchUser {
        /// Which one was meant.
        account: Account,
    },
    /// The account is not as it was when the change was decided upon.
    #[error("the account {account} was changed meanwhile")]
    Outdated {
        /// Which one.
        account: Account,
    },
    /// The account's record is not as this program wrote it.
    #[error("{0}\nhelp: authsvc user show says what the record claims; once that is right, authsvc user seal")]
    Altered(#[from] AlteredRecord),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hashing(#[from] HashingError),
    /// The hash could not be sealed.
    #[error("the hash could not be sealed")]
    Sealing(#[from] AeadError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

/// Accounts in one page.
pub const PAGE: u32 = 500;

/// Which account is meant: by its name, as people say it, or by its id, which stays with the account when the name goes
/// to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Its name.
    Address(EmailAddress),
    /// Its id.
    Id(UserId),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl From<&EmailAddress> for Account {
    fn from(address: &EmailAddress) -> Self {
        Self::Address(address.clone())
    }
}

impl From<EmailAddress> for Account {
    fn from(address: EmailAddress) -> Self {
        Self::Address(address)
    }
}

impl From<UserId> for Account {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

/// How often a change is tried anew when others change the same record.
pub(super) const ATTEMPTS: usize = 8;

/// What comes with another password.
struct NewPassword {
    /// What checking it costs.
    shape: Option<String>,
    /// The sessions of who came in with the old one.
    sessions: EndOfSessions,
}

/// Adds, lists and changes accounts.
pub struct UserAdministration {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    hasher: Arc<dyn CredentialHasher>,
    pub(super) keys: Arc<KeyRing>,
    rules: Arc<dyn PasswordRules>,
}

/// What an account is to be, beside its name and password.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Its roles.
    pub roles: Roles,
    /// Its scopes.
    pub scopes: Scopes,
}

impl UserAdministration {
    /// Puts it together, with the rules that ship for new passwords.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        hasher: Arc<dyn CredentialHasher>,
        keys: Arc<KeyRing>,
    ) -> Self {
        Self {
            store,
            clock,
            hasher,
            keys,
            rules: Arc::new(PasswordPolicy::default()),
        }
    }

    /// The same, with other rules for new passwords.
    #[must_use]
    pub fn with_rules(self, rules: Arc<dyn PasswordRules>) -> Self {
        Self { rules, ..self }
    }

    /// Adds an account without roles and scopes.
    ///
    /// # Errors
    ///
    /// As [`Self::add_with`].
    pub async fn add(&self, email: EmailAddress, password: Password) -> Result<UserId, EnrolmentError> {
        self.add_with(email, Some(password), Grants::default()).await
    }

    /// Adds an account. Without a password nobody can log in until a link has set one ([`Self::reset_link`]); such an
    /// account has the hash of a random one, so that it looks like all others.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Password`], [`EnrolmentError::Taken`], and what hashing and storing can fail with.
    pub async fn add_with(
        &self,
        email: EmailAddress,
        password: Option<Password>,
        grants: Grants,
    ) -> Result<UserId, EnrolmentError> {
        let password = match password {
            Some(password) => self.accepted(password, PasswordContext::new(&email, false)).await?,
            None => Arc::new(random_password()),
        };
        let id = UserId::generate();
        let (hash, shape) = self.hash(id, password).await?;
        let mut user = User::new(id, email.clone(), hash, self.clock.now());
        user.roles = grants.roles;
        user.scopes = grants.scopes;
        let record = UserRecord::seal(user, &self.keys.sealing().keys)?.with_shape(shape);
        match self.store.insert_user(&record).await {
            Err(StoreError::Conflict) => Err(EnrolmentError::Taken { email }),
            other => Ok(other.map(|()| id)?),
        }
    }

    /// The accounts that come after a name, or the first ones, in the order of their names; at most [`PAGE`]. Their
    /// seals are not checked, so that a damaged record can be looked at; [`Self::fault_of`] does.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn page(&self, after: Option<&EmailAddress>) -> Result<Vec<UserRecord>, EnrolmentError> {
        self.page_of(after, PAGE).await
    }

    /// As [`Self::page`], at most `most`.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn page_of(&self, after: Option<&EmailAddress>, most: u32) -> Result<Vec<UserRecord>, EnrolmentError> {
        Ok(self.store.users_after(after, most.min(PAGE)).await?)
    }

    /// One account, its seal not checked.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`] and [`EnrolmentError::Store`].
    pub async fn show(&self, account: impl Into<Account>) -> Result<UserRecord, EnrolmentError> {
        self.find(&account.into()).await
    }

    /// What is wrong with a record, if anything.
    pub async fn fault_of(&self, record: &UserRecord) -> Option<RecordFault> {
        self.keys.unseal(|keys| record.check(keys)).await.err()
    }

    /// Forbids or allows an account to log in. Forbidding ends its sessions, and allowing those that were begun while it
    /// was being forbidden.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`] and [`EnrolmentError::Store`].
    pub async fn set_disabled(&self, account: impl Into<Account>, disabled: bool) -> Result<UserId, EnrolmentError> {
        let found = self.find(&account.into()).await?;
        let user = self.open(&found).await?;
        // Before and after, as for a change of the password. Where there was a crash in between, what a login began
        // there is ended before the account is enabled: nothing comes back.
        if disabled || user.disabled {
            self.end_sessions(user.id, EndReason::Disabled).await?;
        }
        self.change(&user.id.into(), None, |user| user.disabled = disabled)
            .await?;
        if disabled {
            self.end_sessions(user.id, EndReason::Disabled).await?;
        }
        Ok(user.id)
    }

    /// Gives an account other roles and scopes; `None` leaves them as they are. Tokens that were issued before keep
    /// theirs until they end.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`] and [`EnrolmentError::Store`].
    pub async fn set_grants(
        &self,
        account: impl Into<Account>,
        roles: Option<Roles>,
        scopes: Option<Scopes>,
    ) -> Result<User, EnrolmentError> {
        self.set_grants_if(account, None, roles, scopes).await
    }

    /// As [`Self::set_grants`], provided that the record is the one of that version: of two who read one record and
    /// replace what it grants, one learns that it has not seen what the other one did.
    ///
    /// # Errors
    ///
    /// Also [`EnrolmentError::Outdated`].
    pub async fn set_grants_if(
        &self,
        account: impl Into<Account>,
        version: Option<&RecordVersion>,
        roles: Option<Roles>,
        scopes: Option<Scopes>,
    ) -> Result<User, EnrolmentError> {
        self.change(&account.into(), version, |user| {
            if let Some(roles) = &roles {
                user.roles.clone_from(roles);
            }
            if let Some(scopes) = &scopes {
                user.scopes.clone_from(scopes);
            }
        })
        .await
    }

    /// Gives an account another password, ends its sessions, and lets `defence` forget from where it logs in.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Password`], [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`], and what hashing and
    /// storing can fail with.
    pub async fn reset_password(
        &self,
        account: impl Into<Account>,
        password: Password,
        defence: &LoginDefence,
    ) -> Result<UserId, EnrolmentError> {
        let user = self.open(&self.find(&account.into()).await?).await?;
        let password = self.accepted(password, PasswordContext::of(&user)).await?;
        let (hash, shape) = self.hash(user.id, password).await?;
        let change = PasswordChange {
            store: self.store.as_ref(),
            clock: self.clock.as_ref(),
            defence,
            user: &user,
            except: None,
        };
        let account = user.id.into();
        let new = NewPassword {
            shape,
            sessions: change.sessions(),
        };
        let write = self.change_with(&account, None, Some(&new), |user| user.password_hash = hash.clone());
        change.around(async { write.await.map(|_| true) }).await?;
        Ok(user.id)
    }

    /// Removes an account for good, and ends its sessions. Its address may be registered anew, as another account: the id is gone.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`] and [`EnrolmentError::Store`].
    pub async fn delete(&self, account: impl Into<Account>) -> Result<UserId, EnrolmentError> {
        let account = account.into();
        let id = self.find(&account).await?.unverified().id;
        self.end_sessions(id, EndReason::Deleted).await?;
        if !self.store.delete_user(id).await? {
            return Err(EnrolmentError::NoSuchUser { account });
        }
        // Once more, for a login that began one in between. From now on none begins.
        self.end_sessions(id, EndReason::Deleted).await?;
        Ok(id)
    }

    /// Seals a record as it stands: for records of a program that knew no seals, and for altered ones that were put
    /// right. Whoever calls this vouches for what the record says.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`] and [`EnrolmentError::Store`].
    pub async fn seal(&self, record: &UserRecord) -> Result<(), EnrolmentError> {
        let sealed = UserRecord::seal(record.unverified().clone(), &self.keys.sealing().keys)?
            .with_shape(record.shape_text().map(str::to_owned));
        match self.store.replace_user(record, &sealed).await? {
            true => Ok(()),
            false => Err(EnrolmentError::Store(StoreError::Conflict)),
        }
    }

    /// Reads, changes and writes a record, again if somebody else changed it meanwhile. Leaves its password hash.
    async fn change(
        &self,
        account: &Account,
        version: Option<&RecordVersion>,
        edit: impl Fn(&mut User) + Send,
    ) -> Result<User, EnrolmentError> {
        self.change_with(account, version, None, edit).await
    }

    /// The same, where the hash is another one afterwards if there is a new password.
    async fn change_with(
        &self,
        account: &Account,
        version: Option<&RecordVersion>,
        new: Option<&NewPassword>,
        edit: impl Fn(&mut User) + Send,
    ) -> Result<User, EnrolmentError> {
        for _ in 0..ATTEMPTS {
            let record = self.find(account).await?;
            if version.is_some_and(|version| *version != record.version()) {
                let account = account.clone();
                return Err(EnrolmentError::Outdated { account });
            }
            let mut user = self.open(&record).await?;
            edit(&mut user);
            let shape = match new {
                None => record.shape_text().map(str::to_owned),
                Some(new) => new.shape.clone(),
            };
            let changed = UserRecord::seal(user.clone(), &self.keys.sealing().keys)?.with_shape(shape);
            let written = match new {
                None => self.store.replace_user(&record, &changed).await?,
                Some(new) => {
                    let sessions = &new.sessions;
                    self.store
                        .replace_user_and_end_sessions(&record, &changed, sessions)
                        .await?
                }
            };
            if written {
                return Ok(user);
            }
        }
        Err(EnrolmentError::Store(StoreError::Conflict))
    }

    async fn end_sessions(&self, id: UserId, why: EndReason) -> Result<(), StoreError> {
        end_sessions(self.store.as_ref(), self.clock.now(), id, None, why)
            .await
            .map(drop)
    }

    pub(super) async fn open(&self, record: &UserRecord) -> Result<User, AlteredRecord> {
        self.keys.unseal(|keys| record.clone().open(keys)).await
    }

    pub(super) async fn find(&self, account: &Account) -> Result<UserRecord, EnrolmentError> {
        let found = match account {
            Account::Address(address) => self.store.user_by_email(address).await?,
            Account::Id(id) => self.store.user_by_id(*id).await?,
        };
        found.ok_or_else(|| EnrolmentError::NoSuchUser {
            account: account.clone(),
        })
    }

    async fn accepted(&self, password: Password, context: PasswordContext) -> Result<Arc<Password>, EnrolmentError> {
        let password = Arc::new(password);
        self.rules.check(Arc::clone(&password), context).await?;
        Ok(password)
    }

    /// The hash to store, and its shape.
    async fn hash(&self, id: UserId, password: Arc<Password>) -> Result<(SealedHash, Option<String>), EnrolmentError> {
        let stored = self.hasher.hash(password).await?;
        let sealed = seal_hash(&self.keys.sealing().keys, &stored, id)?;
        Ok((sealed, hash_shape::of_own(&stored)))
    }
}

/// Seals a hash for an account.
pub(super) fn seal_hash(sealing: &Keyset<AeadKey>, hash: &StoredHash, id: UserId) -> Result<SealedHash, AeadError> {
    let binding = HashBinding {
        column: PASSWORD_HASH_COLUMN,
        user_id: &id.to_string(),
    };
    SealedHash::seal(sealing, hash, binding)
}

/// 256 bits that nobody knows.
fn random_password() -> Password {
    let bytes = Zeroizing::new(random::bytes::<32>());
    let text = Zeroizing::new(base64url::encode(&*bytes));
    Password::new(&text).expect("43 characters are within the bounds")
}

impl fmt::Debug for UserAdministration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserAdministration")
    }
}
