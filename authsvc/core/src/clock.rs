//! Time, passed in.

use time::OffsetDateTime;

/// Tells the time in UTC.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A clock that stands still until it is set.
#[cfg(feature = "test-util")]
#[derive(Debug)]
pub struct TestClock(std::sync::atomic::AtomicI64);

#[cfg(feature = "test-util")]
impl TestClock {
    /// Stands at `unix_timestamp`, seconds since 1970.
    pub fn at(unix_timestamp: i64) -> Self {
        Self(unix_timestamp.into())
    }

    /// Moves by `seconds`, also backwards.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(feature = "test-util")]
impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
            .expect("tests stay within the calendar")
    }
}
