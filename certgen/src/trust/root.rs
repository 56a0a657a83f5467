//! A root that may go into a trust store: nothing else may.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cryptokit::x509::Certificate;

use crate::explain::Explain;
use crate::input::{self, InputError};
use crate::printable::printable;
use crate::text::hex;

/// A root certificate in a file of its own, which the tools read.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    certificate: Certificate,
}

impl Root {
    /// Reads the one certificate that the PEM file must be, and checks that it is an authority's that its own key signed.
    ///
    /// # Errors
    ///
    /// [`RootError`].
    pub fn read(path: &Path) -> Result<Self, RootError> {
        let bytes = input::read(path, input::MAX_BYTES)?;
        if input::is_der(&bytes) {
            return Err(RootError::Der { path: path.to_owned() });
        }
        let certificates = input::certificates(path)?;
        let [certificate] = &certificates[..] else {
            return Err(RootError::Several {
                path: path.to_owned(),
                count: certificates.len(),
            });
        };
        let subject = || printable(certificate.subject_text());
        if !certificate.is_ca() {
            return Err(RootError::NotAnAuthority { subject: subject() });
        }
        if certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(RootError::NotAnAuthority { subject: subject() });
        }
        if !certificate.is_self_signed() {
            return Err(RootError::NotARoot { subject: subject() });
        }
        // Absolute, so that it is the same file for every tool and never an option.
        let path = std::path::absolute(path).map_err(|source| InputError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path,
            certificate: certificate.clone(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// SHA-256 of the certificate, in hexadecimal: what it is known by.
    pub fn fingerprint(&self) -> String {
        hex(&self.certificate.sha256())
    }

    /// What it is called in stores: for people, and different for every certificate.
    pub fn name(&self) -> String {
        let subject = self.certificate.subject_text();
        let common_name = subject.rsplit("CN=").next().unwrap_or(subject);
        let words: Vec<_> = common_name
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let readable: String = words.join("-").to_ascii_lowercase().chars().take(40).collect();
        format!("certgen-{readable}-{}", &self.fingerprint()[..16])
    }
}

/// Why a file holds no root that may be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It is not read, or holds no certificate.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The tools want PEM.
    #[error("`{}` is DER", path.display())]
    Der {
        /// The file.
        path: PathBuf,
    },
    /// More than one certificate.
    #[error("`{}` holds {count} certificates, and one root is installed at a time", path.display())]
    Several {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A service's certificate.
    #[error("{subject} is not an authority's certificate")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
    },
    /// An authority below another one.
    #[error("{subject} is not a root: another key signed it")]
    NotARoot {
        /// Its subject.
        subject: String,
    },
}

impl Explain for RootError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Input(error) => error.hint(),
            Self::Der { .. } => "convert it: openssl x509 -inform DER -in FILE -out root.pem".into(),
            Self::Several { .. } => "give the file with the root alone".into(),
            Self::NotAnAuthority { .. } | Self::NotARoot { .. } => {
                "give the root: stores that trust anything below it trust more than its issuer can take back".into()
            }
        }
    }
}
