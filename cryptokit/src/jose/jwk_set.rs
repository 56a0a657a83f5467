//! JWK Sets (RFC 7517 §5).

use serde::Serialize;

use super::jwk::{Jwk, JwkError, SkipReason};
use crate::encoding::json::{self, Value};

/// Keys of one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    /// The keys that verify tokens; their `kid`s are unique.
    pub keys: Vec<Jwk>,
    /// Keys that were read and left out.
    pub skipped: Vec<SkippedKey>,
}

/// A key of a set that does not concern us. RFC 7517 §5: it does not stop the others from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Why.
    pub reason: SkipReason,
}

impl JwkSet {
    /// Longest accepted document in bytes.
    pub const MAX_LEN: usize = 64 * 1024;

    /// The set of these keys.
    pub fn new(keys: Vec<Jwk>) -> Self {
        let skipped = Vec::new();
        Self { keys, skipped }
    }

    /// Reads a set. Keys of other types, for other algorithms or uses are [`skipped`](Self::skipped) by name. A key of
    /// ours that is malformed refuses the whole set, although RFC 7517 §5 would have it ignored: such a set was not
    /// written by an issuer that knows what it does.
    ///
    /// # Errors
    ///
    /// [`JwkError::Malformed`]; [`JwkError::DuplicateKeyId`] when two keys that are not skipped share a `kid`;
    /// [`JwkError::PrivateKey`] when any key has a private member, skipped or not.
    pub fn parse(document: &[u8]) -> Result<Self, JwkError> {
        if document.len() > Self::MAX_LEN {
            return Err(JwkError::Malformed);
        }
        let value = json::parse(document).map_err(|_| JwkError::Malformed)?;
        let Value::Object(members) = value else {
            return Err(JwkError::Malformed);
        };
        let Some((_, Value::Array(keys))) = members.iter().find(|(name, _)| name == "keys") else {
            return Err(JwkError::Malformed);
        };
        let mut set = Self::default();
        for (index, key) in keys.iter().enumerate() {
            match Jwk::from_value(key) {
                Ok(key) if set.keys.iter().any(|earlier| earlier.kid() == key.kid()) => {
                    return Err(JwkError::DuplicateKeyId);
                }
                Ok(key) => set.keys.push(key),
                Err(JwkError::Unsupported(reason)) => set.skipped.push(SkippedKey { index, reason }),
                Err(error) => return Err(error),
            }
        }
        Ok(set)
    }

    /// The document, `application/jwk-set+json`. Skipped keys are not in it.
    ///
    /// # Panics
    ///
    /// Never: the set is plain data.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            keys: Vec<super::jwk::Written<'a>>,
        }

        let keys = self.keys.iter().map(Jwk::written).collect();
        serde_json::to_string(&Document { keys }).expect("a JWK Set is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{JwsAlgorithm, TokenSigningKey};
    use crate::provider::Provider;

    fn set() -> JwkSet {
        let key = |algorithm| {
            let key = TokenSigningKey::generate(algorithm).unwrap();
            Jwk::from_key(&key.verifying_key().unwrap())
        };
        JwkSet::new(JwsAlgorithm::ALL.into_iter().map(key).collect())
    }

    #[test]
    fn a_set_round_trips_and_holds_no_private_member() {
        let set = set();
        let json = set.to_json();
        assert_eq!(JwkSet::parse(json.as_bytes()).unwrap(), set);
        for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""] {
            assert!(!json.contains(private));
        }
        for provider in Provider::all() {
            for (jwk, algorithm) in set.keys.iter().zip(JwsAlgorithm::ALL) {
                let key = jwk.to_key(provider).unwrap();
                assert_eq!(key.algorithm(), algorithm);
                assert_eq!(Jwk::from_key(&key), *jwk);
            }
        }
    }

    #[test]
    fn keys_of_other_kinds_do_not_stop_the_rest() {
        let good = set().to_json();
        let others = r#"{"keys":[
            {"kty":"AKP","alg":"ML-DSA-65","kid":"pq","pub":"AQ"},
            {"kty":"EC","crv":"P-521","kid":"p521","x":"AQ","y":"AQ"},
            {"kty":"RSA","use":"enc","alg":"RSA-OAEP-256","kid":"enc","n":"AQ","e":"AQAB"},
            {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},"#;
        let mixed = good.replace("{\"keys\":[", others);
        let set = JwkSet::parse(mixed.as_bytes()).unwrap();
        assert_eq!(set.keys.len(), 4);
        let reasons: Vec<_> = set.skipped.iter().map(|key| (key.index, key.reason)).collect();
        assert_eq!(
            reasons,
            [
                (0, SkipReason::KeyType),
                (1, SkipReason::Curve),
                (2, SkipReason::Algorithm),
                (3, SkipReason::NoKeyId)
            ]
        );
        assert_eq!(set.to_json(), good);
    }

    #[test]
    fn unusable_sets_are_refused() {
        for document in [
            "",
            "[]",
            "[[]]",
            "{}",
            "null",
            r#"{"keys":null}"#,
            r#"{"keys":{}}"#,
            r#"{"keys":[[]]}"#,
            r#"{"keys":["RSA"]}"#,
            r#"{"keys":[["RSA",null,null,"k","AQ","AQAB"]]}"#,
            r#"{"keys":[{}]}"#,
            r#"{"keys":[],"keys":[]}"#,
            r#"{"keys":[]} x"#,
        ] {
            assert_eq!(
                JwkSet::parse(document.as_bytes()).unwrap_err(),
                JwkError::Malformed,
                "{document}"
            );
        }
        assert_eq!(JwkSet::parse(br#"{"keys":[]}"#).unwrap(), JwkSet::default());

        let key = set().keys.remove(2);
        let twice = JwkSet::new(vec![key.clone(), key]).to_json();
        assert_eq!(JwkSet::parse(twice.as_bytes()).unwrap_err(), JwkError::DuplicateKeyId);
        let leaked = br#"{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}"#;
        assert_eq!(JwkSet::parse(leaked).unwrap_err(), JwkError::PrivateKey);
        let long = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(JwkSet::MAX_LEN));
        assert_eq!(JwkSet::parse(long.as_bytes()).unwrap_err(), JwkError::Malformed);
    }
}
