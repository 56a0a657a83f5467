//! What certificates, lists and requests share: signature algorithms, times, serial numbers, duplicate extensions.

use time::{Date, Month, OffsetDateTime, Time};

use super::Findings;
use super::table;
use super::view::{ExtensionView, oid};
use crate::der::{Element, GENERALIZED_TIME, NULL, OID, UTC_TIME, oid_text};

/// RFC 5280 §4.1.1.2 and the algorithms' own standards.
pub(super) fn check_signature_algorithm(algorithm: Element<'_>, findings: &mut Findings) {
    let mut fields = algorithm.inside();
    let Ok(identifier) = fields.expect(OID) else {
        findings.add_at(&table::MALFORMED, "the signature algorithm has no identifier");
        return;
    };
    let parameters = fields.element().ok();
    let name = oid_text(identifier.contents);
    match name.as_str() {
        "1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4" => {
            findings.add_at(&table::WEAK_SIGNATURE, "MD2, MD4 or MD5 with RSA");
        }
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => findings.add_at(&table::WEAK_SIGNATURE, "SHA-1 with RSA"),
        "1.2.840.10045.4.1" => findings.add_at(&table::WEAK_SIGNATURE, "SHA-1 with ECDSA"),
        "1.2.840.10040.4.3" => findings.add_at(&table::WEAK_SIGNATURE, "SHA-1 with DSA"),
        // RFC 4055 §5: NULL.
        "1.2.840.113549.1.1.11" | "1.2.840.113549.1.1.12" | "1.2.840.113549.1.1.13" | "1.2.840.113549.1.1.14"
            if parameters.is_none_or(|parameters| parameters.tag != NULL) =>
        {
            findings.add_at(&table::SIGNATURE_PARAMETERS, "RSA without NULL");
        }
        // RFC 5758 §3.2, RFC 8410 §3: absent.
        "1.2.840.10045.4.3.1"
        | "1.2.840.10045.4.3.2"
        | "1.2.840.10045.4.3.3"
        | "1.2.840.10045.4.3.4"
        | "1.3.101.112"
        | "1.3.101.113"
            if parameters.is_some() =>
        {
            findings.add_at(&table::SIGNATURE_PARAMETERS, format!("{name} with parameters"));
        }
        _ => {}
    }
}

/// The time, with what is wrong with its form (RFC 5280 §4.1.2.5, §5.1.2.4).
pub(super) fn check_time(what: &str, element: Element<'_>, findings: &mut Findings) -> Option<OffsetDateTime> {
    let Some(time) = read_time(element) else {
        findings.add_at(&table::TIME_MALFORMED, what);
        return None;
    };
    let is_utc_time = element.tag == UTC_TIME;
    if is_utc_time != (time.year() < 2050) {
        findings.add_at(&table::TIME_FORM, what);
    }
    Some(time)
}

/// A UTCTime or GeneralizedTime with seconds and `Z` and nothing else.
pub(super) fn read_time(element: Element<'_>) -> Option<OffsetDateTime> {
    let digits = element.contents.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |at: usize| (digits[at] - b'0') * 10 + (digits[at + 1] - b'0');
    let (year, rest) = match (element.tag, digits.len()) {
        (UTC_TIME, 12) => match i32::from(pair(0)) {
            year @ 50.. => (1900 + year, 2),
            year => (2000 + year, 2),
        },
        (GENERALIZED_TIME, 14) => (i32::from(pair(0)) * 100 + i32::from(pair(2)), 4),
        _ => return None,
    };
    let date = Date::from_calendar_date(year, Month::try_from(pair(rest)).ok()?, pair(rest + 2)).ok()?;
    let time = Time::from_hms(pair(rest + 4), pair(rest + 6), pair(rest + 8)).ok()?;
    Some(date.with_time(time).assume_utc())
}

/// RFC 5280 §4.1.2.2.
pub(super) fn check_serial(serial: &[u8], is_root: bool, findings: &mut Findings) {
    let is_zero = serial.iter().all(|octet| *octet == 0);
    let is_negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    findings.add_if(&table::SERIAL_NOT_POSITIVE, is_zero || is_negative);
    findings.add_if(&table::SERIAL_TOO_LONG, serial.len() > 20);
    // A root's is compared with nothing.
    findings.add_if(
        &table::SERIAL_SHORT,
        serial.len() < 8 && !is_zero && !is_negative && !is_root,
    );
}

/// RFC 5280 §4.2, of whatever has extensions.
pub(super) fn check_extension_list(extensions: &[ExtensionView<'_>], findings: &mut Findings) {
    for (index, extension) in extensions.iter().enumerate() {
        let name = oid_text(extension.oid);
        if extensions[..index].iter().any(|earlier| earlier.oid == extension.oid) {
            findings.add_at(&table::EXTENSION_DUPLICATE, name.clone());
        }
        if extension.has_written_default {
            findings.add_at(&table::DEFAULT_ENCODED, format!("critical of {name}"));
        }
        let is_of_rfc_5280 = extension.oid.starts_with(&[0x55, 0x1d]) || extension.oid == oid::AUTHORITY_INFO_ACCESS;
        if extension.critical && !is_of_rfc_5280 {
            findings.add_at(&table::CRITICAL_UNKNOWN, name);
        }
    }
}
