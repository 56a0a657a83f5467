//! Remembering which signatures are good, so that a token that is shown often is verified once.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::hash::sha256_with;
use crate::provider::Provider;

/// Tokens whose signature was good under one state of a key set, by the SHA-256 of both; a bounded number of them.
///
/// Nothing else is remembered: claims are read, and time, issuer and audience checked, each time. What was remembered
/// under other keys counts for nothing: a [`VerificationKeys`](super::VerificationKeys) has a generation of its own, and
/// another one when it changes. Only good signatures get in, so that nobody fills it with tokens of their own making.
pub struct SignatureCache {
    shards: [Mutex<Shard>; SHARDS],
    /// The most entries of each half of a shard.
    half: usize,
}

/// Few enough to be cheap, enough that cores seldom meet.
const SHARDS: usize = 16;

type Digest = [u8; 32];

/// Two halves: when the newer one is full, it becomes the older one, and what was in that is forgotten. Entries that are
/// used stay; each operation is O(1).
#[derive(Default)]
struct Shard {
    newer: HashSet<Digest>,
    older: HashSet<Digest>,
}

impl SignatureCache {
    /// Room for at least 32 entries.
    pub const MIN_ENTRIES: usize = 2 * SHARDS;

    /// Remembers at most `entries` tokens, or [`Self::MIN_ENTRIES`] if that is more; some 50 bytes each, taken when they
    /// are needed.
    pub fn new(entries: usize) -> Self {
        Self {
            shards: Default::default(),
            half: entries.max(Self::MIN_ENTRIES) / (2 * SHARDS),
        }
    }

    /// How many tokens are remembered. For metrics.
    pub fn len(&self) -> usize {
        let shards = self.shards.iter().map(lock);
        shards.map(|shard| shard.newer.len() + shard.older.len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn digest(generation: u64, token: &str) -> Digest {
        sha256_with(Provider::default(), &[&generation.to_be_bytes(), token.as_bytes()])
    }

    pub(super) fn holds(&self, digest: &Digest) -> bool {
        let mut shard = self.shard(digest);
        if shard.newer.contains(digest) {
            return true;
        }
        let used = shard.older.remove(digest);
        if used {
            shard.insert(*digest, self.half);
        }
        used
    }

    pub(super) fn insert(&self, digest: Digest) {
        self.shard(&digest).insert(digest, self.half);
    }

    fn shard(&self, digest: &Digest) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(digest[0]) % SHARDS])
    }
}

impl fmt::Debug for SignatureCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureCache")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Shard {
    fn insert(&mut self, digest: Digest, half: usize) {
        if self.newer.len() >= half {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(digest);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;
    use crate::jose::{
        AccessTokenClaims, Audience, JwsAlgorithm, TokenError, TokenSigner, TokenSigningKey, TokenVerifier,
        VerificationKeys,
    };

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00:00 UTC);

    fn signer() -> TokenSigner {
        TokenSigner::new(TokenSigningKey::generate(JwsAlgorithm::EdDsa).unwrap()).unwrap()
    }

    fn token(signer: &TokenSigner) -> String {
        let now = NOW.unix_timestamp().unsigned_abs();
        let claims = AccessTokenClaims::new(
            "https://a.example",
            "u",
            Audience::one("orders"),
            "c",
            "j",
            now,
            now + 900,
        );
        signer.sign(&claims).unwrap().expose_secret().to_owned()
    }

    fn keys(signer: &TokenSigner) -> VerificationKeys {
        let mut keys = VerificationKeys::default();
        keys.add(signer.key().verifying_key().unwrap()).unwrap();
        keys
    }

    #[test]
    fn everything_but_the_signature_is_checked_each_time() {
        let signer = signer();
        let (keys, token, cache) = (keys(&signer), token(&signer), SignatureCache::new(100));
        let verifier = TokenVerifier::new("https://a.example", Duration::ZERO);
        let verify = |token: &str, audience: &str, now| {
            let audiences = [audience.to_owned()];
            verifier.verify_cached(token, &keys, &cache, &audiences, now).map(drop)
        };
        for _ in 0..2 {
            assert_eq!(verify(&token, "orders", NOW), Ok(()));
            assert_eq!(cache.len(), 1);
            assert_eq!(verify(&token, "billing", NOW), Err(TokenError::Audience));
            assert_eq!(
                verify(&token, "orders", NOW + Duration::from_secs(900)),
                Err(TokenError::Expired)
            );
            assert_eq!(
                verify(&token, "orders", NOW - Duration::from_secs(1)),
                Err(TokenError::NotYetValid)
            );
        }
        let other = TokenVerifier::new("https://b.example", Duration::ZERO);
        let issuer = other
            .verify_cached(&token, &keys, &cache, &["orders".into()], NOW)
            .map(drop);
        assert_eq!(issuer, Err(TokenError::Issuer));
    }

    #[test]
    fn bad_signatures_are_never_remembered() {
        let (ours, theirs) = (signer(), signer());
        let (keys, cache) = (keys(&ours), SignatureCache::new(100));
        let verifier = TokenVerifier::new("https://a.example", Duration::ZERO);
        let (head, _) = token(&ours)
            .rsplit_once('.')
            .map(|(head, tail)| (head.to_owned(), tail.len()))
            .unwrap();
        let (_, foreign) = token(&theirs)
            .rsplit_once('.')
            .map(|(h, tail)| (h.len(), tail.to_owned()))
            .unwrap();
        for _ in 0..3 {
            let forged = format!("{head}.{foreign}");
            let verdict = verifier
                .verify_cached(&forged, &keys, &cache, &["orders".into()], NOW)
                .map(drop);
            assert_eq!(verdict, Err(TokenError::Signature));
            assert!(cache.is_empty());
        }
    }

    #[test]
    fn t17_what_was_good_under_other_keys_counts_for_nothing() {
        let (old, new) = (signer(), signer());
        let (mut before, after, cache) = (keys(&old), keys(&new), SignatureCache::new(100));
        let verifier = TokenVerifier::new("https://a.example", Duration::ZERO);
        let token = token(&old);
        let verify = |keys: &VerificationKeys| {
            let audiences = ["orders".to_owned()];
            verifier.verify_cached(&token, keys, &cache, &audiences, NOW).map(drop)
        };
        assert_eq!(verify(&before), Ok(()));
        assert_eq!(verify(&after), Err(TokenError::UnknownKey));
        assert_eq!(verify(&keys(&old)), Ok(()));
        assert_eq!(cache.len(), 2, "the same key in another set is verified again");
        before.add(new.key().verifying_key().unwrap()).unwrap();
        assert_eq!(verify(&before), Ok(()));
        assert_eq!(cache.len(), 3, "and in a set that was changed");
    }

    #[test]
    fn the_number_of_entries_is_bounded_and_what_is_used_stays() {
        let cache = SignatureCache::new(1000);
        let kept = SignatureCache::digest(0, "kept");
        cache.insert(kept);
        for number in 0..100_000_u64 {
            cache.insert(SignatureCache::digest(number, "x"));
            assert!(cache.holds(&kept), "{number}");
        }
        assert!(cache.len() <= 1000, "{}", cache.len());
        assert!(!cache.holds(&SignatureCache::digest(0, "x")), "forgotten");
    }
}
