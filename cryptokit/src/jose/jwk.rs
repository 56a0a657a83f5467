//! Public keys of tokens as JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2), with the thumbprint of RFC 7638 as key id.

use serde::Serialize;

use super::algorithm::JwsAlgorithm;
use super::key::TokenVerifyingKey;
use crate::encoding::base64url;
use crate::encoding::json::{self, Value};
use crate::key_format::jwk_thumbprint;
use crate::provider::Provider;
use crate::sign::{Ed25519VerifyingKey, Es256VerifyingKey, RsaPssVerifyingKey, RsaVerifyingKey, SignError};

/// A public key for one algorithm, under its `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    algorithm: JwsAlgorithm,
    numbers: Numbers,
}

/// The members of each `kty`, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Numbers {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: [u8; 32] },
}

/// Why a key or a set was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Not JSON of the right shape, or longer than [`JwkSet::MAX_LEN`](super::JwkSet::MAX_LEN).
    #[error("not a JWK or JWK Set")]
    Malformed,
    /// Two keys share a `kid`, so that neither can be meant.
    #[error("two keys with the same kid")]
    DuplicateKeyId,
    /// A key holds a private or symmetric part. Whoever published it has to replace it.
    #[error("a published key holds private members")]
    PrivateKey,
    /// A single key is not for verifying tokens. In a set, such a key is left out instead.
    #[error("a key that is not for verifying tokens: {0}")]
    Unsupported(SkipReason),
    /// The numbers are not an acceptable public key.
    #[error("an unacceptable public key")]
    Key(#[from] SignError),
}

/// Why a key of a set does not concern us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// `kty` is not `RSA`, `EC` or `OKP`.
    #[error("unknown kty")]
    KeyType,
    /// `crv` is not `P-256` for `EC` or `Ed25519` for `OKP`.
    #[error("unknown crv")]
    Curve,
    /// `alg` is not one of [`JwsAlgorithm`] that fits the `kty`.
    #[error("unknown alg")]
    Algorithm,
    /// `use` is not `sig`, or `key_ops` does not say `verify`.
    #[error("not for signatures")]
    Use,
    /// There is no `kid`, so that no token can name the key.
    #[error("no kid")]
    NoKeyId,
}

impl Jwk {
    /// Describes a key; its `kid` is the thumbprint (RFC 7638).
    pub fn from_key(key: &TokenVerifyingKey) -> Self {
        let numbers = match key {
            TokenVerifyingKey::Rs256(key) => Numbers::rsa(key.modulus(), key.exponent()),
            TokenVerifyingKey::Ps256(key) => Numbers::rsa(key.modulus(), key.exponent()),
            TokenVerifyingKey::Es256(key) => {
                let (x, y) = key.public_point()[1..].split_at(P256_COORDINATE_LEN);
                let (x, y) = (x.to_vec(), y.to_vec());
                Numbers::P256 { x, y }
            }
            TokenVerifyingKey::EdDsa(key) => Numbers::Ed25519 { x: *key.public_key() },
        };
        Self {
            kid: numbers.thumbprint(),
            algorithm: key.algorithm(),
            numbers,
        }
    }

