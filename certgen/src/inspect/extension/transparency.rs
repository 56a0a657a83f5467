//! Signed certificate timestamps (RFC 6962 §3.3): promises of logs that they hold the certificate.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::super::asn1::{Broken, OCTET_STRING, Reader};
use super::super::time::rfc3339;
use super::Decoded;
use crate::printable::colon_hex;
use crate::text::hex;

pub(super) fn timestamps(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut list = Row(reader.expect(OCTET_STRING)?.contents);
    let mut entries = Row(list.vector()?);
    let mut lines = Vec::new();
    let mut json = Vec::new();
    while !entries.0.is_empty() {
        let entry = entries.vector()?;
        let (line, value) = timestamp(entry)?;
        lines.push(line);
        json.push(value);
    }
    if !list.0.is_empty() {
        return Err(Broken::Value);
    }
    Ok(Decoded {
        lines,
        json: Value::Array(json),
    })
}

/// Version, the log's key id, milliseconds since 1970; extensions and signature are for those who know the log's key.
fn timestamp(entry: &[u8]) -> Result<(String, Value), Broken> {
    let mut fields = Row(entry);
    let version = fields.octets(1)?[0];
    if version != 0 {
        return Ok((
            format!("of version {}", u32::from(version) + 1),
            json!({"version": u32::from(version) + 1}),
        ));
    }
    let log = fields.octets(32)?;
    let milliseconds = fields
        .octets(8)?
        .iter()
        .fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
    let seconds = Duration::seconds((milliseconds / 1000).cast_signed());
    let time = OffsetDateTime::UNIX_EPOCH.checked_add(seconds).ok_or(Broken::Value)?;
    let time = rfc3339(time);
    Ok((
        format!("{time} log {}", colon_hex(log)),
        json!({"version": 1, "log_id": hex(log), "time": time}),
    ))
}

/// What is left of a row of fields as TLS writes them (RFC 8446 §3).
struct Row<'a>(&'a [u8]);

impl<'a> Row<'a> {
    fn octets(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (octets, rest) = self.0.split_at_checked(count).ok_or(Broken::EndsEarly)?;
        self.0 = rest;
        Ok(octets)
    }

    /// Octets behind their number in two octets.
    fn vector(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.octets(2)?;
        self.octets(usize::from(length[0]) << 8 | usize::from(length[1]))
    }
}
