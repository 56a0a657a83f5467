//! Revoked tokens, published as signed, numbered deltas and kept by those who verify.
//!
//! A token is good until it expires, whatever happens meanwhile, unless its verifier hears otherwise. The issuer's
//! [`RevocationPublisher`] signs *deltas*, each with a number and the digest of the one before, and now and then a
//! *snapshot* of all that is still revoked. A verifier's [`RevocationFeed`] takes them in order and answers in constant
//! time whether a token is [revoked](Standing). The form is described in `docs/formats.md`.
//!
//! What an attacker between the two can do is keep deltas back, for at most
//! [`max_staleness`](FeedPolicy::max_staleness): they can neither make one, nor change, repeat, reorder or leave out one
//! unnoticed. What happens beyond that time is the verifier's explicit choice, [`WhenStale`].
//!
//! Both sides are pure: time is an argument, and fetching and serving are somebody else's.
//!
//! ```
//! use std::time::Duration;
//! use cryptokit::jose::{
//!     AccessTokenClaims, Audience, FeedPolicy, FeedSigningKey, Revocation, RevocationFeed, RevocationPublisher, Standing,
//!     WhenStale,
//! };
//! use time::OffsetDateTime;
//!
//! let issuer = "https://auth.example";
//! let now = OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let key = FeedSigningKey::generate()?;
//! let public = key.verifying_key()?;
//! let mut publisher = RevocationPublisher::new(issuer, key)?;
//! let every = Duration::from_secs(2);
//!
//! let policy = FeedPolicy::new(WhenStale::Refuse, Duration::from_secs(10));
//! let mut feed = RevocationFeed::new(issuer, [public], policy);
//! feed.apply_snapshot(&publisher.snapshot(&[], now, every)?, now)?;
//!
//! let token = AccessTokenClaims::new(issuer, "user-1", Audience::one("orders"), "authsvc", "token-1", 1_799_999_000, 1_800_000_900);
//! assert_eq!(feed.check(&token, now), Standing::NotRevoked);
//!
//! let revoked = Revocation::Token { jti: "token-1".into(), exp: token.exp };
//! feed.apply_delta(&publisher.delta(&[revoked], now, every)?, now)?;
//! assert!(matches!(feed.check(&token, now), Standing::Revoked(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod entry;
mod feed;
mod index;
mod key;
mod publisher;

pub use document::{FeedDigest, FeedPosition};
pub use entry::{InvalidRevocation, Revocation};
pub use feed::{FeedError, FeedPolicy, RevocationFeed, Standing, WhenStale};
pub use index::{RevocationIndex, RevokedBy};
pub use key::{FeedSigningKey, FeedVerifyingKey};
pub use publisher::{PublishError, RevocationPublisher};
