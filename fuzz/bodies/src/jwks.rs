//! JWKs and JWK Sets as issuers publish them.

use cryptokit::Provider;
use cryptokit::jose::{Jwk, JwkError, JwkSet, VerificationKeys};

/// Reads the bytes as one key and as a set of keys.
///
/// # Panics
///
/// When a set is accepted that is not an object with an array of objects, or in which two keys share a `kid` or one has
/// a private member; when the providers disagree on a key; when an accepted set or key does not survive being written
/// and read again.
pub fn jwks(data: &[u8]) {
    if let Ok(set) = JwkSet::parse(data) {
        set_keeps_its_promises(data, &set);
    }
    if let Ok(jwk) = Jwk::parse(data) {
        key_keeps_its_promises(&jwk);
    }
}

fn set_keeps_its_promises(data: &[u8], set: &JwkSet) {
    // RFC 7517 §4 and §5: a key and a set of keys are JSON objects.
    let document: serde_json::Value = serde_json::from_slice(data).expect("JSON");
    assert!(document.is_object(), "the set is an object");
    let keys = document["keys"].as_array().expect("an array of keys");
    assert!(keys.iter().all(serde_json::Value::is_object), "each key is an object");
    assert_eq!(
        set.keys.len() + set.skipped.len(),
        keys.len(),
        "each key is read or skipped"
    );
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(keys.iter().all(|key| key.get(name).is_none()), "private member {name}");
    }
    let mut kids: Vec<_> = set.keys.iter().map(Jwk::kid).collect();
    kids.sort_unstable();
    kids.dedup();
    assert_eq!(kids.len(), set.keys.len(), "a kid names one key");

    let again = JwkSet::parse(set.to_json().as_bytes()).expect("a written set is read");
    assert_eq!(again.keys, set.keys, "sets round-trip");
    assert!(again.skipped.is_empty());
    let mut outcomes = Provider::all().into_iter().map(|provider| {
        let keys = VerificationKeys::from_jwk_set(provider, set);
        keys.map(|keys| assert_eq!(keys.jwk_set().keys, set.keys)).is_ok()
    });
    let first = outcomes.next().expect("a provider");
    assert!(outcomes.all(|outcome| outcome == first), "the providers agree");
    set.keys.iter().for_each(key_keeps_its_promises);
}

fn key_keeps_its_promises(jwk: &Jwk) {
    for provider in Provider::all() {
        match jwk.to_key(provider) {
            Ok(key) => {
                assert_eq!(key.algorithm(), jwk.algorithm());
                let again = Jwk::from_key(&key);
                let key = again.to_key(provider).expect("keys round-trip");
                assert_eq!(Jwk::from_key(&key), again);
            }
            Err(JwkError::Key(_)) => {}
            Err(other) => panic!("found out too late: {other}"),
        }
    }
}
