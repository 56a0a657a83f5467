//! Where a server is: `host:port`, `[::1]:443`, `https://host/`.

use std::fmt;
use std::net::IpAddr;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl ServerAddress {
    /// Reads `HOST:PORT`, with an IPv6 address in brackets, or the beginning of a URL with `https://`, where the port may
    /// be left out. `None` for anything else, such as the name of a file.
    ///
    /// ```
    /// use certgen::handshake::ServerAddress;
    ///
    /// let address = ServerAddress::parse("[::1]:8443").unwrap();
    /// assert_eq!((address.host.as_str(), address.port), ("::1", 8443));
    /// assert_eq!(ServerAddress::parse("https://api.example/v1").unwrap().to_string(), "api.example:443");
    /// assert_eq!(ServerAddress::parse("certificate.pem"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("https://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return Self::host_and_port(authority, Some(443));
        }
        Self::host_and_port(text, None)
    }

    fn host_and_port(text: &str, default_port: Option<u16>) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            // RFC 3986 §3.2.2.
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                host.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
                (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let port = match port? {
            "" => default_port?,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0)?
            }
            _ => return None,
        };
        // What a name of a host may consist of, and every address.
        let is_host = !host.is_empty()
            && host.len() <= 255
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        (is_host
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| text.starts_with('[') && address.is_ipv6()))
        .then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_are_a_server() {
        for (text, expected) in [
            ("localhost:8443", "localhost:8443"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("my_host:65535", "my_host:65535"),
            ("https://[::1]/", "[::1]:443"),
            ("https://a.example:8443/x?y", "a.example:8443"),
        ] {
            assert_eq!(
                ServerAddress::parse(text).map(|address| address.to_string()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for text in [
            "",
            "-",
            ":",
            ":443",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:b",
            "::1:443",
            "[::1]",
            "[a]:1",
            "[10.0.0.1]:1",
            "[::1]x:1",
            "a b:1",
            "a\u{1b}:1",
            "https://",
            "https://user@a:1",
            "a/b:1",
            "http://a:80",
        ] {
            assert_eq!(ServerAddress::parse(text), None, "{text}");
        }
    }
}
