//! Header members: what is read, what is ignored, what is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{ALGORITHM, CONTENT_ENCRYPTION, JweFormError, MAX_HEADER_LEN};
use crate::encoding::{base64url, json};

/// Where the commitment to the content key is kept; see the module's page.
pub(super) const COMMITMENT: &str = "cryptokit-commitment";

/// A header with one of these is refused, whatever its value and wherever it stands. `zip`: RFC 8725 §3.6, bombs and
/// lengths that tell of content. `crit`: no extension is understood. `p2c` and the like: parameters of other algorithms.
/// `jku` and the like: keys chosen by the sender, addresses fetched on demand.
const REFUSED: [&str; 16] = [
    "zip", "crit", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64",
];

/// Most members of one header.
const MAX_MEMBERS: usize = 64;
/// Longest key id in bytes.
pub(super) const MAX_KEY_ID_LEN: usize = 256;
/// Longest `typ` or `cty` in bytes (RFC 6838 §4.2 allows 127 for each of its halves; nobody uses that).
const MAX_MEDIA_TYPE_LEN: usize = 127;

/// What a sealed message says about itself, under its tag.
#[derive(Debug, Default)]
pub(super) struct Protected {
    pub(super) members: Members,
    pub(super) commitment: Option<[u8; 32]>,
}

/// The members of one header that mean something here, and the names of all.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) alg: Option<String>,
    enc: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) cty: Option<String>,
    commitment: Option<String>,
    names: Vec<String>,
}

impl Protected {
    /// Reads the protected header from its base64url text.
    pub(super) fn parse(text: &str) -> Result<Self, JweFormError> {
        if text.len() > (MAX_HEADER_LEN * 4).div_ceil(3) {
            return Err(JweFormError::TooLong);
        }
        let bytes = base64url::decode(text).map_err(|_| JweFormError::Malformed)?;
        // Twice: the strict reader for duplicates at every depth, then serde for the members.
        json::parse(&bytes).map_err(|_| JweFormError::Header)?;
        let members: Members = serde_json::from_slice(&bytes).map_err(|_| JweFormError::Header)?;
        members.check_refused()?;
        match members.enc.as_deref() {
            Some(CONTENT_ENCRYPTION) => {}
            Some(_) => return Err(JweFormError::ContentEncryption),
            None => return Err(JweFormError::Header),
        }
        for media_type in [&members.typ, &members.cty].into_iter().flatten() {
            if !is_media_type(media_type) {
                return Err(JweFormError::Header);
            }
        }
        let commitment = members.commitment.as_deref().map(parse_commitment).transpose()?;
        Ok(Self { members, commitment })
    }

    /// Writes the header as base64url text. `kid` is for compact serialization: the JSON form has it per recipient.
    pub(super) fn encode(
        kid: Option<&str>,
        typ: Option<&str>,
        cty: Option<&str>,
        commitment: Option<&[u8; 32]>,
    ) -> String {
        let commitment = commitment.map(|value| base64url::encode(value));
        let optional = [
            ("kid", kid),
            ("typ", typ),
            ("cty", cty),
            (COMMITMENT, commitment.as_deref()),
        ];
        let mut json = format!(r#"{{"alg":"{ALGORITHM}","enc":"{CONTENT_ENCRYPTION}""#);
        for (name, value) in optional {
            if let Some(value) = value {
                json.push_str(&format!(r#","{name}":{}"#, json_string(value)));
            }
        }
        json.push('}');
        base64url::encode(json.as_bytes())
    }
}

impl Members {
    /// A header outside the protected one: `alg` and `kid` at most, and nothing that is in another header already.
    pub(super) fn check_unprotected(&self, others: &[&Self]) -> Result<(), JweFormError> {
        self.check_refused()?;
        let misplaced = self.enc.is_some() || self.typ.is_some() || self.cty.is_some() || self.commitment.is_some();
        let repeated = |name: &String| others.iter().any(|other| other.names.contains(name));
        if misplaced || self.names.iter().any(repeated) {
            return Err(JweFormError::Header);
        }
        Ok(())
    }

    fn check_refused(&self) -> Result<(), JweFormError> {
        if self.names.iter().any(|name| REFUSED.contains(&name.as_str())) {
            return Err(JweFormError::RefusedMember);
        }
        if self.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KEY_ID_LEN) {
            return Err(JweFormError::Header);
        }
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "alg" => &mut self.alg,
            "enc" => &mut self.enc,
            "kid" => &mut self.kid,
            "typ" => &mut self.typ,
            "cty" => &mut self.cty,
            COMMITMENT => &mut self.commitment,
            _ => return None,
        })
    }
}

/// The algorithm is compared exactly (RFC 7516 §4.1.1); `RSA-OAEP` is another one, with SHA-1.
pub(super) fn check_algorithm(alg: Option<&str>) -> Result<(), JweFormError> {
    match alg {
        Some(ALGORITHM) => Ok(()),
        Some(_) => Err(JweFormError::Algorithm),
        None => Err(JweFormError::Header),
    }
}

pub(super) fn is_media_type(text: &str) -> bool {
    (1..=MAX_MEDIA_TYPE_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The text as a JSON string, quotes included.
pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is plain data")
}

fn parse_commitment(text: &str) -> Result<[u8; 32], JweFormError> {
    // 43 characters are what 32 bytes take.
    if text.len() != 43 {
        return Err(JweFormError::Length);
    }
    let bytes = base64url::decode(text).map_err(|_| JweFormError::Header)?;
    bytes.try_into().map_err(|_| JweFormError::Length)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            // RFC 7516 §4: names must be unique.
            if members.names.len() == MAX_MEMBERS || members.names.contains(&name) {
                return Err(A::Error::custom("duplicate member"));
            }
            match members.slot(&name) {
                Some(slot) => *slot = Some(map.next_value()?),
                // RFC 7516 §4: what is not understood is ignored. Reading it takes no memory.
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            members.names.push(name);
        }
        Ok(members)
    }
}
