//! The set and its life cycle: which moves there are, and which are refused.

use time::OffsetDateTime;

use super::entry::{KeyEntry, KeyMaterial};
use super::error::KeysetError;
use super::id::KeyId;
use super::status::KeyStatus;
use super::usage_period::{UsagePeriod, time_from_seconds};

/// Keys of one kind under one name. Never empty, always with one primary.
///
/// ```text
///   add ──► active ◄──promote──► primary
///             │
///             ├── retire ──► retired ── needed_until ──► prune
///             │                 │
///             └─────── revoke ──┴──► revoked ──► prune
/// ```
#[derive(Debug)]
pub struct Keyset<K> {
    pub(super) name: String,
    pub(super) entries: Vec<KeyEntry<K>>,
    /// Ids of keys that are gone. They are never given again: what such a key made still carries its id.
    pub(super) pruned: Vec<KeyId>,
}

impl<K: KeyMaterial> Keyset<K> {
    /// A set with one key, the primary, under a random id.
    pub fn new(name: &str, key: K) -> Self {
        Self::with_id(name, KeyId::generate(), key)
    }

    /// A set with one key, the primary, under a given id.
    pub fn with_id(name: &str, id: KeyId, key: K) -> Self {
        Self {
            name: name.to_owned(),
            entries: vec![KeyEntry::new(id, KeyStatus::Primary, key)],
            pruned: Vec::new(),
        }
    }

    /// What the set is called, part of its seal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls the set something else from here on: what is sealed next opens under the new name only.
    pub fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// All keys, revoked ones included, in the order they were added.
    pub fn entries(&self) -> &[KeyEntry<K>] {
        &self.entries
    }

    /// The ids of the keys that were pruned.
    pub fn pruned(&self) -> &[KeyId] {
        &self.pruned
    }

    /// Gives the keys up.
    pub fn into_entries(self) -> Vec<KeyEntry<K>> {
        self.entries
    }

    /// The key that makes new things, whatever its usage period: a set whose keys have periods is asked by
    /// [`Self::primary_at`], or brought up to date by [`Self::advance`] before it is used.
    ///
    /// # Panics
    ///
    /// Never: every constructor and every change keeps exactly one primary.
    pub fn primary(&self) -> (KeyId, &K) {
        let entry = self.primary_entry();
        (entry.id, &entry.key)
    }

    /// The key that makes new things, if it may do so at `now`.
    ///
    /// # Errors
    ///
    /// [`KeysetError::OutsideUsagePeriod`].
    pub fn primary_at(&self, now: OffsetDateTime) -> Result<(KeyId, &K), KeysetError> {
        let entry = self.primary_entry();
        check_usage_period(entry, now)?;
        Ok((entry.id, &entry.key))
    }

    /// The key of that id unless it is revoked. O(keys).
    pub fn get(&self, id: KeyId) -> Option<&K> {
        self.entries
            .iter()
            .find(|entry| entry.id == id && entry.status != KeyStatus::Revoked)
            .map(|entry| &entry.key)
    }

    /// Adds an active key under a fresh id.
    pub fn add(&mut self, key: K) -> KeyId {
        let mut id = KeyId::generate();
        while self.has_given(id) {
            id = KeyId::generate();
        }
        self.entries.push(KeyEntry::new(id, KeyStatus::Active, key));
        id
    }

    /// Adds an active key under an id it has elsewhere.
    ///
    /// # Errors
    ///
    /// [`KeysetError::IdTaken`], also for the id of a pruned key.
    pub fn add_with_id(&mut self, id: KeyId, key: K) -> Result<(), KeysetError> {
        if self.has_given(id) {
            return Err(KeysetError::IdTaken { id });
        }
        self.entries.push(KeyEntry::new(id, KeyStatus::Active, key));
        Ok(())
    }

