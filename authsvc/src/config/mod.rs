//! Configuration: one table of settings, three sources (file, environment, flags), one typed result.
//!
//! A later source wins over an earlier one. Unknown names are refused in all three. No setting switches
//! authentication or mTLS off, and none holds a secret: secrets are named by file.

mod audit;
mod database;
mod defence;
mod hashing;
mod keys;
mod limits;
mod listeners;
mod passwords;
mod proxies;
mod reader;
mod sessions;
mod settings;
mod source;
mod tokens;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use authsvc_core::service::defence::DefencePolicy;
use authsvc_core::service::key_schedule::KeyPolicy;
use authsvc_core::service::{SessionPolicy, TokenPolicy};

use crate::transport::http::forwarded::TrustedProxies;
pub use audit::{AddressForm, AuditConfig, GoodTokenForm};

pub use database::{Database, DatabaseConfig};
pub use hashing::HashingConfig;
pub use limits::Limits;
pub use listeners::{InternalListener, PublicListener};
pub use passwords::PasswordsConfig;
use reader::Reader;
pub use settings::{LIVE_SETTINGS, SETTINGS, Setting};
pub use source::{Overrides, SettingValues};

/// Everything `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The public listener.
    pub public: PublicListener,
    /// The internal listener.
    pub internal: InternalListener,
    /// Where health, readiness and metrics are served, in clear: loopback, or a network of the operator's own.
    pub ops_address: SocketAddr,
    /// The database and how it is used.
    pub database: DatabaseConfig,
    /// The key that opens the keysets.
    pub root_key_file: PathBuf,
    /// The sealed keyset of peppers.
    pub pepper_file: PathBuf,
    /// Where audit records go and how long they stay.
    pub audit: AuditConfig,
    /// How tokens are issued.
    pub tokens: TokenPolicy,
    /// What signing keys are, and when they change.
    pub keys: KeyPolicy,
    /// How long sessions live, and how many of a user.
    pub sessions: SessionPolicy,
    /// How passwords are hashed.
    pub hashing: HashingConfig,
    /// What passwords are compared with.
    pub passwords: PasswordsConfig,
    /// Bounds on what a client may do.
    pub limits: Limits,
    /// How often certificates, keys, revocation lists and this configuration are looked at for changes.
    pub reload_interval: Duration,
    /// How many guesses there are.
    pub defence: DefencePolicy,
    /// Whose word about a request's source is taken.
    pub trusted_proxies: TrustedProxies,
    /// How long requests in flight may take after the signal to stop.
    pub shutdown_grace: Duration,
    /// What is logged beside the audit lines.
    pub log_level: LogLevel,
    /// Where all of it was read, to read it again.
    pub origin: ConfigOrigin,
}

/// A setting as it is in effect.
#[derive(Clone, Debug)]
pub struct SettingInEffect {
    /// Its name.
    pub key: &'static str,
    /// Its text; `None` where it has no default and was not set.
    pub text: Option<String>,
    /// Where it was found: its default, a file, or a name in the environment.
    pub origin: String,
}

/// Where a configuration was read.
#[derive(Clone, Debug)]
pub struct ConfigOrigin {
    /// The file.
    pub file: PathBuf,
    environment: Vec<(String, String)>,
    overrides: Overrides,
    values: SettingValues,
}

impl ConfigOrigin {
    /// Reads the file again, under the same environment and flags.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn read_again(&self) -> Result<Config, ConfigError> {
        Config::load(&self.file, self.environment.iter().cloned(), &self.overrides)
    }

    /// Notes that these settings are now as they are in `newer`.
    pub fn take_over(&mut self, newer: &Self, keys: &[&'static str]) {
        self.values.copy(&newer.values, keys);
    }

    /// Every setting and where it comes from, in the order of the table. None of them is a secret: secrets are in files
    /// that settings name.
    pub fn in_effect(&self) -> impl Iterator<Item = SettingInEffect> + '_ {
        SETTINGS.iter().map(|setting| {
            let value = self.values.get(setting.key);
            SettingInEffect {
                key: setting.key,
                text: value.map(|value| value.text.clone()),
                origin: value.map_or_else(String::new, |value| value.origin.to_string()),
            }
        })
    }

    /// The settings whose text differs.
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let differs = |setting: &&Setting| self.values.text_of(setting.key) != other.values.text_of(setting.key);
        SETTINGS.iter().filter(differs).map(|setting| setting.key).collect()
    }
}

