//! Registered services: who may ask about tokens, and about whose.

use std::fmt;
use std::str::FromStr;

use cryptokit::x509::{PeerCertificate, SubjectAlternativeName};
use time::OffsetDateTime;

use super::audience::AudienceName;
use super::scope::ScopeName;

/// What a client certificate proves: a name, said by one particular issuer.
///
/// The subject's common name plays no part, and the same name from another issuer is somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceIdentity {
    /// SHA-256 of the issuing CA's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub issuer_spki_sha256: [u8; 32],
    /// The name, compared whole.
    pub subject_alternative_name: SubjectAlternativeName,
}

impl ServiceIdentity {
    /// Every identity that a verified certificate proves, in the order of its names.
    pub fn all_of(peer: &PeerCertificate) -> impl Iterator<Item = Self> + '_ {
        peer.subject_alternative_names().iter().map(|name| Self {
            issuer_spki_sha256: peer.issuer_spki_sha256(),
            subject_alternative_name: name.clone(),
        })
    }
}

impl fmt::Display for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by ", self.subject_alternative_name)?;
        self.issuer_spki_sha256[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A short name for people: 1 to 64 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

/// The text is not such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a service name: 1 to 64 of a-z, 0-9 and - are expected")]
pub struct InvalidServiceName;

impl ServiceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, InvalidServiceName> {
        let in_bounds = (1..=64).contains(&text.len());
        if !in_bounds
            || !text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return Err(InvalidServiceName);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service as it is registered.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name for people.
    pub name: ServiceName,
    /// How it proves to be itself: at least one, and several while its certificates move to another issuing CA.
    pub identities: Vec<ServiceIdentity>,
    /// The audiences about whose tokens it may ask.
    pub audiences: Vec<AudienceName>,
    /// The scopes it is told of when a token has them.
    pub scopes: Vec<ScopeName>,
    /// Whether it may administer this installation.
    pub admin: bool,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// What shows that this program wrote all of it.
    pub seal: Option<String>,
}
