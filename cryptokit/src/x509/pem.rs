//! PEM (RFC 7468), strictly: only the blocks that were asked for, and nothing between them.
//!
//! A lenient reader skips what it does not understand. In a file that says whom to trust, what was skipped is the
//! certificate somebody believes to be in force; here it is an error.

use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::certificate::{Certificate, CertificateError};
use crate::encoding::pem::{PemBlocks, PemSyntaxError, encode};

pub use crate::encoding::pem::MAX_PEM_BYTES;

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
    let mut blocks = PemBlocks::new(pem)?;
    while let Some(der) = next_block(&mut blocks, "CERTIFICATE")? {
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

/// RFC 7468 §6. A list may be longer than other PEM text; its reader bounds it.
pub(super) fn revocation_list_from_pem(pem: &[u8]) -> Result<Vec<u8>, PemError> {
    only_block(PemBlocks::of_any_length(pem), "X509 CRL")
}

pub(super) fn revocation_lists_from_pem(pem: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let mut lists = Vec::new();
    let mut blocks = PemBlocks::of_any_length(pem);
    while let Some(der) = next_block(&mut blocks, "X509 CRL")? {
        lists.push(der.to_vec());
    }
    if lists.is_empty() {
        return Err(PemError::Missing { expected: "X509 CRL" });
    }
    Ok(lists)
}

pub(super) fn revocation_list_to_pem(der: &[u8]) -> String {
    encode("X509 CRL", der).to_string()
}

/// RFC 7468 §7, which also knows an older label; `keytool` writes that one.
pub(super) fn certification_request_from_pem(pem: &[u8]) -> Result<Vec<u8>, PemError> {
    match only_block(PemBlocks::new(pem)?, "NEW CERTIFICATE REQUEST") {
        Err(PemError::UnexpectedLabel { .. }) => only_block(PemBlocks::new(pem)?, "CERTIFICATE REQUEST"),
        read => read,
    }
}

pub(super) fn certification_request_to_pem(der: &[u8]) -> String {
    encode("CERTIFICATE REQUEST", der).to_string()
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
    /// A second block in a text that may hold one.
    #[error("more than one {expected} block")]
    SecondBlock {
        /// The label looked for.
        expected: &'static str,
    },
    /// A block that holds no readable certificate.
    #[error("certificate {number} is not readable")]
    Certificate {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
}

impl From<PemSyntaxError> for PemError {
    fn from(error: PemSyntaxError) -> Self {
        match error {
            PemSyntaxError::TooLarge { bytes } => Self::TooLarge { bytes },
            PemSyntaxError::Garbage { line } => Self::Garbage { line },
            PemSyntaxError::Unfinished { line } => Self::Unfinished { line },
            PemSyntaxError::Headers { line } | PemSyntaxError::Base64 { line } => Self::Base64 { line },
        }
    }
}

/// The contents of the next block, which must have that label, or `None` at the end of the text.
fn next_block(blocks: &mut PemBlocks<'_>, expected: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, PemError> {
    let Some(label) = blocks.next_label()? else {
        return Ok(None);
    };
    if label.text != expected.as_bytes() {
        let line = label.line;
        return Err(PemError::UnexpectedLabel { line, expected });
    }
    Ok(Some(blocks.contents(&label)?))
}

/// The contents of the one block of this label that the text must be.
fn only_block(mut blocks: PemBlocks<'_>, label: &'static str) -> Result<Vec<u8>, PemError> {
    let contents = next_block(&mut blocks, label)?.ok_or(PemError::Missing { expected: label })?;
    match next_block(&mut blocks, label)? {
        None => Ok(contents.to_vec()),
        Some(_) => Err(PemError::SecondBlock { expected: label }),
    }
}
