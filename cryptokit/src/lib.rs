//! Cryptography for services that must trust each other, hard to misuse.
//!
//! It is not a TLS library, does no I/O beyond asking the operating system for random bytes, has no `async`, and reads
//! no clock: where time matters it is an argument. What it promises against whom is in `docs/cryptokit-threat-model.md`,
//! what it writes in `docs/formats.md`, what it costs in `benches/README.md`. The command `cryptokit` does much of it from a
//! shell.
//!
//! # Which function do I want?
//!
//! | I want to | use | not |
//! | --- | --- | --- |
//! | store a password | [`PasswordHasher::hash`](password::PasswordHasher::hash), then [`SealedHash::seal`](password::SealedHash::seal) | a hash of [`hash`]: it is fast |
//! | check a password, whatever system hashed it | [`PasswordHasher::verify`](password::PasswordHasher::verify) under a [`Policy`](password::Policy) | comparing strings |
//! | check the code of an authenticator app | [`otp::OtpKey`], with the last step accepted kept by you | a comparison that remembers nothing |
//! | encrypt a record, a cookie, a column | [`Keyset::seal`](keyset::Keyset::seal) of [`aead::AeadKey`]s | [`stream`], unless it is large |
//! | encrypt a file, a backup, a pipe | [`Keyset::encrypt_writer`](keyset::Keyset::encrypt_writer) of [`stream::StreamKey`]s | [`aead`]: it needs the whole message in memory |
//! | encrypt for somebody else | [`jwe::JweEncrypter`]; [`jwe::FileHeader`] for files | [`encrypt`]: it takes 190 bytes |
//! | the same, and have them know that it is from me | [`jwe::SignedEncrypter`] | encrypting alone: anybody can |
//! | say who a caller is | [`jose::TokenSigner`] | a JWE: it proves nothing |
//! | believe what a caller says | [`jose::TokenVerifier`], with [`jose::RemoteKeys`] for keys fetched elsewhere | [`jose::Unverified`] |
//! | know that a token was revoked, without asking each time | [`jose`]'s revocation feed | long-lived tokens |
//! | keep keys, and change them | [`keyset::Keyset`], sealed by a [`keyset::RootKey`] | keys in configuration |
//! | use a key made by OpenSSL, or give one to it | [`key_format`] | |
//! | certificates for mutual TLS | [`x509::CertificateAuthority`]; the command `certgen` | self-signed ones |
//! | know whose certificate that is | [`x509::verify_client_chain`], [`x509::verify_server_chain`] | reading names from an unverified [`x509::Certificate`] |
//! | choose a nonce myself, for a protocol that says which | [`aead::hazmat`] | |
//!
//! # Examples
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
//!
//! A record is encrypted to its place, under a key that is then replaced:
//!
//! ```
//! use cryptokit::aead::{AeadKey, AssociatedData};
//! use cryptokit::keyset::{Keyset, RootKey};
//!
//! let mut keys = Keyset::new("addresses", AeadKey::generate());
//! let place = AssociatedData::new("customers.address").with(b"customer 17");
//! let sealed = keys.seal(b"1 Main Street", &place)?;
//!
//! let new = keys.add(AeadKey::generate());
//! keys.promote(new)?; // seals from now on; the old key still opens
//! assert_eq!(keys.open(&sealed, &place)?.expose_secret(), b"1 Main Street");
//! assert!(keys.open(&sealed, &AssociatedData::new("customers.address").with(b"customer 18")).is_err());
//!
//! let root = RootKey::generate(); // in a file of its own
//! let at_rest: String = root.seal(&keys)?; // in the database
//! let keys: Keyset<AeadKey> = root.open("addresses", &at_rest)?;
//! # assert!(keys.open(&sealed, &place).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A token is issued, and verified by a service that knows the published keys:
//!
//! ```
//! use std::time::Duration;
//!
//! use cryptokit::Provider;
//! use cryptokit::jose::{
//!     AccessTokenClaims, Audience, JwkSet, JwsAlgorithm, TokenKeys, TokenSigningKey, TokenVerifier, VerificationKeys,
//! };
//! use cryptokit::keyset::Keyset;
//!
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let issuer = TokenKeys::new(Keyset::new("tokens", TokenSigningKey::generate(JwsAlgorithm::Es256)?))?;
//! let audience = Audience::one("https://api.example");
//! let (iat, exp) = (1_800_000_000, 1_800_000_900);
//! let claims = AccessTokenClaims::new("https://auth.example", "user 17", audience, "app", "token 1", iat, exp);
//! let token = issuer.signer.sign(&claims)?;
//!
//! let published = JwkSet::parse(issuer.verification.jwk_set().to_json().as_bytes())?;
//! let keys = VerificationKeys::from_jwk_set(Provider::default(), &published)?;
//! let verifier = TokenVerifier::new("https://auth.example", Duration::from_secs(5));
//! let verified = verifier.verify(token.expose_secret(), &keys, &["https://api.example".into()], now)?;
//! assert_eq!(verified.sub, "user 17");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file of any length is encrypted to a colleague, in bounded memory:
//!
//! ```
//! use std::io::Read;
//!
//! use cryptokit::encrypt::RsaDecryptionKey;
//! use cryptokit::jwe::{FileHeader, JweDecrypter, JweEncrypter, Recipient};
//! use cryptokit::keyset::Keyset;
//! use cryptokit::sign::RsaKeySize;
//! use cryptokit::stream::StreamKey;
//! # if !cryptokit::Provider::default().decrypts_oaep() { return Ok(()) }
//!
//! let colleague = RsaDecryptionKey::generate(RsaKeySize::Bits2048)?;
//! let (header, key) = FileHeader::create(&JweEncrypter::new(Recipient::new(colleague.encryption_key()?)))?;
//! let mut file = header.as_bytes().to_vec();
//! let report: &[u8] = b"a long report";
//! StreamKey::new(key).encrypt(&header.context(b"reports"), report, &mut file, 0)?;
//!
//! let header = FileHeader::read(&file)?;
//! let key = header.open(&JweDecrypter::new(Keyset::new("mine", colleague)))?;
//! let stream = &file[header.as_bytes().len()..];
//! let mut read = Vec::new();
//! StreamKey::new(key).decrypt_reader(&header.context(b"reports"), stream)?.read_to_end(&mut read)?;
//! assert_eq!(read, report);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A service gets a certificate, and its peer learns from the chain who it is:
//!
//! ```
//! use cryptokit::x509::{
//!     CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, SubjectAlternativeName, TrustAnchors,
//!     verify_client_chain,
//! };
//!
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let root = CertificateAuthority::new_root(&DistinguishedName::new("Example root CA")?, now)?;
//! let issuing = root.issue_intermediate(&DistinguishedName::new("Example issuing CA")?, now)?;
//! let name = SubjectAlternativeName::parse("dns:worker.example.internal")?;
//! let (issued, _key) = issuing.issue_leaf(&LeafRequest::new(LeafProfile::Client, vec![name.clone()]), now)?;
//!
//! let anchors = TrustAnchors::from_certificates(vec![root.certificate().clone()])?;
//! let peer = verify_client_chain(&issued.chain_der(), &anchors, now)?;
//! assert_eq!(peer.subject_alternative_names(), [name]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! - [`password`]: Argon2id with a pepper through a bounded pool of memory; hashes of other schemes verified where a
//!   policy allows and replaced; hashes sealed to their row.
//! - [`otp`]: the codes of authenticator apps (RFC 4226, RFC 6238).
//! - [`aead`]: AES-GCM with associated data that cannot be left out and nonces that cannot be chosen.
//! - [`stream`]: encryption of streams and files, seekable, committing to its key (Cobblestone-256).
//! - [`keyset`]: one life cycle for all keys, sealed at rest by a root key.
//! - [`jose`]: access tokens, issued and strictly verified; JWK Sets, fetched when they should be; revocations.
//! - [`encrypt`]: RSA-OAEP-256, with keys that cannot sign.
//! - [`jwe`]: messages of any length to holders of RSA keys, opened by any JOSE library; signed as well on request.
//! - [`sign`]: signature keys; the algorithm is the key's.
//! - [`x509`]: root, intermediate, server and client certificates; requests and revocation lists; chains verified to an
//!   identity.
//! - [`key_format`]: PKCS#8, SPKI, JWK and PEM, also encrypted, to and from other programs.
//! - [`pkcs12`]: a key with its certificates, or a trust store, under a password.
//! - [`secret`]: wiped, silent types for everything secret.
//!
//! # Backends
//!
//! [`Provider`] is the only door to a cryptographic backend. The feature `aws-lc` (default) uses AWS-LC, the feature
//! `ring` uses ring; with both on, both can be used side by side and AWS-LC is the default. The feature `tls` adds
//! [`Provider::tls`], the matching rustls cryptography. The feature `ring-oaep-decrypt` lets the ring provider open RSA-OAEP,
//! which nothing that a network peer can time may do: see [`Provider::decrypts_oaep`].

pub mod aead;
pub mod encoding;
pub mod encrypt;
pub mod hash;
pub mod jose;
pub mod jwe;
pub mod key_format;
pub mod keyed_digest;
pub mod keyset;
pub mod otp;
pub mod password;
pub mod pkcs12;
pub mod provider;
pub mod random;
mod rsa_public;
pub mod secret;
pub mod sign;
pub mod stream;
pub mod x509;

pub use provider::Provider;
