//! A breaker: a database that does not answer is not asked by everybody at once.
//!
//! ```text
//! closed ──(failures in a row)──▶ open ──(pause)──▶ half open: one probe
//!    ▲                             ▲                   │        │
//!    └──────────(it works)─────────┼───────────────────┘        │
//!                                  └──────(it fails)────────────┘
//! ```
//!
//! Time is an argument, so that tests choose it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use authsvc_core::storage::BreakerState;

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one request may try.
    pub pause: Duration,
}

/// A breaker around one way to a database.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    inner: Mutex<Inner>,
}

/// The permission to ask once. It is to be given back by [`Breaker::settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// What was admitted before the breaker last changed says nothing about it any more.
    generation: u64,
}

/// How what was admitted ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The database answered, be it with a refusal.
    Answered,
    /// It did not.
    Failed,
    /// Nobody waited for the end.
    Abandoned,
}

/// The breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// When to try again.
    pub(super) retry_after: Duration,
}

#[derive(Debug)]
struct Inner {
    state: State,
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            inner: Mutex::new(Inner {
                state: State::Closed { failures: 0 },
                generation: 0,
            }),
        }
    }

    /// Asks for permission. When the pause is over, exactly one caller gets it, until that one has settled.
    ///
    /// # Errors
    ///
    /// [`Open`] while it is.
    pub(super) fn admit(&self, now: Instant) -> Result<Pass, Open> {
        let mut inner = self.lock();
        match inner.state {
            State::Closed { .. } => {}
            State::Open { until } if now >= until => inner.enter(State::HalfOpen),
            State::Open { until } => {
                return Err(Open {
                    retry_after: until.saturating_duration_since(now),
                });
            }
            State::HalfOpen => {
                return Err(Open {
                    retry_after: self.policy.pause,
                });
            }
        }
        Ok(Pass {
            generation: inner.generation,
        })
    }

    /// Says how it ended.
    pub(super) fn settle(&self, pass: Pass, settled: Settled, now: Instant) {
        let mut inner = self.lock();
        if pass.generation != inner.generation {
            return;
        }
        match (inner.state, settled) {
            (State::Closed { .. }, Settled::Answered) => inner.state = State::Closed { failures: 0 },
            (State::Closed { failures }, Settled::Failed) if failures + 1 < self.policy.failures => {
                inner.state = State::Closed { failures: failures + 1 };
            }
            (State::Closed { .. } | State::HalfOpen, Settled::Failed) => inner.enter(State::Open {
                until: now + self.policy.pause,
            }),
            (State::HalfOpen, Settled::Answered) => inner.enter(State::Closed { failures: 0 }),
            // The next one may probe at once.
            (State::HalfOpen, Settled::Abandoned) => inner.enter(State::Open { until: now }),
            (State::Closed { .. }, Settled::Abandoned) | (State::Open { .. }, _) => {}
        }
    }

    /// Where it stands.
    pub(super) fn state(&self) -> BreakerState {
        match self.lock().state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing panics while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, Instant) {
        let policy = BreakerPolicy {
            failures: 3,
            pause: PAUSE,
        };
        (Breaker::new(policy), Instant::now())
    }

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            let pass = breaker.admit(now).unwrap();
            breaker.settle(pass, Settled::Failed, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not_let_them_add_up() {
        let (breaker, now) = breaker();
        fail(&breaker, 2, now);
        let pass = breaker.admit(now).unwrap();
        breaker.settle(pass, Settled::Answered, now);
        fail(&breaker, 2, now);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 1, now);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.admit(now), Err(Open { retry_after: PAUSE }));
        let later = now + PAUSE / 4;
        assert_eq!(
            breaker.admit(later),
            Err(Open {
                retry_after: PAUSE * 3 / 4
            })
        );
    }

    #[test]
    fn after_the_pause_one_may_try_and_its_answer_closes_it() {
        let (breaker, now) = breaker();
        fail(&breaker, 3, now);
        let later = now + PAUSE;
        let probe = breaker.admit(later).unwrap();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        for _ in 0..100 {
            assert!(breaker.admit(later).is_err(), "one probe at a time");
        }
        breaker.settle(probe, Settled::Answered, later);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 2, later);
        assert_eq!(breaker.state(), BreakerState::Closed, "the old failures are forgotten");
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_another_pause() {
        let (breaker, now) = breaker();
        fail(&breaker, 3, now);
        let later = now + PAUSE;
        fail(&breaker, 1, later);
        assert!(breaker.admit(later + PAUSE - Duration::from_nanos(1)).is_err());
        assert!(breaker.admit(later + PAUSE).is_ok());
    }

    #[test]
    fn a_probe_that_nobody_waits_for_lets_the_next_one_try() {
        let (breaker, now) = breaker();
        fail(&breaker, 3, now);
        let later = now + PAUSE;
        let probe = breaker.admit(later).unwrap();
        breaker.settle(probe, Settled::Abandoned, later);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.admit(later).is_ok());
    }

    #[test]
    fn what_was_admitted_before_a_change_does_not_undo_it() {
        let (breaker, now) = breaker();
        let (early, late) = (breaker.admit(now).unwrap(), breaker.admit(now).unwrap());
        fail(&breaker, 3, now);
        breaker.settle(early, Settled::Answered, now);
        assert_eq!(breaker.state(), BreakerState::Open);
        let probe = breaker.admit(now + PAUSE).unwrap();
        breaker.settle(late, Settled::Failed, now + PAUSE);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.settle(probe, Settled::Answered, now + PAUSE);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn of_many_at_once_after_the_pause_exactly_one_gets_through() {
        let (breaker, now) = breaker();
        fail(&breaker, 3, now);
        let through: usize = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| usize::from(breaker.admit(now + PAUSE).is_ok())))
                .collect();
            tries.into_iter().map(|tried| tried.join().unwrap()).sum()
        });
        assert_eq!(through, 1);
    }
}
