//! The signature algorithms of tokens, by their names in RFC 7518 §3.1 and RFC 8037 §3.1.

use std::fmt;

/// A signature algorithm. It is a property of a key; a token only repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwsAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 7518 §3.5).
    Ps256,
    /// ECDSA on P-256 with SHA-256, as 64 bytes r ‖ s (RFC 7518 §3.4).
    Es256,
    /// Ed25519 (RFC 8037 §3.1, RFC 8032 §5.1).
    EdDsa,
}

impl JwsAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The `alg` of a header or JWK.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name. RFC 8725 §3.1: compared exactly; `none`, `rs256` and `RS256 ` are all something
    /// else.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for JwsAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<JwsAlgorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: JwsAlgorithm) -> Self {
        match algorithm {
            JwsAlgorithm::Rs256 => Self::RS256,
            JwsAlgorithm::Ps256 => Self::PS256,
            JwsAlgorithm::Es256 => Self::ES256,
            JwsAlgorithm::EdDsa => Self::EdDSA,
        }
    }
}
