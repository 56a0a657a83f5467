//! When a signing key is published, promoted, retired and pruned: a pure function of what is known.
//!
//! ```text
//!   publish ── twice the JWKS max-age, and until consumers have it, at most a day more ──► promote
//!   the old one: retire ── until its last token has ended ──► prune
//! ```

use std::time::Duration;

use cryptokit::jose::JwsAlgorithm;
use cryptokit::keyset::{InvalidUsagePeriod, KeyId, KeyStatus, UsagePeriod};
use cryptokit::sign::RsaKeySize;
use time::OffsetDateTime;

use super::key_ring::MAX_UNPOLLED_SIGNING;
use super::signing_key::SigningKeyEntry;
use crate::storage::KeyConsumer;

/// How long a fetched key set may be used without being fetched again.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(300);

/// How long a key is published before it signs: twice as long as a key set is used, so that nobody who keeps to it meets
/// a token of an unknown key.
pub const PUBLISHED_BEFORE_USE: Duration = Duration::from_secs(2 * JWKS_MAX_AGE.as_secs());

/// The longest that consumers who have not fetched a key put its use off.
pub const MAX_PROMOTION_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A service that has not fetched keys for this long is not waited for.
pub const CONSUMER_MEMORY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How far the clocks of replicas may be apart without one of them finding that a key's time has not come.
const CLOCK_ALLOWANCE: Duration = Duration::from_secs(60);

/// How much longer a key may sign than its rotation takes when all goes well. A service that cannot rotate for longer
/// stops issuing tokens, so this is ample.
const OVERDUE_ALLOWANCE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long a retired key may still be needed: the longest token there can be, the most leeway, what a replica signs
/// that has not heard of the change, and the clocks.
const TOKENS_OUTLIVE: Duration =
    Duration::from_secs(3600 + 60 + MAX_UNPOLLED_SIGNING.as_secs() + CLOCK_ALLOWANCE.as_secs());

/// What new signing keys are, and when they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    /// How long a key signs before its successor is published; `None` for no rotation but by command.
    pub rotation_period: Option<Duration>,
    /// What new keys sign with.
    pub algorithm: JwsAlgorithm,
    /// The size of new RSA keys.
    pub rsa_key_size: RsaKeySize,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// Give the primary key, which has no times yet, its own.
    Begin {
        /// The key.
        id: KeyId,
    },
    /// Make a key and publish it.
    Publish,
    /// Let a published key sign.
    Promote {
        /// The key.
        id: KeyId,
    },
    /// The primary key has ended and none is ready: make one that signs at once.
    Replace,
    /// Take out keys that nobody needs.
    Prune,
}

/// What is to be done, if anything, about `entries` at `now`.
pub fn next_step(
    entries: &[SigningKeyEntry],
    consumers: &[KeyConsumer],
    policy: &KeyPolicy,
    now: OffsetDateTime,
) -> Option<KeyStep> {
    let primary = entries.iter().find(|entry| entry.status == KeyStatus::Primary)?;
    let pending = pending(entries);
    if primary.usage_period.is_over(now) {
        // Nobody can be served worse than now.
        return Some(pending.map_or(KeyStep::Replace, |pending| KeyStep::Promote { id: pending.id }));
    }
    if let Some(pending) = pending {
        let waits = laggards(pending, consumers, now).next().is_some();
        let due = promotable_at(pending);
        if now >= due && (!waits || now >= due + MAX_PROMOTION_DELAY) {
            return Some(KeyStep::Promote { id: pending.id });
        }
    } else if let Some(period) = policy.rotation_period {
        match rotation_due(primary, period) {
            None => return Some(KeyStep::Begin { id: primary.id }),
            Some(due) if now >= due => return Some(KeyStep::Publish),
            Some(_) => {}
        }
    }
    let over = |entry: &SigningKeyEntry| {
        entry.status == KeyStatus::Retired
            && entry
                .needed_until
                .is_some_and(|until| now.unix_timestamp() > until.unix_timestamp())
    };
    entries.iter().any(over).then_some(KeyStep::Prune)
}

/// The key that is published and does not sign yet.
pub fn pending(entries: &[SigningKeyEntry]) -> Option<&SigningKeyEntry> {
    entries.iter().find(|entry| entry.status == KeyStatus::Active)
}