/// How much is logged beside the audit lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And what an operator wants to see. The default.
    Info,
    /// And each request.
    Debug,
    /// Everything.
    Trace,
}

/// What is wrong with a configuration. All of it is reported at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the file, then the environment, then the flags.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with a line for each setting that is unknown, missing or unusable.
    pub fn load(
        file: &Path,
        environment: impl Iterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let environment: Vec<_> = environment.filter(|(name, _)| name.starts_with("AUTHSVC_")).collect();
        let mut values = SettingValues::from_file(file)?;
        values.add_environment(environment.iter().cloned())?;
        values.add_overrides(overrides);
        Self::from_origin(ConfigOrigin {
            file: file.to_owned(),
            environment,
            overrides: overrides.clone(),
            values,
        })
    }

    /// Reads a text as if it were the content of `file`, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        Self::from_origin(ConfigOrigin {
            file: file.to_owned(),
            environment: Vec::new(),
            overrides: Overrides::default(),
            values: SettingValues::parse(file, text)?,
        })
    }

    fn from_origin(origin: ConfigOrigin) -> Result<Self, ConfigError> {
        let mut read = Reader {
            values: &origin.values,
            errors: Vec::new(),
        };
        let (public, internal) = listeners::read(&mut read);
        let passwords = passwords::read(&mut read);
        let config = Self {
            public,
            internal,
            ops_address: listeners::address(&mut read, "ops.address"),
            database: database::read(&mut read),
            root_key_file: read.path("root_key_file"),
            pepper_file: read.path("pepper_file"),
            audit: audit::read(&mut read),
            tokens: tokens::read(&mut read),
            keys: keys::read(&mut read),
            sessions: sessions::read(&mut read),
            hashing: hashing::read(&mut read, &passwords.imported_schemes),
            passwords,
            limits: limits::read(&mut read),
            reload_interval: read.seconds("reload_interval_seconds", 1..=3600),
            defence: defence::read(&mut read),
            trusted_proxies: proxies::read(&mut read),
            shutdown_grace: read.seconds("shutdown_grace_seconds", 0..=300),
            log_level: read.parsed("log_level", LogLevel::Info),
            origin: origin.clone(),
        };
        if read.errors.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(read.errors))
        }
    }
}

impl std::str::FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return Err("expected error, warn, info, debug or trace"),
        })
    }
}

#[cfg(test)]
mod tests {
    use cryptokit::password::{Argon2Params, NewHash};

    use super::*;

