//! What the database said a moment ago, so that validations in a row ask it once.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use crate::clock::Clock;

/// Most answers kept of one kind: a few megabytes.
const MOST: usize = 20_000;

/// Good answers, each believed for a moment and no longer. What was refused is asked again: a flood of questions about
/// what is not there takes no room.
///
/// Reading is O(1). Adding is too, but for one in [`MOST`], which looks through all.
pub(super) struct Recent<K, V> {
    answers: RwLock<HashMap<K, Answer<V>>>,
    /// How long after the question an answer is believed.
    lasts: Duration,
}

struct Answer<V> {
    /// Uptime when the question was asked: what changed after that may not be in the answer.
    asked: Duration,
    value: V,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// Believes answers for `lasts`; zero for never.
    pub(super) fn new(lasts: Duration) -> Self {
        Self {
            answers: RwLock::default(),
            lasts,
        }
    }

    /// The answer to a question that was asked a moment ago.
    pub(super) fn get(&self, key: &K, clock: &dyn Clock) -> Option<V> {
        let now = clock.uptime();
        // Nothing is left half done by a panic: each insertion and removal is one step.
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.get(key)?;
        self.is_recent(answer, now).then(|| answer.value.clone())
    }

    /// Keeps the answer to a question that was asked at `asked` of the clock's uptime.
    pub(super) fn put(&self, key: K, value: V, asked: Duration) {
        if self.lasts.is_zero() {
            return;
        }
        let mut answers = self.write();
        if answers.len() >= MOST {
            answers.retain(|_, answer| self.is_recent(answer, asked));
        }
        // Where all of them are recent, they are asked for again; that is dear once and bounds the room.
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(key, Answer { asked, value });
    }

    fn is_recent(&self, answer: &Answer<V>, now: Duration) -> bool {
        now.saturating_sub(answer.asked) < self.lasts
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<K, Answer<V>>> {
        self.answers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Recent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent")
            .field("lasts", &self.lasts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn an_answer_is_believed_from_its_question_on_and_until_its_time_is_over() {
        let (recent, clock) = (Recent::new(Duration::from_secs(10)), TestClock::at(0));
        assert_eq!(recent.get(&1, &clock), None);
        let asked = clock.uptime();
        clock.advance(4);
        recent.put(1, "answer", asked);
        clock.advance(5);
        assert_eq!(recent.get(&1, &clock), Some("answer"));
        assert_eq!(recent.get(&2, &clock), None);
        clock.advance(1);
        assert_eq!(recent.get(&1, &clock), None, "ten seconds after the question");
    }

    #[test]
    fn a_clock_that_is_set_makes_no_answer_last_longer() {
        let (recent, clock) = (Recent::new(Duration::from_secs(10)), TestClock::at(1_000_000));
        recent.put(1, (), clock.uptime());
        clock.set_by(-500_000);
        clock.advance(10);
        assert_eq!(recent.get(&1, &clock), None);
    }

    #[test]
    fn nothing_is_believed_where_no_time_is_given_and_room_is_bounded() {
        let clock = TestClock::at(0);
        let never = Recent::new(Duration::ZERO);
        never.put(1, (), clock.uptime());
        assert_eq!(never.get(&1, &clock), None);
        assert_eq!(never.write().len(), 0);

        let recent = Recent::new(Duration::from_secs(10));
        for key in 0..3 * MOST {
            recent.put(key, (), clock.uptime());
            assert_eq!(recent.get(&key, &clock), Some(()));
        }
        assert!(recent.write().len() <= MOST);
        clock.advance(10);
        recent.put(usize::MAX, (), clock.uptime());
        assert!(recent.write().len() <= MOST);
    }
}
