//! Certification requests: a key made where the service runs, and what an authority elsewhere signs.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cryptokit::key_format::KeyFormatError;
use cryptokit::secret::SecretString;
use cryptokit::sign::SignError;
use cryptokit::x509::{
    CertificateKey, CertificationRequest, CertificationRequestError, IssueError, KeyKind, LeafRequest, PemError,
};

use crate::explain::Explain;
use crate::input::{self, InputError, is_der};
use crate::key_file::{KeyFile, KeyFileError};
use crate::leaf::key_pem;
use crate::new_file::{NewFileError, Target, put_pair};

/// Whose key a request is made with.
#[derive(Clone, Copy, Debug)]
pub enum RequestKey<'a> {
    /// One that is made.
    New {
        /// Of which kind.
        kind: KeyKind,
        /// Where it goes: PKCS#8 PEM, mode 0600.
        file: &'a Path,
    },
    /// One that is there.
    Existing {
        /// Where it is: of any form, in a file that only its owner can use.
        file: &'a Path,
    },
}

/// Makes a request, and the key where it is a new one. Files are new: nothing is overwritten. Without `out` the request
/// is in no file. A new key is encrypted with the passphrase, an existing one is read with it.
///
/// # Errors
///
/// [`CsrError`]; then neither file was made.
pub fn create(
    leaf: &LeafRequest,
    key: RequestKey<'_>,
    passphrase: Option<&SecretString>,
    out: Option<&Path>,
) -> Result<CertificationRequest, CsrError> {
    // What is in the way is told before a long RSA key is made.
    let target = out.map(Target::public).transpose()?;
    let existing = match key {
        RequestKey::New { kind, file } => return with_new_key(leaf, kind, Target::key(file)?, passphrase, target),
        RequestKey::Existing { file } => read_key(file, passphrase)?,
    };
    let request = CertificationRequest::create(leaf, &existing)?;
    if let Some(target) = target {
        target.put(request.to_pem().as_bytes())?;
    }
    Ok(request)
}

/// Reads one request, PEM or DER, from a file or standard input, and verifies that its own key signed it.
///
/// # Errors
///
/// [`CsrError::Input`] and [`CsrError::Request`].
pub fn read(path: &Path) -> Result<CertificationRequest, CsrError> {
    let bytes = input::read(path, input::MAX_BYTES)?;
    let read = if is_der(&bytes) {
        CertificationRequest::from_der(&bytes)
    } else {
        CertificationRequest::from_pem(&bytes)
    };
    read.map_err(|source| CsrError::Request {
        path: path.to_owned(),
        source,
    })
}

fn with_new_key(
    leaf: &LeafRequest,
    kind: KeyKind,
    key_target: Target,
    passphrase: Option<&SecretString>,
    target: Option<Target>,
) -> Result<CertificationRequest, CsrError> {
    let key = CertificateKey::generate(kind).map_err(CsrError::KeyNotMade)?;
    let request = CertificationRequest::create(leaf, &key)?;
    let pem = key_pem(&key, passphrase).map_err(CsrError::Encryption)?;
    match target {
        Some(target) => put_pair((key_target, &pem), (target, &request.to_pem()))?,
        None => key_target.put(pem.expose_secret().as_bytes())?,
    }
    Ok(request)
}

fn read_key(path: &Path, passphrase: Option<&SecretString>) -> Result<CertificateKey, CsrError> {
    let key = KeyFile::read(path)?.key(passphrase)?;
    CertificateKey::from_pkcs8(key.into_pkcs8()).map_err(CsrError::KeyNotMade)
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsrError {
    /// A file is in the way or cannot be written.
    #[error(transparent)]
    NewFile(#[from] NewFileError),
    /// The request to read cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It is read, and no request that a certificate is made of.
    #[error("`{}` is no usable certification request", path.display())]
    Request {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificationRequestError,
    },
    /// The names do not fit the profile, or the backend failed.
    #[error("no request was made")]
    NotMade(#[from] IssueError),
    /// No key could be made.
    #[error("no key could be made")]
    KeyNotMade(#[source] SignError),
    /// The new key could not be encrypted.
    #[error("the key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
    /// The existing key cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
}

impl CsrError {
    /// Whether the existing key is encrypted and no passphrase was given.
    pub fn wants_a_passphrase(&self) -> bool {
        matches!(self, Self::KeyFile(KeyFileError::Key { source, .. }) if *source == KeyFormatError::Encrypted)
    }
}

impl Explain for CsrError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::NewFile(error) => error.hint(),
            Self::Input(InputError::TooLarge { .. }) => "give the file that holds the request alone".into(),
            Self::Input(error) => error.hint(),
            Self::Request { source, .. } => hint_of_request(source),
            Self::NotMade(_) => "correct the names, or choose another of --server, --client and --peer".into(),
            Self::KeyNotMade(_) | Self::Encryption(_) => {
                "run it again; if it fails again, this is a fault of certgen".into()
            }
            Self::KeyFile(error) => error.hint(),
        }
    }
}

fn hint_of_request(error: &CertificationRequestError) -> Cow<'static, str> {
    match error {
        CertificationRequestError::Pem(PemError::SecondBlock { .. }) => {
            "split the file: every request is looked at and signed on its own"
        }
        CertificationRequestError::Pem(PemError::Garbage { .. }) => {
            "remove the text around the block; `openssl req -in FILE` prints the block alone"
        }
        CertificationRequestError::Pem(_) | CertificationRequestError::Malformed => {
            "give a file of one CERTIFICATE REQUEST block and nothing else, or one request in DER"
        }
        CertificationRequestError::TooLarge { .. } => "no request of a service is that large: ask for another one",
        CertificationRequestError::Key(_) => "have it made with a key of P-256, P-384, Ed25519 or RSA of 2048 bits on",
        CertificationRequestError::BadSignature => {
            "do not sign it: it was changed on its way, or whoever made it does not hold the key"
        }
        CertificationRequestError::UnsupportedSignatureAlgorithm { .. } => {
            "have it signed with SHA-256 or SHA-384, as `openssl req -sha256` does"
        }
        _ => "have it made again, as with `certgen csr` or `openssl req -new`",
    }
    .into()
}
