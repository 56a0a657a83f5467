//! JSON Web Keys (RFC 7517, 7518 §6, 8037), public and private.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::error::KeyFormatError;
use super::private_der::{self, RsaNumbers};
use super::private_key::PrivateKey;
use super::public_key::{PublicKey, PublicParts, coordinates, curve_name};
use crate::encoding::{base64url, json};
use crate::provider::Curve;
use crate::secret::SecretString;

/// Longest JWK read, in bytes. An RSA-4096 private key has 3,200; the rest is room for certificates beside it.
pub const MAX_JWK_BYTES: usize = 64 * 1024;

/// A key with what its JWK says about it. `K` is [`PublicKey`] or [`PrivateKey`].
#[derive(Clone, Debug)]
pub struct Jwk<K> {
    /// The key.
    pub key: K,
    /// What stands beside it.
    pub metadata: JwkMetadata,
}

/// What a JWK says about its key (RFC 7517 §4). Written by whoever wrote the key: compare it with what you expect, and
/// let nothing else depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkMetadata {
    /// `kid`
    pub key_id: Option<String>,
    /// `use`, such as `sig` or `enc`
    pub public_key_use: Option<String>,
    /// `key_ops`, such as `sign`
    pub key_operations: Option<Vec<String>>,
    /// `alg`, such as `RS256`
    pub algorithm: Option<String>,
}

impl Jwk<PublicKey> {
    /// Reads a public key. Members that are not known are ignored, as RFC 7517 §4 asks; duplicates are refused, known or
    /// not.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::UnexpectedPrivateKey`] when it has private members; [`KeyFormatError::TooLarge`],
    /// [`KeyFormatError::Malformed`], [`KeyFormatError::UnsupportedAlgorithm`] (symmetric keys among them) and
    /// [`KeyFormatError::PublicKey`].
    pub fn parse(json: &[u8]) -> Result<Self, KeyFormatError> {
        let members = Members::parse(json)?;
        if members.has_private_member() {
            return Err(KeyFormatError::UnexpectedPrivateKey);
        }
        Ok(Self {
            key: members.public_key()?,
            metadata: members.metadata(),
        })
    }

    /// The key as JSON.
    ///
    /// # Panics
    ///
    /// Never: a JWK is plain data.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Members::of_public(&self.key, &self.metadata)).expect("a JWK is plain data")
    }
}

impl Jwk<PrivateKey> {
    /// Reads a private key, as [`Jwk::<PublicKey>::parse`] reads a public one.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::UnexpectedPublicKey`] without private members; [`KeyFormatError::RsaPrimes`] for an RSA key
    /// without its primes and CRT values or with more than two primes; [`KeyFormatError::Inconsistent`]; and as for a
    /// public key.
    pub fn parse(json: &[u8]) -> Result<Self, KeyFormatError> {
        let members = Members::parse(json)?;
        Ok(Self {
            key: members.private_key()?,
            metadata: members.metadata(),
        })
    }

    /// The key as JSON, private members included.
    ///
    /// # Panics
    ///
    /// Never: a JWK is plain data.
    pub fn to_json(&self) -> SecretString {
        let mut members = Members::of_public(self.key.public_key(), &self.metadata);
        let pkcs8 = self.key.pkcs8().expose_secret();
        let public_len = serde_json::to_string(&members).expect("a JWK is plain data").len();
        let encode = SecretMember::encode;
        match &self.key.public_key().0 {
            PublicParts::Rsa { .. } => {
                let numbers = private_der::rsa_numbers(pkcs8);
                members.d = encode(numbers.d);
                members.p = encode(numbers.p);
                members.q = encode(numbers.q);
                members.dp = encode(numbers.dp);
                members.dq = encode(numbers.dq);
                members.qi = encode(numbers.qi);
            }
            PublicParts::Ec { .. } => members.d = encode(private_der::ec_scalar(pkcs8)),
            PublicParts::Ed25519(_) => members.d = encode(private_der::ed25519_seed(pkcs8)),
        }
        // Reserved first so that the buffer never grows: growing would leave the key behind in freed memory. base64url
        // takes 4 bytes for 3, and the names of six members 64.
        let mut json = Zeroizing::new(Vec::with_capacity(public_len + 2 * pkcs8.len() + 64));
        let reserved = json.capacity();
        serde_json::to_writer(&mut *json, &members).expect("a JWK is plain data");
        debug_assert_eq!(json.capacity(), reserved, "it grew");
        let text = String::from_utf8(std::mem::take(&mut *json)).expect("JSON is UTF-8");
        SecretString::new(text)
    }
}

