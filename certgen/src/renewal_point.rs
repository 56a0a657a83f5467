//! When a certificate is due for renewal.

use std::fmt;
use std::str::FromStr;

use cryptokit::x509::Certificate;
use time::{Duration, OffsetDateTime};

use crate::duration;

/// The point in a certificate's life from which it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalPoint {
    /// When this share of its life has passed.
    Used {
        /// At most `of`.
        parts: u8,
        /// 1 to 100.
        of: u8,
    },
    /// When so much of its life is left.
    Left(Duration),
}

/// After two thirds: of 90 days, 30 are left to notice a renewal that fails.
impl Default for RenewalPoint {
    fn default() -> Self {
        Self::Used { parts: 2, of: 3 }
    }
}

/// Why text is no point in a certificate's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give the share of its life that has passed, as 75% or 2/3, or the time that is left, as 10d or 36h")]
pub struct RenewalPointError;

impl FromStr for RenewalPoint {
    type Err = RenewalPointError;

    /// Reads `75%`, `2/3`, or a span of time such as `10d`, `36h` or `1h15m`.
    fn from_str(text: &str) -> Result<Self, RenewalPointError> {
        let number = |text: &str| {
            let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u8>().ok()).flatten()
        };
        let share = if let Some(percent) = text.strip_suffix('%') {
            number(percent).zip(Some(100))
        } else if let Some((parts, of)) = text.split_once('/') {
            number(parts).zip(number(of))
        } else {
            return duration::parse(text).map(Self::Left).map_err(|_| RenewalPointError);
        };
        match share {
            Some((parts, of)) if (1..=100).contains(&of) && parts <= of => Ok(Self::Used { parts, of }),
            _ => Err(RenewalPointError),
        }
    }
}

impl fmt::Display for RenewalPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used { parts, of: 100 } => write!(f, "{parts}% of its life passed"),
            Self::Used { parts, of } => write!(f, "{parts}/{of} of its life passed"),
            Self::Left(left) => write!(f, "{} left", duration::in_words(*left)),
        }
    }
}

impl RenewalPoint {
    /// The moment from which a certificate of this validity is due; not before it begins.
    pub fn due_at(self, not_before: OffsetDateTime, not_after: OffsetDateTime) -> OffsetDateTime {
        let life = (not_after - not_before).max(Duration::ZERO);
        let left = match self {
            // In seconds: a life has at most 2^39 of them.
            Self::Used { parts, of } => Duration::seconds(life.whole_seconds() * i64::from(of - parts) / i64::from(of)),
            Self::Left(left) => left.min(life),
        };
        not_after - left
    }

    /// Where a certificate stands at `now`.
    pub fn standing(self, certificate: &Certificate, now: OffsetDateTime) -> Standing {
        self.standing_of(certificate.not_before(), certificate.not_after(), now)
    }

    /// Where a certificate of this validity stands at `now`.
    pub fn standing_of(self, not_before: OffsetDateTime, not_after: OffsetDateTime, now: OffsetDateTime) -> Standing {
        let due = self.due_at(not_before, not_after);
        if now > not_after {
            Standing::Expired
        } else if now < not_before {
            Standing::NotYetValid
        } else if now >= due {
            Standing::Due
        } else {
            Standing::NotYetDue { due }
        }
    }

    /// Whether every new certificate with a life of that length is due as soon as it is made.
    pub fn is_always_due(self, life: Duration) -> bool {
        match self {
            Self::Used { parts, .. } => parts == 0,
            Self::Left(left) => left >= life - BACKDATE,
        }
    }
}

/// How much of its life a certificate of ours has behind it when it is made.
const BACKDATE: Duration = Duration::minutes(5);

/// Where a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its validity has not begun.
    NotYetValid,
    /// Valid, and not due.
    NotYetDue {
        /// When it will be.
        due: OffsetDateTime,
    },
    /// Valid, and due for renewal.
    Due,
    /// No longer valid.
    Expired,
}

impl Standing {
    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotYetValid => "not-yet-valid",
            Self::NotYetDue { .. } => "not-yet-due",
            Self::Due => "due",
            Self::Expired => "expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use cryptokit::x509::{CertificateAuthority, DistinguishedName};

    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn reads_shares_and_spans() {
        let used = |parts, of| Ok(RenewalPoint::Used { parts, of });
        assert_eq!("75%".parse(), used(75, 100));
        assert_eq!("100%".parse(), used(100, 100));
        assert_eq!("0%".parse(), used(0, 100));
        assert_eq!("2/3".parse(), used(2, 3));
        assert_eq!("10d".parse(), Ok(RenewalPoint::Left(Duration::days(10))));
        assert_eq!("1h15m".parse(), Ok(RenewalPoint::Left(Duration::minutes(75))));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "", "%", "/", "75", "101%", "256%", "-1%", "+75%", "7.5%", "75 %", "75%%", "3/2", "0/0", "1/0", "1/101",
            "2/3/4", "2/", "/3", "10", "ten days",
        ] {
            assert_eq!(text.parse::<RenewalPoint>(), Err(RenewalPointError), "{text}");
        }
    }

    #[test]
    fn the_moment_counts_from_the_end() {
        for (point, due) in [
            ("2/3", 700),
            ("75%", 775),
            ("0%", 100),
            ("100%", 1_000),
            ("100s", 900),
            ("900s", 100),
            ("10d", 100),
            ("0s", 1_000),
        ] {
            let point: RenewalPoint = point.parse().unwrap();
            assert_eq!(point.due_at(at(100), at(1_000)), at(due), "{point}");
        }
    }

    #[test]
    fn first_and_last_second_are_valid() {
        let authority = CertificateAuthority::new_root(&DistinguishedName::new("test").unwrap(), at(1_800_000_000));
        let certificate = authority.unwrap().certificate().clone();
        let (first, last) = (certificate.not_before(), certificate.not_after());
        let second = Duration::seconds(1);
        let point = RenewalPoint::Used { parts: 100, of: 100 };
        for (now, standing) in [
            (first - second, Standing::NotYetValid),
            (first, Standing::NotYetDue { due: last }),
            (last - second, Standing::NotYetDue { due: last }),
            (last, Standing::Due),
            (last + second, Standing::Expired),
        ] {
            assert_eq!(point.standing(&certificate, now), standing, "{now}");
        }
    }

    #[test]
    fn a_validity_of_ten_thousand_years_does_not_overflow() {
        let point: RenewalPoint = "1%".parse().unwrap();
        let due = point.due_at(at(-631_152_000), at(253_402_300_799));
        assert!(due < at(253_402_300_799));
    }

    #[test]
    fn a_point_longer_than_the_life_is_always_due() {
        let life = Duration::days(90);
        for (point, always) in [
            ("90d", true),
            ("91d", true),
            ("89d", false),
            ("0%", true),
            ("1%", false),
        ] {
            assert_eq!(
                point.parse::<RenewalPoint>().unwrap().is_always_due(life),
                always,
                "{point}"
            );
        }
    }
}