    /// Says when a key may make new things. A primary key that is outside its new period stays primary and is refused
    /// by [`Self::primary_at`].
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::NotPromotable`] for a retired or revoked key, which makes nothing.
    pub fn set_usage_period(&mut self, id: KeyId, usage_period: UsagePeriod) -> Result<(), KeysetError> {
        let entry = self.entry(id)?;
        match entry.status {
            KeyStatus::Primary | KeyStatus::Active => {
                entry.usage_period = usage_period;
                Ok(())
            }
            status => Err(KeysetError::NotPromotable { id, status }),
        }
    }

    /// Makes an active key primary that may be used at any time; the former primary becomes active.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::NotPromotable`] for a retired or revoked key;
    /// [`KeysetError::TimeNeeded`] for a key with a usage period.
    pub fn promote(&mut self, id: KeyId) -> Result<(), KeysetError> {
        self.promote_if(id, |entry| {
            if entry.usage_period == UsagePeriod::ALWAYS {
                Ok(())
            } else {
                Err(KeysetError::TimeNeeded { id })
            }
        })
    }

    /// Makes an active key primary that may be used at `now`; the former primary becomes active.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::NotPromotable`] for a retired or revoked key;
    /// [`KeysetError::OutsideUsagePeriod`].
    pub fn promote_at(&mut self, id: KeyId, now: OffsetDateTime) -> Result<(), KeysetError> {
        self.promote_if(id, |entry| check_usage_period(entry, now))
    }

    /// Replaces a primary key whose usage period is over: of the active keys that may be used at `now`, the one whose
    /// period began last becomes primary, and among equals the one added last. Says which, or `None` when the primary
    /// may go on.
    ///
    /// # Errors
    ///
    /// [`KeysetError::OutsideUsagePeriod`] for the primary when no key can take its place, or when its own period has
    /// not begun. Nothing is changed then.
    pub fn advance(&mut self, now: OffsetDateTime) -> Result<Option<KeyId>, KeysetError> {
        let outside = match check_usage_period(self.primary_entry(), now) {
            Ok(()) => return Ok(None),
            Err(outside) => outside,
        };
        if !self.primary_entry().usage_period.is_over(now) {
            return Err(outside);
        }
        let successor = self
            .entries
            .iter()
            .filter(|entry| entry.status == KeyStatus::Active && entry.usage_period.contains(now))
            .max_by_key(|entry| entry.usage_period.not_before())
            .ok_or(outside)?
            .id;
        self.promote_at(successor, now)?;
        Ok(Some(successor))
    }

    /// Marks a key as on its way out, without saying how long it will be needed.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::IsPrimary`].
    pub fn retire(&mut self, id: KeyId) -> Result<(), KeysetError> {
        self.leave(id, KeyStatus::Retired)
    }

    /// Marks a key as on its way out. The last second in which what it made may have to be checked or opened is
    /// `needed_until`; said again, it replaces what was said before. A revoked key stays revoked.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::IsPrimary`]; [`KeysetError::Time`].
    pub fn retire_until(&mut self, id: KeyId, needed_until: OffsetDateTime) -> Result<(), KeysetError> {
        let needed_until = time_from_seconds(needed_until.unix_timestamp()).ok_or(KeysetError::Time)?;
        self.leave(id, KeyStatus::Retired)?;
        let entry = self.entry(id)?;
        if entry.status == KeyStatus::Retired {
            entry.needed_until = Some(needed_until);
        }
        Ok(())
    }

    /// Ends a key at once. A revoked key is kept in the set until it is pruned.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::IsPrimary`].
    pub fn revoke(&mut self, id: KeyId) -> Result<(), KeysetError> {
        self.leave(id, KeyStatus::Revoked)?;
        self.entry(id)?.needed_until = None;
        Ok(())
    }

    /// Takes a key out of the set and wipes it. Its id is kept, and is never given again.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::NotPrunable`] for a primary or active key;
    /// [`KeysetError::StillNeeded`] for a retired one before [`KeyEntry::needed_until`] is over, or without it.
    pub fn prune(&mut self, id: KeyId, now: OffsetDateTime) -> Result<(), KeysetError> {
        let entry = self.entry(id)?;
        match entry.status {
            KeyStatus::Revoked => {}
            KeyStatus::Retired if !is_needed(entry, now) => {}
            KeyStatus::Retired => {
                let needed_until = entry.needed_until;
                return Err(KeysetError::StillNeeded { id, needed_until });
            }
            status => return Err(KeysetError::NotPrunable { id, status }),
        }
        self.entries.retain(|entry| entry.id != id);
        self.pruned.push(id);
        Ok(())
    }

    /// Prunes every key that [`Self::prune`] would accept at `now`, and says which they were.
    pub fn prune_all(&mut self, now: OffsetDateTime) -> Vec<KeyId> {
        let ids: Vec<_> = self.entries.iter().map(|entry| entry.id).collect();
        ids.into_iter().filter(|id| self.prune(*id, now).is_ok()).collect()
    }

    fn promote_if(
        &mut self,
        id: KeyId,
        allowed: impl FnOnce(&KeyEntry<K>) -> Result<(), KeysetError>,
    ) -> Result<(), KeysetError> {
        let entry = self.entry(id)?;
        match entry.status {
            KeyStatus::Primary | KeyStatus::Active => allowed(entry)?,
            status => return Err(KeysetError::NotPromotable { id, status }),
        }
        for entry in &mut self.entries {
            if entry.status == KeyStatus::Primary {
                entry.status = KeyStatus::Active;
            }
        }
        self.entry(id)?.status = KeyStatus::Primary;
        Ok(())
    }

    fn leave(&mut self, id: KeyId, to: KeyStatus) -> Result<(), KeysetError> {
        let entry = self.entry(id)?;
        match entry.status {
            KeyStatus::Primary => Err(KeysetError::IsPrimary { id }),
            KeyStatus::Revoked => Ok(()),
            KeyStatus::Active | KeyStatus::Retired => {
                entry.status = to;
                Ok(())
            }
        }
    }

    fn has_given(&self, id: KeyId) -> bool {
        self.entries.iter().any(|entry| entry.id == id) || self.pruned.contains(&id)
    }

    fn primary_entry(&self) -> &KeyEntry<K> {
        self.entries
            .iter()
            .find(|entry| entry.status == KeyStatus::Primary)
            .expect("a keyset has exactly one primary key")
    }

    fn entry(&mut self, id: KeyId) -> Result<&mut KeyEntry<K>, KeysetError> {
        self.entries
            .iter_mut()
            .find(|entry| entry.id == id)
            .ok_or(KeysetError::UnknownKey { id })
    }
}

