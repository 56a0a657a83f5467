//! Why a change or a sealed form was refused.

use super::entry::KeyStatus;
use super::id::KeyId;
use super::schema::SCHEMA_VERSION;

/// Why a keyset refused a change or could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysetError {
    /// No key of that id.
    #[error("no key {id} in this set")]
    UnknownKey {
        /// The id asked for.
        id: KeyId,
    },
    /// A primary key can be neither retired nor revoked: promote another one first.
    #[error("key {id} is primary; promote another key first")]
    IsPrimary {
        /// The id asked for.
        id: KeyId,
    },
    /// Retired and revoked keys do not come back.
    #[error("key {id} is {status:?} and cannot become primary")]
    NotPromotable {
        /// The id asked for.
        id: KeyId,
        /// What it is.
        status: KeyStatus,
    },
    /// The sealed form does not open under this root key, name and purpose, or what it holds is not a keyset.
    #[error("sealed keyset does not open with this root key under this name and purpose")]
    Open,
    /// The sealed form has a version this library does not know.
    #[error("sealed keyset of an unknown version; this library reads version {SCHEMA_VERSION}")]
    Version,
}
