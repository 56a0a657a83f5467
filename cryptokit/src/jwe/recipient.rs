//! Whom a message is for: a public key and the id by which its holder finds the private one.

use serde::{Deserialize, Serialize};

use super::ALGORITHM;
use super::header::MAX_KEY_ID_LEN;
use crate::encoding::{base64url, json};
use crate::encrypt::{EncryptError, RsaEncryptionKey};
use crate::provider::Provider;

/// A recipient's public key and its `kid`.
#[derive(Debug)]
pub struct Recipient {
    kid: String,
    key: RsaEncryptionKey,
}

/// Why a JWK was refused as a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// Not a JSON object with the members of an RSA public key (RFC 7518 §6.3.1), longer than [`Recipient::MAX_JWK_LEN`],
    /// or a private key: that one is not for others to have.
    #[error("not the JWK of an RSA public key")]
    Malformed,
    /// `use`, `alg` or `key_ops` say that the key is for something else than RSA-OAEP-256 encryption.
    #[error("a key that is not for RSA-OAEP-256 encryption")]
    NotForEncryption,
    /// The key id is empty or longer than 256 bytes.
    #[error("a key id of {len} bytes; 1 to {MAX_KEY_ID_LEN} are accepted")]
    KeyId {
        /// Its length in bytes.
        len: usize,
    },
    /// The modulus or exponent is not acceptable.
    #[error("an unacceptable RSA public key")]
    Key(#[from] EncryptError),
}

impl Recipient {
    /// Longest accepted JWK in bytes.
    pub const MAX_JWK_LEN: usize = 8 * 1024;

    /// Takes a key; its id is the RFC 7638 thumbprint, as [`JweDecrypter`](super::JweDecrypter) expects it.
    pub fn new(key: RsaEncryptionKey) -> Self {
        Self {
            kid: key.thumbprint(),
            key,
        }
    }

    /// Takes a key that its holder knows by another id.
    ///
    /// # Errors
    ///
    /// [`RecipientError::KeyId`] when the id is empty or longer than 256 bytes.
    pub fn with_key_id(kid: &str, key: RsaEncryptionKey) -> Result<Self, RecipientError> {
        if !(1..=MAX_KEY_ID_LEN).contains(&kid.len()) {
            return Err(RecipientError::KeyId { len: kid.len() });
        }
        Ok(Self {
            kid: kid.to_owned(),
            key,
        })
    }

    /// Reads a public JWK (RFC 7517); without `kid`, its thumbprint is taken.
    ///
    /// # Errors
    ///
    /// [`RecipientError`], with the cause.
    pub fn from_jwk(document: &[u8]) -> Result<Self, RecipientError> {
        Self::from_jwk_with(Provider::default(), document)
    }

    /// As [`Self::from_jwk`], for the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_jwk`].
    pub fn from_jwk_with(provider: Provider, document: &[u8]) -> Result<Self, RecipientError> {
        if document.len() > Self::MAX_JWK_LEN {
            return Err(RecipientError::Malformed);
        }
        // serde would read a struct from an array as well, and skip duplicates of members it does not know.
        let Ok(json::Value::Object(members)) = json::parse(document) else {
            return Err(RecipientError::Malformed);
        };
        if members.iter().any(|(name, _)| PRIVATE.contains(&name.as_str())) {
            return Err(RecipientError::Malformed);
        }
        let jwk: Jwk = serde_json::from_slice(document).map_err(|_| RecipientError::Malformed)?;
        if jwk.kty != "RSA" {
            return Err(RecipientError::Malformed);
        }
        let encrypts = jwk.use_.as_deref().is_none_or(|value| value == "enc");
        let algorithm = jwk.alg.as_deref().is_none_or(|value| value == ALGORITHM);
        let wraps = |operations: &Vec<String>| operations.iter().any(|name| name == "wrapKey" || name == "encrypt");
        if !encrypts || !algorithm || !jwk.key_ops.as_ref().is_none_or(wraps) {
            return Err(RecipientError::NotForEncryption);
        }
        let n = base64url::decode(&jwk.n).map_err(|_| RecipientError::Malformed)?;
        let e = base64url::decode(&jwk.e).map_err(|_| RecipientError::Malformed)?;
        let key = RsaEncryptionKey::from_components_with(provider, &n, &e)?;
        match jwk.kid {
            Some(kid) => Self::with_key_id(&kid, key),
            None => Ok(Self::new(key)),
        }
    }

    /// The JWK to publish, `use` and `alg` set.
    ///
    /// # Panics
    ///
    /// Never: a JWK is plain data.
    pub fn to_jwk(&self) -> String {
        serde_json::to_string(&Jwk {
            kty: "RSA".to_owned(),
            use_: Some("enc".to_owned()),
            alg: Some(ALGORITHM.to_owned()),
            key_ops: None,
            kid: Some(self.kid.clone()),
            n: base64url::encode(self.key.modulus()),
            e: base64url::encode(self.key.exponent()),
        })
        .expect("a JWK is plain data")
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key.
    pub fn key(&self) -> &RsaEncryptionKey {
        &self.key
    }
}

/// Private members of an RSA key (RFC 7518 §6.3.2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    use_: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    n: String,
    e: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1, the public key of the thumbprint example.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn read(members: &str) -> Result<Recipient, RecipientError> {
        Recipient::from_jwk(format!(r#"{{{members},"n":"{N}","e":"AQAB"}}"#).as_bytes())
    }

    #[test]
    fn a_jwk_round_trips_under_its_own_id_or_the_thumbprint() {
        let recipient = read(r#""kty":"RSA""#).unwrap();
        assert_eq!(recipient.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let named =
            read(r#""kty":"RSA","kid":"\"käse","use":"enc","alg":"RSA-OAEP-256","key_ops":["wrapKey"]"#).unwrap();
        let again = Recipient::from_jwk(named.to_jwk().as_bytes()).unwrap();
        assert_eq!(again.kid(), "\"käse");
        assert_eq!(again.key().modulus(), recipient.key().modulus());
    }

    #[test]
    fn keys_for_something_else_are_refused() {
        use RecipientError::{KeyId, Malformed, NotForEncryption};
        for (members, error) in [
            (r#""kty":"RSA","use":"sig""#, NotForEncryption),
            (r#""kty":"RSA","alg":"RSA-OAEP""#, NotForEncryption),
            (r#""kty":"RSA","alg":"RSA1_5""#, NotForEncryption),
            (r#""kty":"RSA","alg":"RS256""#, NotForEncryption),
            (r#""kty":"RSA","key_ops":["verify"]"#, NotForEncryption),
            (r#""kty":"oct""#, Malformed),
            (r#""kty":"RSA","kty":"RSA""#, Malformed),
            (r#""kty":"RSA","x":1,"x":1"#, Malformed),
            (r#""kty":"RSA","d":"AQAB""#, Malformed),
            (r#""kty":"RSA","kid":7"#, Malformed),
            (r#""kty":"RSA","kid":"""#, KeyId { len: 0 }),
        ] {
            assert_eq!(read(members).unwrap_err(), error, "{members}");
        }
        let array = format!(r#"["RSA",null,null,null,null,"{N}","AQAB"]"#);
        assert_eq!(Recipient::from_jwk(array.as_bytes()).unwrap_err(), Malformed);
        let weak = format!(r#"{{"kty":"RSA","n":"{N}","e":"Aw"}}"#);
        assert_eq!(
            Recipient::from_jwk(weak.as_bytes()).unwrap_err(),
            RecipientError::Key(EncryptError::InvalidPublicKey)
        );
    }
}
