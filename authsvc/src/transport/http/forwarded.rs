//! Whose request it is when it came through a proxy.
//!
//! Headers that say so are written by whoever likes to. They are looked at only on connections from listed proxies,
//! from the right, where the nearest proxy has written, to the first address that is no listed proxy's. Anything that
//! cannot be read ends it, and the peer's own address counts: there is always one, so no check is ever skipped.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

/// Most hops looked at. A longer chain is nobody's honest configuration.
const MAX_HOPS: usize = 16;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word is taken, and for which header.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// Their addresses.
    pub networks: Vec<Network>,
    /// What they write. Only one, because a proxy passes on the other one as the client sent it.
    pub header: ForwardedHeader,
}

/// How a proxy says for whom it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// An address, or all that begin like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected addresses or networks such as 10.0.0.0/8, separated by commas")]
pub struct InvalidNetwork;

impl TrustedProxies {
    /// Whether `peer` is one of them.
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(peer))
    }

    /// Where a request comes from that `peer` has sent.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer.to_canonical();
        }
        let forwarded = match self.header {
            ForwardedHeader::XForwardedFor => self.rightmost(headers, &X_FORWARDED_FOR, parse_address),
            ForwardedHeader::Forwarded => self.rightmost(headers, &FORWARDED, parse_forwarded_element),
        };
        forwarded.unwrap_or(peer).to_canonical()
    }

    /// The last address that is no listed proxy's; the first one when all are. `None` for what cannot be read.
    fn rightmost(&self, headers: &HeaderMap, name: &HeaderName, parse: fn(&str) -> Option<IpAddr>) -> Option<IpAddr> {
        let mut outermost = None;
        let mut hops = 0;
        let values: Vec<_> = headers.get_all(name).iter().collect();
        for value in values.into_iter().rev() {
            for element in elements(value.to_str().ok()?).into_iter().rev() {
                hops += 1;
                let address = parse(element).filter(|_| hops <= MAX_HOPS)?;
                if !self.contains(address) {
                    return Some(address);
                }
                outermost = Some(address);
            }
        }
        outermost
    }
}

impl Network {
    /// Whether an address is within it. An IPv4 address written as an IPv6 one is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (32, u128::from(u32::from(address))),
            IpAddr::V6(address) => (128, u128::from(address)),
        };
        let ((width, own), (other_width, other)) = (bits(self.address), bits(address.to_canonical()));
        let differing = own ^ other;
        width == other_width && differing.checked_shr(width - u32::from(self.prefix)).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_err(|_| InvalidNetwork)?,
            Some(_) => return Err(InvalidNetwork),
        };
        if prefix > width {
            return Err(InvalidNetwork);
        }
        // A mapped prefix would never match: addresses are compared in their own family.
        match address.to_canonical() {
            canonical if canonical == address => Ok(Self { address, prefix }),
            canonical => Ok(Self {
                address: canonical,
                prefix: prefix.checked_sub(96).ok_or(InvalidNetwork)?,
            }),
        }
    }
}

impl FromStr for ForwardedHeader {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("expected x-forwarded-for or forwarded"),
        }
    }
}

/// Splits at commas outside of quotes (RFC 9110 §5.6.1 and §5.6.4).
fn elements(text: &str) -> Vec<&str> {
    split_unquoted(text, ',')
}

fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            other if other == separator && !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bracketed)
}

