//! Names that a certificate vouches for (RFC 5280 §4.2.1.6), as types that cannot hold a malformed name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One entry of the subjectAltName extension.
///
/// Two values are equal exactly when they name the same thing: host names are kept in lower case (RFC 5280 §7.2,
/// §7.4, §7.5), so byte comparison is enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectAlternativeName {
    /// A host or service name.
    Dns(DnsName),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// An absolute URI, such as a SPIFFE id.
    Uri(Uri),
    /// An e-mail address.
    Email(EmailAddress),
}

impl SubjectAlternativeName {
    /// Reads the prefixed form that `Display` writes: `dns:…`, `ip:…`, `uri:…` or `email:…`.
    ///
    /// # Errors
    ///
    /// [`NameError::UnknownPrefix`] without one of the four prefixes; otherwise what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (kind, value) = text.split_once(':').ok_or(NameError::UnknownPrefix)?;
        match kind {
            "dns" => DnsName::parse(value).map(Self::Dns),
            "ip" => value.parse().map(Self::Ip).map_err(|_| NameError::IpAddress),
            "uri" => Uri::parse(value).map(Self::Uri),
            "email" => EmailAddress::parse(value).map(Self::Email),
            _ => Err(NameError::UnknownPrefix),
        }
    }

    /// Reads the prefixed form, or guesses the kind of bare text: an IP address, else a URI when it has `://`,
    /// else an e-mail address when it has `@`, else a DNS name.
    ///
    /// # Errors
    ///
    /// What is wrong with the name, read as the guessed kind.
    pub fn infer(text: &str) -> Result<Self, NameError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        match Self::parse(text) {
            Err(NameError::UnknownPrefix) => {}
            parsed => return parsed,
        }
        if text.contains("://") {
            Uri::parse(text).map(Self::Uri)
        } else if text.contains('@') {
            EmailAddress::parse(text).map(Self::Email)
        } else {
            DnsName::parse(text).map(Self::Dns)
        }
    }

    /// The kind: `dns`, `ip`, `uri` or `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Ip(_) => "ip",
            Self::Uri(_) => "uri",
            Self::Email(_) => "email",
        }
    }

    /// The name without its kind.
    pub fn value(&self) -> String {
        match self {
            Self::Dns(name) => name.as_str().to_owned(),
            Self::Ip(address) => address.to_string(),
            Self::Uri(uri) => uri.as_str().to_owned(),
            Self::Email(address) => address.as_str().to_owned(),
        }
    }
}

impl FromStr for SubjectAlternativeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl fmt::Display for SubjectAlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.value())
    }
}

/// A DNS name in A-labels (RFC 5280 §4.2.1.6, RFC 1034 §3.5), in lower case, possibly with `*` as its whole first
/// label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsName(String);

impl DnsName {
    /// Longest name in bytes (RFC 1035 §2.3.4, without the root label).
    pub const MAX_LEN: usize = 253;

    /// Reads a name; upper case becomes lower case.
    ///
    /// # Errors
    ///
    /// [`NameError`]: empty, longer than [`Self::MAX_LEN`], not ASCII, a label that is not 1 to 63 letters, digits
    /// and inner hyphens, a last label of digits only, or a wildcard that is not the whole first of at least three
    /// labels.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length(text, Self::MAX_LEN)?;
        let name = text.to_ascii_lowercase();
        let host = match name.split_once('.') {
            // A wildcard right above a top-level name would stand for other people's hosts.
            Some(("*", rest)) if rest.contains('.') => rest,
            _ if name.contains('*') => return Err(NameError::Wildcard),
            _ => &name,
        };
        check_host(host)?;
        Ok(Self(name))
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the first label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }
}

/// An absolute URI with an authority (RFC 3986 §4.3, RFC 5280 §4.2.1.6), without user information or fragment.
///
/// Scheme and host are in lower case. The scheme `spiffe` follows the rules of the SPIFFE id standard instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uri(String);

impl Uri {
    /// Longest URI in bytes: the bound of the SPIFFE id standard, kept for all.
    pub const MAX_LEN: usize = 2048;

