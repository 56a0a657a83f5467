//! Noting which registered service fetched which public keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cryptokit::x509::PeerCertificate;
use time::{Duration, OffsetDateTime};

use super::{AuthService, Failure};
use crate::domain::ServiceName;
use crate::storage::KeyConsumer;

/// A fetch of the same keys by the same service is noted this often, so that fetching writes no more than this.
const NOTED_EVERY: Duration = Duration::MINUTE;

/// Registered services remembered here; more are written more often than they need to be.
const MAX_REMEMBERED: usize = 4096;

/// What this replica wrote last for each service.
#[derive(Debug, Default)]
pub(super) struct NotedFetches(Mutex<HashMap<ServiceName, (OffsetDateTime, u64)>>);

impl NotedFetches {
    /// Whether a fetch has to be written; it counts as written from here on.
    fn claim(&self, service: &ServiceName, version: u64, now: OffsetDateTime) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |(at, seen): &(OffsetDateTime, u64)| *seen == version && (now - *at).abs() < NOTED_EVERY;
        if noted.get(service).is_some_and(recent) {
            return false;
        }
        if noted.len() >= MAX_REMEMBERED {
            noted.clear();
        }
        noted.insert(service.clone(), (now, version));
        true
    }

    fn forget(&self, service: &ServiceName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }
}

/// That somebody writes it. Whoever fails, or is given up while the database takes its time, leaves it to the next fetch.
struct Claim<'a> {
    fetches: &'a NotedFetches,
    service: &'a ServiceName,
}

impl Claim<'_> {
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.fetches.forget(self.service);
    }
}

impl AuthService {
    /// Notes that a client fetched the keys of `version`. A client that is no registered service is nobody's consumer.
    ///
    /// # Errors
    ///
    /// What looking it up and writing fail with; the keys are public and served all the same.
    pub async fn note_key_fetch(&self, peer: &PeerCertificate, version: u64, kids: &[String]) -> Result<(), Failure> {
        let caller = self.authorize_caller(peer).await?;
        let now = self.clock.now();
        if !self.noted_fetches.claim(caller.name(), version, now) {
            return Ok(());
        }
        let consumer = KeyConsumer {
            service: caller.name().clone(),
            fetched_at: now,
            kids: kids.to_vec(),
        };
        let claim = Claim {
            fetches: &self.noted_fetches,
            service: caller.name(),
        };
        self.store.record_key_consumer(&consumer).await?;
        claim.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fetch_is_written_once_a_minute_and_another_set_at_once() {
        let noted = NotedFetches::default();
        let (orders, billing) = ("orders".parse().unwrap(), "billing".parse().unwrap());
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds);
        assert!(noted.claim(&orders, 1, at(100)));
        assert!(!noted.claim(&orders, 1, at(159)));
        assert!(noted.claim(&billing, 1, at(101)), "each for itself");
        assert!(noted.claim(&orders, 2, at(159)), "another set");
        assert!(!noted.claim(&orders, 2, at(218)));
        assert!(noted.claim(&orders, 2, at(219)));
        assert!(noted.claim(&orders, 2, at(100)), "the clock was set back");
        drop(Claim {
            fetches: &noted,
            service: &orders,
        });
        assert!(noted.claim(&orders, 2, at(100)), "it was given up");
        Claim {
            fetches: &noted,
            service: &orders,
        }
        .keep();
        assert!(!noted.claim(&orders, 2, at(100)), "it was written");
    }
}
