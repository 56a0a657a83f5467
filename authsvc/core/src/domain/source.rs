//! Where requests come from, as far as it can be told apart.

use std::fmt;
use std::net::IpAddr;

/// What one subscriber has at once: an IPv4 address, or an IPv6 /64, within which a host chooses its address freely.
///
/// An IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2) is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceNetwork {
    /// An address.
    V4([u8; 4]),
    /// The first 64 bits.
    V6([u8; 8]),
}

impl SourceNetwork {
    /// Its bytes: 4 or 8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

impl From<IpAddr> for SourceNetwork {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl fmt::Display for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(bytes) => std::net::Ipv4Addr::from(*bytes).fmt(f),
            Self::V6([a, b, c, d, e, g, h, i]) => {
                let address = [*a, *b, *c, *d, *e, *g, *h, *i, 0, 0, 0, 0, 0, 0, 0, 0];
                write!(f, "{}/64", std::net::Ipv6Addr::from(address))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceNetwork {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn spellings_of_one_source_are_one() {
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(source("::ffff:192.0.2.1").to_string(), "192.0.2.1");
    }
}
