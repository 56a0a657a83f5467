//! What became of the signing keys, and why something did not.

use cryptokit::jose::PublishError;
use cryptokit::keyset::KeyStatus;
use time::OffsetDateTime;

use super::keysets::KeyStorageError;
use crate::domain::ServiceName;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// A key that had no times has them now.
    Begun {
        /// Its `kid`.
        kid: String,
    },
    /// A key is published and does not sign yet.
    Published {
        /// Its `kid`.
        kid: String,
        /// When it may sign if every consumer has fetched it.
        promotable_at: OffsetDateTime,
    },
    /// A key signs; the former one is retired.
    Promoted {
        /// Its `kid`.
        kid: String,
        /// The former one's.
        retired: String,
        /// Who had not fetched it.
        laggards: Vec<ServiceName>,
    },
    /// The primary key had ended, and a new one signs.
    Replaced {
        /// Its `kid`.
        kid: String,
        /// The ended one's.
        retired: String,
    },
    /// A key does nothing any more.
    Revoked {
        /// Its `kid`.
        kid: String,
        /// The key that signs in its place, if it was the one that signed.
        successor: Option<String>,
    },
    /// Keys of the feed of revocations do nothing any more, and the feed begins anew.
    FeedRevoked {
        /// Their `kid`s.
        kids: Vec<String>,
        /// The key that signs in their place.
        successor: String,
    },
    /// Keys are gone.
    Pruned {
        /// Their `kid`s.
        kids: Vec<String>,
    },
}

/// Why a key was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyChangeError {
    /// No key of that name.
    #[error("no key of the set has a kid that begins with {kid:?}")]
    NoSuchKey {
        /// What was asked for.
        kid: String,
    },
    /// Several keys of that name.
    #[error("several keys of the set have a kid that begins with {kid:?}")]
    Ambiguous {
        /// What was asked for.
        kid: String,
    },
    /// There is a published key already.
    #[error("key {kid} is published already and has not signed yet")]
    AlreadyPending {
        /// Its `kid`.
        kid: String,
    },
    /// The key has not been published for long enough.
    #[error("key {kid} is not to sign before {at}: who fetched the set before does not know it yet")]
    TooEarly {
        /// Its `kid`.
        kid: String,
        /// When it may.
        at: OffsetDateTime,
    },
    /// Consumers have not fetched the key.
    #[error("key {kid} has not been fetched by {}", names(.laggards))]
    Laggards {
        /// Its `kid`.
        kid: String,
        /// Who has not.
        laggards: Vec<ServiceName>,
    },
    /// A key that signs already, or that was retired or revoked.
    #[error("key {kid} is {status:?} and cannot be promoted")]
    NotPending {
        /// Its `kid`.
        kid: String,
        /// What it is.
        status: KeyStatus,
    },
    /// The feed of revocations cannot be begun anew.
    #[error("the feed of revocations cannot be begun anew")]
    Feed(#[source] PublishError),
    /// The keyset.
    #[error(transparent)]
    Storage(#[from] KeyStorageError),
}

fn names(services: &[ServiceName]) -> String {
    let names: Vec<_> = services.iter().map(ToString::to_string).collect();
    names.join(", ")
}
