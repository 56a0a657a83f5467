//! What is computed for an account that is not there: the same as for one that is, also while accounts have hashes that
//! take another time than new ones: of another system, or of our own when the cost was another.
//!
//! Each address draws, by a key that outsiders do not have, one of the shapes that are stored, as often as it is stored. An
//! address always draws the same number, on every replica and after a restart: whoever asks twice learns nothing.
//! Where older hashes become fewer, so do the addresses that draw one, as accounts do that log in. What is of today's kind
//! is no shape to draw but what is left, so that no address draws an older one as accounts are rehashed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cryptokit::password::StoredHash;

use super::{AuthService, hash_shape};
use crate::domain::EmailAddress;
use crate::storage::{HashShapes, StoreError};

/// How often it is looked how many hashes of which shapes there are.
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
    /// Takes over what is stored. A hash that is current costs what is computed for those who draw none.
    pub(super) fn set(&self, found: &HashShapes, is_current: impl Fn(&StoredHash) -> bool) {
        let mut shapes = found.shapes.clone();
        shapes.retain(|(shape, _)| !hash_shape::parse(shape).is_some_and(|hash| is_current(&hash)));
        // Not by their number: which of two is more frequent changes, and with it everybody's shape would.
        shapes.sort();
        let accounts = u128::from(found.accounts.max(1));
        let mut older = 0_u128;
        let shares = shapes
            .into_iter()
            .map(|(shape, number)| {
                older += u128::from(number);
                let end = (older << 64) / accounts;
                Share {
                    end: u64::try_from(end).unwrap_or(u64::MAX),
                    shape,
                }
            })
            .collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shares);
    }

    /// The shape for a draw; `None` for one of today's.
    fn pick(&self, draw: u64) -> Option<StoredHash> {
        let shares = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let share = shares.iter().find(|share| draw < share.end)?;
        hash_shape::parse(&share.shape)
    }
}

impl AuthService {
    /// Looks how many hashes of which shapes there are. O(accounts) in the database.
    ///
    /// # Errors
    ///
    /// What the store fails with; the mix stays what it was.
    pub async fn refresh_decoys(&self) -> Result<(), StoreError> {
        let found = self.store.hash_shapes().await?;
        self.decoys.set(&found, |hash| self.hasher.is_current(hash));
        Ok(())
    }

    /// What is to be computed for an address in place of a check; `None` for a hash of today's kind.
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

    const TODAYS: &str =
        "$argon2id$v=19$m=47104,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn mix(accounts: u64, shapes: &[(&str, u64)]) -> DecoyMix {
        let mix = DecoyMix::default();
        let found = HashShapes {
            accounts,
            shapes: shapes
                .iter()
                .map(|(shape, number)| ((*shape).to_owned(), *number))
                .collect(),
        };
        let current = StoredHash::parse(TODAYS).unwrap().cost();
        mix.set(&found, |hash| hash.cost() == current);
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
    #[test]
    fn l1_own_hashes_of_an_older_cost_are_drawn_and_those_of_todays_are_what_is_left() {
        let (older, todays) = (format!("own {ARGON2}"), format!("own {TODAYS}"));
        let key = DigestKey::generate();
        let (before, after) = (
            mix(1000, &[(&older, 900), (&todays, 100)]),
            mix(1000, &[(&older, 200), (&todays, 800)]),
        );
        let end = |mix: &DecoyMix| mix.0.read().unwrap().iter().map(|share| share.end).collect::<Vec<_>>();
        assert_eq!(end(&before).len(), 1);
        assert!(end(&after) < end(&before));
        assert_eq!(before.pick(0).map(|hash| hash.to_string()).as_deref(), Some(ARGON2));
        assert!(before.pick(u64::MAX).is_none());
        for number in 0..1000 {
            let draw = draw(&key, number);
            assert!(before.pick(draw).is_some() || after.pick(draw).is_none());
        }
    }
}
