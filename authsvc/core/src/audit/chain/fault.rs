//! What can be wrong with a record, and where it was found.

use std::fmt;

use cryptokit::keyset::KeyId;

use super::verify::MAX_UNSIGNED;
use super::{ChainId, Malformed};

/// Where a record was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    Line {
        /// The file.
        file: String,
        /// The line's number, from 1 on.
        line: u64,
    },
    /// In the database.
    Row {
        /// The chain.
        chain: String,
        /// The row's number.
        row: u64,
    },
    /// Nowhere: what is missing should be here.
    Chain {
        /// The chain.
        chain: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Row { chain, row } => write!(f, "chain {chain} row {row}"),
            Self::Chain { chain } => write!(f, "chain {chain}"),
        }
    }
}

/// A record that is not as it was written, or not where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: What,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// It is no record.
    #[error("not a record: {0}")]
    Malformed(Malformed),
    /// Its content does not have its digest.
    #[error("the record was altered: its digest does not fit its content")]
    Altered,
    /// Records before it are gone.
    #[error("record {expected} should be here, and it is {found}: records are missing")]
    Missing {
        /// The number that should follow.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// It was there before, or comes too late.
    #[error("record {expected} should be here, and it is {found}: it was repeated or moved")]
    Moved {
        /// The number that should follow.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// The record before it is another one than was there when it was written.
    #[error("the record before it was exchanged")]
    Exchanged,
    /// Its signature is not the named key's.
    #[error("the signature is forged")]
    Forged,
    /// It is signed by a key that is not known.
    #[error("it is signed by key {0}, which is not known here")]
    UnknownKey(KeyId),
    /// No signature where there must be one.
    #[error("a chain's first record and at least one in {MAX_UNSIGNED} are signed, and this is not so here")]
    Unsigned,
    /// A record of a command without a signature.
    #[error("commands sign each of their records, and this one is not signed")]
    UnsignedCommand,
    /// The chain stands where its end cannot be compared with what the next chain says of it.
    #[error("the chain begins after one that was begun when it had ended: files were exchanged, or lines moved")]
    AfterItsSuccessor,
    /// The chain's first records are gone, and nothing says that they may be.
    #[error("the chain begins at record {found}, and nothing signed says that what came before may be gone")]
    Beginning {
        /// The first number that is there.
        found: u64,
    },
    /// Another chain says that this one had records that are not there.
    #[error("another chain says that record {expected} was the last one of this one, which is not there or another")]
    End {
        /// The record that should be there.
        expected: u64,
    },
    /// The file that a chain's first record names the end of is not there.
    #[error("the chain was begun after record {number} of chain {chain}, whose file is not there")]
    FileBefore {
        /// The chain before.
        chain: ChainId,
        /// The number of its last record.
        number: u64,
    },
    /// The database has a signed record whose line went to a file that does not have it.
    #[error(
        "the database has record {expected}, and no file has its line: a file was cut off, emptied, moved or removed"
    )]
    NotInFiles {
        /// The record's number among the lines.
        expected: u64,
    },
    /// In the database, the columns are not what the line says.
    #[error("the columns of the row are not what its line says")]
    Columns,
    /// The digest that was given is not among the records.
    #[error("no record has the expected digest: the end was cut off, or the record was pruned")]
    NotFound,
    /// More chains than any installation has.
    #[error("there are more chains than this program follows")]
    TooManyChains,
}