    const MINIMAL: &str = r#"
        issuer = "https://auth.example"
        database_file = "authsvc.db"
        root_key_file = "root.key"
        pepper_file = "/elsewhere/pepper.json"
        [public]
        certificate_file = "tls/fullchain.pem"
        key_file = "tls/key.pem"
        [internal]
        client_ca_file = "tls/ca.pem"
    "#;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("authsvc.toml");
        std::fs::write(&file, text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut config = Config::load(&file, environment, &Overrides::default())?;
        // The folder has a random name; what matters is that paths are relative to it.
        let strip = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(directory.path()) {
                *path = rest.to_owned();
            }
        };
        if let Database::Sqlite(file) = &mut config.database.database {
            strip(file);
        }
        strip(&mut config.public.key_file);
        strip(&mut config.internal.key_file);
        Ok(config)
    }

    #[test]
    fn a_minimal_file_gets_loopback_and_careful_defaults() {
        let config = load(MINIMAL, &[]).unwrap();
        assert!(config.public.address.ip().is_loopback() && config.public.address.port() == 8443);
        assert!(config.internal.address.ip().is_loopback() && config.internal.address.port() == 9443);
        assert!(config.ops_address.ip().is_loopback() && config.ops_address.port() == 9464);
        assert_eq!(config.database.database, Database::Sqlite("authsvc.db".into()));
        assert_eq!(config.pepper_file, Path::new("/elsewhere/pepper.json"));
        assert_eq!(
            config.internal.key_file,
            Path::new("tls/key.pem"),
            "the public one unless said otherwise"
        );
        assert_eq!(config.tokens.access_token_ttl, Duration::from_secs(900));
        assert_eq!(config.hashing.policy.new_hash(), NewHash::Argon2id(Argon2Params::OWASP));
        assert_eq!(config.log_level, LogLevel::Info);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_flags_over_both() {
        let config = load(MINIMAL, &[("AUTHSVC_DATABASE_FILE", "/data/x.db"), ("HOME", "/x")]).unwrap();
        assert_eq!(config.database.database, Database::Sqlite("/data/x.db".into()));

        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("authsvc.toml");
        std::fs::write(&file, MINIMAL).unwrap();
        let overrides = Overrides::from_pairs(&[("public.address", "127.0.0.1:1")]);
        let environment = [("AUTHSVC_PUBLIC_ADDRESS".to_owned(), "127.0.0.1:2".to_owned())];
        let config = Config::load(&file, environment.into_iter(), &overrides).unwrap();
        assert_eq!(config.public.address.port(), 1);
    }

    #[test]
    fn unknown_names_are_refused_in_every_source() {
        for text in [
            "no_such = 1",
            "[public]\nadress = \"x\"",
            "[nothing]\nx = 1",
            "[tokens.deeper]\nx = 1",
        ] {
            let error = load(&format!("{text}\n"), &[]).unwrap_err().to_string();
            assert!(error.contains("unknown setting"), "{error}");
        }
        let error = load(MINIMAL, &[("AUTHSVC_PUBLIC_ADRESS", "x")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("AUTHSVC_PUBLIC_ADRESS"), "{error}");
        // Kubernetes puts these into every pod beside a service called authsvc.
        for name in [
            "AUTHSVC_PORT",
            "AUTHSVC_PORT_8443_TCP_ADDR",
            "AUTHSVC_SERVICE_HOST",
            "AUTHSVC_SERVICE_PORT_X",
        ] {
            assert!(load(MINIMAL, &[(name, "tcp://10.0.0.1:8443")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let error = load(
            "issuer = \"http://x\"\nlog_level = \"loud\"\n[tokens]\naccess_token_ttl_seconds = 86400\n[ops]\naddress = \"x\"\n",
            &[("AUTHSVC_HASHING_M_COST_KIB", "8")],
        )
        .unwrap_err()
        .to_string();
        for part in [
            "issuer is not",
            "log_level from",
            "tokens.access_token_ttl_seconds is 86400; 1 to 3600 are accepted",
            "ops.address from",
            "hashing.m_cost_kib is 8",
            "database_file is missing, and so is database_url_file: one of them says where the database is",
            "root_key_file is missing",
            "pepper_file is missing",
            "public.key_file is missing",
            "internal.client_ca_file is missing",
        ] {
            assert!(error.contains(part), "{part} in\n{error}");
        }
    }

    #[test]
    fn one_pass_needs_more_memory() {
        let one_pass = |m_cost: &str| {
            let environment = [("AUTHSVC_HASHING_T_COST", "1"), ("AUTHSVC_HASHING_M_COST_KIB", m_cost)];
            load(MINIMAL, &environment)
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert!(one_pass("47103").unwrap_err().contains("47104 at least"));
        assert!(one_pass("47104").is_ok());
    }

    #[test]
    fn values_of_the_wrong_kind_and_broken_files_are_refused() {
        for text in [
            "issuer = [1]",
            "issuer = 1.5",
            "issuer = { a = \"b\" }",
            "issuer = ",
            "\u{0}",
        ] {
            assert!(load(text, &[]).is_err(), "{text}");
        }
        assert!(Config::load(Path::new("/nowhere/x.toml"), std::iter::empty(), &Overrides::default()).is_err());
    }

    #[test]
    fn issuers_other_than_https_urls_are_refused() {
        for issuer in [
            "",
            "auth",
            "https://",
            "https:///x",
            "https://a?b",
            "https://a#b",
            "https://a b",
            "ftp://a",
        ] {
            let text = MINIMAL.replace("https://auth.example", issuer);
            assert!(load(&text, &[]).is_err(), "{issuer}");
        }
    }
}