/// RFC 7239 §4 and §6: one `for`, whose value is an address; `unknown` and obfuscated names are none.
fn parse_forwarded_element(text: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in split_unquoted(text, ';') {
        let (name, value) = pair.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("for") {
            continue;
        }
        let value = value.trim();
        let node = match value.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None => value,
        };
        // Twice is once too often: who reads the other one sees another client.
        if found.replace(parse_address(node)?).is_some() {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const CLIENT: &str = "203.0.113.9";
    const PROXY: &str = "10.0.0.1";

    fn source(header: ForwardedHeader, peer: &str, values: &[&'static [u8]]) -> String {
        let name = match header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_bytes(value).unwrap());
        }
        let proxies = TrustedProxies {
            networks: ["10.0.0.0/8", "2001:db8:ffff::/48"]
                .map(|text| text.parse().unwrap())
                .into(),
            header,
        };
        proxies.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn l7_the_rightmost_address_that_is_no_proxys_counts_and_garbage_never_skips_it() {
        let of = |peer, values: &[&'static [u8]]| source(ForwardedHeader::XForwardedFor, peer, values);
        // Not from a listed proxy: whatever it says.
        assert_eq!(of(CLIENT, &[b"192.0.2.1"]), CLIENT);
        assert_eq!(of(PROXY, &[]), PROXY);
        assert_eq!(of(PROXY, &[b"203.0.113.9"]), CLIENT);
        assert_eq!(
            of(PROXY, &[b"192.0.2.1, 203.0.113.9"]),
            CLIENT,
            "the left is the client's word"
        );
        assert_eq!(of(PROXY, &[b"192.0.2.1, 203.0.113.9, 10.9.9.9"]), CLIENT);
        assert_eq!(
            of(PROXY, &[b"192.0.2.1", b"203.0.113.9", b"10.9.9.9"]),
            CLIENT,
            "several lines are one list"
        );
        assert_eq!(of(PROXY, &[b"10.1.1.1, 10.2.2.2"]), "10.1.1.1", "all of them proxies");
        assert_eq!(of("::ffff:10.0.0.1", &[b"203.0.113.9:4711"]), CLIENT);
        assert_eq!(of(PROXY, &[b"::ffff:203.0.113.9"]), CLIENT);
        assert_eq!(of("2001:db8:ffff::1", &[b"[2001:db8:1::2]:80"]), "2001:db8:1::2");
        assert_eq!(
            of(PROXY, &[b"garbage, 203.0.113.9"]),
            CLIENT,
            "left of what counts, nobody looks"
        );
        for garbage in [
            &b""[..],
            b"unknown",
            b"203.0.113.9, ",
            b"203.0.113.9,,10.2.2.2",
            b"203.0.113.9, 10.0.0.999",
            b"203.0.113.9, _hidden",
            b"203.0.113.9 10.2.2.2",
            b"\xff",
            b"203.0.113.9/32",
            b"0x0a.0.0.1",
            b"localhost",
            b"\"203.0.113.9\"",
        ] {
            assert_eq!(of(PROXY, &[garbage]), PROXY, "{garbage:?}");
        }
        assert_eq!(of(PROXY, &[b"203.0.113.9", b"\xff"]), PROXY);
        let long: &'static [u8] = Box::leak(format!("{CLIENT}{}", ", 10.2.2.2".repeat(16)).into_bytes().into());
        assert_eq!(of(PROXY, &[long]), PROXY);
    }

    #[test]
    fn l7_forwarded_is_read_as_rfc_7239_writes_it() {
        let of = |values: &[&'static [u8]]| source(ForwardedHeader::Forwarded, PROXY, values);
        assert_eq!(of(&[b"for=203.0.113.9"]), CLIENT);
        assert_eq!(
            of(&[b"for=192.0.2.1, For=\"203.0.113.9:47011\";proto=http;by=10.0.0.1"]),
            CLIENT
        );
        assert_eq!(of(&[b"for=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
        assert_eq!(of(&[b"by=\"a,b\\\";for=1.1.1.1\";for=203.0.113.9"]), CLIENT);
        for garbage in [
            &b"for=unknown"[..],
            b"for=_gazonk",
            b"proto=http",
            b"for=203.0.113.9;for=192.0.2.1",
            b"for",
            b"203.0.113.9",
            b"for=\"203.0.113.9",
            b"for=203.0.113.9, by=\"",
        ] {
            assert_eq!(of(&[garbage]), PROXY, "{garbage:?}");
        }
        // The other header is not looked at.
        assert_eq!(source(ForwardedHeader::Forwarded, PROXY, &[]), PROXY);
    }

    #[test]
    fn networks_are_addresses_with_or_without_a_length() {
        let contains =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(contains("10.0.0.1", "10.0.0.1") && !contains("10.0.0.1", "10.0.0.2"));
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0", "255.255.255.255") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "10.0.0.1"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "x",
            "::1/129",
            "::ffff:10.0.0.0/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
