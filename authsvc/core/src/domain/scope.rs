//! Scopes: the names of what a token allows.

use std::fmt;
use std::str::FromStr;

/// The name of a scope: 1 to 64 visible ASCII characters but `"` and `\` (RFC 6749 §3.3), compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeName(String);

/// The text is not such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a scope: 1 to {} visible ASCII characters without quote and backslash are expected",
    ScopeName::MAX_LEN
)]
pub struct InvalidScope;

impl ScopeName {
    /// Longest name in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a token's `scope`, names separated by spaces (RFC 8693 §4.2), holds this one.
    pub fn is_in(&self, scope: &str) -> bool {
        scope.split(' ').any(|name| name == self.0)
    }
}

impl FromStr for ScopeName {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let in_bounds = (1..=Self::MAX_LEN).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if !in_bounds || !text.bytes().all(plain) {
            return Err(InvalidScope);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_tokens_of_the_standard() {
        for name in ["a", "orders:read", "https://api.example/x", "!#[]~", &"x".repeat(64)] {
            assert!(name.parse::<ScopeName>().is_ok(), "{name}");
        }
        for name in ["", " ", "a b", "a\"", "a\\", "ä", "a\u{7f}", "a\n", &"x".repeat(65)] {
            assert_eq!(name.parse::<ScopeName>(), Err(InvalidScope), "{name:?}");
        }
    }

    #[test]
    fn a_scope_is_found_whole_only() {
        let read: ScopeName = "orders:read".parse().unwrap();
        assert!(read.is_in("orders:read") && read.is_in("a orders:read b"));
        for scope in ["", "orders:readall", "xorders:read", "ORDERS:READ", "orders read"] {
            assert!(!read.is_in(scope), "{scope}");
        }
    }
}
