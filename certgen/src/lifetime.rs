//! How long a certificate is asked to live, and what is said about it.

use std::borrow::Cow;

use cryptokit::x509::{LeafProfile, Profile};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};

use crate::explain::Explain;
use crate::text::timestamp;

/// A lifetime as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// So long from the moment of issue.
    For(Duration),
    /// Until this moment.
    Until(OffsetDateTime),
}

/// Why no certificate lives so long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LifetimeError {
    /// The end is not after the moment of issue.
    #[error("a certificate cannot end at {}, which has passed", timestamp(*until))]
    Past {
        /// The end.
        until: OffsetDateTime,
    },
    /// Longer than the profile allows, or nothing at all.
    #[error("a certificate of this kind lives for 1 to {max_days} days")]
    OutOfRange {
        /// The longest life.
        max_days: i64,
    },
}

impl Explain for LifetimeError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Past { .. } => "give a later --until, and check this machine's clock".into(),
            Self::OutOfRange { .. } => {
                "ask for less; certificates that are renewed by a timer need not live long".into()
            }
        }
    }
}

impl Lifetime {
    /// So many days.
    pub const fn days(days: u32) -> Self {
        Self::For(Duration::days(days as i64))
    }

    /// Reads RFC 3339, or a date, which counts until its last second in UTC.
    ///
    /// # Errors
    ///
    /// What a date looks like.
    pub fn parse_until(text: &str) -> Result<OffsetDateTime, &'static str> {
        if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(moment);
        }
        Date::parse(text, format_description!("[year]-[month]-[day]"))
            .map(|date| date.with_time(END_OF_DAY).assume_utc())
            .map_err(|_| "a date is written as 2027-01-31 or 2027-01-31T12:00:00Z")
    }

    /// The span from the moment of issue, which the profile allows. Whether it ends before its issuer does only the
    /// issuer can tell.
    ///
    /// # Errors
    ///
    /// [`LifetimeError`].
    pub fn span(self, profile: Profile, now: OffsetDateTime) -> Result<Duration, LifetimeError> {
        let now = now.replace_nanosecond(0).unwrap_or(now);
        let span = match self {
            Self::For(span) => span,
            Self::Until(until) if until <= now => return Err(LifetimeError::Past { until }),
            // Certificates know whole seconds.
            Self::Until(until) => until.replace_nanosecond(0).unwrap_or(until) - now,
        };
        let max = profile.max_lifetime();
        if span.is_positive() && span <= max {
            Ok(span)
        } else {
            let max_days = max.whole_days();
            Err(LifetimeError::OutOfRange { max_days })
        }
    }
}

/// What is to be said about a leaf of this lifetime, if anything.
pub fn warning(profile: LeafProfile, span: Duration) -> Option<String> {
    let is_server = profile != LeafProfile::Client;
    (is_server && span > Profile::APPLE_SERVER_LIFETIME).then(|| {
        format!(
            "Apple's systems refuse a server whose certificate lives for more than {} days, whoever issued it",
            Profile::APPLE_SERVER_LIFETIME.whole_days()
        )
    })
}

const END_OF_DAY: Time = match Time::from_hms(23, 59, 59) {
    Ok(time) => time,
    Err(_) => Time::MIDNIGHT,
};

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: Profile = Profile::Leaf(LeafProfile::Server);

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    #[test]
    fn dates_are_read_in_two_forms() {
        for (text, meant) in [
            ("2027-01-31", "2027-01-31T23:59:59Z"),
            ("2028-02-29", "2028-02-29T23:59:59Z"),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"),
        ] {
            assert_eq!(Lifetime::parse_until(text), Ok(at(meant)), "{text}");
        }
        for text in [
            "",
            "2027",
            "2027-1-31",
            "2027-02-29",
            "2027-13-01",
            "31.01.2027",
            "2027-01-31 12:00:00",
            "2027-01-31T12:00:00",
            "+12027-01-31",
            "2027-01-31 ",
            "tomorrow",
        ] {
            assert!(Lifetime::parse_until(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_span_is_counted_from_the_second_of_issue() {
        let now = at("2027-01-01T00:00:00.5Z");
        let until = Lifetime::Until(at("2027-01-02T00:00:00.9Z"));
        assert_eq!(until.span(LEAF, now), Ok(Duration::DAY));
        assert_eq!(Lifetime::days(7).span(LEAF, now), Ok(Duration::days(7)));
    }

    #[test]
    fn what_has_passed_and_what_is_too_long_is_refused() {
        let now = at("2027-01-01T00:00:00Z");
        for past in ["2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "0001-01-01T00:00:00Z"] {
            let refused = Lifetime::Until(at(past)).span(LEAF, now);
            assert!(matches!(refused, Err(LifetimeError::Past { .. })), "{past}");
        }
        for (profile, max_days) in [(LEAF, 3653), (Profile::Root, 9131), (Profile::Intermediate, 3653)] {
            let days = |days| Lifetime::days(days).span(profile, now);
            assert!(days(u32::try_from(max_days).unwrap()).is_ok());
            for asked in [0, u32::try_from(max_days).unwrap() + 1, u32::MAX] {
                assert_eq!(days(asked), Err(LifetimeError::OutOfRange { max_days }), "{asked}");
            }
        }
        let refused = Lifetime::Until(at("9999-12-31T23:59:59Z")).span(LEAF, now);
        assert!(matches!(refused, Err(LifetimeError::OutOfRange { .. })));
    }

    #[test]
    fn servers_that_apple_would_refuse_are_warned_of() {
        assert_eq!(warning(LeafProfile::Server, Duration::days(825)), None);
        for profile in [LeafProfile::Server, LeafProfile::Peer, LeafProfile::Spiffe] {
            assert!(warning(profile, Duration::days(826)).unwrap().contains("825 days"));
        }
        assert_eq!(warning(LeafProfile::Client, Duration::days(3653)), None);
    }
}
