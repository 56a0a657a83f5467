//! Moments as people name them: RFC 3339, or how long ago.

use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment, perhaps in relation to the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(OffsetDateTime),
    /// So long before now.
    Ago(Duration),
}

/// The text names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a time such as 2026-11-22T12:00:00Z nor such as 45s, 30m, 12h or 7d")]
pub struct InvalidMoment;

impl Moment {
    /// The moment, seen from `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidMoment`] for what is longer ago than there are times.
    pub fn seen_from(self, now: OffsetDateTime) -> Result<OffsetDateTime, InvalidMoment> {
        match self {
            Self::At(time) => Ok(time),
            Self::Ago(ago) => ago
                .try_into()
                .ok()
                .and_then(|ago| now.checked_sub(ago))
                .ok_or(InvalidMoment),
        }
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    /// Reads `2026-11-22T12:00:00Z`, `45s`, `30m`, `12h` or `7d`.
    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(time) => Ok(Self::At(time)),
            Err(_) => ago(text).map(Self::Ago).ok_or(InvalidMoment),
        }
    }
}

fn ago(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_plain)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ages_are_read_and_nothing_else() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let read = |text: &str| {
            let moment: Moment = text.parse()?;
            moment.seen_from(now).map(OffsetDateTime::unix_timestamp)
        };
        assert_eq!(read("2027-01-15T08:00:00Z"), Ok(1_800_000_000));
        assert_eq!(read("2027-01-15T09:00:00+01:00"), Ok(1_800_000_000));
        assert_eq!(read("90s"), Ok(1_800_000_000 - 90));
        assert_eq!(read("7d"), Ok(1_800_000_000 - 7 * 86_400));
        for text in [
            "",
            "h",
            "1",
            "-1h",
            "+1h",
            "1.5h",
            "1w",
            "18446744073709551615d",
            "99999999999999d",
            "1ü",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
