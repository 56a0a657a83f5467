//! A time that a clock set ahead does not move: what is over by it is over.
//!
//! Revocations are forgotten when the last token that they concern has expired. By a clock that is set ahead for a while,
//! that would be at once, and after it is set right the tokens would be good again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::TOKENS_END;
use crate::clock::Clock;

/// How far ahead of the time that passes the clock was at the least, in the running period and in the one before.
#[derive(Default)]
pub(super) struct SettledTime(Mutex<Option<Periods>>);

struct Periods {
    /// Uptime when the running period began.
    began: Duration,
    /// The clock less the uptime, at the least.
    least: OffsetDateTime,
    /// `None` during the first.
    least_before: Option<OffsetDateTime>,
}

impl SettledTime {
    /// The earliest time that it can be, by anything the clock has said in the last [`TOKENS_END`] at least. A clock that stays
    /// ahead for so long is believed: what was alive when it was set has expired by then.
    ///
    /// `None` until this process has seen that much time pass, because the clock may be ahead already when it starts.
    pub(super) fn read(&self, clock: &dyn Clock) -> Option<OffsetDateTime> {
        let uptime = clock.uptime();
        let base = clock.now() - uptime;
        // Nothing between the lock and the end panics.
        let mut periods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let periods = periods.get_or_insert(Periods {
            began: uptime,
            least: base,
            least_before: None,
        });
        if uptime.saturating_sub(periods.began) >= TOKENS_END {
            *periods = Periods {
                began: uptime,
                least: base,
                least_before: Some(periods.least),
            };
        }
        periods.least = periods.least.min(base);
        Some(periods.least_before?.min(periods.least) + uptime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const START: i64 = 1_800_000_000;
    const PERIOD: i64 = TOKENS_END.as_secs().cast_signed();

    fn read(settled: &SettledTime, clock: &TestClock) -> Option<i64> {
        settled.read(clock).map(OffsetDateTime::unix_timestamp)
    }

    #[test]
    fn it_is_the_clock_once_a_period_has_passed() {
        let (settled, clock) = (SettledTime::default(), TestClock::at(START));
        assert_eq!(read(&settled, &clock), None);
        clock.advance(PERIOD - 1);
        assert_eq!(read(&settled, &clock), None);
        clock.advance(1);
        assert_eq!(read(&settled, &clock), Some(START + PERIOD));
        clock.advance(10 * PERIOD);
        assert_eq!(read(&settled, &clock), Some(START + 11 * PERIOD));
    }

    #[test]
    fn a_clock_set_ahead_is_believed_after_a_period_at_the_earliest() {
        let (settled, clock) = (SettledTime::default(), TestClock::at(START));
        read(&settled, &clock);
        clock.advance(PERIOD);
        read(&settled, &clock);
        clock.set_by(100_000);
        let mut passed = 0;
        while read(&settled, &clock).unwrap() == START + PERIOD + passed {
            clock.advance(10);
            passed += 10;
        }
        assert!((PERIOD..=2 * PERIOD).contains(&passed), "{passed}");
        assert_eq!(read(&settled, &clock), Some(START + PERIOD + passed + 100_000));
    }

    #[test]
    fn a_clock_set_back_is_believed_at_once() {
        let (settled, clock) = (SettledTime::default(), TestClock::at(START));
        read(&settled, &clock);
        clock.advance(PERIOD);
        read(&settled, &clock);
        clock.set_by(-500);
        assert_eq!(read(&settled, &clock), Some(START + PERIOD - 500));
        clock.set_by(500);
        assert_eq!(read(&settled, &clock), Some(START + PERIOD - 500));
    }

    #[test]
    fn a_clock_that_is_ahead_at_the_start_and_then_right_moves_nothing() {
        let (settled, clock) = (SettledTime::default(), TestClock::at(START + 100_000));
        read(&settled, &clock);
        clock.advance(PERIOD - 1);
        clock.set_by(-100_000);
        assert_eq!(read(&settled, &clock), None);
        clock.advance(1);
        assert_eq!(read(&settled, &clock), Some(START + PERIOD));
    }
}
