//! Cryptography for services that must trust each other, hard to misuse.
//!
//! - [`password`]: Argon2id with a pepper through a bounded pool of memory; hashes of other schemes verified where a
//!   policy allows and replaced; hashes sealed to their row.
//! - [`aead`]: AES-GCM with associated data that cannot be left out and nonces that cannot be chosen.
//! - [`stream`]: encryption of streams and files, seekable, committing to its key (Cobblestone-256).
//! - [`keyset`]: one life cycle for all keys, sealed at rest by a root key.
//! - [`jose`]: RS256 access tokens, issued and strictly verified; JWK Sets.
//! - [`encrypt`]: RSA-OAEP-256, with keys that cannot sign.
//! - [`jwe`]: messages of any length to holders of RSA keys, opened by any JOSE library; signed as well on request.
//! - [`x509`]: root, intermediate, server and client certificates; chains verified to an identity.
//! - [`key_format`]: PKCS#8, SPKI, JWK and PEM, also encrypted, to and from other programs.
//! - [`secret`]: wiped, silent types for everything secret.
//!
//! It is not a TLS library, does no I/O beyond asking the operating system for random bytes, has no `async`, and reads
//! no clock: where time matters it is an argument.
//!
//! # Backends
//!
//! [`Provider`] is the only door to a cryptographic backend. The feature `aws-lc` (default) uses AWS-LC, the feature
//! `ring` uses ring; with both on, both can be used side by side and AWS-LC is the default. The feature `tls` adds
//! [`Provider::tls`], the matching rustls cryptography. The feature `ring-oaep-decrypt` lets the ring provider open RSA-OAEP,
//! which nothing that a network peer can time may do: see [`Provider::decrypts_oaep`].
//!
//! # Example
//!
//! A password is hashed, stored sealed to its account, and verified:
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use cryptokit::aead::AeadKey;
//! use cryptokit::keyset::Keyset;
//! use cryptokit::password::{HashBinding, HashPool, Password, PasswordHasher, Pepper, Policy, SealedHash};
//!
//! let pool = HashPool::new(NonZeroUsize::MIN);
//! let hasher = PasswordHasher::new(Policy::default(), Keyset::new("peppers", Pepper::generate()));
//! let sealing = Keyset::new("password-hashes", AeadKey::generate());
//! let row = HashBinding { column: "users.password_hash", user_id: "b2c1" };
//!
//! let mut permit = pool.try_acquire().expect("nobody else is hashing");
//! let hash = hasher.hash(&mut permit, &Password::new("correct horse battery staple")?)?;
//! let stored = SealedHash::seal(&sealing, &hash, row)?;
//!
//! let hash = stored.open(&sealing, row)?;
//! let verdict = hasher.verify(&mut permit, &Password::new("correct horse battery staple")?, &hash)?;
//! assert!(verdict.ok && !verdict.needs_rehash);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aead;
pub mod encoding;
pub mod encrypt;
pub mod hash;
pub mod jose;
pub mod jwe;
pub mod key_format;
pub mod keyset;
pub mod password;
pub mod provider;
pub mod random;
mod rsa_public;
pub mod secret;
pub mod sign;
pub mod stream;
pub mod x509;

pub use provider::Provider;
