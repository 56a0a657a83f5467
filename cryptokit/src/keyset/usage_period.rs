//! When a key may make new things.

use time::OffsetDateTime;

/// The seconds in which a key may make new things: seal, sign, hash. NIST SP 800-57 part 1 rev. 5 §5.3.6 calls it the
/// originator-usage period; what was made stays good afterwards, until the key is revoked or pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsagePeriod {
    /// Seconds since 1970, so that a period reads back from the sealed form as it was.
    not_before: Option<i64>,
    not_after: Option<i64>,
}

/// No second is in the period, or one of its ends is outside the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not_after before not_before, or a year outside 1970 to 9999")]
pub struct InvalidUsagePeriod;

impl UsagePeriod {
    /// Without beginning and end.
    pub const ALWAYS: Self = Self {
        not_before: None,
        not_after: None,
    };

    /// From the first to the last second given, both included; `None` for no bound. Fractions of seconds are dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidUsagePeriod`].
    pub fn new(
        not_before: Option<OffsetDateTime>,
        not_after: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidUsagePeriod> {
        Self::from_seconds(
            not_before.map(OffsetDateTime::unix_timestamp),
            not_after.map(OffsetDateTime::unix_timestamp),
        )
    }

    pub(super) fn from_seconds(not_before: Option<i64>, not_after: Option<i64>) -> Result<Self, InvalidUsagePeriod> {
        let storable = |end: Option<i64>| end.is_none_or(|seconds| time_from_seconds(seconds).is_some());
        let empty = not_before.zip(not_after).is_some_and(|(first, last)| last < first);
        if empty || !storable(not_before) || !storable(not_after) {
            return Err(InvalidUsagePeriod);
        }
        Ok(Self { not_before, not_after })
    }

    /// The first second, if there is one.
    pub fn not_before(&self) -> Option<OffsetDateTime> {
        self.not_before.and_then(time_from_seconds)
    }

    /// The last second, if there is one.
    pub fn not_after(&self) -> Option<OffsetDateTime> {
        self.not_after.and_then(time_from_seconds)
    }

    /// Whether `now` is in it.
    pub fn contains(&self, now: OffsetDateTime) -> bool {
        !self.is_before(now) && !self.is_over(now)
    }

    /// Whether it has not begun at `now`.
    pub fn is_before(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_some_and(|first| now.unix_timestamp() < first)
    }

    /// Whether it has ended at `now`.
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.not_after.is_some_and(|last| now.unix_timestamp() > last)
    }
}

/// The time of a number of seconds since 1970, within the years 1970 to 9999.
pub(super) fn time_from_seconds(seconds: i64) -> Option<OffsetDateTime> {
    if seconds < 0 {
        return None;
    }
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const FIRST: OffsetDateTime = datetime!(2030-01-01 00:00:00 UTC);
    const LAST: OffsetDateTime = datetime!(2030-03-31 23:59:59 UTC);

    #[test]
    fn both_ends_are_inside_to_the_second() {
        let period = UsagePeriod::new(Some(FIRST), Some(LAST)).unwrap();
        let second = time::Duration::SECOND;
        for (now, inside) in [
            (FIRST - second, false),
            (FIRST - time::Duration::NANOSECOND, false),
            (FIRST, true),
            (LAST, true),
            (LAST + second - time::Duration::NANOSECOND, true),
            (LAST + second, false),
        ] {
            assert_eq!(period.contains(now), inside, "{now}");
        }
        assert!(period.is_before(FIRST - second) && !period.is_over(FIRST - second));
        assert!(period.is_over(LAST + second) && !period.is_before(LAST + second));
        assert_eq!((period.not_before(), period.not_after()), (Some(FIRST), Some(LAST)));
        assert!(UsagePeriod::ALWAYS.contains(OffsetDateTime::UNIX_EPOCH));
    }

    #[test]
    fn a_period_that_never_is_or_cannot_be_written_is_refused() {
        let before_1970 = datetime!(1969-12-31 23:59:59 UTC);
        assert_eq!(UsagePeriod::new(Some(LAST), Some(FIRST)), Err(InvalidUsagePeriod));
        assert_eq!(UsagePeriod::new(Some(before_1970), None), Err(InvalidUsagePeriod));
        assert_eq!(UsagePeriod::new(None, Some(before_1970)), Err(InvalidUsagePeriod));
        assert_eq!(UsagePeriod::from_seconds(Some(i64::MAX), None), Err(InvalidUsagePeriod));
        assert!(UsagePeriod::new(Some(FIRST), Some(FIRST)).is_ok(), "one second");
    }
}
