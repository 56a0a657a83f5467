//! Certificates, revocation lists and requests as they come in files of any maker: PEM with whatever stands around the
//! blocks, or DER.
//!
//! What the files say is not looked at here. Blocks of other kinds, private keys among them, are passed over unread.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cryptokit::encoding::pem::{PemBlocks, PemSyntaxError};

use crate::der::{GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME, context_constructed};
use crate::explain::Explain;
use crate::input::{self, InputError};

/// Largest file read, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Most documents read from one file.
pub const MAX_DOCUMENTS: usize = 1024;

/// One certificate, list or request, in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it says it is.
    pub kind: DocumentKind,
    /// Its bytes.
    pub der: Vec<u8>,
}

/// Kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A certificate (RFC 5280 §4).
    Certificate,
    /// A certificate revocation list (RFC 5280 §5).
    RevocationList,
    /// A certification request (RFC 2986).
    Request,
}

impl DocumentKind {
    /// As it is called in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::RevocationList => "revocation list",
            Self::Request => "request",
        }
    }
}

/// Reads a file; `-` is standard input.
///
/// # Errors
///
/// [`DocumentError`]: the file cannot be read, is too large, or has none in it.
pub fn read(path: &Path) -> Result<Vec<Document>, DocumentError> {
    let bytes = input::read(path, MAX_FILE_BYTES)?;
    parse(&bytes).map_err(|problem| DocumentError::Content {
        path: path.to_owned(),
        problem,
    })
}

/// Reads bytes that were in a file.
///
/// # Errors
///
/// [`Problem`]; no bytes make it panic.
pub fn parse(bytes: &[u8]) -> Result<Vec<Document>, Problem> {
    let documents = if bytes.windows(10).any(|ten| ten == b"-----BEGIN") {
        parse_pem(bytes)?
    } else {
        // What is no element of DER is neither form.
        let kind = kind_of_der(bytes).ok_or(Problem::Nothing)?;
        vec![Document {
            kind,
            der: bytes.to_vec(),
        }]
    };
    if documents.is_empty() {
        return Err(Problem::Nothing);
    }
    Ok(documents)
}

/// Why a file gives no documents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It was not read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Its bytes are not what they should be.
    #[error("`{}` cannot be used", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        problem: Problem,
    },
}

/// What is wrong with the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// None at all.
    #[error("no certificate, revocation list or request in it")]
    Nothing,
    /// More than [`MAX_DOCUMENTS`].
    #[error("more than {MAX_DOCUMENTS} of them in one file")]
    TooMany,
    /// A block that is not PEM.
    #[error("not PEM")]
    Pem(#[from] PemSyntaxError),
}

impl Explain for DocumentError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Input(error) => error.hint(),
            Self::Content { .. } => "give PEM blocks, or one certificate, list or request in DER".into(),
        }
    }
}

fn parse_pem(text: &[u8]) -> Result<Vec<Document>, Problem> {
    let mut documents = Vec::new();
    for block in blocks(text) {
        let mut blocks = PemBlocks::new(block.text).map_err(|error| moved(error, block.line))?;
        let Some(label) = blocks.next_label().map_err(|error| moved(error, block.line))? else {
            continue;
        };
        let Some(kind) = kind_of_label(label.text) else {
            continue;
        };
        if documents.len() == MAX_DOCUMENTS {
            return Err(Problem::TooMany);
        }
        let der = blocks.contents(&label).map_err(|error| moved(error, block.line))?;
        documents.push(Document {
            kind,
            der: der.to_vec(),
        });
    }
    Ok(documents)
}

/// RFC 7468 §5.1, §6, §7, and the older labels it mentions.
fn kind_of_label(label: &[u8]) -> Option<DocumentKind> {
    match label {
        b"CERTIFICATE" | b"X509 CERTIFICATE" | b"X.509 CERTIFICATE" => Some(DocumentKind::Certificate),
        b"X509 CRL" | b"CRL" => Some(DocumentKind::RevocationList),
        b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => Some(DocumentKind::Request),
        _ => None,
    }
}

struct Block<'a> {
    text: &'a [u8],
    /// Lines before it.
    line: usize,
}

