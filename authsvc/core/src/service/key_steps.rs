//! The steps of a signing key's life, each as one change of the keyset. Who takes them, and when, is for the keeper to say.

use cryptokit::keyset::{KeyId, Keyset, KeysetError};
use time::OffsetDateTime;

use super::key_change::{KeyChange, KeyChangeError};
use super::key_schedule::{self, KeyPolicy, immediate_period, needed_until, published_period};
use super::keysets::KeyStorageError;
use super::signing_key::{SigningKey, SigningKeyEntry, key_entries};
use crate::storage::KeyConsumer;

pub(super) fn begin<K: SigningKey>(
    keyset: &mut Keyset<K>,
    entries: &[SigningKeyEntry],
    id: KeyId,
    policy: &KeyPolicy,
    now: OffsetDateTime,
) -> Result<KeyChange, KeyStorageError> {
    let period = immediate_period(policy, now).map_err(|_| KeysetError::Time)?;
    keyset.set_usage_period(id, period)?;
    let kid = kid_of(entries, id);
    Ok(KeyChange::Begun { kid })
}

pub(super) fn publish<K: SigningKey>(
    keyset: &mut Keyset<K>,
    key: K,
    policy: &KeyPolicy,
    now: OffsetDateTime,
) -> Result<KeyChange, KeyStorageError> {
    let period = published_period(policy, now).map_err(|_| KeysetError::Time)?;
    let id = keyset.add(key);
    keyset.set_usage_period(id, period)?;
    let entry = entry_of(keyset, id)?.ok_or(KeysetError::UnknownKey { id })?;
    Ok(KeyChange::Published {
        promotable_at: key_schedule::promotable_at(&entry),
        kid: entry.kid,
    })
}

/// Makes a published key primary and retires the former one.
pub(super) fn promote<K: SigningKey>(
    keyset: &mut Keyset<K>,
    entries: &[SigningKeyEntry],
    id: KeyId,
    consumers: &[KeyConsumer],
    now: OffsetDateTime,
) -> Result<KeyChange, KeyStorageError> {
    let former = keyset.primary().0;
    let pending = entries.iter().find(|entry| entry.id == id);
    let laggards = pending.map(|key| {
        let lagging = key_schedule::laggards(key, consumers, now);
        lagging.map(|consumer| consumer.service.clone()).collect()
    });
    advance_period(keyset, id, now)?;
    keyset.promote_at(id, now)?;
    keyset.retire_until(former, needed_until(now))?;
    Ok(KeyChange::Promoted {
        kid: kid_of(entries, id),
        retired: kid_of(entries, former),
        laggards: laggards.unwrap_or_default(),
    })
}

/// Adds a key that signs at once and retires the former one.
pub(super) fn replace<K: SigningKey>(
    keyset: &mut Keyset<K>,
    entries: &[SigningKeyEntry],
    key: K,
    policy: &KeyPolicy,
    now: OffsetDateTime,
) -> Result<(String, String), KeyStorageError> {
    let former = keyset.primary().0;
    let id = keyset.add(key);
    sign_with(keyset, id, policy, now)?;
    keyset.retire_until(former, needed_until(now))?;
    let kid = entry_of(keyset, id)?.map(|entry| entry.kid).unwrap_or_default();
    Ok((kid, kid_of(entries, former)))
}

/// Makes an active key primary whatever its time.
pub(super) fn sign_with<K: SigningKey>(
    keyset: &mut Keyset<K>,
    id: KeyId,
    policy: &KeyPolicy,
    now: OffsetDateTime,
) -> Result<(), KeyStorageError> {
    let period = immediate_period(policy, now).map_err(|_| KeysetError::Time)?;
    keyset.set_usage_period(id, period)?;
    Ok(keyset.promote_at(id, now)?)
}

/// Lets a key's time begin now when it has not begun.
fn advance_period<K: SigningKey>(
    keyset: &mut Keyset<K>,
    id: KeyId,
    now: OffsetDateTime,
) -> Result<(), KeyStorageError> {
    let found = keyset.entries().iter().find(|entry| entry.id == id);
    let period = found.ok_or(KeysetError::UnknownKey { id })?.usage_period;
    if period.is_before(now) {
        let sooner = key_schedule::begun_by(period, now).map_err(|_| KeysetError::Time)?;
        keyset.set_usage_period(id, sooner)?;
    }
    Ok(())
}

pub(super) fn prune<K: SigningKey>(
    keyset: &mut Keyset<K>,
    entries: &[SigningKeyEntry],
    now: OffsetDateTime,
) -> Option<KeyChange> {
    let pruned = keyset.prune_all(now);
    let kids: Vec<String> = pruned.into_iter().map(|id| kid_of(entries, id)).collect();
    (!kids.is_empty()).then_some(KeyChange::Pruned { kids })
}

pub(super) fn refuse_early(
    key: &SigningKeyEntry,
    consumers: &[KeyConsumer],
    now: OffsetDateTime,
) -> Result<(), KeyChangeError> {
    let (kid, at) = (key.kid.clone(), key_schedule::promotable_at(key));
    if now < at {
        return Err(KeyChangeError::TooEarly { kid, at });
    }
    let laggards: Vec<_> = key_schedule::laggards(key, consumers, now)
        .map(|consumer| consumer.service.clone())
        .collect();
    match laggards.is_empty() {
        true => Ok(()),
        false => Err(KeyChangeError::Laggards { kid, laggards }),
    }
}

pub(super) fn find<'a>(entries: &'a [SigningKeyEntry], kid: &str) -> Result<&'a SigningKeyEntry, KeyChangeError> {
    let mut found = entries
        .iter()
        .filter(|entry| !kid.is_empty() && entry.kid.starts_with(kid));
    let kid = || kid.to_owned();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(KeyChangeError::NoSuchKey { kid: kid() }),
        (Some(_), Some(_)) => Err(KeyChangeError::Ambiguous { kid: kid() }),
    }
}

pub(super) fn entry_of<K: SigningKey>(
    keyset: &Keyset<K>,
    id: KeyId,
) -> Result<Option<SigningKeyEntry>, KeyStorageError> {
    Ok(key_entries(keyset)?.into_iter().find(|entry| entry.id == id))
}

pub(super) fn kid_of(entries: &[SigningKeyEntry], id: KeyId) -> String {
    let found = entries.iter().find(|entry| entry.id == id);
    found.map(|entry| entry.kid.clone()).unwrap_or_default()
}
