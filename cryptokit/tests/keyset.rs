//! What holds for a keyset after any sequence of moves, and after any sealing and opening in between.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::collections::{BTreeMap, BTreeSet};

use cryptokit::keyset::{KeyId, KeyMaterial, KeyStatus, Keyset, KeysetError, RootKey, UsagePeriod};
use cryptokit::password::Pepper;
use cryptokit::secret::SecretBytes;
use proptest::prelude::*;
use proptest::sample::Index;
use time::OffsetDateTime;

/// A move. Keys are chosen among all that ever were; times are seconds in a short span, so that they meet.
#[derive(Clone, Debug)]
enum Move {
    Add,
    AddWithId(u64),
    AddAgain(Index),
    SetUsagePeriod(Index, Option<u8>, Option<u8>),
    Promote(Index),
    PromoteAt(Index, u8),
    Advance(u8),
    Retire(Index),
    RetireUntil(Index, u8),
    Revoke(Index),
    Prune(Index, u8),
    PruneAll(u8),
    SealAndOpen,
}

fn moves() -> impl Strategy<Value = Move> {
    let key = any::<Index>;
    prop_oneof![
        3 => Just(Move::Add),
        1 => (0..8_u64).prop_map(Move::AddWithId),
        1 => key().prop_map(Move::AddAgain),
        2 => (key(), any::<Option<u8>>(), any::<Option<u8>>()).prop_map(|(k, a, b)| Move::SetUsagePeriod(k, a, b)),
        2 => key().prop_map(Move::Promote),
        2 => (key(), any::<u8>()).prop_map(|(k, now)| Move::PromoteAt(k, now)),
        2 => any::<u8>().prop_map(Move::Advance),
        1 => key().prop_map(Move::Retire),
        2 => (key(), any::<u8>()).prop_map(|(k, until)| Move::RetireUntil(k, until)),
        2 => key().prop_map(Move::Revoke),
        2 => (key(), any::<u8>()).prop_map(|(k, now)| Move::Prune(k, now)),
        1 => any::<u8>().prop_map(Move::PruneAll),
        1 => Just(Move::SealAndOpen),
    ]
}

fn at(seconds: u8) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_900_000_000 + i64::from(seconds)).unwrap()
}

/// A set, and what an onlooker remembers of it.
struct Watched {
    keyset: Keyset<Pepper>,
    root: RootKey,
    /// Every id ever given, in order, and the bytes of its key.
    given: Vec<(KeyId, [u8; 32])>,
    /// How far each key has come, in the order of a life. Promoting goes back and forth between the first two.
    furthest: BTreeMap<KeyId, u8>,
}

impl Watched {
    fn new() -> Self {
        let (key, bytes) = pepper(0);
        let keyset = Keyset::with_id("watched", KeyId::from_bytes([0; 8]), key);
        let given = vec![(keyset.primary().0, bytes)];
        Self {
            keyset,
            root: RootKey::generate(),
            given,
            furthest: BTreeMap::new(),
        }
    }

    fn chosen(&self, index: &Index) -> KeyId {
        index.get(&self.given).0
    }

    fn next_pepper(&self) -> (Pepper, [u8; 32]) {
        pepper(self.given.len() as u8)
    }

    fn make(&mut self, step: &Move) {
        let before: Vec<_> = self
            .keyset
            .entries()
            .iter()
            .map(|entry| (entry.id, entry.status))
            .collect();
        let result = match step {
            Move::Add => {
                let (key, bytes) = self.next_pepper();
                let id = self.keyset.add(key);
                self.given.push((id, bytes));
                return;
            }
            Move::AddWithId(id) => return self.add_with_id(KeyId::from_bytes(id.to_be_bytes())),
            Move::AddAgain(key) => return self.add_with_id(self.chosen(key)),
            Move::SealAndOpen => {
                let json = self.root.seal(&self.keyset).unwrap();
                let opened = self.root.open("watched", &json).unwrap();
                assert_same(&opened, &self.keyset);
                self.keyset = opened;
                return;
            }
            Move::PruneAll(now) => {
                for id in self.keyset.prune_all(at(*now)) {
                    self.was_prunable(id, &before);
                }
                return;
            }
            Move::Advance(now) => {
                let result = self.keyset.advance(at(*now));
                assert_eq!(
                    result.is_ok(),
                    self.keyset.primary_at(at(*now)).is_ok(),
                    "in force afterwards, or refused"
                );
                result.map(|_| ())
            }
            Move::SetUsagePeriod(key, not_before, not_after) => {
                match UsagePeriod::new(not_before.map(at), not_after.map(at)) {
                    Ok(period) => self.keyset.set_usage_period(self.chosen(key), period),
                    Err(_) => return,
                }
            }
            Move::Promote(key) => self.keyset.promote(self.chosen(key)),
            Move::PromoteAt(key, now) => {
                let result = self.keyset.promote_at(self.chosen(key), at(*now));
                if result.is_ok() {
                    assert_eq!(self.keyset.primary_at(at(*now)).unwrap().0, self.chosen(key));
                }
                result
            }
            Move::Retire(key) => self.keyset.retire(self.chosen(key)),
            Move::RetireUntil(key, until) => self.keyset.retire_until(self.chosen(key), at(*until)),
            Move::Revoke(key) => self.keyset.revoke(self.chosen(key)),
            Move::Prune(key, now) => {
                let id = self.chosen(key);
                let result = self.keyset.prune(id, at(*now));
                if result.is_ok() {
                    self.was_prunable(id, &before);
                }
                result
            }
        };
        if result.is_err() {
            let after: Vec<_> = self
                .keyset
                .entries()
                .iter()
                .map(|entry| (entry.id, entry.status))
                .collect();
            assert_eq!(after, before, "a refused move changes nothing");
        }
    }

