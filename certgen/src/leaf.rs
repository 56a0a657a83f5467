//! `certgen leaf` as a library call: one more service.

use std::borrow::Cow;

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use cryptokit::x509::{CertificateAuthority, CertificateKey, IssueError, LeafRequest};
use time::{Duration, OffsetDateTime};

use crate::explain::Explain;
use crate::home::{Event, Home, HomeError, IssuedRecord, Overwrite, ServiceFiles, file_of, layout};
use crate::init::LeafFiles;

/// A service to make.
#[derive(Clone, Debug)]
pub struct NewLeaf<'a> {
    /// Its name and directory.
    pub service: &'a str,
    /// What its certificate is to say.
    pub request: LeafRequest,
    /// The lifetime that the request asks for, if it is not the usual one: it is asked for again when it is renewed.
    pub lifetime: Option<Duration>,
    /// Encrypts its key.
    pub key_passphrase: Option<&'a SecretString>,
    /// Whether a service of this name, or files of its directory, may be replaced.
    pub overwrite: Overwrite,
}

/// Why there is no such service now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// The authority's directory refused.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The certificate was refused.
    #[error("no certificate for `{name}`")]
    Issue {
        /// The service.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// The key could not be encrypted.
    #[error("the key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
}

impl Explain for LeafError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Home(error) => error.hint(),
            Self::Issue { source, .. } => issue_hint(source).into(),
            Self::Encryption(_) => "give a passphrase that is not empty".into(),
        }
    }
}

/// What to do about a certificate that was refused.
pub(crate) fn issue_hint(error: &IssueError) -> &'static str {
    match error {
        IssueError::IssuerNotValid { .. } => {
            "check this machine's clock; an authority that has expired is replaced with `certgen rotate-ca`"
        }
        IssueError::OutsideIssuer { .. } | IssueError::Lifetime | IssueError::Time => {
            "ask for an end before the issuer's, or for none"
        }
        IssueError::NameConstraint { .. } => "ask for a name that the authority may issue for, or use another --issuer",
        IssueError::PathLength => "name another --issuer: this one may issue for services only",
        IssueError::Request(_) => "correct the names of this service",
        _ => "run it again; if it fails again, this is a fault of certgen",
    }
}

/// Makes key and certificate of a service and puts its directory into place, or nothing. `issuer` is what the home calls
/// `authority`; `now` is the time of issue.
///
/// # Errors
///
/// [`HomeError::UnknownAuthority`] for an issuer that is none, [`HomeError::IssuerRevoked`] and
/// [`HomeError::IssuerExpired`] for one that is no more; [`HomeError::Taken`] for a name that a service has or had, in upper or lower case, unless it may be overwritten;
/// otherwise [`LeafError`].
pub fn issue(
    home: &mut Home,
    issuer: &str,
    authority: &CertificateAuthority,
    leaf: &NewLeaf<'_>,
    now: OffsetDateTime,
) -> Result<LeafFiles, LeafError> {
    let name = leaf.service;
    home.check_issuer(issuer, now)?;
    let replaced = refuse_taken(home, leaf)?;
    let (issued, key) = authority
        .issue_leaf(&leaf.request, now)
        .map_err(|source| LeafError::Issue {
            name: name.to_owned(),
            source,
        })?;
    let certificate = issued.certificate();
    let key = key_pem(&key, leaf.key_passphrase).map_err(LeafError::Encryption)?;
    let files = ServiceFiles {
        certificate,
        chain: &home.chain(issuer)?,
        ca: &home.roots()?,
        key: Some(&key),
    };
    let profile = leaf.request.profile();
    let mut record = IssuedRecord::of(certificate, issuer, Some(name), profile.name(), now);
    record.replaces = replaced;
    if let Some(lifetime) = leaf.lifetime {
        record.lifetime_seconds = lifetime.whole_seconds();
    }

    let mut changes = home.begin()?;
    changes.overwrite(leaf.overwrite);
    changes.service(name, &files)?;
    changes.record(Event::Issued(record));
    changes.commit()?;

    let path = |file| home.path_of(&file_of(name, file));
    Ok(LeafFiles {
        name: name.to_owned(),
        profile,
        certificate_file: path(layout::CERTIFICATE),
        chain_file: path(layout::CHAIN),
        fullchain_file: path(layout::FULLCHAIN),
        key_file: path(layout::KEY),
        ca_file: path(layout::CA),
        certificate: certificate.clone(),
    })
}

/// A key as PEM, encrypted where there is a passphrase.
pub(crate) fn key_pem(key: &CertificateKey, passphrase: Option<&SecretString>) -> Result<SecretString, KeyFormatError> {
    let key = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())?;
    match passphrase {
        None => Ok(key.to_pem()),
        Some(passphrase) => key.to_encrypted_pem(passphrase).map(SecretString::new),
    }
}

/// Gives the serial number of the certificate whose place the new one takes.
fn refuse_taken(home: &Home, leaf: &NewLeaf<'_>) -> Result<Option<String>, HomeError> {
    let services = home
        .inventory()
        .issued()
        .iter()
        .filter_map(|record| record.service.as_deref());
    // On some file systems upper and lower case are the same.
    let taken = services
        .into_iter()
        .find(|service| service.eq_ignore_ascii_case(leaf.service));
    match taken {
        Some(taken) if leaf.overwrite == Overwrite::OnlyOurs || taken != leaf.service => {
            Err(HomeError::Taken { name: taken.to_owned() })
        }
        _ => Ok(home
            .inventory()
            .service(leaf.service)
            .map(|record| record.serial.clone())),
    }
}
