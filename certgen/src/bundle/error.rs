//! Why there is no PKCS#12 file.

use std::borrow::Cow;

use cryptokit::pkcs12::Pkcs12Error;

use crate::explain::Explain;
use crate::home::HomeError;
use crate::input::InputError;
use crate::key_file::KeyFileError;
use crate::new_file::NewFileError;

/// Why there is no PKCS#12 file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The authority's directory does not give what is needed.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The service has no certificate or chain there.
    #[error("the service `{name}` has no fullchain.pem")]
    NoChain {
        /// The service.
        name: String,
    },
    /// The certificate file cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Something is in the way, or the file cannot be written.
    #[error(transparent)]
    NewFile(#[from] NewFileError),
    /// No certificate to put into it.
    #[error("there is no certificate to put into the file")]
    NoCertificate,
    /// The first certificate is an authority's.
    #[error("the first certificate, {subject}, is an authority's")]
    NotALeaf {
        /// Its subject.
        subject: String,
    },
    /// The certificates are not each the issuer of the one before.
    #[error("{subject} was issued by {issuer}, but {next} comes next")]
    NotAChain {
        /// The certificate.
        subject: String,
        /// Who issued it.
        issuer: String,
        /// What follows it in the file.
        next: String,
    },
    /// In a trust store: no root.
    #[error("{subject} is not a root, and a trust store holds nothing else")]
    NotARoot {
        /// Its subject.
        subject: String,
    },
    /// The password is none that Java encrypts with.
    #[error("the password has characters that Java does not take")]
    JavaPassword,
    /// It cannot be written.
    #[error("cannot write PKCS#12")]
    Pkcs12(#[from] Pkcs12Error),
    /// What came out, opened again, is something else.
    #[error("what was written does not read back as it should; nothing was put into place")]
    NotWhatWasWritten,
}

impl Explain for BundleError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Home(error) => error.hint(),
            Self::Input(error) => error.hint(),
            Self::KeyFile(error) => error.hint(),
            Self::NewFile(NewFileError::Exists { .. }) => {
                "name another file with --out, or replace it with --force".into()
            }
            Self::NewFile(error) => error.hint(),
            Self::NoChain { .. } => "`certgen tree` shows the services; `certgen renew` writes the files anew".into(),
            Self::NoCertificate => "give a file with at least one certificate".into(),
            Self::NotALeaf { .. } => {
                "put the service's own certificate first; for a trust store use --profile java-trust".into()
            }
            Self::NotAChain { .. } => {
                "order the file: the certificate, then its issuer, then the issuer of that".into()
            }
            Self::NotARoot { .. } => "give root certificates: a program that trusts them trusts what they issue".into(),
            Self::JavaPassword => "use letters, digits and signs of ASCII".into(),
            Self::Pkcs12(Pkcs12Error::KeyMismatch) => "give the key that belongs to the first certificate".into(),
            Self::Pkcs12(Pkcs12Error::Name) => "choose another name with --alias".into(),
            Self::Pkcs12(Pkcs12Error::EmptyPassword) => "choose a password".into(),
            Self::Pkcs12(_) | Self::NotWhatWasWritten => {
                "run it again; if it fails again, this is a fault of certgen".into()
            }
        }
    }
}
