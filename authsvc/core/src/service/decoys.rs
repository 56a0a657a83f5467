//! What is computed for an account that is not there: the same as for one that is, also while accounts have hashes that
//! another system made and that take another time.
//!
//! Each address draws, by a key that outsiders do not have, one of the shapes that are stored, as often as it is stored. An
//! address always draws the same number, on every replica and after a restart: whoever asks twice learns nothing.
//! Where imported hashes become fewer, so do the addresses that draw one, as accounts do that log in.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cryptokit::password::StoredHash;

use super::AuthService;
use crate::domain::EmailAddress;
use crate::storage::{ImportedHashes, StoreError};

/// How often it is looked how many imported hashes there are.
pub const DECOY_MIX_INTERVAL: Duration = Duration::from_secs(60);

/// The shapes to draw from.
#[derive(Debug, Default)]
pub(super) struct DecoyMix(RwLock<Arc<Vec<Share>>>);

/// Draws below `end`, and not below that of the share before, get this shape.
#[derive(Debug)]
struct Share {
    end: u64,
    shape: String,
}

impl DecoyMix {
    /// Takes over what is stored.
    pub(super) fn set(&self, found: &ImportedHashes) {
        let mut shapes = found.shapes.clone();
        // Not by their number: which of two is more frequent changes, and with it everybody's shape would.
        shapes.sort();
        let accounts = u128::from(found.accounts.max(1));
        let mut imported = 0_u128;
        let shares = shapes
            .into_iter()
            .map(|(shape, number)| {
                imported += u128::from(number);
                let end = (imported << 64) / accounts;
                Share {
                    end: u64::try_from(end).unwrap_or(u64::MAX),
                    shape,
                }
            })
            .collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shares);
    }

    /// The shape for a draw; `None` for one of our own.
    fn pick(&self, draw: u64) -> Option<StoredHash> {
        let shares = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let share = shares.iter().find(|share| draw < share.end)?;
        StoredHash::parse(&share.shape).ok()
    }
}

impl AuthService {
    /// Looks how many imported hashes of which shapes there are. O(accounts) in the database.
    ///
    /// # Errors
    ///
    /// What the store fails with; the mix stays what it was.
    pub async fn refresh_decoys(&self) -> Result<(), StoreError> {
        let found = self.store.imported_hashes().await?;
        self.decoys.set(&found);
        Ok(())
    }

    /// What is to be computed for an address in place of a check; `None` for a hash of our own.
    pub(super) fn decoy_for(&self, email: &EmailAddress) -> Option<StoredHash> {
        self.decoys.pick(self.defence.draw(email))
    }
}

#[cfg(test)]
mod tests {
    use cryptokit::keyed_digest::DigestKey;

    use super::*;

    const BCRYPT: &str = "$2b$10$.....................................................";
    const ARGON2: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn mix(accounts: u64, shapes: &[(&str, u64)]) -> DecoyMix {
        let mix = DecoyMix::default();
        mix.set(&ImportedHashes {
            accounts,
            shapes: shapes
                .iter()
                .map(|(shape, number)| ((*shape).to_owned(), *number))
                .collect(),
        });
        mix
    }

    fn draw(key: &DigestKey, number: u32) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = key.digest(&[b"decoy", &number.to_be_bytes()]);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    #[test]
    fn l1_decoys_are_of_the_stored_shapes_as_often_as_those_are_stored() {
        const DRAWS: u32 = 10_000;
        let key = DigestKey::generate();
        let mix = mix(1000, &[(BCRYPT, 300), (ARGON2, 500)]);
        let (mut bcrypt, mut argon2) = (0, 0);
        for number in 0..DRAWS {
            let text = mix.pick(draw(&key, number)).map(|hash| hash.to_string());
            assert_eq!(text, mix.pick(draw(&key, number)).map(|hash| hash.to_string()));
            match text.as_deref() {
                Some(BCRYPT) => bcrypt += 1,
                Some(ARGON2) => argon2 += 1,
                Some(other) => panic!("{other}"),
                None => {}
            }
        }
        // Ten standard deviations, which is about 50 each.
        assert!((2500..=3500).contains(&bcrypt), "{bcrypt}");
        assert!((4500..=5500).contains(&argon2), "{argon2}");
    }

    #[test]
    fn the_ends_of_a_mix_are_drawn_as_they_should() {
        let none = mix(10, &[]);
        let all = mix(10, &[(BCRYPT, 10)]);
        for draw in [0, 1, u64::MAX / 2, u64::MAX - 1] {
            assert!(none.pick(draw).is_none());
            assert!(all.pick(draw).is_some());
        }
        // More shapes than accounts, as when both are counted while accounts come and go.
        assert!(mix(0, &[(BCRYPT, 3)]).pick(1 << 63).is_some());
        // What cannot be read is no decoy.
        assert!(mix(1, &[("garbage", 1)]).pick(0).is_none());
    }

    #[test]
    fn an_address_keeps_its_shape_while_others_become_fewer() {
        let key = DigestKey::generate();
        let (before, after) = (mix(1000, &[(ARGON2, 500)]), mix(1000, &[(ARGON2, 400)]));
        for number in 0..1000 {
            let draw = draw(&key, number);
            assert!(
                before.pick(draw).is_some() || after.pick(draw).is_none(),
                "nobody draws a new one"
            );
        }
    }
}
