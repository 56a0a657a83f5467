//! The claims of an access token (RFC 9068 §2.2) as types.

use serde::{Deserialize, Serialize};

/// Claims of an access token. Times are seconds since 1970-01-01T00:00:00Z (NumericDate, RFC 7519 §2).
///
/// Every member that RFC 9068 requires is required; a member of the wrong type makes the token invalid. Unknown
/// members are ignored (RFC 7519 §4), so that an older verifier reads a newer issuer's tokens.
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
    pub nbf: u64,
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
}

/// One or more audiences; a single one is written as a string (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OneOrMany", into = "OneOrMany")]
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

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<OneOrMany> for Audience {
    type Error = &'static str;

    fn try_from(value: OneOrMany) -> Result<Self, Self::Error> {
        let list = match value {
            OneOrMany::One(audience) => vec![audience],
            OneOrMany::Many(list) => list,
        };
        if list.is_empty() || list.iter().any(String::is_empty) {
            return Err("an empty audience");
        }
        Ok(Self(list))
    }
}

impl From<Audience> for OneOrMany {
    fn from(Audience(mut list): Audience) -> Self {
        match list.len() {
            1 => Self::One(list.remove(0)),
            _ => Self::Many(list),
        }
    }
}
