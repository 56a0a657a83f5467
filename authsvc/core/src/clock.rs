//! Time, passed in.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Tells the time in UTC, and how much of it passes.
pub trait Clock: Send + Sync {
    /// Now. Whoever sets the machine's clock moves it, forwards and back.
    fn now(&self) -> OffsetDateTime;

    /// What has passed since some moment of this process. Setting the machine's clock does not move it.
    fn uptime(&self) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn uptime(&self) -> Duration {
        static FIRST_ASKED: LazyLock<Instant> = LazyLock::new(Instant::now);
        FIRST_ASKED.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[cfg(any(test, feature = "test-util"))]
#[derive(Debug)]
pub struct TestClock {
    unix_timestamp: std::sync::atomic::AtomicI64,
    uptime_seconds: std::sync::atomic::AtomicU64,
}

#[cfg(any(test, feature = "test-util"))]
impl TestClock {
    /// Stands at `unix_timestamp`, seconds since 1970.
    pub fn at(unix_timestamp: i64) -> Self {
        Self {
            unix_timestamp: unix_timestamp.into(),
            uptime_seconds: 0.into(),
        }
    }

    /// Lets `seconds` pass; fewer than none set the clock back.
    pub fn advance(&self, seconds: i64) {
        self.set_by(seconds);
        self.uptime_seconds
            .fetch_add(seconds.try_into().unwrap_or(0), std::sync::atomic::Ordering::SeqCst);
    }

    /// Sets the clock by `seconds`, forwards or back, while no time passes.
    pub fn set_by(&self, seconds: i64) {
        self.unix_timestamp
            .fetch_add(seconds, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.unix_timestamp.load(std::sync::atomic::Ordering::SeqCst))
            .expect("tests stay within the calendar")
    }

    fn uptime(&self) -> Duration {
        Duration::from_secs(self.uptime_seconds.load(std::sync::atomic::Ordering::SeqCst))
    }
}