/// The consumers that fetched keys within [`CONSUMER_MEMORY`] and have not fetched this one.
pub fn laggards<'a>(
    key: &'a SigningKeyEntry,
    consumers: &'a [KeyConsumer],
    now: OffsetDateTime,
) -> impl Iterator<Item = &'a KeyConsumer> {
    let since = now - CONSUMER_MEMORY;
    consumers
        .iter()
        .filter(move |consumer| consumer.fetched_at >= since && !consumer.kids.contains(&key.kid))
}

/// When a published key may sign, if every consumer has it.
pub fn promotable_at(key: &SigningKeyEntry) -> OffsetDateTime {
    match key.usage_period.not_before() {
        // A replica whose clock is behind must not find that the key's time has not come.
        Some(not_before) => not_before + CLOCK_ALLOWANCE,
        None => OffsetDateTime::UNIX_EPOCH,
    }
}

/// When the successor of a key is to be published; `None` for a key that does not say since when it signs.
pub fn rotation_due(primary: &SigningKeyEntry, period: Duration) -> Option<OffsetDateTime> {
    let due = primary.usage_period.not_before()? + period;
    // Made under a shorter period: it must not end before its successor is ready.
    let latest = primary.usage_period.not_after().map(|end| end - OVERDUE_ALLOWANCE);
    Some(latest.map_or(due, |latest| due.min(latest)))
}

/// When a key published at `now` may sign.
pub(super) fn published_period(policy: &KeyPolicy, now: OffsetDateTime) -> Result<UsagePeriod, InvalidUsagePeriod> {
    period_from(policy, now + PUBLISHED_BEFORE_USE)
}

/// When a key may sign that has to do so at once.
pub(super) fn immediate_period(policy: &KeyPolicy, now: OffsetDateTime) -> Result<UsagePeriod, InvalidUsagePeriod> {
    period_from(policy, now - CLOCK_ALLOWANCE)
}

/// The same end, and a beginning that is not after `now`.
pub(super) fn begun_by(period: UsagePeriod, now: OffsetDateTime) -> Result<UsagePeriod, InvalidUsagePeriod> {
    let sooner = now - CLOCK_ALLOWANCE;
    UsagePeriod::new(Some(sooner), period.not_after())
}

/// The last second in which a token of a key that is retired at `now` may still be good.
pub(super) fn needed_until(now: OffsetDateTime) -> OffsetDateTime {
    now + TOKENS_OUTLIVE
}

