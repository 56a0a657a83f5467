//! Keysets: one life cycle for AEAD keys, peppers, token-signing keys and decryption keys.
//!
//! A set has exactly one primary key, which makes new things. Active and retired keys still check or open older ones
//! (a retired key is one that waits for its last uses to end); a revoked key does nothing at all. A key that is no
//! longer needed is pruned, and its id is never given again. When a key may make new things can be limited by a
//! [`UsagePeriod`]; the time is an argument everywhere.
//!
//! At rest a keyset is JSON, sealed by a [`RootKey`] that is bound to the keyset's name and purpose, so that neither
//! can be exchanged for the other in the database. `docs/formats.md` describes it.
//!
//! A rotation, from the new key to the end of the old one:
//!
//! ```
//! use cryptokit::aead::AeadKey;
//! use cryptokit::keyset::{Keyset, RootKey};
//! use time::macros::datetime;
//!
//! let root = RootKey::generate();
//! let mut keys = Keyset::new("notes", AeadKey::generate());
//! let old = keys.primary().0;
//! let new = keys.add(AeadKey::generate());
//! let sealed = root.seal(&keys)?; // give it to every process before the new key is used
//!
//! keys.promote(new)?;
//! keys.retire_until(old, datetime!(2030-06-30 00:00:00 UTC))?;
//! assert!(keys.prune(old, datetime!(2030-06-01 00:00:00 UTC)).is_err());
//! keys.prune(old, datetime!(2030-07-01 00:00:00 UTC))?;
//! # let _ = sealed;
//! # Ok::<(), cryptokit::keyset::KeysetError>(())
//! ```

mod entry;
mod error;
mod id;
mod lifecycle;
mod root_key;
mod schema;
mod status;
mod usage_period;

pub use entry::{InvalidMaterial, KeyEntry, KeyMaterial, Version1};
pub use error::KeysetError;
pub use id::KeyId;
pub use lifecycle::Keyset;
pub use root_key::{InvalidRootKey, RootKey};
pub use schema::MAX_SEALED_BYTES;
pub use status::KeyStatus;
pub use usage_period::{InvalidUsagePeriod, UsagePeriod};
