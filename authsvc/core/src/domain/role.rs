//! Roles: what an account is, for the services that read its tokens.

use std::fmt;
use std::str::FromStr;

/// The name of a role: 1 to 64 visible ASCII characters but `"` and `\`, compared byte by byte. It travels in the
/// `roles` claim (RFC 9068 §2.2.3.1); what it allows is for each service to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(String);

/// The text is not such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role: 1 to {} visible ASCII characters without quote and backslash are expected",
    RoleName::MAX_LEN
)]
pub struct InvalidRole;

impl RoleName {
    /// Longest name in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let in_bounds = (1..=Self::MAX_LEN).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if !in_bounds || !text.bytes().all(plain) {
            return Err(InvalidRole);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_ascii_within_their_length() {
        for name in ["a", "admin", "orders:clerk", "https://roles.example/x", &"x".repeat(64)] {
            assert!(name.parse::<RoleName>().is_ok(), "{name}");
        }
        for name in [
            "",
            " ",
            "a b",
            "a\"",
            "a\\",
            "ä",
            "a\u{7f}",
            "a\n",
            "a\0",
            &"x".repeat(65),
        ] {
            assert_eq!(name.parse::<RoleName>(), Err(InvalidRole), "{name:?}");
        }
    }
}