    fn add_with_id(&mut self, id: KeyId) {
        let (key, bytes) = self.next_pepper();
        let known = self.given.iter().any(|(given, _)| *given == id);
        match self.keyset.add_with_id(id, key) {
            Ok(()) => {
                assert!(!known, "an id is given once");
                self.given.push((id, bytes));
            }
            Err(error) => {
                assert!(known);
                assert_eq!(error, KeysetError::IdTaken { id });
            }
        }
    }

    fn was_prunable(&self, id: KeyId, before: &[(KeyId, KeyStatus)]) {
        let (_, status) = before.iter().find(|(known, _)| *known == id).unwrap();
        assert!(
            matches!(status, KeyStatus::Retired | KeyStatus::Revoked),
            "{id} was {status:?}"
        );
    }

    fn check(&mut self) {
        let entries = self.keyset.entries();
        let primaries: Vec<_> = entries
            .iter()
            .filter(|entry| entry.status == KeyStatus::Primary)
            .collect();
        assert_eq!(primaries.len(), 1, "exactly one primary");
        assert_eq!(self.keyset.primary().0, primaries[0].id);

        let present: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let all: BTreeSet<_> = present.iter().chain(self.keyset.pruned()).copied().collect();
        let given: BTreeSet<_> = self.given.iter().map(|(id, _)| *id).collect();
        assert_eq!(all, given, "every id is in the set or remembered");
        assert_eq!(
            present.len() + self.keyset.pruned().len(),
            self.given.len(),
            "and only once"
        );

        for (id, bytes) in &self.given {
            let furthest = self.furthest.entry(*id).or_default();
            let now = match entries.iter().find(|entry| entry.id == *id) {
                None => 3,
                Some(entry) => {
                    assert!(entry.key.to_bytes().ct_eq(bytes), "an id names one key for ever");
                    assert!(entry.needed_until.is_none() || entry.status == KeyStatus::Retired);
                    match entry.status {
                        KeyStatus::Primary | KeyStatus::Active => 0,
                        KeyStatus::Retired => 1,
                        KeyStatus::Revoked => 2,
                    }
                }
            };
            assert!(now >= *furthest, "{id} came back");
            *furthest = now;
            assert_eq!(
                self.keyset.get(*id).is_some(),
                now < 2,
                "revoked and pruned keys do nothing"
            );
        }
    }
}

fn pepper(number: u8) -> (Pepper, [u8; 32]) {
    let bytes = [number; 32];
    let key = Pepper::from_bytes("secret-256", SecretBytes::new(bytes.to_vec())).unwrap();
    (key, bytes)
}

fn assert_same(left: &Keyset<Pepper>, right: &Keyset<Pepper>) {
    assert_eq!(left.name(), right.name());
    assert_eq!(left.pruned(), right.pruned());
    assert_eq!(left.entries().len(), right.entries().len());
    for (left, right) in left.entries().iter().zip(right.entries()) {
        assert_eq!(
            (left.id, left.status, left.usage_period, left.needed_until),
            (right.id, right.status, right.usage_period, right.needed_until)
        );
        assert!(left.key.to_bytes().ct_eq(right.key.to_bytes().expose_secret()));
    }
}

proptest! {
    #[test]
    fn no_sequence_of_moves_breaks_what_a_keyset_promises(steps in prop::collection::vec(moves(), 1..60)) {
        let mut watched = Watched::new();
        watched.check();
        for step in &steps {
            watched.make(step);
            watched.check();
        }
        watched.make(&Move::SealAndOpen);
        watched.check();
    }
}
