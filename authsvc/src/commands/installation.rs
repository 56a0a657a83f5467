//! What a command works on: an installation's configuration, database and keys, opened.

use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::{Act, ActError, AuditKeys, Operator, Target, perform};
use authsvc_core::clock::Clock;
use authsvc_core::service::administration::{Administration, AdministrationParts, Change, Changed};
use authsvc_core::service::defence::{LoginDefence, open_digest_key};
use authsvc_core::service::{
    FeedKeyKeeper, KeyKeeper, KeyRing, SealedKeysets, ServiceRegistry, Sessions, UserAdministration,
};
use authsvc_core::storage::Store;
use cryptokit::password::PasswordHasher;
use time::OffsetDateTime;

use super::{CommandError, load, system_clock};
use crate::audit::CommandLog;
use crate::cli::ConfigArgs;
use crate::config::Config;
use crate::hasher::QueuedHasher;
use crate::key_upkeep::BlockingKeyMaker;
use crate::password_rules;
use crate::secret_files::RootKeyFile;

/// How long a command waits for its turn to hash: it is the only one in its process.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// An installation, opened for one command. [`Installation::close`] folds the database's log in.
pub(super) struct Installation {
    pub(super) config: Config,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Installation {
    /// Reads the configuration and opens the database.
    pub(super) async fn open(args: &ConfigArgs) -> Result<Self, CommandError> {
        let config = load(args)?;
        let store = crate::storage::open(&config.database).await?;
        Ok(Self {
            config,
            store,
            clock: system_clock(),
        })
    }

    /// The database.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// The time.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The file that holds the root key.
    pub(super) fn root_key(&self) -> RootKeyFile {
        RootKeyFile::new(self.config.root_key_file.clone())
    }

    /// The sealed keysets in the database.
    pub(super) fn keysets(&self) -> SealedKeysets {
        SealedKeysets::new(self.store(), Arc::new(self.root_key()))
    }

    /// What verifies hashes, to ask which ones it would.
    pub(super) fn hasher(&self) -> Result<PasswordHasher, CommandError> {
        let peppers = self.root_key().read_peppers(&self.config.pepper_file)?;
        Ok(PasswordHasher::new(self.config.hashing.policy, peppers))
    }

    /// What keeps accounts. Opens the keys.
    pub(super) async fn users(&self) -> Result<UserAdministration, CommandError> {
        self.users_with(Arc::new(self.key_ring().await?))
    }

    /// The keys in the database, opened.
    pub(super) async fn key_ring(&self) -> Result<KeyRing, CommandError> {
        Ok(KeyRing::open(self.keysets(), Arc::clone(&self.clock)).await?)
    }

    /// What changes the signing keys, and reports on them.
    pub(super) async fn keeper(&self) -> Result<KeyKeeper, CommandError> {
        Ok(self.keeper_of(Arc::new(self.key_ring().await?)))
    }

    /// The same, of keys that are open.
    pub(super) fn keeper_of(&self, keys: Arc<KeyRing>) -> KeyKeeper {
        KeyKeeper::new(keys, Arc::new(BlockingKeyMaker), self.clock(), self.config.keys)
    }

    /// What changes the keys that sign the feed of revocations, and reports on them.
    pub(super) fn feed_keys(&self) -> FeedKeyKeeper {
        let config = &self.config;
        FeedKeyKeeper::new(self.keysets(), &config.tokens.issuer, self.clock(), config.keys)
    }

    /// What administrators ask and change, recorded in the chain of commands. The same as behind `/v1/admin`.
    pub(super) async fn administration(&self) -> Result<Administration, CommandError> {
        let keys = Arc::new(self.key_ring().await?);
        let (store, clock) = (self.store(), self.clock());
        Ok(Administration::new(AdministrationParts {
            audit: Arc::new(self.command_log().await?),
            users: self.users_with(Arc::clone(&keys))?,
            keeper: self.keeper_of(Arc::clone(&keys)),
            feed_keys: self.feed_keys(),
            sessions: Arc::new(Sessions::new(self.store(), self.clock(), self.config.sessions)),
            defence: Arc::new(self.defence().await?),
            store,
            clock,
            keys,
        }))
    }

    /// Makes one change, with a durable record before it and one after it.
    pub(super) async fn change(&self, change: Change) -> Result<Changed, CommandError> {
        Ok(self.administration().await?.change(operator(), change).await?)
    }

    fn users_with(&self, keys: Arc<KeyRing>) -> Result<UserAdministration, CommandError> {
        let peppers = self.root_key().read_peppers(&self.config.pepper_file)?;
        let hasher = QueuedHasher::new(
            PasswordHasher::new(self.config.hashing.policy, peppers),
            std::num::NonZeroUsize::MIN,
            MAX_WAIT,
        );
        Ok(
            UserAdministration::new(self.store(), Arc::clone(&self.clock), Arc::new(hasher), keys)
                .with_rules(password_rules::rules(&self.config)?),
        )
    }

    /// What counts failed logins.
    pub(super) async fn defence(&self) -> Result<LoginDefence, CommandError> {
        let names = open_digest_key(&self.keysets()).await?;
        let clock = Arc::clone(&self.clock);
        Ok(LoginDefence::start(self.store(), clock, names, self.config.defence))
    }

    /// What ends sessions and revokes tokens.
    pub(super) fn sessions(&self) -> Sessions {
        Sessions::new(self.store(), self.clock(), self.config.sessions)
    }

    /// What keeps the registry of services. Opens the keys.
    pub(super) async fn registry(&self) -> Result<ServiceRegistry, CommandError> {
        let keys = Arc::new(self.key_ring().await?);
        Ok(ServiceRegistry::new(self.store(), Arc::clone(&self.clock), keys))
    }

    /// What time it is.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The keys of the audit log.
    pub(super) async fn audit_keys(&self) -> Result<AuditKeys, CommandError> {
        Ok(AuditKeys::open(&self.keysets()).await?)
    }

    /// Does what changes the installation, with a durable record before it and one after it. `name` is the words of the
    /// command, such as `user.disable`.
    pub(super) async fn perform<T, E>(
        &self,
        name: &'static str,
        target: Target,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CommandError>
    where
        E: Into<CommandError>,
    {
        let log = self.command_log().await?;
        let act = Act {
            operator: operator(),
            name,
            target,
            note: None,
        };
        let work = async { work.await.map_err(Into::<CommandError>::into) };
        match perform(&log, self.clock.as_ref(), act, work).await {
            Ok(done) => Ok(done),
            Err(ActError::Failed(error)) => Err(error),
            Err(ActError::NotRecorded(error)) => Err(error.into()),
        }
    }

    async fn command_log(&self) -> Result<CommandLog, CommandError> {
        let keys = self.audit_keys().await?;
        Ok(CommandLog::new(self.store(), keys, self.config.audit.addresses))
    }

    /// Ends all connections to the database.
    pub(super) async fn close(self) {
        self.store.close().await;
    }
}

/// Whoever runs this process.
fn operator() -> Operator {
    Operator::SystemUser {
        name: crate::lifecycle::system_user(),
    }
}
