//! What can go wrong when an authority is made, and what to do about it.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use cryptokit::key_format::KeyFormatError;
use cryptokit::sign::SignError;
use cryptokit::x509::{DistinguishedNameError, IssueError, NameError};

use crate::explain::Explain;
use crate::lifetime::LifetimeError;

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// A service's name cannot be a directory's.
    #[error("`{name}` cannot be the name of a service")]
    ServiceName {
        /// The name.
        name: String,
    },
    /// Two services of one name, or a service named like one of the authority's files.
    #[error("the name `{name}` is already taken")]
    DuplicateService {
        /// The name.
        name: String,
    },
    /// A name that no certificate may have.
    #[error("`{text}` cannot stand in a certificate: {source}")]
    SubjectAlternativeName {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// Organization, country or the authority's own name.
    #[error("the subject of the authority is not acceptable: {0}")]
    Subject(#[from] DistinguishedNameError),
    /// The certificate of one service was refused.
    #[error("no certificate for `{name}`")]
    Leaf {
        /// The service.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// The certificate of an authority was refused.
    #[error("no certificate for the authority")]
    Authority(#[source] IssueError),
    /// No certificate lives as long as was asked for.
    #[error("the lifetime of {whose} is not acceptable")]
    Lifetime {
        /// `the root`, `the intermediate` or `the services`.
        whose: &'static str,
        /// Why.
        source: LifetimeError,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[source] SignError),
    /// A key could not be written.
    #[error("a key could not be encoded")]
    KeyFormat(#[source] KeyFormatError),
    /// Without a directory to be made, one is called like the authority, which this one cannot be.
    #[error("`{name}` cannot be the name of a directory")]
    NameIsNoDirectory {
        /// The name of the authority.
        name: String,
    },
    /// The output directory has no name of its own.
    #[error("`{}` is not the name of a new directory", path.display())]
    NotANewDirectory {
        /// What was asked for.
        path: PathBuf,
    },
    /// The directory above the output directory is not there.
    #[error("there is no directory `{}`", path.display())]
    NoParent {
        /// The directory above.
        path: PathBuf,
    },
    /// Something is there already.
    #[error("`{}` already exists", path.display())]
    Exists {
        /// What exists.
        path: PathBuf,
    },
    /// The output directory is a symbolic link.
    #[error("`{}` is a symbolic link", path.display())]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory is in place, but its entry could not be flushed to disk.
    #[error("`{}` was made, but may not survive a power failure", path.display())]
    NotFlushed {
        /// The directory made.
        path: PathBuf,
    },
}

impl Explain for InitError {
    fn hint(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ServiceName { .. } => {
                "use 1 to 64 letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit"
            }
            Self::DuplicateService { .. } => "name each service once; a --service is server and client",
            Self::SubjectAlternativeName { .. } => {
                "correct the name, or say what kind it is: dns:NAME, ip:ADDRESS, uri:URI or email:ADDRESS"
            }
            Self::Subject(DistinguishedNameError::Country) => "give the code in capitals; the United Kingdom's is GB",
            Self::Subject(_) => "shorten or correct it; the authority's name may have 40 characters",
            Self::Leaf {
                source: IssueError::NameConstraint { .. },
                ..
            } => "correct the name, or permit it: --permit-dns HOST, --permit-ip NETWORK",
            Self::Leaf { .. } => "correct the names of this service",
            Self::Lifetime { source, .. } => return source.hint(),
            Self::KeyFormat(KeyFormatError::EmptyPassphrase) => "choose a passphrase of at least one character",
            Self::Key(_) | Self::KeyFormat(_) => "run it again; if it fails again, this is a fault of certgen",
            Self::NameIsNoDirectory { .. } => "say with --out where everything goes",
            Self::Authority(_) => "run it again; if it fails again, this is a fault of certgen",
            Self::NotANewDirectory { .. } => "give --out a path that ends with the new directory's name",
            Self::NoParent { .. } => "make it first, then run certgen again",
            Self::Exists { .. } => "choose another --out, or move it away first: certgen never overwrites",
            Self::SymbolicLink { .. } => "give --out the path that the link stands for",
            Self::Io { .. } => "nothing was left behind; correct the cause and run certgen again",
            Self::NotFlushed { .. } => "check the disk, or make it again elsewhere",
        })
    }
}
