//! PEM (RFC 7468), strictly: only the blocks that were asked for, and nothing between them.
//!
//! A lenient reader skips what it does not understand. In a file that says whom to trust, what was skipped is the
//! certificate somebody believes to be in force; here it is an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::certificate::{Certificate, CertificateError};
use crate::secret::{SecretBytes, SecretString};

/// Longest PEM text read, in bytes.
pub const MAX_PEM_BYTES: usize = 512 * 1024;
/// Most certificates read from one text.
pub const MAX_PEM_CERTIFICATES: usize = 128;

/// Reads one or more `CERTIFICATE` blocks, in order.
///
/// White space may stand between blocks, lines may end in LF or CRLF.
///
/// # Errors
///
/// [`PemError`]: too long, too many blocks, none at all, a block of another label, text outside the blocks, or a
/// certificate that is not readable.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<Certificate>, PemError> {
    let mut certificates = Vec::new();
    let mut blocks = Blocks::new(pem)?;
    while let Some(der) = blocks.next_block("CERTIFICATE")? {
        if certificates.len() == MAX_PEM_CERTIFICATES {
            return Err(PemError::TooManyCertificates);
        }
        let number = certificates.len() + 1;
        let certificate = Certificate::from_der(&der).map_err(|source| PemError::Certificate { number, source })?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(PemError::Missing {
            expected: "CERTIFICATE",
        });
    }
    Ok(certificates)
}

/// Reads the one `PRIVATE KEY` block (PKCS#8, unencrypted) that the text must be.
///
/// # Errors
///
/// [`PemError`]: too long, no or a second block, a block of another label (an encrypted or older key form among
/// them), or text outside the block. The error never holds any of the key.
pub fn private_key_from_pem(pem: &[u8]) -> Result<SecretBytes, PemError> {
    let mut blocks = Blocks::new(pem)?;
    let key = blocks.next_block("PRIVATE KEY")?.ok_or(PemError::Missing {
        expected: "PRIVATE KEY",
    })?;
    if blocks.next_block("PRIVATE KEY")?.is_some() {
        return Err(PemError::SecondKey);
    }
    Ok(key.into())
}

/// One certificate as PEM: 64 columns, LF.
pub fn certificate_to_pem(certificate: &CertificateDer<'_>) -> String {
    encode("CERTIFICATE", certificate).to_string()
}

/// Certificates as PEM, in order.
pub fn certificates_to_pem<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates
        .into_iter()
        .map(|certificate| certificate_to_pem(certificate.der()))
        .collect()
}

/// A PKCS#8 key as PEM: 64 columns, LF. Not encrypted.
pub fn private_key_to_pem(pkcs8: &SecretBytes) -> SecretString {
    encode("PRIVATE KEY", pkcs8.expose_secret()).into()
}

/// Why text is not the PEM that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// Longer than [`MAX_PEM_BYTES`].
    #[error("PEM text of {bytes} bytes; at most {MAX_PEM_BYTES} are read")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// No block at all.
    #[error("no {expected} block")]
    Missing {
        /// The label looked for.
        expected: &'static str,
    },
    /// A block of another label.
    #[error("line {line}: a block of another kind than {expected}")]
    UnexpectedLabel {
        /// Line number, from 1.
        line: usize,
        /// The label looked for.
        expected: &'static str,
    },
    /// Text outside the blocks.
    #[error("line {line}: text outside a PEM block")]
    Garbage {
        /// Line number, from 1.
        line: usize,
    },
    /// A block without its end line.
    #[error("line {line}: this block has no end")]
    Unfinished {
        /// Line number of its first line, from 1.
        line: usize,
    },
    /// Something else than canonical base64 inside a block.
    #[error("line {line}: this block is not base64")]
    Base64 {
        /// Line number of its first line, from 1.
        line: usize,
    },
    /// More than [`MAX_PEM_CERTIFICATES`].
    #[error("more than {MAX_PEM_CERTIFICATES} certificates")]
    TooManyCertificates,
    /// A second key in a text that may hold one.
    #[error("more than one private key")]
    SecondKey,
    /// A block that holds no readable certificate.
    #[error("certificate {number} is not readable")]
    Certificate {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
}

/// What is left of a PEM text, read block by block.
struct Blocks<'a> {
    rest: &'a [u8],
    /// Lines read so far.
    line: usize,
}

impl<'a> Blocks<'a> {
    fn new(pem: &'a [u8]) -> Result<Self, PemError> {
        if pem.len() > MAX_PEM_BYTES {
            return Err(PemError::TooLarge { bytes: pem.len() });
        }
        Ok(Self { rest: pem, line: 0 })
    }

    /// The contents of the next block, or `None` at the end of the text.
    fn next_block(&mut self, label: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, PemError> {
        let first = loop {
            match self.next_line() {
                None => return Ok(None),
                Some([]) => {}
                Some(line) => break line,
            }
        };
        let line = self.line;
        if first == format!("-----BEGIN {label}-----").as_bytes() {
            self.contents(label).map(Some)
        } else if first.starts_with(b"-----BEGIN ") {
            Err(PemError::UnexpectedLabel { line, expected: label })
        } else {
            Err(PemError::Garbage { line })
        }
    }

    fn contents(&mut self, label: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
        let begin = self.line;
        let end = format!("-----END {label}-----");
        // Measured first so that the buffer never grows: growing would leave a key behind in freed memory.
        let length = self.rest.windows(5).position(|five| five == b"-----");
        let mut base64 = Zeroizing::new(Vec::with_capacity(length.unwrap_or(self.rest.len())));
        loop {
            match self.next_line() {
                Some(line) if line == end.as_bytes() => break,
                Some(line) if !line.starts_with(b"-----") => base64.extend_from_slice(line),
                _ => return Err(PemError::Unfinished { line: begin }),
            }
        }
        let mut contents = Zeroizing::new(vec![0; base64.len() / 4 * 3 + 3]);
        let length = STANDARD
            .decode_slice(base64.as_slice(), &mut contents)
            .map_err(|_| PemError::Base64 { line: begin })?;
        contents.truncate(length);
        Ok(contents)
    }

    /// The next line without the white space at its end.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self
            .rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest.get(1..).unwrap_or_default();
        self.line += 1;
        Some(line.trim_ascii_end())
    }
}

fn encode(label: &str, contents: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(contents));
    let mut pem = Zeroizing::new(String::with_capacity(
        base64.len() + base64.len() / 64 + 2 * label.len() + 34,
    ));
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}