/// From each first line of a block to its last. What stands around them is for people: `openssl` and browsers write
/// the names of certificates there.
fn blocks(text: &[u8]) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut begin = None;
    let mut at = 0;
    for (number, line) in text.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let end = at + line.len();
        if line.starts_with(b"-----BEGIN ") {
            begin = Some((at, number));
        }
        if line.starts_with(b"-----END ")
            && let Some((start, line)) = begin.take()
        {
            found.push(Block {
                text: &text[start..end],
                line,
            });
        }
        at = end;
    }
    // A block without end is for the reader to refuse.
    if let Some((start, line)) = begin {
        found.push(Block {
            text: &text[start..],
            line,
        });
    }
    found
}

fn moved(error: PemSyntaxError, by: usize) -> Problem {
    Problem::Pem(match error {
        PemSyntaxError::Garbage { line } => PemSyntaxError::Garbage { line: line + by },
        PemSyntaxError::Unfinished { line } => PemSyntaxError::Unfinished { line: line + by },
        PemSyntaxError::Headers { line } => PemSyntaxError::Headers { line: line + by },
        PemSyntaxError::Base64 { line } => PemSyntaxError::Base64 { line: line + by },
        other => other,
    })
}

/// All three are a SEQUENCE that begins with the SEQUENCE that is signed; its fields tell them apart.
fn kind_of_der(der: &[u8]) -> Option<DocumentKind> {
    let signed = Reader::new(der).expect(SEQUENCE).ok()?.inside().expect(SEQUENCE).ok()?;
    let tags: Vec<u8> = signed.inside().elements().ok()?.iter().map(|field| field.tag).collect();
    if tags.iter().any(|tag| matches!(*tag, UTC_TIME | GENERALIZED_TIME)) {
        Some(DocumentKind::RevocationList)
    } else if tags.len() <= 4 && tags.first() == Some(&INTEGER) && tags.last() == Some(&context_constructed(0)) {
        Some(DocumentKind::Request)
    } else {
        Some(DocumentKind::Certificate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_stands_around_blocks_is_passed_over() {
        let text = format!("subject=CN=a\n{BLOCK}issuer\r\n\n{BLOCK}the end");
        let documents = parse(text.as_bytes()).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].kind, DocumentKind::Certificate);
        assert_eq!(documents[1].der, [0x30, 0]);
    }

    #[test]
    fn keys_beside_certificates_are_not_read() {
        let key = "-----BEGIN PRIVATE KEY-----\nnot: base64\n-----END PRIVATE KEY-----\n";
        assert_eq!(parse(format!("{key}{BLOCK}").as_bytes()).unwrap().len(), 1);
        assert_eq!(parse(key.as_bytes()).unwrap_err(), Problem::Nothing);
    }

    #[test]
    fn a_broken_block_is_named_by_its_line() {
        for (text, line) in [
            (format!("{BLOCK}-----BEGIN CERTIFICATE-----\nMAA=\n"), 4),
            (
                format!("text\n{BLOCK}-----BEGIN X509 CRL-----\n*\n-----END X509 CRL-----\n"),
                5,
            ),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err().to_string();
            assert_eq!(problem, "not PEM");
            let Problem::Pem(cause) = parse(text.as_bytes()).unwrap_err() else {
                unreachable!("shown above")
            };
            assert!(cause.to_string().starts_with(&format!("line {line}:")), "{cause}");
        }
    }

    #[test]
    fn der_is_told_apart_by_its_fields() {
        let signed = |fields: &[&[u8]]| {
            let fields = fields.concat();
            let inner = [&[0x30, u8::try_from(fields.len()).unwrap()][..], &fields].concat();
            [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat()
        };
        let kind = |fields: &[&[u8]]| parse(&signed(fields)).unwrap()[0].kind;
        let (integer, sequence, time): (&[u8], &[u8], &[u8]) = (&[2, 1, 0], &[0x30, 0], &[0x17, 0]);
        let attributes: &[u8] = &[0xa0, 0];
        assert_eq!(kind(&[attributes, integer, sequence]), DocumentKind::Certificate);
        assert_eq!(kind(&[integer, sequence, sequence, attributes]), DocumentKind::Request);
        assert_eq!(kind(&[integer, sequence, sequence, time]), DocumentKind::RevocationList);
        let version_1: &[&[u8]] = &[integer, sequence, sequence, sequence, sequence, sequence];
        assert_eq!(kind(version_1), DocumentKind::Certificate);
        for bad in [&b"text"[..], b"", &[0x30, 0], &[0x30, 2, 4, 0]] {
            assert_eq!(parse(bad).unwrap_err(), Problem::Nothing);
        }
    }
}
