//! The chain of records: each names the one before it, some are signed, and nothing in between can be changed unseen.
//!
//! A process that records has a chain of its own, from a random id on. Every record has a number and the digest of the
//! record before it. Some records are kept as rows in the database as well: they have a second number, and the digest of
//! the record before them that is kept. So the lines of a file and the rows of a database are both verified from the same
//! records: [`Thread`] says which numbers count. The form is described in `docs/formats.md`.

mod fault;
mod keys;
mod parse;
mod seal;
#[cfg(test)]
mod tests;
mod verify;
mod whole;

use std::fmt;
use std::str::FromStr;

use cryptokit::encoding::base64url;
use cryptokit::random;
use uuid::Uuid;

pub use fault::{Fault, Place, What};
pub use keys::{AuditSigningKey, InvalidPublicKeys, PublicKeys};
pub use parse::{Continues, Facts, FileThrough, Gap, LinesFrom, Malformed, Record, RowEnd, Signature, network_of};
pub use seal::{Chain, Keep, Sealed};
pub use verify::{ChainSummary, Expectation, Verdict, Verifier};
pub use whole::KnownLines;

/// The chain that all commands extend, one after another, in the database only. Each of its records is signed.
pub const COMMANDS_CHAIN: ChainId = ChainId::fixed(*b"authsvc commands");

/// Longest line, its end not counted. A longer one is none of ours.
pub const MAX_LINE: usize = 64 * 1024;

/// What stands before the bytes that are digested and, for a signature, before the digest.
const RECORD_LABEL: &[u8] = b"authsvc audit record v1\n";
const SIGNATURE_LABEL: &[u8] = b"authsvc audit signature v1\n";

/// Which numbers of the records are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// All records: the lines of files.
    Lines,
    /// Those kept in the database.
    Rows,
}

/// SHA-256 of a record; 32 zero bytes before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl FromStr for Digest {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let bytes = base64url::decode(text).map_err(|_| NotAnId)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAnId)?))
    }
}

/// A chain's id: random, one for each process that records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(Uuid);

impl ChainId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }

    /// The id of a chain that is in the database only, and that several processes extend one after another.
    pub const fn fixed(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ChainId {
    type Err = NotAnId;

    /// The canonical form only: lower case, with hyphens.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
        if id.to_string() != text {
            return Err(NotAnId);
        }
        Ok(Self(id))
    }
}

/// The text is not an id or digest in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id or digest in its canonical form")]
pub struct NotAnId;