impl From<PublicKey> for Jwk<PublicKey> {
    /// Without metadata but the thumbprint as `kid`.
    fn from(key: PublicKey) -> Self {
        Self {
            metadata: JwkMetadata::named(&key),
            key,
        }
    }
}

impl From<PrivateKey> for Jwk<PrivateKey> {
    /// Without metadata but the thumbprint as `kid`.
    fn from(key: PrivateKey) -> Self {
        Self {
            metadata: JwkMetadata::named(key.public_key()),
            key,
        }
    }
}

impl JwkMetadata {
    fn named(key: &PublicKey) -> Self {
        Self {
            key_id: Some(key.thumbprint()),
            ..Self::default()
        }
    }
}

/// The members of RFC 7517 §4, RFC 7518 §6 and RFC 8037 §2 that are used.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Members {
    kty: String,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    use_: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<SecretMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<SecretMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<SecretMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dp: Option<SecretMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dq: Option<SecretMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qi: Option<SecretMember>,
    /// Further primes: refused.
    #[serde(skip_serializing)]
    oth: Option<Vec<OtherPrime>>,
    /// A symmetric key: refused, and wiped.
    #[serde(skip_serializing)]
    k: Option<SecretMember>,
}

#[derive(Deserialize)]
struct OtherPrime {}

/// A base64url member that is wiped on drop.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct SecretMember(String);

impl SecretMember {
    fn encode(bytes: &[u8]) -> Option<Self> {
        Some(Self(base64url::encode(bytes)))
    }
}

impl Deref for SecretMember {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretMember {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Members {
    fn parse(json: &[u8]) -> Result<Self, KeyFormatError> {
        if json.len() > MAX_JWK_BYTES {
            return Err(KeyFormatError::TooLarge { bytes: json.len() });
        }
        json::from_slice(json).map_err(|_| KeyFormatError::Malformed)
    }

    fn of_public(key: &PublicKey, metadata: &JwkMetadata) -> Self {
        let encode = |bytes: &[u8]| Some(base64url::encode(bytes));
        let mut members = Self {
            use_: metadata.public_key_use.clone(),
            key_ops: metadata.key_operations.clone(),
            alg: metadata.algorithm.clone(),
            kid: metadata.key_id.clone(),
            ..Self::default()
        };
        match &key.0 {
            PublicParts::Rsa { n, e } => {
                members.kty = "RSA".to_owned();
                members.n = encode(n);
                members.e = encode(e);
            }
            PublicParts::Ec { curve, point } => {
                let (x, y) = coordinates(point);
                members.kty = "EC".to_owned();
                members.crv = Some(curve_name(*curve).to_owned());
                members.x = encode(x);
                members.y = encode(y);
            }
            PublicParts::Ed25519(key) => {
                members.kty = "OKP".to_owned();
                members.crv = Some("Ed25519".to_owned());
                members.x = encode(key);
            }
        }
        members
    }

    fn metadata(&self) -> JwkMetadata {
        JwkMetadata {
            key_id: self.kid.clone(),
            public_key_use: self.use_.clone(),
            key_operations: self.key_ops.clone(),
            algorithm: self.alg.clone(),
        }
    }

