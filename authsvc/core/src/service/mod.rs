//! The use cases, one a file. [`AuthService`] holds what they share.

mod access_token;
pub mod administration;
mod authenticate;
mod authenticate_user;
mod authorize_caller;
mod change_password;
mod decoys;
pub mod defence;
mod end_sessions;
pub mod error;
mod feed_key_keeper;
mod feed_keys;
mod hash_shape;
mod hashing;
mod key_change;
mod key_consumers;
mod key_keeper;
mod key_ring;
pub mod key_schedule;
mod key_steps;
mod keys;
mod keysets;
mod password_change;
mod password_policy;
mod password_reset;
mod pepper_use;
mod reauthenticate;
mod recent;
mod registry;
mod reseal;
mod revocation_feed;
mod sealing_keys;
pub mod second_factor;
mod sessions;
mod signing_key;
mod token_binding;
mod user_import;
mod users;
mod validate_token;
mod verify_token;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cryptokit::jose::{SignatureCache, TokenVerifier};
use cryptokit::x509::PeerCertificate;

pub use authenticate::{IssuedToken, Login};
pub use authenticate_user::AuthenticatedUser;
pub use authorize_caller::{Administrator, AuthorizedCaller};
pub use change_password::{ChangePassword, PasswordSet};
pub use decoys::DECOY_MIX_INTERVAL;
pub use defence::LoginDefence;
pub use error::{ErrorCode, Failure, FieldError};
pub use feed_key_keeper::{FeedKeyKeeper, FeedKeyReport};
pub use feed_keys::FEED_KEYSET;
pub use hashing::{CredentialHasher, HashingError};
pub use key_change::{KeyChange, KeyChangeError};
pub use key_keeper::{KEY_SCHEDULE_INTERVAL, KeyKeeper, KeyReport, Patience, SigningKeyMaker};
pub use key_ring::{
    KEY_POLL_INTERVAL, KeyRing, MAX_UNPOLLED_SIGNING, PublishedKeys, SealingKeyset, SigningError, TokenKeyset,
};
pub use keys::{SEALING_KEYSET, ServiceKeys, TOKEN_KEYSET, create_keys, open_keys};
pub use keysets::{KeyStorageError, RootKeySource, RootKeyUnavailable, SealedKeysets, sealed_name};
pub use password_policy::{
    BreachedPasswords, MIN_PASSWORD_CHARS, MIN_PASSWORD_CHARS_WITH_SECOND_FACTOR, PasswordContext, PasswordPolicy,
    PasswordRefusal, PasswordRules, UnfitPassword,
};
pub use password_reset::{RESET_TOKEN_LEN, ResetLink, SetPassword};
pub use pepper_use::{PepperUse, pepper_use};
pub use registry::{NewService, RegistryError, ServiceRegistry};
pub use reseal::{PassError, Resealed, seal_unsealed_rows};
pub use revocation_feed::{
    DELTAS_KEPT_FOR, FEED_HEARTBEAT, FEED_INTERVAL, FeedAnswer, FeedDocument, FeedFault, FeedKeys, FeedPublisher,
    FeedQuestion, FeedSeen,
};
pub use sealing_keys::{
    IMPORT_ABANDONED_AFTER, RESEAL_INTERVAL, RETIRED_SEALING_KEY_KEPT, SealingChange, SealingKeyEntry, SealingKeyError,
    SealingKeyKeeper,
};
pub use sessions::{
    LoggedOut, MAX_REVOCATION_AGE, MAX_REVOCATIONS, REVOCATION_POLL_INTERVAL, Refresh, RevokeToken,
    SESSION_PRUNE_INTERVAL, SessionPolicy, Sessions,
};
pub use signing_key::SigningKeyEntry;
pub use token_binding::TokenBinding;
pub use user_import::{CsvColumns, ImportedAccount, LineFault, MAX_IMPORT_LINE};
pub use users::{Account, EnrolmentError, Grants, PAGE, UserAdministration};
pub use validate_token::{ActiveToken, TokenQuestion};

use decoys::DecoyMix;
use key_consumers::NotedFetches;
use recent::Recent;

use crate::clock::Clock;
use crate::domain::{AudienceName, User, UserId};
use crate::storage::{Store, StoreError};

