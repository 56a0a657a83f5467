//! PKCS#12 files for programs that take nothing else: a service's key with its certificates, or a trust store for Java.
//!
//! ```
//! use certgen::bundle::{Contents, Profile};
//! use cryptokit::secret::SecretString;
//! # use cryptokit::x509::{CertificateAuthority, DistinguishedName};
//! # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! # let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! # let roots = [root.certificate().clone()];
//!
//! let contents = Contents::trust_store("example", &roots)?;
//! let file = contents.write(&SecretString::new("changeit".into()))?;
//! # let _ = (file, Profile::JavaTrust);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod readers;

use cryptokit::key_format::PrivateKey;
use cryptokit::pkcs12::{self, Encryption, Identity, Pkcs12, TrustedCertificate};
use cryptokit::secret::SecretString;
use cryptokit::x509::Certificate;

use crate::printable::printable;

pub use error::BundleError;
pub use readers::{Answer, Reader};

/// How a file is written, and so who can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// AES-256 and SHA-256.
    Modern,
    /// Certificates without keys, marked as Java wants it; AES-256 and SHA-256.
    JavaTrust,
    /// 3DES and SHA-1, for readers that know nothing newer.
    Legacy,
}

impl Profile {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Modern, Self::JavaTrust, Self::Legacy];

    /// As it is called on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::JavaTrust => "java-trust",
            Self::Legacy => "legacy",
        }
    }

    /// How its files are protected, in words.
    pub const fn protection(self) -> &'static str {
        match self {
            Self::Modern | Self::JavaTrust => "AES-256-CBC, PBKDF2-HMAC-SHA-256, MAC with HMAC-SHA-256",
            Self::Legacy => "3DES-CBC, SHA-1, MAC with HMAC-SHA-1",
        }
    }

    /// Iterations of each key derivation.
    pub const fn iterations(self) -> u32 {
        match self {
            Self::Modern | Self::JavaTrust => pkcs12::ITERATIONS,
            Self::Legacy => pkcs12::LEGACY_ITERATIONS,
        }
    }

    /// Who can read its files.
    pub const fn readers(self) -> &'static [Reader] {
        readers::of(self)
    }
}

/// What goes into a file, already found to fit together.
#[derive(Debug)]
pub struct Contents<'a> {
    alias: &'a str,
    what: What<'a>,
}

#[derive(Debug)]
enum What<'a> {
    Identity {
        key: &'a PrivateKey,
        certificate: &'a Certificate,
        issuers: Vec<Certificate>,
        encryption: Encryption,
    },
    TrustStore(Vec<(String, &'a Certificate)>),
}

impl<'a> Contents<'a> {
    /// A key with its certificate and the issuers of that, in order. A root among them is left out unless it is wanted:
    /// whoever imports the file is not to trust it by accident.
    ///
    /// # Errors
    ///
    /// [`BundleError::NoCertificate`], [`BundleError::NotALeaf`], [`BundleError::NotAChain`] and, for what is no name,
    /// [`BundleError::Pkcs12`].
    pub fn identity(
        alias: &'a str,
        key: &'a PrivateKey,
        chain: &'a [Certificate],
        with_root: bool,
        encryption: Encryption,
    ) -> Result<Self, BundleError> {
        let (certificate, issuers) = chain.split_first().ok_or(BundleError::NoCertificate)?;
        if certificate.is_ca() {
            return Err(BundleError::NotALeaf {
                subject: printable(certificate.subject_text()),
            });
        }
        for (lower, upper) in chain.iter().zip(issuers) {
            if lower.issuer_der() != upper.subject_der() {
                return Err(BundleError::NotAChain {
                    subject: printable(lower.subject_text()),
                    issuer: printable(lower.issuer_text()),
                    next: printable(upper.subject_text()),
                });
            }
        }
        let issuers = issuers
            .iter()
            .filter(|issuer| with_root || !issuer.names_itself_as_issuer())
            .cloned()
            .collect();
        let what = What::Identity {
            key,
            certificate,
            issuers,
            encryption,
        };
        Ok(Self { alias, what })
    }

    /// Roots that Java shall trust. One is called by the alias, more by it and a number.
    ///
    /// # Errors
    ///
    /// [`BundleError::NoCertificate`] and [`BundleError::NotARoot`].
    pub fn trust_store(alias: &'a str, roots: &'a [Certificate]) -> Result<Self, BundleError> {
        if roots.is_empty() {
            return Err(BundleError::NoCertificate);
        }
        if let Some(other) = roots
            .iter()
            .find(|root| !(root.is_ca() && root.names_itself_as_issuer()))
        {
            return Err(BundleError::NotARoot {
                subject: printable(other.subject_text()),
            });
        }
        let named = |(index, root)| match index {
            0 => (alias.to_owned(), root),
            _ => (format!("{alias}-{}", index + 1), root),
        };
        let what = What::TrustStore(roots.iter().enumerate().map(named).collect());
        Ok(Self { alias, what })
    }

    /// What it is called where it is imported.
    pub fn alias(&self) -> &str {
        self.alias
    }

    /// The certificates that go into it, in order.
    pub fn certificates(&self) -> Vec<&Certificate> {
        match &self.what {
            What::Identity {
                certificate, issuers, ..
            } => std::iter::once(*certificate).chain(issuers).collect(),
            What::TrustStore(roots) => roots.iter().map(|(_, root)| *root).collect(),
        }
    }

    /// The file, opened again and compared before it is handed out. Takes 0.3 s.
    ///
    /// # Errors
    ///
    /// [`BundleError::Pkcs12`]; [`BundleError::JavaPassword`] for a trust store.
    pub fn write(&self, password: &SecretString) -> Result<Vec<u8>, BundleError> {
        let file = match &self.what {
            What::Identity {
                key,
                certificate,
                issuers,
                encryption,
            } => {
                let identity = Identity {
                    name: self.alias,
                    key,
                    certificate,
                    chain: issuers,
                };
                pkcs12::write_identity(&identity, *encryption, password)?
            }
            What::TrustStore(roots) => {
                if !is_password_of_java(password) {
                    return Err(BundleError::JavaPassword);
                }
                let roots: Vec<_> = roots
                    .iter()
                    .map(|(name, certificate)| TrustedCertificate { name, certificate })
                    .collect();
                pkcs12::write_trust_store(&roots, password)?
            }
        };
        self.check(&Pkcs12::open(&file, password)?)?;
        Ok(file)
    }

    fn check(&self, opened: &Pkcs12) -> Result<(), BundleError> {
        let certificates = self.certificates();
        let same_certificates = opened.certificates.len() == certificates.len()
            && opened
                .certificates
                .iter()
                .zip(&certificates)
                .all(|(entry, certificate)| {
                    entry.der == *certificate.der() && entry.trusted == matches!(self.what, What::TrustStore(_))
                });
        let same_key = match (&self.what, &opened.keys[..]) {
            (What::TrustStore(_), []) => true,
            (What::Identity { key, .. }, [entry]) => entry
                .key
                .as_ref()
                .is_ok_and(|opened| opened.pkcs8().ct_eq(key.pkcs8().expose_secret())),
            _ => false,
        };
        if same_certificates && same_key {
            Ok(())
        } else {
            Err(BundleError::NotWhatWasWritten)
        }
    }
}

/// Whether Java takes the password: it encrypts with printable ASCII only.
pub fn is_password_of_java(password: &SecretString) -> bool {
    password
        .expose_secret()
        .bytes()
        .all(|byte| (0x20..0x7f).contains(&byte))
}