    /// Reads one key. A missing `alg` means RS256 for `RSA`, ES256 for `P-256` and EdDSA for `Ed25519`: a key is for
    /// one algorithm.
    ///
    /// # Errors
    ///
    /// [`JwkError::Malformed`], [`JwkError::PrivateKey`] and [`JwkError::Unsupported`]. Whether the numbers are a key
    /// is found out by [`Self::to_key`].
    pub fn parse(document: &[u8]) -> Result<Self, JwkError> {
        if document.len() > super::JwkSet::MAX_LEN {
            return Err(JwkError::Malformed);
        }
        let value = json::parse(document).map_err(|_| JwkError::Malformed)?;
        Self::from_value(&value)
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, JwkError> {
        // RFC 7517 §4: a key is an object.
        let Value::Object(members) = value else {
            return Err(JwkError::Malformed);
        };
        let members = Members(members);
        if PRIVATE_MEMBERS.iter().any(|name| members.get(name).is_some()) {
            return Err(JwkError::PrivateKey);
        }
        let skip = |reason| Err(JwkError::Unsupported(reason));
        let (natural, numbers) = match members.required("kty")? {
            "RSA" => (
                JwsAlgorithm::Rs256,
                Numbers::rsa(&members.bytes("n")?, &members.bytes("e")?),
            ),
            "EC" if members.required("crv")? == "P-256" => {
                let (x, y) = (members.bytes("x")?, members.bytes("y")?);
                // RFC 7518 §6.2.1.2: the full size, leading zeros included.
                if x.len() != P256_COORDINATE_LEN || y.len() != P256_COORDINATE_LEN {
                    return Err(JwkError::Malformed);
                }
                (JwsAlgorithm::Es256, Numbers::P256 { x, y })
            }
            "OKP" if members.required("crv")? == "Ed25519" => {
                let x = members.bytes("x")?.try_into().map_err(|_| JwkError::Malformed)?;
                (JwsAlgorithm::EdDsa, Numbers::Ed25519 { x })
            }
            "EC" | "OKP" => return skip(SkipReason::Curve),
            _ => return skip(SkipReason::KeyType),
        };
        let algorithm = match members.optional("alg")?.map(JwsAlgorithm::from_name) {
            None => natural,
            Some(Some(JwsAlgorithm::Ps256)) if natural == JwsAlgorithm::Rs256 => JwsAlgorithm::Ps256,
            Some(Some(named)) if named == natural => natural,
            Some(_) => return skip(SkipReason::Algorithm),
        };
        if members.optional("use")?.is_some_and(|purpose| purpose != "sig") || !members.may_verify()? {
            return skip(SkipReason::Use);
        }
        match members.optional("kid")? {
            Some(kid) => Ok(Self {
                kid: kid.to_owned(),
                algorithm,
                numbers,
            }),
            None => skip(SkipReason::NoKeyId),
        }
    }

    /// RFC 7638, RFC 8037 §2.
    pub(super) fn ed25519_thumbprint(public_key: &[u8; 32]) -> String {
        Numbers::Ed25519 { x: *public_key }.thumbprint()
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key is for.
    pub fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The key, parsed for the given provider.
    ///
    /// # Errors
    ///
    /// [`JwkError::Key`] when the numbers are not an acceptable key; see the constructors in [`sign`](crate::sign).
    pub fn to_key(&self, provider: Provider) -> Result<TokenVerifyingKey, JwkError> {
        Ok(match (&self.numbers, self.algorithm) {
            (Numbers::Rsa { n, e }, JwsAlgorithm::Ps256) => {
                RsaPssVerifyingKey::from_components_with(provider, n, e)?.into()
            }
            (Numbers::Rsa { n, e }, _) => RsaVerifyingKey::from_components_with(provider, n, e)?.into(),
            (Numbers::P256 { x, y }, _) => {
                Es256VerifyingKey::from_point_with(provider, &[&[4], &x[..], y].concat())?.into()
            }
            (Numbers::Ed25519 { x }, _) => Ed25519VerifyingKey::from_public_key_with(provider, x)?.into(),
        })
    }

    pub(super) fn written(&self) -> Written<'_> {
        let mut written = Written {
            kty: "",
            purpose: "sig",
            alg: self.algorithm.name(),
            kid: &self.kid,
            crv: None,
            n: None,
            e: None,
            x: None,
            y: None,
        };
        match &self.numbers {
            Numbers::Rsa { n, e } => {
                written.kty = "RSA";
                written.n = Some(base64url::encode(n));
                written.e = Some(base64url::encode(e));
            }
            Numbers::P256 { x, y } => {
                written.kty = "EC";
                written.crv = Some("P-256");
                written.x = Some(base64url::encode(x));
                written.y = Some(base64url::encode(y));
            }
            Numbers::Ed25519 { x } => {
                written.kty = "OKP";
                written.crv = Some("Ed25519");
                written.x = Some(base64url::encode(x));
            }
        }
        written
    }
}

impl Numbers {
    fn rsa(n: &[u8], e: &[u8]) -> Self {
        let (n, e) = (n.to_vec(), e.to_vec());
        Self::Rsa { n, e }
    }