    fn has_private_member(&self) -> bool {
        let Self {
            d,
            p,
            q,
            dp,
            dq,
            qi,
            k,
            oth,
            ..
        } = self;
        oth.is_some() || [d, p, q, dp, dq, qi, k].into_iter().any(Option::is_some)
    }

    fn public_key(&self) -> Result<PublicKey, KeyFormatError> {
        match self.kind()? {
            Kind::Rsa => PublicKey::from_rsa(&number(self.n.as_deref())?, &number(self.e.as_deref())?),
            Kind::Ec(curve) => PublicKey::from_point(curve, &self.point(curve)?),
            Kind::Ed25519 => PublicKey::from_ed25519(&octets(self.x.as_deref())?),
        }
    }

    fn private_key(&self) -> Result<PrivateKey, KeyFormatError> {
        let kind = self.kind()?;
        if !self.has_private_member() {
            return Err(KeyFormatError::UnexpectedPublicKey);
        }
        let parts = match kind {
            Kind::Rsa => {
                // RFC 7518 §6.3.2: with one of the others, all must be there; without them, nothing here loads the key.
                let all = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi];
                if self.oth.is_some() || all.into_iter().any(Option::is_none) {
                    return Err(KeyFormatError::RsaPrimes);
                }
                let [d, p, q] = [
                    number(self.d.as_deref())?,
                    number(self.p.as_deref())?,
                    number(self.q.as_deref())?,
                ];
                let [dp, dq, qi] = [
                    number(self.dp.as_deref())?,
                    number(self.dq.as_deref())?,
                    number(self.qi.as_deref())?,
                ];
                let numbers = RsaNumbers {
                    d: &d,
                    p: &p,
                    q: &q,
                    dp: &dp,
                    dq: &dq,
                    qi: &qi,
                };
                private_der::from_rsa_numbers(&number(self.n.as_deref())?, &number(self.e.as_deref())?, &numbers)?
            }
            Kind::Ec(curve) => private_der::from_ec_scalar(curve, &octets(self.d.as_deref())?, &self.point(curve)?)?,
            Kind::Ed25519 => {
                let parts = private_der::from_ed25519_seed(&octets(self.d.as_deref())?)?;
                // RFC 8037 §2: the public half must be there, and it must be this key's.
                if parts.public != self.public_key()? {
                    return Err(KeyFormatError::Inconsistent);
                }
                parts
            }
        };
        PrivateKey::from_parts(parts)
    }

    fn kind(&self) -> Result<Kind, KeyFormatError> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => Ok(Kind::Rsa),
            ("EC", Some("P-256")) => Ok(Kind::Ec(Curve::P256)),
            ("EC", Some("P-384")) => Ok(Kind::Ec(Curve::P384)),
            ("OKP", Some("Ed25519")) => Ok(Kind::Ed25519),
            ("" | "RSA", _) | ("EC" | "OKP", None) => Err(KeyFormatError::Malformed),
            _ => Err(KeyFormatError::UnsupportedAlgorithm),
        }
    }

    /// RFC 7518 §6.2.1.2: each coordinate is as long as the field.
    fn point(&self, curve: Curve) -> Result<Vec<u8>, KeyFormatError> {
        let (x, y) = (octets(self.x.as_deref())?, octets(self.y.as_deref())?);
        if x.len() != curve.field_len() || y.len() != curve.field_len() {
            return Err(KeyFormatError::Malformed);
        }
        Ok([&[4], x.as_slice(), y.as_slice()].concat())
    }
}

enum Kind {
    Rsa,
    Ec(Curve),
    Ed25519,
}

fn octets(member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
    let text = member.ok_or(KeyFormatError::Malformed)?;
    base64url::decode(text)
        .map(Zeroizing::new)
        .map_err(|_| KeyFormatError::Malformed)
}

/// RFC 7518 §2, Base64urlUInt: as few octets as the number needs.
fn number(member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
    let octets = octets(member)?;
    if octets.first().is_none_or(|first| *first == 0) {
        return Err(KeyFormatError::Malformed);
    }
    Ok(octets)
}
