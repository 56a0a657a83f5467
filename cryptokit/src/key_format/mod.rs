//! Keys as other programs keep them: PKCS#8, SEC1, PKCS#1, SPKI and JWK, in DER and PEM, private keys also encrypted.
//!
//! A [`PrivateKey`] or [`PublicKey`] is a key on its way in or out and does nothing by itself. What it is for is decided
//! by the type it is given to, for example [`RsaSigningKey::from_pkcs8`](crate::sign::RsaSigningKey::from_pkcs8): what
//! a file says about use or algorithm is at most compared with that, never obeyed.
//!
//! | form | read | written |
//! | --- | --- | --- |
//! | PKCS#8 (RFC 5958), DER and PEM | yes | yes |
//! | PKCS#8 encrypted with PBES2 (RFC 8018): PBKDF2 with HMAC-SHA-1, -256, -512 or scrypt, AES-CBC | yes | PBKDF2-HMAC-SHA-256 with 600,000 iterations, AES-256-CBC |
//! | `RSA PRIVATE KEY`: PKCS#1 (RFC 8017 appendix A.1.2) | yes | no |
//! | `EC PRIVATE KEY`: SEC1 (RFC 5915) | yes | no |
//! | public keys: SubjectPublicKeyInfo (RFC 5280 §4.1), DER and PEM | yes | yes |
//! | JWK (RFC 7517, 7518, 8037), private and public | yes | yes |
//! | PEM with `Proc-Type: 4,ENCRYPTED`, PBES1, PKCS#12 encryption, DES, 3DES, RC2 | refused by name | no |
//!
//! Keys are RSA of 2048 to 4096 bits with exponent 65537, EC on P-256 or P-384, and Ed25519. A private key is loaded
//! into the default provider before it is handed out, which refuses a private half that does not belong to the public
//! one. (ring does not look at the private exponent of an RSA key, with which it never computes.)
//!
//! ```
//! use cryptokit::key_format::PrivateKey;
//! use cryptokit::secret::SecretString;
//! use cryptokit::sign::P256SigningKey;
//!
//! let passphrase = SecretString::new("correct horse battery staple".into());
//! let key = PrivateKey::from_pkcs8_der(P256SigningKey::generate()?.pkcs8().expose_secret())?;
//! let pem = key.to_encrypted_pem(&passphrase)?; // openssl and certtool open it
//!
//! let again = PrivateKey::from_encrypted_pem(pem.as_bytes(), &passphrase)?;
//! assert_eq!(again.public_key().thumbprint(), key.public_key().thumbprint());
//! let signing = P256SigningKey::from_pkcs8(again.into_pkcs8())?;
//! # let _ = signing;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod jwk;
pub(crate) mod object_identifier;
pub(crate) mod pbes2;
mod private_der;
mod private_key;
mod public_key;
mod thumbprint;

pub use error::KeyFormatError;
pub use jwk::{Jwk, JwkMetadata, MAX_JWK_BYTES};
pub use pbes2::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY_BYTES, MAX_SCRYPT_WORK, PBKDF2_ITERATIONS};
pub use private_key::{MAX_KEY_DER_BYTES, PrivateKey};
pub use public_key::{KeyType, PublicKey};
pub(crate) use thumbprint::jwk_thumbprint;