    /// RFC 7638 §3.2, RFC 8037 §2.
    fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| base64url::encode(bytes);
        match self {
            Self::Rsa { n, e } => jwk_thumbprint(&[("e", &encode(e)), ("kty", "RSA"), ("n", &encode(n))]),
            Self::P256 { x, y } => {
                let (x, y) = (encode(x), encode(y));
                jwk_thumbprint(&[("crv", "P-256"), ("kty", "EC"), ("x", &x), ("y", &y)])
            }
            Self::Ed25519 { x } => jwk_thumbprint(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &encode(x))]),
        }
    }
}

const P256_COORDINATE_LEN: usize = 32;

/// Members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2; `priv` of the algorithm key
/// pairs that are coming).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A key as it is published.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    kty: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
    kid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

struct Members<'a>(&'a [(String, Value)]);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn optional(&self, name: &str) -> Result<Option<&'a str>, JwkError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(JwkError::Malformed),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, JwkError> {
        self.optional(name)?.ok_or(JwkError::Malformed)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, JwkError> {
        base64url::decode(self.required(name)?).map_err(|_| JwkError::Malformed)
    }

    /// RFC 7517 §4.3.
    fn may_verify(&self) -> Result<bool, JwkError> {
        match self.get("key_ops") {
            None => Ok(true),
            Some(Value::Array(operations)) => {
                Ok(operations.iter().any(|operation| operation.as_str() == Some("verify")))
            }
            Some(_) => Err(JwkError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    /// RFC 8037 appendix A.2.
    const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    /// RFC 7515 appendix A.3.1.
    const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn rsa() -> String {
        format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"r","n":"{N}","e":"AQAB"}}"#)
    }

    fn ec() -> String {
        format!(r#"{{"kty":"EC","use":"sig","alg":"ES256","kid":"e","crv":"P-256","x":"{P256_X}","y":"{P256_Y}"}}"#)
    }

    fn okp() -> String {
        format!(r#"{{"kty":"OKP","use":"sig","alg":"EdDSA","kid":"o","crv":"Ed25519","x":"{ED25519_X}"}}"#)
    }

    fn read(document: &str) -> Result<TokenVerifyingKey, JwkError> {
        Jwk::parse(document.as_bytes())?.to_key(Provider::default())
    }

    #[test]
    fn thumbprints_of_rfc_7638_section_3_1_and_rfc_8037_appendix_a_3() {
        let kid = |document: &str| Jwk::from_key(&read(document).unwrap()).kid().to_owned();
        assert_eq!(kid(&rsa()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(kid(&okp()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// RFC 8037 appendix A.4, RFC 7515 appendices A.2 and A.3: examples signed by others.
    #[test]
    fn keys_verify_what_the_standards_sign() {
        for provider in Provider::all() {
            let key = Jwk::parse(okp().as_bytes()).unwrap().to_key(provider).unwrap();
            let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
            let signature = base64url::decode(
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            )
            .unwrap();
            assert_eq!(key.verify(signed, &signature), Ok(()), "{provider:?}");

            let key = Jwk::parse(ec().as_bytes()).unwrap().to_key(provider).unwrap();
            let signed: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
            let signature = base64url::decode(
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            )
            .unwrap();
            assert_eq!(key.verify(signed, &signature), Ok(()), "{provider:?}");
            assert!(key.verify(&signed[1..], &signature).is_err(), "{provider:?}");
        }
    }

    #[test]
    fn a_missing_algorithm_is_the_usual_one_and_another_one_is_refused() {
        for (document, natural) in [
            (rsa(), JwsAlgorithm::Rs256),
            (ec(), JwsAlgorithm::Es256),
            (okp(), JwsAlgorithm::EdDsa),
        ] {
            let named = format!("\"alg\":\"{natural}\",");
            assert_eq!(
                read(&document.replace(&named, "")).unwrap().algorithm(),
                natural,
                "{document}"
            );
            for other in [
                "HS256",
                "none",
                "RS384",
                "PS256",
                "ES256",
                "ES384",
                "EdDSA",
                "RS256",
                "rs256",
                "RSA-OAEP-256",
                "",
            ] {
                let result = read(&document.replace(&named, &format!("\"alg\":\"{other}\",")));
                if other == natural.name() {
                    assert_eq!(result.unwrap().algorithm(), natural);
                } else if other == "PS256" && natural == JwsAlgorithm::Rs256 {
                    assert_eq!(result.unwrap().algorithm(), JwsAlgorithm::Ps256);
                } else {
                    let refused = JwkError::Unsupported(SkipReason::Algorithm);
                    assert_eq!(result.unwrap_err(), refused, "{natural} as {other}");
                }
            }
        }
    }

    #[test]
    fn keys_for_something_else_are_named_as_that() {
        let skipped = |from: &str, to: &str| {
            let document = okp().replace(from, to);
            assert_ne!(document, okp());
            match read(&document) {
                Err(JwkError::Unsupported(reason)) => reason,
                other => panic!("{document}: {other:?}"),
            }
        };
        assert_eq!(skipped("OKP", "AKP"), SkipReason::KeyType);
        assert_eq!(skipped("OKP", "oct"), SkipReason::KeyType);
        assert_eq!(skipped("Ed25519", "Ed448"), SkipReason::Curve);
        assert_eq!(skipped("Ed25519", "X25519"), SkipReason::Curve);
        assert_eq!(skipped("\"sig\"", "\"enc\""), SkipReason::Use);
        assert_eq!(skipped("\"kid\":\"o\",", ""), SkipReason::NoKeyId);
        assert_eq!(skipped("\"use\":\"sig\"", "\"key_ops\":[\"encrypt\"]"), SkipReason::Use);
        assert!(read(&okp().replace("\"use\":\"sig\"", "\"key_ops\":[\"verify\"]")).is_ok());
        assert!(
            read(&okp().replace("\"use\":\"sig\"", "\"x5t\":\"anything\"")).is_ok(),
            "RFC 7517 §4"
        );
    }

    #[test]
    fn private_and_symmetric_members_are_refused_in_any_key() {
        for document in [rsa(), ec(), okp(), okp().replace("OKP", "unknown")] {
            for member in PRIVATE_MEMBERS {
                let leaked = document.replace("{", &format!("{{\"{member}\":\"AQ\","));
                assert_eq!(read(&leaked).unwrap_err(), JwkError::PrivateKey, "{leaked}");
            }
        }
    }

    #[test]
    fn unacceptable_numbers_are_refused() {
        let refused = |document: &str, from: &str, to: &str| {
            let altered = document.replace(from, to);
            assert_ne!(altered, document);
            read(&altered).unwrap_err()
        };
        let invalid = JwkError::Key(SignError::InvalidPublicKey);
        // An exponent of 1 is the identity, 3 invites forgeries, and a modulus that is too short is a modulus factored.
        assert_eq!(refused(&rsa(), "AQAB", "AQ"), invalid);
        assert_eq!(refused(&rsa(), "AQAB", "Aw"), invalid);
        assert_eq!(refused(&rsa(), "AQAB", "AAEAAQ"), invalid);
        assert_eq!(refused(&rsa(), N, &N[..171]), JwkError::Malformed);
        assert_eq!(
            refused(&rsa(), N, &N[..168]),
            JwkError::Key(SignError::ModulusSize { bits: 1008 })
        );
        assert_eq!(refused(&rsa(), N, &format!("AAAA{N}")), invalid);
        assert_eq!(refused(&rsa(), N, &format!("{N}=")), JwkError::Malformed);
        assert_eq!(refused(&rsa(), "\"n\"", "\"m\""), JwkError::Malformed);
        assert_eq!(refused(&rsa(), "\"AQAB\"", "65537"), JwkError::Malformed);
        assert_eq!(refused(&rsa(), "\"kid\"", "\"kid\":\"x\",\"kid\""), JwkError::Malformed);
        assert_eq!(refused(&ec(), P256_X, P256_Y), invalid, "not on the curve");
        assert_eq!(refused(&ec(), P256_X, "AA"), JwkError::Malformed);
        assert_eq!(refused(&ec(), P256_X, &format!("AAAA{P256_X}")), JwkError::Malformed);
        assert_eq!(refused(&okp(), ED25519_X, &ED25519_X[..42]), JwkError::Malformed);
        assert_eq!(
            refused(&okp(), ED25519_X, &"A".repeat(43)),
            invalid,
            "a point of order 4"
        );
        for document in ["", "[]", "null", "{}", r#"{"kty":1}"#, "[[\"kty\",\"RSA\"]]"] {
            assert_eq!(read(document).unwrap_err(), JwkError::Malformed, "{document}");
        }
    }
}
