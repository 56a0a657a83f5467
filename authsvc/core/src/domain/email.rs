//! E-mail addresses as account names.

use std::fmt;
use std::str::FromStr;

/// An address in canonical form: ASCII, lower case, a dot-atom before the `@`, a host name with a dot after it.
///
/// It names an account, so two spellings that people take for the same must be the same. Quoted local parts, comments,
/// address literals and anything outside ASCII are refused: no login needs them, and each has carried an attack
/// (`validator`'s rule accepts CR, LF and HTML before a bracketed address literal). Internationalised domains are
/// written as A-labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

/// The text is not such an address. The text itself is left out: people type passwords into this field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// Shortest address in bytes: `a@b.c`.
    pub const MIN_LEN: usize = 5;
    /// Longest address in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
    pub const MAX_LEN: usize = 254;
    /// Longest local part in bytes (RFC 5321 §4.5.3.1.1).
    pub const MAX_LOCAL_LEN: usize = 64;

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(text: &str) -> Result<Self, InvalidEmailAddress> {
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&text.len()) {
            return Err(InvalidEmailAddress);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidEmailAddress)?;
        if local.len() > Self::MAX_LOCAL_LEN || !local.split('.').all(is_atom) || !is_host_name(domain) {
            return Err(InvalidEmailAddress);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 5322 §3.2.3 atext, one or more.
fn is_atom(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
}

/// RFC 1123 §2.1, with at least two labels.
fn is_host_name(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_account_are_one_address() {
        let address: EmailAddress = "Alice.Smith+x@Example.COM".parse().unwrap();
        assert_eq!(address.as_str(), "alice.smith+x@example.com");
        assert_eq!(address.local_part(), "alice.smith+x");
    }

    #[test]
    fn bypasses_of_the_validator_rule_are_refused() {
        for text in [
            "a@evil stuff[127.0.0.1]",
            "a@x\r\nBcc: v[127.0.0.1]",
            "a@<script>[::1]",
            "a@[127.0.0.1]",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn malformed_and_ambiguous_addresses_are_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}com", "b.".repeat(126));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b.c",
            "a@b",
            "a@b.",
            "a@.b",
            "a@b..c",
            "a@-b.c",
            "a@b-.c",
            "a@b_c.d",
            ".a@b.c",
            "a.@b.c",
            "a..b@c.d",
            "a b@c.d",
            " a@b.c",
            "a@b.c ",
            "a@b.c\n",
            "a\0@b.c",
            "\"a\"@b.c",
            "a(x)@b.c",
            "a@b@c.d",
            "ä@b.cd",
            "a@bü.de",
            "a@b.c\u{200b}",
            "ａ@b.cd",
            "a@b.c,d@e.f",
            "<a@b.c>",
            "a@b.c:25",
            "a\u{202e}@b.cd",
            &long_local,
            &long_label,
            &long,
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn limits_are_accepted_exactly() {
        assert!(format!("{}@b.c", "a".repeat(64)).parse::<EmailAddress>().is_ok());
        let domain = format!("{}.{}.{}", "b".repeat(63), "c".repeat(63), "d".repeat(61));
        assert!(format!("{}@{domain}", "a".repeat(64)).parse::<EmailAddress>().is_ok());
        assert!(format!("{}@{domain}d", "a".repeat(64)).parse::<EmailAddress>().is_err());
        assert!("a@b.c".parse::<EmailAddress>().is_ok());
    }
}