/// Longest that a validation may believe what it was told of a caller or an account. With it every change is known within
/// the two seconds that are promised for revocations.
pub const MAX_STATE_AGE: Duration = Duration::from_secs(1);

/// How tokens are issued and accepted.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    /// The `iss` of every token.
    pub issuer: String,
    /// The audience of a login that names none.
    pub default_audience: Option<AudienceName>,
    /// How long a token is good.
    pub access_token_ttl: Duration,
    /// How far the clocks of issuer and verifier may differ.
    pub leeway: Duration,
    /// How many tokens are remembered whose signature was good; 0 for none.
    pub verified_cache_entries: usize,
    /// How long a validation believes what another one was told by the database of its caller and its account; at most
    /// [`MAX_STATE_AGE`].
    pub state_age: Duration,
}

/// What a request's surroundings say about who makes it.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The address it came from, if it came over a network.
    pub source: Option<IpAddr>,
    /// What the TLS layer proved of the peer, if it was asked to.
    pub peer: Option<Arc<PeerCertificate>>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

/// What the service is made of.
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Hashes passwords.
    pub hasher: Arc<dyn CredentialHasher>,
    /// Says how many guesses there are.
    pub defence: Arc<LoginDefence>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// What new passwords may be.
    pub password_rules: Arc<dyn PasswordRules>,
    /// Sessions, and what is revoked.
    pub sessions: Arc<Sessions>,
    /// Tells other services what is revoked.
    pub feed: Arc<FeedPublisher>,
    /// How tokens are issued and accepted.
    pub policy: TokenPolicy,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Checks credentials, issues tokens, says whether tokens are good.
pub struct AuthService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: Arc<dyn CredentialHasher>,
    defence: Arc<LoginDefence>,
    decoys: DecoyMix,
    keys: Arc<KeyRing>,
    noted_fetches: NotedFetches,
    password_rules: Arc<dyn PasswordRules>,
    sessions: Arc<Sessions>,
    feed: Arc<FeedPublisher>,
    signatures: Option<SignatureCache>,
    /// By the certificate, and by the key that issued it.
    recent_callers: Recent<([u8; 32], [u8; 32]), AuthorizedCaller>,
    /// Accounts that are there and not disabled.
    recent_accounts: Recent<UserId, ()>,
    verifier: TokenVerifier,
    policy: TokenPolicy,
}

impl AuthService {
    /// Puts the service together.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            clock,
            hasher,
            defence,
            keys,
            password_rules,
            sessions,
            feed,
            policy,
        } = parts;
        let verifier = TokenVerifier::new(&policy.issuer, policy.leeway);
        Self {
            store,
            clock,
            hasher,
            defence,
            decoys: DecoyMix::default(),
            keys,
            noted_fetches: NotedFetches::default(),
            password_rules,
            sessions,
            feed,
            signatures: (policy.verified_cache_entries > 0).then(|| SignatureCache::new(policy.verified_cache_entries)),
            recent_callers: Recent::new(policy.state_age.min(MAX_STATE_AGE)),
            recent_accounts: Recent::new(policy.state_age.min(MAX_STATE_AGE)),
            verifier,
            policy,
        }
    }

    /// Sessions, and what is revoked.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// The feed of revocations.
    pub fn feed(&self) -> &Arc<FeedPublisher> {
        &self.feed
    }

    /// The keys in use.
    pub fn keys(&self) -> &Arc<KeyRing> {
        &self.keys
    }

    /// The account of that id, if it is there, as this program wrote it, and not disabled.
    async fn live_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        // A record that does not open is no account: nothing that it says is believed.
        let Some(record) = self.store.user_by_id(id).await? else {
            return Ok(None);
        };
        let opened = self.keys.unseal(|keys| record.clone().open(keys)).await;
        Ok(opened.ok().filter(|user| !user.disabled))
    }

    /// Whether the account is there and not disabled, by what the database said a moment ago.
    async fn is_live(&self, id: UserId) -> Result<bool, StoreError> {
        if self.recent_accounts.get(&id, self.clock.as_ref()).is_some() {
            return Ok(true);
        }
        let asked = self.clock.uptime();
        let is_live = self.live_user(id).await?.is_some();
        if is_live {
            self.recent_accounts.put(id, (), asked);
        }
        Ok(is_live)
    }

    /// The store, for readiness checks.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }
}

impl fmt::Debug for AuthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
