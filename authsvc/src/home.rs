//! A home: the folder that holds everything an installation needs, made in one go and never overwritten.
//!
//! ```text
//! HOME/                     0700
//!   authsvc.toml            0600  the configuration; written last, so that its presence means the rest is whole
//!   root.key  pepper.json   0600
//!   authsvc.db              0600  unless the database is Postgres
//!   pki/                    0700  root.pem intermediate.pem crl.pem …, server/, and in a development home demo/
//!   dev.json  login.json    0600  in a development home
//! ```

pub mod revocation_lists;

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authsvc_core::clock::Clock;
use authsvc_core::domain::ServiceIdentity;
use authsvc_core::service::{
    KeyRing, KeyStorageError, NewService, RegistryError, SealedKeysets, ServiceRegistry, UserAdministration,
    create_keys,
};
use authsvc_core::storage::Store;
use certgen::init::{InitReport, InitRequest, LeafSpec};
use certgen::lifecycle::LifecycleError;
use cryptokit::encoding::base64url;
use cryptokit::keyset::{Keyset, KeysetError, RootKey};
use cryptokit::password::{Password, PasswordHasher, Pepper, Policy};
use cryptokit::secret::SecretString;
use cryptokit::sign::RsaKeySize;
use cryptokit::x509::{LeafProfile, SubjectAlternativeName};
use private_files::PrivateFileError;
use zeroize::Zeroizing;

use crate::config::{Database, DatabaseConfig};
use crate::hasher::QueuedHasher;
use crate::secret_files::{PEPPERS, RootKeyFile};
use crate::storage::{self, OpenError, Tuning};

/// Name of the configuration file in a home.
pub const CONFIG_FILE: &str = "authsvc.toml";
/// Name of the SQLite database in a home.
const DATABASE_FILE: &str = "authsvc.db";

/// Stands in a home from its first file to its last. Locked by the process that makes the home; found unlocked, it says
/// that a process was ended in between, and that nothing here was ever used.
const INCOMPLETE_FILE: &str = ".authsvc-incomplete";
/// What that file holds, so that nobody's file of the same name is taken for it.
const INCOMPLETE_TEXT: &str = "authsvc is making this home, or was ended while it did\n";

