//! Access tokens: JWS (RFC 7515), JWK (RFC 7517), JWT (RFC 7519), the profile of RFC 9068, the advice of RFC 8725, signed
//! with RS256, PS256, ES256 or EdDSA by the type of the key.
//!
//! A token is untrusted text until [`TokenVerifier::verify`] returns [`Verified`] claims, and there is no other way to
//! obtain those. Header and claims are read and written by `jsonwebtoken`; signatures go through [`crate::provider`],
//! on keys that were parsed once.

mod algorithm;
mod backend;
mod claims;
mod compact;
mod error;
mod jwk;
mod jwk_set;
mod key;
mod keys;
mod remote;
mod revocation;
mod signature_cache;
mod signer;
mod verifier;

pub use algorithm::JwsAlgorithm;
pub use claims::{AccessTokenClaims, Audience, Confirmation};
pub use error::TokenError;
pub use jwk::{Jwk, JwkError, SkipReason};
pub use jwk_set::{JwkSet, SkippedKey};
pub use key::{TokenSigningKey, TokenVerifyingKey};
pub use keys::{TokenKeys, VerificationKeys};
pub use remote::{Fetch, FetchError, FetchOutcome, KeyRefusal, KeyStep, RemoteKeys, RemoteKeysPolicy};
pub use revocation::{
    FeedDigest, FeedError, FeedPolicy, FeedPosition, FeedSigningKey, FeedVerifyingKey, InvalidRevocation, PublishError,
    Revocation, RevocationFeed, RevocationIndex, RevocationPublisher, RevokedBy, Standing, WhenStale,
};
pub use signature_cache::SignatureCache;
pub use signer::{IssueError, TokenSigner};
pub use verifier::{TokenVerifier, Unverified, Verified};

/// The only accepted `typ` (RFC 9068 §2.1), so that no other kind of token passes as an access token.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// Longest accepted token in bytes, checked before anything else.
pub const MAX_TOKEN_LEN: usize = 8 * 1024;
