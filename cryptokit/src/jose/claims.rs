//! The claims of an access token (RFC 9068 §2.2) as types.

use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

/// Claims of an access token. Times are seconds since 1970-01-01T00:00:00Z (NumericDate, RFC 7519 §2).
///
/// Every member that RFC 9068 requires is required; a member of the wrong type makes the token invalid. `null` for one
/// that is not required is its absence. Unknown members are ignored (RFC 7519 §4), so that an older verifier reads a
/// newer issuer's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Issuer, an https URL.
    pub iss: String,
    /// Subject: the user's id.
    pub sub: String,
    /// Who the token is for.
    pub aud: Audience,
    /// Expiry; the token is good before it.
    pub exp: u64,
    /// When it was issued.
    pub iat: u64,
    /// Not good before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// The token's own id.
    pub jti: String,
    /// The client it was issued to.
    pub client_id: String,
    /// Scopes, separated by spaces (RFC 8693 §4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The session or family of refresh tokens that the token belongs to (OpenID Connect Front-Channel Logout §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the user logged in (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How: authentication context class (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How: methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// Roles (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Groups (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Entitlements (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<Vec<String>>,
    /// The key that the bearer has to prove (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

impl AccessTokenClaims {
    /// The claims that RFC 9068 §2.2 requires, and none of the others.
    pub fn new(iss: &str, sub: &str, aud: Audience, client_id: &str, jti: &str, iat: u64, exp: u64) -> Self {
        Self {
            iss: iss.to_owned(),
            sub: sub.to_owned(),
            aud,
            exp,
            iat,
            nbf: None,
            jti: jti.to_owned(),
            client_id: client_id.to_owned(),
            scope: None,
            email: None,
            sid: None,
            auth_time: None,
            acr: None,
            amr: None,
            roles: None,
            groups: None,
            entitlements: None,
            cnf: None,
        }
    }
}

/// What the bearer of a token has to prove. That it does is for the service to check: the token's verifier does not see
/// the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// A method of confirmation that is not understood is no confirmation.
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// SHA-256 of the client's certificate, in base64url (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
}

/// One or more audiences; a single one is written as a string (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// A single audience.
    pub fn one(audience: &str) -> Self {
        Self(vec![audience.to_owned()])
    }

    /// All of them, at least one.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether any of them is in `accepted`, compared byte by byte.
    pub fn intersects(&self, accepted: &[String]) -> bool {
        self.0.iter().any(|audience| accepted.contains(audience))
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [audience] = self.0.as_slice() {
            return serializer.serialize_str(audience);
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for audience in &self.0 {
            list.serialize_element(audience)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an audience or a list of them, none of them empty")
    }

    fn visit_str<E: Error>(self, audience: &str) -> Result<Audience, E> {
        audiences(vec![audience.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Audience, A::Error> {
        let mut list = Vec::new();
        while let Some(audience) = items.next_element()? {
            list.push(audience);
        }
        audiences(list)
    }
}

fn audiences<E: Error>(list: Vec<String>) -> Result<Audience, E> {
    if list.is_empty() || list.iter().any(String::is_empty) {
        return Err(E::custom("an empty audience"));
    }
    Ok(Audience(list))
}
