//! The only reader of files that may be anybody's, and of standard input: never more than a bound.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cryptokit::x509::{Certificate, CertificateError, PemError, certificates_from_pem};
use zeroize::Zeroizing;

use crate::explain::Explain;

/// Stands for standard input where a file is asked for.
pub const STANDARD_INPUT: &str = "-";

/// Most bytes that certificates or a request are read from.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The system refused.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file, or `-`.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Longer than is read.
    #[error("`{}` has more than {most} bytes", path.display())]
    TooLarge {
        /// The file, or `-`.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// It holds no certificates, or something else besides.
    #[error("`{}` holds no readable certificate", path.display())]
    Pem {
        /// The file, or `-`.
        path: PathBuf,
        /// What is wrong.
        source: PemError,
    },
    /// It is no PEM, and no certificate in DER either.
    #[error("`{}` holds no readable certificate", path.display())]
    Der {
        /// The file, or `-`.
        path: PathBuf,
        /// What is wrong.
        source: CertificateError,
    },
}

impl Explain for InputError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Read { .. } => "check the path and who may read it".into(),
            Self::TooLarge { .. } => "give the file that holds the certificate or request alone".into(),
            Self::Pem { .. } | Self::Der { .. } => {
                "give a file of PEM certificates and nothing else, or of one certificate in DER".into()
            }
        }
    }
}

/// Reads a file, or standard input for `-`, of at most `most` bytes.
///
/// # Errors
///
/// [`InputError::Read`] and [`InputError::TooLarge`].
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, InputError> {
    let failed = |source| InputError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    if path.as_os_str() == STANDARD_INPUT {
        io::stdin()
            .lock()
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    } else {
        // Pipes are welcome: a shell's `<(…)` is one.
        let file = File::open(path).map_err(failed)?;
        file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > most {
        return Err(InputError::TooLarge {
            path: path.to_owned(),
            most,
        });
    }
    Ok(bytes)
}

/// As [`read`], of what may be a key: no copy of it is left behind in memory.
///
/// # Errors
///
/// As [`read`].
pub fn read_what_may_be_secret(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, InputError> {
    let read = if path.as_os_str() == STANDARD_INPUT {
        read_wiping(io::stdin().lock().take(most + 1))
    } else {
        File::open(path).and_then(|file| read_wiping(file.take(most + 1)))
    };
    let bytes = read.map_err(|source| InputError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > most {
        return Err(InputError::TooLarge {
            path: path.to_owned(),
            most,
        });
    }
    Ok(bytes)
}

/// Reads to the end. A buffer that is outgrown is wiped, which `read_to_end` does not do.
fn read_wiping(mut from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; 16 * 1024]);
    let mut length = 0;
    loop {
        match from.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if length == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * length]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Reads the certificates of a PEM file in their order, or the one of a DER file.
///
/// # Errors
///
/// [`InputError`].
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, InputError> {
    let bytes = read(path, MAX_BYTES)?;
    if is_der(&bytes) {
        let read = Certificate::from_der(&bytes).map_err(|source| InputError::Der {
            path: path.to_owned(),
            source,
        })?;
        return Ok(vec![read]);
    }
    certificates_from_pem(&bytes).map_err(|source| InputError::Pem {
        path: path.to_owned(),
        source,
    })
}

/// DER of a certificate, request or list begins with a SEQUENCE of two length octets or more; as text that would be
/// `0` and a control character.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x81..=0x84, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outgrows_the_first_buffer_is_read_whole() {
        for length in [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000] {
            let text: Vec<u8> = (0..length).map(|index: usize| index.to_le_bytes()[0]).collect();
            assert_eq!(read_wiping(text.as_slice()).unwrap().as_slice(), text);
        }
    }
}
