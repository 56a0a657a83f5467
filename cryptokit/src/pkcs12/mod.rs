//! PKCS#12 (RFC 7292): a key with its certificates, or the certificates of a trust store, in one file under a password.
//!
//! | written | key and certificates | integrity | opened by |
//! | --- | --- | --- | --- |
//! | [`Encryption::Modern`] | PBES2: PBKDF2-HMAC-SHA-256, AES-256-CBC | HMAC-SHA-256 | OpenSSL 1.1 and 3, Java 12, NSS, GnuTLS, .NET |
//! | [`Encryption::Legacy`] | SHA-1 and 3DES | HMAC-SHA-1 | those and what is too old for them, such as macOS's Keychain |
//! | [`write_trust_store`] | as modern, marked as Java wants it | HMAC-SHA-256 | Java, as trusted certificates |
//!
//! What is read is PBES2 as [`key_format`](crate::key_format) reads it and 3DES with SHA-1, under HMAC with SHA-1, SHA-256
//! or SHA-512, in DER and in the BER that NSS and Firefox write. RC2, RC4 and PBMAC1 are refused by name. Sizes, depth,
//! the number of entries and the iterations that a file may ask for are bounded.
//!
//! # Security
//!
//! The password protects everything: whoever has the file can try passwords as fast as [`ITERATIONS`] lets him, in legacy
//! files a hundred times as fast. Both uses of the password in a file, for secrecy and for integrity, cost the same.
//!
//! ```
//! use cryptokit::key_format::PrivateKey;
//! use cryptokit::pkcs12::{self, Encryption, Identity, Pkcs12};
//! use cryptokit::secret::SecretString;
//! # use cryptokit::x509::{CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, SubjectAlternativeName};
//! # let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! # let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! # let name = SubjectAlternativeName::parse("dns:worker.example.internal")?;
//! # let issuing = root.issue_intermediate(&DistinguishedName::new("Example issuing CA")?, now)?;
//! # let (issued, key) = issuing.issue_leaf(&LeafRequest::new(LeafProfile::Client, vec![name]), now)?;
//! # let key = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())?;
//!
//! let password = SecretString::new("correct horse battery staple".into());
//! let identity = Identity {
//!     name: "worker",
//!     key: &key,
//!     certificate: issued.certificate(),
//!     chain: &[issuing.certificate().clone()],
//! };
//! let file = pkcs12::write_identity(&identity, Encryption::Modern, &password)?;
//!
//! let opened = Pkcs12::open(&file, &password)?;
//! assert_eq!(opened.keys[0].name.as_deref(), Some("worker"));
//! assert_eq!(opened.certificates[0].der, *issued.certificate().der());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asn1;
mod ber;
mod encryption;
mod error;
mod kdf;
mod mac;
mod object_identifier;
mod outline;
mod password;
mod read;
mod structure;
mod write;

pub use encryption::{Encryption, ITERATIONS, LEGACY_ITERATIONS};
pub use error::Pkcs12Error;
pub use outline::{Outline, Protection};
pub use read::{CertificateEntry, KeyEntry, MAX_PKCS12_BYTES, MAX_PKCS12_ITERATIONS, Pkcs12};
pub use write::{Identity, TrustedCertificate, write_identity, write_trust_store};