    /// Reads a URI.
    ///
    /// # Errors
    ///
    /// [`NameError`], naming the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length(text, Self::MAX_LEN)?;
        let (scheme, rest) = text.split_once("://").ok_or(NameError::UriScheme)?;
        check_scheme(scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "spiffe" {
            check_spiffe(rest)?;
            return Ok(Self(format!("{scheme}://{rest}")));
        }
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.to_ascii_lowercase();
        check_authority(&authority)?;
        check_path_and_query(path_and_query)?;
        Ok(Self(format!("{scheme}://{authority}{path_and_query}")))
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a SPIFFE id.
    pub fn is_spiffe(&self) -> bool {
        self.0.starts_with("spiffe://")
    }

    /// Whether this is a SPIFFE id of a workload, which has a path; without one it names a trust domain.
    pub fn is_spiffe_workload(&self) -> bool {
        self.0.strip_prefix("spiffe://").is_some_and(|rest| rest.contains('/'))
    }
}

/// An e-mail address of ASCII dot-atoms (RFC 5280 §4.2.1.6, RFC 5321 §4.1.2), its host in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Longest address in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
    pub const MAX_LEN: usize = 254;

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`NameError::Email`] when the part before `@` is not a dot-atom of 1 to 64 bytes; otherwise what is wrong
    /// with the host.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_length(text, Self::MAX_LEN)?;
        let (local, host) = text.rsplit_once('@').ok_or(NameError::Email)?;
        let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_atom_byte);
        if local.len() > 64 || !local.split('.').all(is_atom) {
            return Err(NameError::Email);
        }
        let host = host.to_ascii_lowercase();
        check_host(&host)?;
        Ok(Self(format!("{local}@{host}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why text is not a name that may stand in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// None of the four prefixes.
    #[error("write it as dns:NAME, ip:ADDRESS, uri:URI or email:ADDRESS")]
    UnknownPrefix,
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Longer than its kind may be.
    #[error("the name is longer than {max_bytes} bytes")]
    TooLong {
        /// The bound.
        max_bytes: usize,
    },
    /// Characters outside ASCII.
    #[error("the name is not ASCII; write an international name in its xn-- form")]
    NotAscii,
    /// A label of a host name breaks the rules.
    #[error("each label of a host name is 1 to 63 letters, digits and inner hyphens, without underscores")]
    Label,
    /// The last label is a number, so that other software would read an IPv4 address.
    #[error("the last label of a host name cannot be a number")]
    NumericTopLabel,
    /// `*` somewhere else than as the whole first of at least three labels.
    #[error("a wildcard is the whole first label of at least three, as in *.example.com")]
    Wildcard,
    /// Neither an IPv4 nor an IPv6 address.
    #[error("not an IPv4 or IPv6 address")]
    IpAddress,
    /// No scheme, or one that breaks RFC 3986 §3.1.
    #[error("a URI begins with its scheme and ://")]
    UriScheme,
    /// No host, user information, or a port that is not a number to 65535.
    #[error("a URI has a host name or address, an optional port, and no user information")]
    UriAuthority,
    /// A character that RFC 3986 allows nowhere, or a fragment.
    #[error("a URI has no fragment, and only characters of RFC 3986 after its host")]
    UriCharacter,
    /// A rule of the SPIFFE id standard is broken.
    #[error(
        "a SPIFFE id has a trust domain of a-z, 0-9, dot, dash and underscore and a path without empty, dot or encoded segments"
    )]
    Spiffe,
    /// Not `dot-atom@host`.
    #[error("not an e-mail address of the form name@host")]
    Email,
}

fn check_length(text: &str, max_bytes: usize) -> Result<(), NameError> {
    if text.is_empty() {
        Err(NameError::Empty)
    } else if text.len() > max_bytes {
        Err(NameError::TooLong { max_bytes })
    } else if !text.is_ascii() {
        Err(NameError::NotAscii)
    } else {
        Ok(())
    }
}

/// RFC 1034 §3.5 with the relaxation of RFC 1123 §2.1; `host` is in lower case.
pub(super) fn check_host(host: &str) -> Result<(), NameError> {
    check_length(host, DnsName::MAX_LEN)?;
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !host.split('.').all(is_label) {
        return Err(NameError::Label);
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameError::NumericTopLabel);
    }
    Ok(())
}

/// RFC 3986 §3.1.
fn check_scheme(scheme: &str) -> Result<(), NameError> {
    let is_scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_scheme_byte) {
        Ok(())
    } else {
        Err(NameError::UriScheme)
    }
}

/// RFC 3986 §3.2. RFC 5280 §4.2.1.6: the host is a fully qualified name or an IP address.
fn check_authority(authority: &str) -> Result<(), NameError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(NameError::UriAuthority)?;
            address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| NameError::UriAuthority)?;
            (None, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (Some(host), port)
        }
    };
    if let Some(host) = host
        && host.parse::<std::net::Ipv4Addr>().is_err()
        && check_host(host).is_err()
    {
        return Err(NameError::UriAuthority);
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok() => Ok(()),
        _ => Err(NameError::UriAuthority),
    }
}

/// RFC 3986 §3.3 and §3.4: pchar, `/` and one or more `?`.
fn check_path_and_query(text: &str) -> Result<(), NameError> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => {
                let is_hex = |digit: Option<u8>| digit.is_some_and(|digit| digit.is_ascii_hexdigit());
                is_hex(bytes.next()) && is_hex(bytes.next())
            }
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            | b':' | b'@' | b'/' | b'?' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !good {
            return Err(NameError::UriCharacter);
        }
    }
    Ok(())
}

/// SPIFFE-ID §2: a trust domain without port or user information, then a path in normal form, no query.
fn check_spiffe(rest: &str) -> Result<(), NameError> {
    let (trust_domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_domain_byte = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if trust_domain.is_empty() || trust_domain.len() > 255 || !trust_domain.bytes().all(is_domain_byte) {
        return Err(NameError::Spiffe);
    }
    let is_path_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_path_byte);
    match path.strip_prefix('/') {
        None => Ok(()),
        Some(segments) if segments.split('/').all(is_segment) => Ok(()),
        Some(_) => Err(NameError::Spiffe),
    }
}

/// `atext` of RFC 5322 §3.2.3.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}