fn period_from(policy: &KeyPolicy, from: OffsetDateTime) -> Result<UsagePeriod, InvalidUsagePeriod> {
    let end = policy.rotation_period.map(|period| from + period + OVERDUE_ALLOWANCE);
    UsagePeriod::new(Some(from), end)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-06-01 12:00:00 UTC);
    const DAY: Duration = Duration::from_secs(86_400);
    const POLICY: KeyPolicy = KeyPolicy {
        rotation_period: Some(Duration::from_secs(90 * 86_400)),
        algorithm: JwsAlgorithm::Rs256,
        rsa_key_size: RsaKeySize::Bits2048,
    };

    fn entry(number: u8, status: KeyStatus, usage_period: UsagePeriod) -> SigningKeyEntry {
        SigningKeyEntry {
            id: KeyId::from_bytes([number; 8]),
            kid: format!("kid-{number}"),
            algorithm: JwsAlgorithm::Rs256,
            status,
            usage_period,
            needed_until: None,
        }
    }

    fn from(not_before: OffsetDateTime) -> UsagePeriod {
        period_from(&POLICY, not_before).unwrap()
    }

    fn consumer(service: &str, fetched_at: OffsetDateTime, kids: &[&str]) -> KeyConsumer {
        KeyConsumer {
            service: service.parse().unwrap(),
            fetched_at,
            kids: kids.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_key_begins_signs_for_its_period_and_gets_a_successor() {
        let step = |entries: &[SigningKeyEntry], now| next_step(entries, &[], &POLICY, now);
        let fresh = entry(1, KeyStatus::Primary, UsagePeriod::ALWAYS);
        assert_eq!(
            step(std::slice::from_ref(&fresh), NOW),
            Some(KeyStep::Begin { id: fresh.id })
        );
        let primary = entry(1, KeyStatus::Primary, from(NOW));
        assert_eq!(
            step(std::slice::from_ref(&primary), NOW + 90 * DAY - Duration::from_secs(1)),
            None
        );
        assert_eq!(step(&[primary], NOW + 90 * DAY), Some(KeyStep::Publish));
    }

    #[test]
    fn a_published_key_signs_after_its_time_when_every_consumer_has_it() {
        let primary = entry(1, KeyStatus::Primary, from(NOW - 90 * DAY));
        let pending = entry(2, KeyStatus::Active, published_period(&POLICY, NOW).unwrap());
        let promote = Some(KeyStep::Promote { id: pending.id });
        let entries = [primary, pending.clone()];
        let due = promotable_at(&pending);
        assert_eq!(due, NOW + PUBLISHED_BEFORE_USE + CLOCK_ALLOWANCE);
        let second = Duration::from_secs(1);
        let has = [consumer("orders", NOW, &["kid-1", "kid-2"])];
        assert_eq!(next_step(&entries, &has, &POLICY, due - second), None);
        assert_eq!(next_step(&entries, &has, &POLICY, due), promote);
        assert_eq!(next_step(&entries, &[], &POLICY, due), promote, "nobody fetches keys");

        let lags = [consumer("orders", NOW - DAY, &["kid-1"]), has[0].clone()];
        assert_eq!(next_step(&entries, &lags, &POLICY, due), None);
        assert_eq!(laggards(&pending, &lags, due).count(), 1);
        assert_eq!(next_step(&entries, &lags, &POLICY, due + DAY - second), None);
        assert_eq!(
            next_step(&entries, &lags, &POLICY, due + DAY),
            promote,
            "24 hours at most"
        );

        let gone = [consumer("orders", due - CONSUMER_MEMORY - second, &["kid-1"])];
        assert_eq!(
            next_step(&entries, &gone, &POLICY, due),
            promote,
            "nobody has seen it for a month"
        );
    }

    #[test]
    fn without_rotation_keys_have_no_end_and_commands_still_work() {
        let policy = KeyPolicy {
            rotation_period: None,
            ..POLICY
        };
        let fresh = entry(1, KeyStatus::Primary, UsagePeriod::ALWAYS);
        assert_eq!(next_step(std::slice::from_ref(&fresh), &[], &policy, NOW), None);
        let period = published_period(&policy, NOW).unwrap();
        assert_eq!(period.not_after(), None);
        let pending = entry(2, KeyStatus::Active, period);
        let due = promotable_at(&pending);
        let promote = Some(KeyStep::Promote { id: pending.id });
        assert_eq!(next_step(&[fresh, pending], &[], &policy, due), promote);
    }

    #[test]
    fn t18_an_ended_key_is_replaced_without_waiting_for_anybody() {
        let primary = entry(1, KeyStatus::Primary, from(NOW));
        let over = primary.usage_period.not_after().unwrap() + DAY;
        let lags = [consumer("orders", over, &["kid-1"])];
        let step = |entries: &[SigningKeyEntry]| next_step(entries, &lags, &POLICY, over);
        assert_eq!(step(std::slice::from_ref(&primary)), Some(KeyStep::Replace));
        let pending = entry(2, KeyStatus::Active, from(over + DAY));
        let promote = Some(KeyStep::Promote { id: pending.id });
        assert_eq!(step(&[primary, pending]), promote);
    }

    #[test]
    fn a_key_made_under_a_shorter_period_is_followed_before_it_ends() {
        let primary = entry(1, KeyStatus::Primary, from(NOW));
        let longer = 400 * DAY;
        let due = rotation_due(&primary, longer).unwrap();
        assert_eq!(due, NOW + 90 * DAY);
        assert!(due + MAX_PROMOTION_DELAY + PUBLISHED_BEFORE_USE < primary.usage_period.not_after().unwrap());
    }

    #[test]
    fn retired_keys_are_pruned_when_their_last_token_has_ended() {
        let primary = entry(2, KeyStatus::Primary, from(NOW));
        let mut retired = entry(1, KeyStatus::Retired, from(NOW - 90 * DAY));
        retired.needed_until = Some(needed_until(NOW));
        let entries = [retired, primary];
        let until = needed_until(NOW);
        assert_eq!(next_step(&entries, &[], &POLICY, until), None);
        let later = until + Duration::from_secs(1);
        assert_eq!(next_step(&entries, &[], &POLICY, later), Some(KeyStep::Prune));
    }
}
