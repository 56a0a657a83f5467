//! Public RSA keys as JWK and JWK Set (RFC 7517, RFC 7518 §6.3), with the thumbprint of RFC 7638 as key id.

use serde::{Deserialize, Serialize};

use crate::encoding::base64url;
use crate::encoding::json::{self, Value};
use crate::hash;
use crate::provider::Provider;
use crate::sign::{RsaVerifyingKey, SignError};

/// A public RS256 key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    use_: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    kid: String,
    n: String,
    e: String,
}

/// Keys of one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys; their `kid`s are unique.
    pub keys: Vec<Jwk>,
}

/// Why a key or a set was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Not JSON of the right shape, or longer than [`JwkSet::MAX_LEN`].
    #[error("not a JWK Set")]
    Malformed,
    /// Two keys share a `kid`, so that neither can be meant.
    #[error("two keys with the same kid")]
    DuplicateKeyId,
    /// A key is not an RSA signature key for RS256.
    #[error("a key that is not for RS256 signatures")]
    NotRs256,
    /// The modulus or exponent is not acceptable.
    #[error("an unacceptable RSA public key")]
    Key(#[from] SignError),
}

impl Jwk {
    /// Describes a key; its `kid` is the thumbprint.
    pub fn from_key(key: &RsaVerifyingKey) -> Self {
        Self {
            kty: "RSA".into(),
            use_: Some("sig".into()),
            alg: Some("RS256".into()),
            kid: thumbprint(key),
            n: base64url::encode(key.modulus()),
            e: base64url::encode(key.exponent()),
        }
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key, parsed for the given provider.
    ///
    /// # Errors
    ///
    /// [`JwkError::NotRs256`] when `kty`, `use` or `alg` say something else, [`JwkError::Key`] and
    /// [`JwkError::Malformed`] for its numbers.
    pub fn to_key(&self, provider: Provider) -> Result<RsaVerifyingKey, JwkError> {
        let signs = self.use_.as_deref().is_none_or(|value| value == "sig");
        let rs256 = self.alg.as_deref().is_none_or(|value| value == "RS256");
        if self.kty != "RSA" || !signs || !rs256 {
            return Err(JwkError::NotRs256);
        }
        let n = base64url::decode(&self.n).map_err(|_| JwkError::Malformed)?;
        let e = base64url::decode(&self.e).map_err(|_| JwkError::Malformed)?;
        Ok(RsaVerifyingKey::from_components_with(provider, &n, &e)?)
    }
}

impl JwkSet {
    /// Longest accepted document in bytes.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Reads a set. Members and keys of other kinds than RSA are refused: this project's issuer publishes none.
    ///
    /// # Errors
    ///
    /// [`JwkError::Malformed`] and [`JwkError::DuplicateKeyId`].
    pub fn parse(document: &[u8]) -> Result<Self, JwkError> {
        if document.len() > Self::MAX_LEN {
            return Err(JwkError::Malformed);
        }
        if !json::parse(document).is_ok_and(|value| is_set_of_objects(&value)) {
            return Err(JwkError::Malformed);
        }
        let set: Self = serde_json::from_slice(document).map_err(|_| JwkError::Malformed)?;
        for (index, key) in set.keys.iter().enumerate() {
            if set.keys[..index].iter().any(|earlier| earlier.kid == key.kid) {
                return Err(JwkError::DuplicateKeyId);
            }
        }
        Ok(set)
    }

    /// The document, `application/jwk-set+json`.
    ///
    /// # Panics
    ///
    /// Never: the set is plain data.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a JWK Set is plain data")
    }
}

/// RFC 7517 §4 and §5: a set and its keys are objects. serde would read them from arrays as well.
fn is_set_of_objects(value: &Value) -> bool {
    let Value::Object(members) = value else { return false };
    members
        .iter()
        .filter(|(name, _)| name == "keys")
        .all(|(_, keys)| matches!(keys, Value::Array(keys) if keys.iter().all(|key| matches!(key, Value::Object(_)))))
}

/// RFC 7638 §3: SHA-256 over the required members in lexical order, without white space.
fn thumbprint(key: &RsaVerifyingKey) -> String {
    let canonical = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        base64url::encode(key.exponent()),
        base64url::encode(key.modulus()),
    );
    base64url::encode(&hash::sha256(canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn key() -> RsaVerifyingKey {
        RsaVerifyingKey::from_components(&base64url::decode(N).unwrap(), &[1, 0, 1]).unwrap()
    }

    #[test]
    fn rfc_7638_section_3_1_thumbprint() {
        assert_eq!(
            Jwk::from_key(&key()).kid(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_set_round_trips_and_holds_no_private_member() {
        let set = JwkSet {
            keys: vec![Jwk::from_key(&key())],
        };
        let json = set.to_json();
        assert_eq!(JwkSet::parse(json.as_bytes()).unwrap(), set);
        for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\""] {
            assert!(!json.contains(private));
        }
        for provider in Provider::all() {
            assert_eq!(set.keys[0].to_key(provider).unwrap().modulus(), key().modulus());
        }
    }

    #[test]
    fn unusable_keys_and_sets_are_refused() {
        let json = JwkSet {
            keys: vec![Jwk::from_key(&key())],
        }
        .to_json();
        let refused = |from: &str, to: &str| {
            let altered = json.replace(from, to);
            assert_ne!(altered, json);
            JwkSet::parse(altered.as_bytes())
                .and_then(|set| set.keys[0].to_key(Provider::default()))
                .unwrap_err()
        };
        assert_eq!(refused("RS256", "RS384"), JwkError::NotRs256);
        assert_eq!(refused("RS256", "HS256"), JwkError::NotRs256);
        assert_eq!(refused("\"sig\"", "\"enc\""), JwkError::NotRs256);
        assert_eq!(refused("\"RSA\"", "\"oct\""), JwkError::NotRs256);
        assert_eq!(refused("AQAB", "AQ"), JwkError::Key(SignError::InvalidPublicKey));
        assert_eq!(refused("AQAB", "Aw"), JwkError::Key(SignError::InvalidPublicKey));
        assert_eq!(refused(N, &N[..171]), JwkError::Malformed);
        assert_eq!(
            refused(N, &N[..168]),
            JwkError::Key(SignError::ModulusSize { bits: 1008 })
        );
        assert_eq!(
            refused(N, &format!("AAAA{N}")),
            JwkError::Key(SignError::InvalidPublicKey)
        );
        assert_eq!(refused("\"kid\"", "\"kid\":\"x\",\"kid\""), JwkError::Malformed);

        for array in [
            "[[]]",
            r#"{"keys":[["RSA",null,null,"k","AQ","AQAB"]]}"#,
            r#"{"keys":{}}"#,
            "{}",
        ] {
            assert_eq!(
                JwkSet::parse(array.as_bytes()).unwrap_err(),
                JwkError::Malformed,
                "{array}"
            );
        }
        let twice = JwkSet {
            keys: vec![Jwk::from_key(&key()), Jwk::from_key(&key())],
        }
        .to_json();
        assert_eq!(JwkSet::parse(twice.as_bytes()).unwrap_err(), JwkError::DuplicateKeyId);
        let long = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(JwkSet::MAX_LEN));
        assert_eq!(JwkSet::parse(long.as_bytes()).unwrap_err(), JwkError::Malformed);
    }
}
