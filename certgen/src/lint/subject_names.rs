//! subjectAltName (RFC 5280 §4.2.1.6, RFC 9525): the names that a certificate is for.

use std::net::IpAddr;

use cryptokit::x509::{DnsName, EmailAddress};

use super::Findings;
use super::names::escaped;
use super::table;
use crate::der::{Element, Malformed, Reader, SEQUENCE, context};

/// The names, in order.
pub(super) fn names(value: &[u8]) -> Result<Vec<Element<'_>>, Malformed> {
    let mut whole = Reader::new(value);
    let names = whole.expect(SEQUENCE)?.inside().elements()?;
    if names.is_empty() || !whole.is_empty() {
        return Err(Malformed);
    }
    Ok(names)
}

const EMAIL: u8 = context(1);
const DNS: u8 = context(2);
pub(super) const URI: u8 = context(6);
const ADDRESS: u8 = context(7);

/// Each name, and that none is there twice.
pub(super) fn check(names: &[Element<'_>], findings: &mut Findings) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|earlier| earlier.whole == name.whole) {
            findings.add_at(&table::SAN_DUPLICATE, text(*name));
        }
        match name.tag {
            EMAIL | DNS | URI if !name.contents.is_ascii() => findings.add_at(&table::NAME_NOT_ASCII, text(*name)),
            EMAIL => {
                let is_address = ascii(*name).is_some_and(|name| EmailAddress::parse(name).is_ok());
                add_unless(is_address, &table::EMAIL_MALFORMED, *name, findings);
            }
            DNS => check_dns(*name, findings),
            URI => add_unless(
                ascii(*name).is_some_and(has_scheme),
                &table::URI_MALFORMED,
                *name,
                findings,
            ),
            ADDRESS if !matches!(name.contents.len(), 4 | 16) => {
                findings.add_at(&table::IP_ADDRESS_LENGTH, format!("{} octets", name.contents.len()));
            }
            _ => {}
        }
    }
}

/// Whether the common name is one of them: as DNS name, address, URI or e-mail address.
pub(super) fn has(names: &[Element<'_>], common_name: &str) -> bool {
    let address = common_name.parse::<IpAddr>().ok();
    names.iter().any(|name| match (name.tag, address) {
        (ADDRESS, Some(IpAddr::V4(address))) => name.contents == address.octets(),
        (ADDRESS, Some(IpAddr::V6(address))) => name.contents == address.octets(),
        (EMAIL | DNS | URI, _) => name.contents.eq_ignore_ascii_case(common_name.as_bytes()),
        _ => false,
    })
}

/// For people.
pub(super) fn text(name: Element<'_>) -> String {
    let kind = match name.tag {
        EMAIL => "email:",
        DNS => "dns:",
        URI => "uri:",
        _ => "",
    };
    format!("{kind}{}", escaped(&String::from_utf8_lossy(name.contents)))
}

pub(super) fn ascii(name: Element<'_>) -> Option<&str> {
    std::str::from_utf8(name.contents).ok()
}

fn check_dns(name: Element<'_>, findings: &mut Findings) {
    let Some(host) = ascii(name) else {
        return;
    };
    if DnsName::parse(host).is_ok() {
        return;
    }
    let rest = host.strip_prefix("*.").unwrap_or(host);
    let lint = if host.parse::<IpAddr>().is_ok() {
        &table::DNS_NAME_IS_ADDRESS
    } else if rest.contains('*') || (rest.len() < host.len() && DnsName::parse(rest).is_ok()) {
        &table::DNS_WILDCARD
    } else if host.contains('_') && DnsName::parse(&rest.replace('_', "a")).is_ok() {
        &table::DNS_NAME_UNDERSCORE
    } else {
        &table::DNS_NAME_MALFORMED
    };
    findings.add_at(lint, text(name));
}

/// RFC 3986 §3.1, and something after it.
fn has_scheme(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let is_scheme = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
    let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_visible = rest.bytes().all(|octet| octet.is_ascii_graphic());
    starts_well && scheme.bytes().all(is_scheme) && !rest.trim_start_matches('/').is_empty() && is_visible
}

fn add_unless(is_right: bool, lint: &'static super::Lint, name: Element<'_>, findings: &mut Findings) {
    if !is_right {
        findings.add_at(lint, text(name));
    }
}
