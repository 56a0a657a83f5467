//! Audiences: the names by which tokens are addressed to services.

use std::fmt;
use std::str::FromStr;

/// The name of an audience: 1 to 128 visible ASCII characters, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AudienceName(String);

/// The text is not such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an audience: 1 to {} visible ASCII characters are expected",
    AudienceName::MAX_LEN
)]
pub struct InvalidAudience;

impl AudienceName {
    /// Longest name in bytes.
    pub const MAX_LEN: usize = 128;

    /// The audience of tokens by which users act on their own accounts. No other service can have it.
    pub const OWN: &'static str = "authsvc";

    /// Whether it is this service's own.
    pub fn is_own(&self) -> bool {
        self.0 == Self::OWN
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AudienceName {
    type Err = InvalidAudience;

    fn from_str(text: &str) -> Result<Self, InvalidAudience> {
        let in_bounds = (1..=Self::MAX_LEN).contains(&text.len());
        if !in_bounds || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidAudience);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AudienceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
