//! Deltas and snapshots of a revocation feed.

use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::encoding::base64url;
use cryptokit::jose::{AccessTokenClaims, Audience};
use cryptokit::jose::{
    FeedError, FeedPolicy, FeedSigningKey, RevocationFeed, RevocationPublisher, Standing, WhenStale,
};
use cryptokit::secret::SecretBytes;
use cryptokit::sign::Ed25519SigningKey;
use time::OffsetDateTime;

/// Reads the bytes as documents from the network, and as payloads that the issuer has signed as a delta and as a
/// snapshot. In payloads, `FEED` and `HEAD` stand for the name and the digest that a document has to repeat.
///
/// # Panics
///
/// When an unsigned document is accepted; when a refused one changes what is known; when an accepted delta has not the
/// next number, or a snapshot an earlier one; when more is kept than allowed.
pub fn revocation_delta(data: &[u8]) {
    let fresh = || -> (RevocationFeed, RevocationPublisher) {
        let publisher = RevocationPublisher::new(ISSUER, FeedSigningKey::from(key())).expect("a key made above");
        let public = FeedSigningKey::from(key()).verifying_key().expect("a key made above");
        let mut policy = FeedPolicy::new(WhenStale::Refuse, Duration::from_secs(10));
        policy.max_entries = MAX_ENTRIES;
        let mut feed = RevocationFeed::new(ISSUER, [public], policy);
        let snapshot = publisher
            .snapshot(&[], now(), Duration::from_secs(2))
            .expect("nothing is revoked");
        feed.apply_snapshot(&snapshot, now()).expect("the first snapshot");
        (feed, publisher)
    };
    let (mut feed, publisher) = fresh();
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(feed.apply_delta(text, now()).is_err(), "nobody signed it");
        assert!(feed.apply_snapshot(text, now()).is_err(), "nobody signed it");
    }
    assert_eq!(feed.position(), Some(publisher.position()), "a refusal changes nothing");

    let position = serde_json::to_value(publisher.position()).expect("plain data");
    let text = String::from_utf8_lossy(data)
        .replace("FEED", position["feed"].as_str().expect("a string"))
        .replace("HEAD", position["head"].as_str().expect("a string"));
    let delta = signed("revocation-delta+jwt", &text);
    let result = feed.apply_delta(&delta, now());
    check(&feed, result, u64::from(result.is_ok()));
    if result.is_ok() {
        let again = feed.apply_delta(&delta, now());
        assert_eq!(again, Err(FeedError::Old), "taken once");
    }

    let (mut feed, _) = fresh();
    let result = feed.apply_snapshot(&signed("revocation-snapshot+jwt", &text), now());
    let seq = feed.position().map_or(0, |position| position.seq);
    check(&feed, result, seq);
}

const ISSUER: &str = "https://auth.example";
const MAX_ENTRIES: usize = 4;
/// Within the times that the seeds claim.
const NOW: u64 = 1_800_000_000;

static KEY: LazyLock<Ed25519SigningKey> =
    LazyLock::new(|| Ed25519SigningKey::generate().expect("the backend makes keys"));

fn key() -> Ed25519SigningKey {
    let pkcs8 = SecretBytes::new(KEY.pkcs8().expose_secret().to_vec());
    Ed25519SigningKey::from_pkcs8(pkcs8).expect("a key made above")
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW as i64).expect("in range")
}

fn signed(document_type: &str, payload: &str) -> String {
    static KID: LazyLock<String> = LazyLock::new(|| {
        let public = FeedSigningKey::from(key()).verifying_key().expect("a key made above");
        public.kid()
    });
    let header = format!(r#"{{"alg":"EdDSA","typ":"{document_type}","kid":"{}"}}"#, *KID);
    let input = format!(
        "{}.{}",
        base64url::encode(header.as_bytes()),
        base64url::encode(payload.as_bytes())
    );
    let signature = KEY.sign(input.as_bytes()).expect("the backend signs");
    format!("{input}.{}", base64url::encode(&signature))
}

fn check(feed: &RevocationFeed, result: Result<(), FeedError>, seq: u64) {
    assert_eq!(feed.position().map(|position| position.seq), Some(seq));
    assert!(feed.len() <= MAX_ENTRIES, "memory is bounded");
    if result.is_err() {
        assert!(feed.is_empty(), "nothing of a refused document is kept");
    }
    let claims = AccessTokenClaims::new(ISSUER, "s", Audience::one("a"), "c", "t", NOW - 1, NOW + 900);
    if feed.check(&claims, now()) == Standing::NotRevoked {
        assert!(feed.is_fresh(now()));
    }
}