/// Why a home was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// There is something in the folder already.
    #[error("{path} already holds {found}; nothing was changed\nhelp: name another folder, or remove what is there")]
    NotEmpty {
        /// The folder.
        path: String,
        /// What was found first.
        found: String,
    },
    /// Another process is at it.
    #[error("another process is making {path}\nhelp: wait for it to end")]
    BeingMade {
        /// The folder.
        path: String,
    },
    /// The folder cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The folder.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The certificates could not be made.
    #[error(transparent)]
    Certificates(#[from] certgen::InitError),
    /// The revocation lists could not be made.
    #[error("the revocation lists could not be made")]
    RevocationLists(#[from] LifecycleError),
    /// The database could not be made.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The keys could not be made.
    #[error(transparent)]
    Keys(#[from] KeyStorageError),
    /// The peppers could not be sealed.
    #[error("the peppers could not be sealed")]
    Peppers(#[from] KeysetError),
    /// The demo service could not be registered.
    #[error("the demo service could not be registered")]
    Registry(#[from] RegistryError),
    /// The first user could not be made.
    #[error(transparent)]
    User(#[from] authsvc_core::service::EnrolmentError),
}

/// What a home is made for.
#[derive(Clone, Debug)]
pub struct HomeRequest {
    /// The folder; made if absent, else it must be empty and private.
    pub directory: PathBuf,
    /// The `iss` of tokens.
    pub issuer: String,
    /// The public listener's address.
    pub public_address: SocketAddr,
    /// The internal listener's address.
    pub internal_address: SocketAddr,
    /// The ops listener's address.
    pub ops_address: SocketAddr,
    /// Names of the server certificate.
    pub server_names: Vec<SubjectAlternativeName>,
    /// Services that get a client certificate from this home's CA.
    pub clients: Vec<LeafSpec>,
    /// The file with the URL of a Postgres database, which is empty; a SQLite file in the home without it.
    pub database_url_file: Option<PathBuf>,
    /// The audience of logins that name none.
    pub default_audience: Option<String>,
    /// A demo service and a first user, for development.
    pub demo: Option<Demo>,
}

impl HomeRequest {
    /// Checks what would make a configuration that cannot be loaded again.
    ///
    /// # Errors
    ///
    /// A sentence that names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let directory = self.directory.join(CONFIG_FILE);
        crate::config::Config::parse(&directory, &configuration(self))
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

/// A service and a user to try things with.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The service's name, client certificate folder and audience.
    pub service: &'static str,
    /// Its name in the certificate.
    pub subject_alternative_name: &'static str,
    /// The user's address.
    pub email: &'static str,
}

/// What was made.
#[derive(Debug)]
pub struct HomeReport {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The certificates.
    pub certificates: InitReport,
    /// The demo user's password.
    pub password: Option<SecretString>,
}

/// Makes a home. What an attempt left behind that was ended in the middle is removed first.
///
/// # Errors
///
/// [`HomeError`]; what was made before it is removed again.
///
/// # Panics
///
/// When the demo's own constants are not valid names, which the tests rule out.
pub async fn create(request: &HomeRequest, clock: &Arc<dyn Clock>) -> Result<HomeReport, HomeError> {
    private_files::ensure_private_directory(&request.directory)?;
    let lock = claim(&request.directory)?;
    let created = fill(request, clock).await;
    if created.is_err() {
        empty(&request.directory);
    }
    // A home with a configuration is whole, so a process that ends before this line does no harm.
    let _ = std::fs::remove_file(request.directory.join(INCOMPLETE_FILE));
    drop(lock);
    created
}

/// Makes the folder this process's own, until the file is dropped.
fn claim(directory: &Path) -> Result<File, HomeError> {
    let marker = directory.join(INCOMPLETE_FILE);
    // Empty when the process was ended between making and filling it, which is before anything else was made.
    let ours = match std::fs::read_to_string(&marker) {
        Ok(text) => text == INCOMPLETE_TEXT || (text.is_empty() && holds_only(directory, INCOMPLETE_FILE)),
        Err(_) => false,
    };
    if !ours || directory.join(CONFIG_FILE).exists() {
        refuse_if_not_empty(directory)?;
    }
    let path = || directory.display().to_string();
    let failed = |source| HomeError::Read { path: path(), source };
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&marker)
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(HomeError::BeingMade { path: path() }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Between looking and locking, another process may have finished.
    if directory.join(CONFIG_FILE).exists() {
        let _ = std::fs::remove_file(&marker);
        refuse_if_not_empty(directory)?;
    }
    empty(directory);
    lock.set_len(0)
        .and_then(|()| (&lock).write_all(INCOMPLETE_TEXT.as_bytes()))
        .map_err(failed)?;
    Ok(lock)
}

async fn fill(request: &HomeRequest, clock: &Arc<dyn Clock>) -> Result<HomeReport, HomeError> {
    let at = |name: &str| request.directory.join(name);
    let certificates = certgen::init::init(&certificates_for(request)?, clock.now())?;
    revocation_lists::make(&certificates.directory, clock.now())?;
    private_files::make_private(&certificates.directory)?;

    let root = RootKey::generate();
    private_files::write_new(&at("root.key"), format!("{}\n", *root.to_text()).as_bytes())?;
    let peppers = Keyset::new(PEPPERS, Pepper::generate());
    private_files::write_new(&at("pepper.json"), root.seal(&peppers)?.as_bytes())?;

    let database = match &request.database_url_file {
        None => {
            private_files::write_new(&at(DATABASE_FILE), b"")?;
            Database::Sqlite(at(DATABASE_FILE))
        }
        Some(url_file) => Database::Postgres {
            url_file: url_file.clone(),
        },
    };
    let tuning = Tuning::default();
    let store = storage::open(&DatabaseConfig { database, tuning }).await?;
    create_keys(store.as_ref(), &root, RsaKeySize::default()).await?;
    let password = match &request.demo {
        None => None,
        Some(demo) => Some(add_demo(request, demo, &certificates, &store, peppers, clock).await?),
    };
    store.close().await;

    let config_file = at(CONFIG_FILE);
    private_files::write_new(&config_file, configuration(request).as_bytes())?;
    Ok(HomeReport {
        config_file,
        certificates,
        password,
    })
}

fn certificates_for(request: &HomeRequest) -> Result<InitRequest, HomeError> {
    let mut init = InitRequest::new(request.directory.join("pki"));
    init.name = "authsvc".to_owned();
    init.leaves.push(LeafSpec::new(
        LeafProfile::Server,
        "server",
        request.server_names.clone(),
    )?);
    init.leaves.extend(request.clients.iter().cloned());
    if let Some(demo) = &request.demo {
        let name = demo.subject_alternative_name.parse().expect("the demo's name is valid");
        init.leaves
            .push(LeafSpec::new(LeafProfile::Client, demo.service, vec![name])?);
    }
    Ok(init)
}

async fn add_demo(
    request: &HomeRequest,
    demo: &Demo,
    certificates: &InitReport,
    store: &Arc<dyn Store>,
    peppers: Keyset<Pepper>,
    clock: &Arc<dyn Clock>,
) -> Result<SecretString, HomeError> {
    let identity = ServiceIdentity {
        issuer_spki_sha256: certificates.intermediate.certificate.spki_sha256(),
        subject_alternative_name: demo.subject_alternative_name.parse().expect("the demo's name is valid"),
    };
    let audience = demo.service.parse().expect("the demo's audience is valid");
    let password = random_password();
    let root = Arc::new(RootKeyFile::new(request.directory.join("root.key")));
    let keys = Arc::new(KeyRing::open(SealedKeysets::new(Arc::clone(store), root), Arc::clone(clock)).await?);
    ServiceRegistry::new(Arc::clone(store), Arc::clone(clock), Arc::clone(&keys))
        .add(
            NewService::new(demo.service.parse().expect("the demo's name is valid"), identity)
                .with_audiences(vec![audience]),
        )
        .await?;
    let hasher = QueuedHasher::new(
        PasswordHasher::new(Policy::default(), peppers),
        std::num::NonZeroUsize::MIN,
        std::time::Duration::from_secs(60),
    );
    UserAdministration::new(Arc::clone(store), Arc::clone(clock), Arc::new(hasher), keys)
        .add(
            demo.email.parse().expect("the demo's address is valid"),
            Password::new(password.expose_secret()).expect("a random password is within the bounds"),
        )
        .await?;
    let login = Zeroizing::new(format!(
        "{{\"email\":\"{}\",\"password\":\"{}\"}}\n",
        demo.email,
        password.expose_secret()
    ));
    private_files::write_new(&request.directory.join("login.json"), login.as_bytes())?;
    Ok(password)
}

/// 144 random bits, 24 characters that no shell or JSON touches.
fn random_password() -> SecretString {
    let bytes = Zeroizing::new(cryptokit::random::bytes::<18>());
    SecretString::new(base64url::encode(&*bytes))
}

fn configuration(request: &HomeRequest) -> String {
    let mut text = String::from("# Paths are relative to this file. `authsvc serve --help` explains every setting.\n");
    let mut line = |args: std::fmt::Arguments<'_>| {
        // Writing into a string does not fail.
        let _ = text.write_fmt(args);
        text.push('\n');
    };
    line(format_args!("issuer = {}", quoted(&request.issuer)));
    match &request.database_url_file {
        None => line(format_args!("database_file = \"{DATABASE_FILE}\"")),
        Some(file) => line(format_args!("database_url_file = {}", quoted(&file.to_string_lossy()))),
    }
    line(format_args!("root_key_file = \"root.key\""));
    line(format_args!("pepper_file = \"pepper.json\""));
    line(format_args!("\n[public]"));
    line(format_args!("address = \"{}\"", request.public_address));
    line(format_args!("certificate_file = \"pki/server/fullchain.pem\""));
    line(format_args!("key_file = \"pki/server/key.pem\""));
    line(format_args!("\n[internal]"));
    line(format_args!("address = \"{}\"", request.internal_address));
    line(format_args!("client_ca_file = \"pki/intermediate.pem\""));
    line(format_args!("client_crl_file = \"pki/crl.pem\""));
    line(format_args!("\n[ops]"));
    line(format_args!("address = \"{}\"", request.ops_address));
    if let Some(audience) = &request.default_audience {
        line(format_args!("\n[tokens]"));
        line(format_args!("default_audience = {}", quoted(audience)));
    }
    text
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn refuse_if_not_empty(directory: &Path) -> Result<(), HomeError> {
    let failed = |source| HomeError::Read {
        path: directory.display().to_string(),
        source,
    };
    match std::fs::read_dir(directory).map_err(failed)?.next() {
        None => Ok(()),
        Some(entry) => Err(HomeError::NotEmpty {
            path: directory.display().to_string(),
            found: entry.map_err(failed)?.file_name().to_string_lossy().into_owned(),
        }),
    }
}

fn holds_only(directory: &Path, name: &str) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| entries.flatten().all(|entry| entry.file_name() == name))
}

/// Removes what a failed attempt left, in a folder that was empty before it.
fn empty(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten().filter(|entry| entry.file_name() != INCOMPLETE_FILE) {
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => std::fs::remove_dir_all(entry.path()),
            _ => std::fs::remove_file(entry.path()),
        };
    }
}
