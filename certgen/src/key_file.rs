//! The only reader of key files outside an authority's directory: of every form that a key has, in a file that only its
//! owner can use.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use private_files::PrivateFileError;
use zeroize::Zeroizing;

use crate::explain::Explain;

/// Most bytes that a key is read from.
pub const MAX_BYTES: u64 = 64 * 1024;

/// A file with one private key: PKCS#8, PKCS#1 or SEC1, encrypted PKCS#8, in PEM or DER.
pub struct KeyFile {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFile({}, [redacted])", self.path.display())
    }
}

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Read`], [`KeyFileError::Loose`], [`KeyFileError::TooLarge`].
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Read {
            path: path.to_owned(),
            source,
        };
        let file = private_files::open(path).map_err(|error| match error {
            PrivateFileError::Read { source, .. } => failed(source),
            PrivateFileError::LoosePermissions { mode, .. } => KeyFileError::Loose {
                path: path.to_owned(),
                mode,
            },
            other => failed(io::Error::other(other)),
        })?;
        // Reserved at its bound, so that no shorter copy is left behind by growth.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(KeyFileError::TooLarge { path: path.to_owned() });
        }
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a passphrase opens it.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.plain(), Err(KeyFormatError::Encrypted))
    }

    /// Its key. A passphrase is for an encrypted one and nothing else.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Key`].
    pub fn key(&self, passphrase: Option<&SecretString>) -> Result<PrivateKey, KeyFileError> {
        let key = match passphrase {
            None => self.plain(),
            Some(passphrase) if self.is_pem() => PrivateKey::from_encrypted_pem(&self.bytes, passphrase),
            Some(passphrase) => PrivateKey::from_encrypted_der(&self.bytes, passphrase),
        };
        key.map_err(|source| KeyFileError::Key {
            path: self.path.clone(),
            source,
        })
    }

    fn plain(&self) -> Result<PrivateKey, KeyFormatError> {
        if self.is_pem() {
            PrivateKey::from_pem(&self.bytes)
        } else {
            PrivateKey::from_der(&self.bytes)
        }
    }

    /// Keys in DER begin with a SEQUENCE, which as text is the digit 0, and no PEM does.
    fn is_pem(&self) -> bool {
        self.bytes.first() != Some(&0x30)
    }
}

/// Why a key file gives no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The system refused.
    #[error("cannot read the key `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read or write it.
    #[error("the key `{}` has mode {mode:04o}, so others than its owner can use it", path.display())]
    Loose {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Longer than [`MAX_BYTES`].
    #[error("the key `{}` has more than {MAX_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It holds no key that can be used, or not with this passphrase.
    #[error("cannot use the key `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyFormatError,
    },
}

impl Explain for KeyFileError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Read { .. } => "check the path and who may read it".into(),
            Self::Loose { path, .. } => format!("chmod go= {}", path.display()).into(),
            Self::TooLarge { .. } => "give the file that holds the key alone".into(),
            Self::Key { source, .. } => match source {
                KeyFormatError::Encrypted => "say where its passphrase is, as with --key-passphrase-file FILE".into(),
                KeyFormatError::Passphrase => {
                    "check the passphrase: the first line of its file, without the line end".into()
                }
                KeyFormatError::NotEncrypted => "leave the passphrase out".into(),
                KeyFormatError::UnexpectedLabel { .. } | KeyFormatError::UnexpectedPublicKey => {
                    "give the private key; certificates go elsewhere".into()
                }
                KeyFormatError::TraditionalEncryption
                | KeyFormatError::UnsupportedEncryption { .. }
                | KeyFormatError::TooCostly => {
                    "convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in FILE -out NEW".into()
                }
                _ => "give one private key in PEM or DER: RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519".into(),
            },
        }
    }
}
