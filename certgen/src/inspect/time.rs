//! Times in words.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::asn1::Moment;
use crate::printable::printable;

/// `2026-11-22T07:00:00Z`.
pub(super) fn rfc3339(time: OffsetDateTime) -> String {
    // Years beyond four digits are shown otherwise.
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// A time as it was read: in one form where it is one, else as it is written.
pub(super) fn shown(moment: &Moment) -> String {
    match moment.time {
        Some(time) => rfc3339(time),
        None => format!("`{}`, which is no time", printable(&moment.text)),
    }
}
