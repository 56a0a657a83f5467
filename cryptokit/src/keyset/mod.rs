//! Keysets: the same life cycle for AEAD keys, peppers and token-signing keys.
//!
//! A set has exactly one primary key, which makes new things. Active and retired keys still check or open older ones
//! (a retired key is one that waits for its last uses to end); a revoked key does nothing at all.
//!
//! At rest a keyset is JSON, sealed by a [`RootKey`] that is bound to the keyset's name and purpose, so that neither
//! can be exchanged for the other in the database.

mod entry;
mod error;
mod id;
mod lifecycle;
mod root_key;
mod schema;

pub use entry::{InvalidMaterial, KeyEntry, KeyMaterial, KeyStatus, Version1};
pub use error::KeysetError;
pub use id::KeyId;
pub use lifecycle::Keyset;
pub use root_key::{InvalidRootKey, RootKey};
