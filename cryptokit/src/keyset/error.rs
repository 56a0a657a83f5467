//! Why a change or a sealed form was refused.

use time::OffsetDateTime;

use super::id::KeyId;
use super::schema::{MAX_SEALED_BYTES, SCHEMA_VERSION};
use super::status::KeyStatus;
use super::usage_period::UsagePeriod;

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
    /// A key of that id is in the set, or was and has been pruned.
    #[error("the id {id} has been given to a key of this set before")]
    IdTaken {
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
    /// The key may make new things at certain times only, and the time was not said: [`Keyset::promote_at`].
    ///
    /// [`Keyset::promote_at`]: super::Keyset::promote_at
    #[error("key {id} has a usage period; the time is needed to promote it")]
    TimeNeeded {
        /// The id asked for.
        id: KeyId,
    },
    /// The key may not make new things at this time.
    #[error("key {id} may not be used to make new things at this time")]
    OutsideUsagePeriod {
        /// The id asked for, or the primary's.
        id: KeyId,
        /// When it may be used.
        usage_period: UsagePeriod,
        /// The time given.
        now: OffsetDateTime,
    },
    /// Only retired and revoked keys can be pruned.
    #[error("key {id} is {status:?} and cannot be pruned; retire or revoke it first")]
    NotPrunable {
        /// The id asked for.
        id: KeyId,
        /// What it is.
        status: KeyStatus,
    },
    /// What the retired key made may still have to be checked or opened.
    #[error("key {id} may still be needed; say until when, or revoke it")]
    StillNeeded {
        /// The id asked for.
        id: KeyId,
        /// The last second of its use; `None` when it was retired without one.
        needed_until: Option<OffsetDateTime>,
    },
    /// The time is outside the years 1970 to 9999.
    #[error("a time outside the years 1970 to 9999")]
    Time,
    /// The sealed form would be, or is, longer than [`MAX_SEALED_BYTES`].
    #[error("sealed keyset longer than {MAX_SEALED_BYTES} bytes; prune it")]
    TooLarge,
    /// The root key has sealed as many keysets as it may.
    #[error("the root key has sealed as often as it may; rewrap its keysets under another")]
    RootKeyExhausted,
    /// The sealed form does not open under this root key, name and purpose, or what it holds is not a keyset.
    #[error("sealed keyset does not open with this root key under this name and purpose")]
    Open,
    /// The sealed form has a version this library does not know.
    #[error("sealed keyset of an unknown version; this library reads versions up to {SCHEMA_VERSION}")]
    Version,
}
