//! `certgen intermediate` as a library call: one more issuing authority below the root.

use std::borrow::Cow;

use cryptokit::key_format::KeyFormatError;
use cryptokit::secret::SecretString;
use cryptokit::sign::SignError;
use cryptokit::x509::{AuthorityRequest, CertificateAuthority, CertificateKey, IssueError, KeyKind};
use time::OffsetDateTime;

use crate::explain::Explain;
use crate::home::{AuthorityKind, AuthorityRecord, Event, Home, HomeError, Overwrite, layout};
use crate::init::AuthorityFiles;
use crate::leaf::{issue_hint, key_pem};

/// An issuing authority to make.
#[derive(Clone, Debug)]
pub struct NewIntermediate<'a> {
    /// What its files are called, and what `--issuer` names it by.
    pub name: &'a str,
    /// What its certificate is to say.
    pub request: AuthorityRequest,
    /// The kind of its key.
    pub key: KeyKind,
    /// Encrypts its key.
    pub passphrase: Option<&'a SecretString>,
    /// Whether files of its name that certgen did not write may be replaced.
    pub overwrite: Overwrite,
}

/// Why there is no such authority now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The directory refused.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The certificate was refused.
    #[error("no certificate for the authority `{name}`")]
    Issue {
        /// The authority.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[from] SignError),
    /// The key could not be encrypted.
    #[error("the key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
}

impl Explain for AuthorityError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Home(error) => error.hint(),
            Self::Issue { source, .. } => issue_hint(source).into(),
            Self::Key(_) => "run it again; if it fails again, this is a fault of certgen".into(),
            Self::Encryption(_) => "give a passphrase that is not empty".into(),
        }
    }
}

/// Refuses a name that no new authority can have, before anybody is asked for a passphrase.
///
/// # Errors
///
/// [`HomeError::Name`]; [`HomeError::Taken`] for the name, in upper or lower case, of an authority that is in use, and for
/// one that would stand in the place of another file.
pub fn check_name(home: &Home, name: &str) -> Result<(), HomeError> {
    if !layout::is_name(name) {
        return Err(HomeError::Name {
            name: name.escape_debug().to_string(),
        });
    }
    let mut in_use = home.inventory().authorities_in_use();
    if layout::is_reserved_authority(name) || in_use.any(|authority| authority.name.eq_ignore_ascii_case(name)) {
        return Err(HomeError::Taken { name: name.to_owned() });
    }
    Ok(())
}

/// Makes key and certificate of an issuing authority below `root` and puts them into place, or nothing. `now` is the
/// time of issue.
///
/// # Errors
///
/// As [`check_name`], and [`AuthorityError`].
pub fn issue(
    home: &mut Home,
    root: &CertificateAuthority,
    new: &NewIntermediate<'_>,
    now: OffsetDateTime,
) -> Result<AuthorityFiles, AuthorityError> {
    check_name(home, new.name)?;
    let key = CertificateKey::generate(new.key)?;
    let authority = root
        .issue_authority(&new.request, key, now)
        .map_err(|source| AuthorityError::Issue {
            name: new.name.to_owned(),
            source,
        })?;
    let certificate = authority.certificate();
    let pem = key_pem(authority.key(), new.passphrase).map_err(AuthorityError::Encryption)?;
    let record = AuthorityRecord::of(certificate, new.name, AuthorityKind::Issuing, now);

    let mut changes = home.begin()?;
    changes.overwrite(new.overwrite);
    changes.new_authority(new.name, certificate, &pem)?;
    changes.record(Event::Authority(record));
    changes.commit()?;
    Ok(AuthorityFiles {
        certificate_file: home.path_of(&layout::certificate_of(new.name)),
        key_file: home.path_of(&layout::key_of(new.name)),
        key_is_encrypted: new.passphrase.is_some(),
        certificate: certificate.clone(),
    })
}
