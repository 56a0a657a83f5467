//! How fast one source, or one calling service, may ask.
//!
//! The table has as many places as it has, whoever asks: a key is hashed to one of them. Two that share a place share
//! its rate, which an outsider cannot bring about on purpose, because the hash is keyed anew in each process.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use authsvc_core::domain::SourceNetwork;
use cryptokit::x509::PeerCertificate;
use governor::clock::{Clock, DefaultClock};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

/// Places in a table: half a megabyte.
const PLACES: usize = 1 << 16;
/// A source that was quiet may ask this many seconds' worth at once.
const BURST_SECONDS: u32 = 5;

/// The rates of one process.
pub struct RequestRates {
    sources: Rate,
    callers: Rate,
}

/// One table.
struct Rate {
    limiter: RateLimiter<usize, Places, DefaultClock>,
    clock: DefaultClock,
    hasher: RandomState,
}

struct Places(Box<[InMemoryState]>);

/// Too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFast {
    /// When one more request would do, in whole seconds, 1 at least.
    pub retry_after: Duration,
}

impl RequestRates {
    /// So many requests a second for a source without a client certificate, and for a service with one.
    pub fn new(source_per_second: NonZeroU32, caller_per_second: NonZeroU32) -> Self {
        Self {
            sources: Rate::new(source_per_second),
            callers: Rate::new(caller_per_second),
        }
    }

    /// Counts a request of a source.
    ///
    /// # Errors
    ///
    /// [`TooFast`]; such a request does not count.
    pub fn count_source(&self, source: SourceNetwork) -> Result<(), TooFast> {
        self.sources.count(&source)
    }

    /// Counts a request of a service, known by its certificate.
    ///
    /// # Errors
    ///
    /// [`TooFast`]; such a request does not count.
    pub fn count_caller(&self, caller: &PeerCertificate) -> Result<(), TooFast> {
        // By its issuer and its first name, as `ServiceIdentity` has them.
        let identity = (caller.issuer_spki_sha256(), caller.subject_alternative_names().first());
        self.callers.count(&identity)
    }
}

impl fmt::Debug for RequestRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestRates")
    }
}

impl Rate {
    fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let clock = DefaultClock::default();
        Self {
            limiter: RateLimiter::new(
                quota,
                Places((0..PLACES).map(|_| InMemoryState::default()).collect()),
                clock.clone(),
            ),
            clock,
            hasher: RandomState::new(),
        }
    }

    fn count(&self, key: &impl Hash) -> Result<(), TooFast> {
        let place = self.hasher.hash_one(key) as usize % PLACES;
        self.limiter.check_key(&place).map_err(|until| TooFast {
            retry_after: Duration::from_secs(until.wait_time_from(self.clock.now()).as_secs() + 1),
        })
    }
}

impl StateStore for Places {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, place: &usize, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0[place % PLACES].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_source_has_its_burst_and_takes_nothing_from_others() {
        let rates = RequestRates::new(NonZeroU32::new(2).unwrap(), NonZeroU32::MIN);
        let source = |text: &str| SourceNetwork::from(text.parse::<IpAddr>().unwrap());
        let flood = source("2001:db8:1:2::1");
        let granted = (0..1000).take_while(|_| rates.count_source(flood).is_ok()).count();
        assert!((10..=12).contains(&granted), "{granted}");
        assert_eq!(
            rates
                .count_source(source("2001:db8:1:2::2"))
                .unwrap_err()
                .retry_after
                .as_secs(),
            1
        );
        // One of a hundred others may share its place by chance, with a probability of 1 in 600.
        let others = (0..100).filter(|n| rates.count_source(source(&format!("192.0.2.{n}"))).is_ok());
        assert!(others.count() >= 98);
    }
}
