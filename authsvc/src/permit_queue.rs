//! Who hashes next: callers in order of arrival, each with the permit of the one before it.
//!
//! A permit that is dropped wipes its memory, 19 MiB, before it can be taken again. One that goes straight to the next
//! caller does not: that caller's run overwrites it. So a busy service wipes nothing, and an idle one wipes at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptokit::password::{HashPermit, HashPool};
use tokio::sync::oneshot;

/// A pool with a queue in front of it. Nobody else may take permits from the pool.
pub(crate) struct PermitQueue {
    pool: HashPool,
    /// In order of arrival. Who gave up is still in it, and passed over.
    waiting: Mutex<VecDeque<oneshot::Sender<Turn>>>,
}

/// A permit that goes to the next in the queue when it is dropped, wherever and however that happens.
pub(crate) struct Turn {
    /// Always there, until it is passed on.
    permit: Option<HashPermit>,
    queue: Arc<PermitQueue>,
}

impl PermitQueue {
    pub(crate) fn new(pool: HashPool) -> Arc<Self> {
        Arc::new(Self {
            pool,
            waiting: Mutex::default(),
        })
    }

    pub(crate) fn pool(&self) -> &HashPool {
        &self.pool
    }

    /// Waits for a turn. Dropping the future leaves the queue.
    pub(crate) async fn turn(self: &Arc<Self>) -> Turn {
        let mine = {
            let mut waiting = self.lock();
            if waiting.is_empty()
                && let Some(permit) = self.pool.try_acquire()
            {
                return self.turn_with(permit);
            }
            let (sender, mine) = oneshot::channel();
            waiting.push_back(sender);
            mine
        };
        mine.await
            .expect("a place in the queue is given up by nobody but who waits in it")
    }

    fn turn_with(self: &Arc<Self>, permit: HashPermit) -> Turn {
        Turn {
            permit: Some(permit),
            queue: Arc::clone(self),
        }
    }

    fn pass_on(self: &Arc<Self>, permit: HashPermit) {
        let mut turn = self.turn_with(permit);
        loop {
            loop {
                let Some(next) = self.lock().pop_front() else { break };
                match next.send(turn) {
                    Ok(()) => return,
                    Err(given_up) => turn = given_up,
                }
            }
            // Wipes, which takes a while: not under the lock.
            drop(turn.permit.take());
            // Who came meanwhile found no permit, and nobody else may be left to come by.
            let waiting = self.lock();
            if waiting.is_empty() {
                return;
            }
            let Some(permit) = self.pool.try_acquire() else { return };
            drop(waiting);
            turn = self.turn_with(permit);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<oneshot::Sender<Turn>>> {
        // No code that can panic runs under the lock, so a poisoned one still holds a consistent queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PermitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitQueue")
            .field("pool", &self.pool)
            .field("waiting", &self.lock().len())
            .finish()
    }
}

impl Turn {
    pub(crate) fn permit(&mut self) -> &mut HashPermit {
        self.permit.as_mut().expect("taken by drop and pass_on only")
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.queue.pass_on(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::FutureExt;
    use tokio::task::JoinSet;

    use super::*;

    fn queue(capacity: usize) -> Arc<PermitQueue> {
        PermitQueue::new(HashPool::new(NonZeroUsize::new(capacity).unwrap()))
    }

    #[tokio::test]
    async fn turns_come_in_order_of_arrival_and_who_gave_up_is_passed_over() {
        let queue = queue(1);
        let first = queue.turn().await;
        let mut second = Box::pin(queue.turn());
        let mut third = Box::pin(queue.turn());
        let mut fourth = Box::pin(queue.turn());
        for waiting in [&mut second, &mut third, &mut fourth] {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        drop(second);
        drop(first);
        assert_eq!(queue.pool().in_use(), 1, "the permit went straight on");
        assert!(fourth.as_mut().now_or_never().is_none());
        let turn = third.await;
        drop(turn);
        drop(fourth.await);
        assert_eq!(queue.pool().in_use(), 0);
    }

    #[tokio::test]
    async fn a_turn_that_nobody_came_to_take_goes_to_the_next() {
        let queue = queue(1);
        let first = queue.turn().await;
        let mut second = Box::pin(queue.turn());
        let mut third = Box::pin(queue.turn());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        // It holds the turn by now and never looks.
        drop(second);
        drop(third.now_or_never().expect("its turn"));
        assert_eq!(queue.pool().in_use(), 0);
    }

    #[tokio::test]
    async fn a_newcomer_does_not_overtake() {
        let queue = queue(1);
        let first = queue.turn().await;
        let mut second = Box::pin(queue.turn());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(queue.turn().now_or_never().is_none());
        drop(second.await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_is_forgotten_and_the_capacity_holds() {
        const CAPACITY: usize = 3;
        let queue = queue(CAPACITY);
        let running = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for number in 0..400 {
            let (queue, running) = (Arc::clone(&queue), Arc::clone(&running));
            tasks.spawn(async move {
                if number % 5 == 0 {
                    // Joins the queue, then leaves it.
                    let mut turn = Box::pin(queue.turn());
                    drop(turn.as_mut().now_or_never());
                    tokio::task::yield_now().await;
                    return;
                }
                for _ in 0..5 {
                    let turn = queue.turn().await;
                    assert!(running.fetch_add(1, Ordering::SeqCst) < CAPACITY);
                    if number % 2 == 0 {
                        tokio::task::yield_now().await;
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    drop(turn);
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        assert_eq!(queue.pool().in_use(), 0);
        assert!(queue.lock().is_empty());
    }
}