fn check_usage_period<K>(entry: &KeyEntry<K>, now: OffsetDateTime) -> Result<(), KeysetError> {
    if entry.usage_period.contains(now) {
        return Ok(());
    }
    Err(KeysetError::OutsideUsagePeriod {
        id: entry.id,
        usage_period: entry.usage_period,
        now,
    })
}

fn is_needed<K>(entry: &KeyEntry<K>, now: OffsetDateTime) -> bool {
    entry
        .needed_until
        .is_none_or(|until| now.unix_timestamp() <= until.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::aead::AeadKey;

    #[test]
    fn the_life_cycle_goes_one_way() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let first = keyset.primary().0;
        assert_eq!(keyset.retire(first), Err(KeysetError::IsPrimary { id: first }));
        assert_eq!(keyset.revoke(first), Err(KeysetError::IsPrimary { id: first }));

        let second = keyset.add(AeadKey::generate());
        keyset.promote(second).unwrap();
        keyset.retire(first).unwrap();
        assert!(keyset.get(first).is_some(), "a retired key still opens");
        assert_eq!(
            keyset.promote(first),
            Err(KeysetError::NotPromotable {
                id: first,
                status: KeyStatus::Retired
            }),
        );
        keyset.revoke(first).unwrap();
        assert!(keyset.get(first).is_none());
        keyset.retire(first).unwrap();
        assert_eq!(keyset.entries()[0].status, KeyStatus::Revoked, "revocation is final");

        let unknown = KeyId::from_bytes([9; 8]);
        assert_eq!(keyset.promote(unknown), Err(KeysetError::UnknownKey { id: unknown }));
    }

    const NOW: OffsetDateTime = datetime!(2030-06-01 12:00:00 UTC);

    fn period(not_before: Option<OffsetDateTime>, not_after: Option<OffsetDateTime>) -> UsagePeriod {
        UsagePeriod::new(not_before, not_after).unwrap()
    }

    #[test]
    fn a_usage_period_is_kept_by_every_way_to_become_or_stay_primary() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let first = keyset.primary().0;
        let second = keyset.add(AeadKey::generate());
        let later = period(Some(NOW + Duration::DAY), Some(NOW + Duration::DAY * 2));
        keyset.set_usage_period(second, later).unwrap();
        let outside = |id, usage_period, now| KeysetError::OutsideUsagePeriod { id, usage_period, now };

        assert_eq!(keyset.promote(second), Err(KeysetError::TimeNeeded { id: second }));
        assert_eq!(keyset.promote_at(second, NOW), Err(outside(second, later, NOW)));
        assert_eq!(keyset.primary().0, first, "a refused move changes nothing");
        let in_time = NOW + Duration::DAY;
        keyset.promote_at(second, in_time).unwrap();
        assert_eq!(keyset.primary_at(in_time).unwrap().0, second);
        let late = NOW + Duration::DAY * 3;
        assert_eq!(keyset.primary_at(late).unwrap_err(), outside(second, later, late));
        assert_eq!(keyset.primary_at(NOW).unwrap_err(), outside(second, later, NOW));

        keyset.retire(first).unwrap();
        let refused = keyset.set_usage_period(first, UsagePeriod::ALWAYS);
        let status = KeyStatus::Retired;
        assert_eq!(refused, Err(KeysetError::NotPromotable { id: first, status }));
    }

    #[test]
    fn advancing_replaces_a_primary_whose_time_is_over_by_the_one_due_last() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let old = keyset.primary().0;
        let over = period(None, Some(NOW - Duration::SECOND));
        assert_eq!(keyset.advance(NOW), Ok(None));
        keyset.set_usage_period(old, over).unwrap();
        let refused = keyset.advance(NOW).unwrap_err();
        assert!(matches!(refused, KeysetError::OutsideUsagePeriod { id, .. } if id == old));

        let mut add = |not_before: Option<OffsetDateTime>, not_after| {
            let id = keyset.add(AeadKey::generate());
            keyset.set_usage_period(id, period(not_before, not_after)).unwrap();
            id
        };
        add(Some(NOW + Duration::SECOND), None);
        add(Some(NOW - Duration::DAY), Some(NOW - Duration::SECOND));
        add(None, None);
        add(Some(NOW - Duration::HOUR), None);
        let due = add(Some(NOW - Duration::MINUTE), None);
        let revoked = add(Some(NOW), None);
        keyset.revoke(revoked).unwrap();
        assert_eq!(keyset.advance(NOW), Ok(Some(due)));
        assert_eq!(keyset.primary_at(NOW).unwrap().0, due);
        assert_eq!(keyset.advance(NOW), Ok(None), "nothing more to do");
        assert!(keyset.get(old).is_some(), "what the old key made still opens");
    }

    #[test]
    fn advancing_waits_for_a_primary_whose_time_has_not_come() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let id = keyset.primary().0;
        keyset
            .set_usage_period(id, period(Some(NOW + Duration::DAY), None))
            .unwrap();
        keyset.add(AeadKey::generate());
        assert!(keyset.advance(NOW).is_err());
        assert_eq!(keyset.primary().0, id);
    }

    #[test]
    fn only_keys_that_nobody_needs_are_pruned_and_their_ids_are_never_given_again() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let primary = keyset.primary().0;
        let [active, retired, revoked] = [0; 3].map(|_| keyset.add(AeadKey::generate()));
        keyset.retire(retired).unwrap();
        keyset.revoke(revoked).unwrap();
        let not_prunable = |id, status| Err(KeysetError::NotPrunable { id, status });
        assert_eq!(keyset.prune(primary, NOW), not_prunable(primary, KeyStatus::Primary));
        assert_eq!(keyset.prune(active, NOW), not_prunable(active, KeyStatus::Active));
        let needed_until = None;
        assert_eq!(
            keyset.prune(retired, NOW),
            Err(KeysetError::StillNeeded {
                id: retired,
                needed_until
            })
        );
        keyset.retire_until(retired, NOW).unwrap();
        let needed_until = Some(NOW);
        assert_eq!(
            keyset.prune(retired, NOW),
            Err(KeysetError::StillNeeded {
                id: retired,
                needed_until
            })
        );
        assert_eq!(keyset.prune_all(NOW), [revoked]);
        assert_eq!(keyset.prune_all(NOW + Duration::SECOND), [retired]);
        assert_eq!(keyset.pruned(), [revoked, retired]);
        assert!(keyset.get(retired).is_none());

        for id in [primary, active, retired, revoked] {
            assert_eq!(
                keyset.add_with_id(id, AeadKey::generate()),
                Err(KeysetError::IdTaken { id })
            );
        }
        for gone in [retired, revoked] {
            let unknown = Err(KeysetError::UnknownKey { id: gone });
            assert_eq!(keyset.prune(gone, NOW), unknown);
            assert_eq!(keyset.promote(gone), unknown);
        }
    }

    #[test]
    fn a_revoked_key_is_not_brought_back_by_retiring_it_until_a_time() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let id = keyset.add(AeadKey::generate());
        keyset.retire_until(id, NOW).unwrap();
        keyset.revoke(id).unwrap();
        assert_eq!(keyset.entries()[1].needed_until, None);
        keyset.retire_until(id, NOW + Duration::DAY).unwrap();
        assert_eq!(keyset.entries()[1].status, KeyStatus::Revoked);
        assert_eq!(keyset.entries()[1].needed_until, None);
        let before_1970 = datetime!(1969-12-31 23:59:59 UTC);
        assert_eq!(keyset.retire_until(id, before_1970), Err(KeysetError::Time));
    }
}
