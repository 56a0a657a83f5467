//! Who hashes next: sources take turns, and within a source whoever came first, each with the permit of the one before.
//!
//! A source that queues a thousand logins waits for itself: whoever comes from elsewhere waits for one of its hashes.
//!
//! A permit that is dropped wipes its memory, 19 MiB, before it can be taken again. One that goes straight to the next
//! caller does not: that caller's run overwrites it. So a busy service wipes nothing, and an idle one wipes at once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authsvc_core::domain::SourceNetwork;
use cryptokit::password::{HashPermit, HashPool};
use tokio::sync::oneshot;

/// Where a caller comes from; `None` for work of the service's own.
pub(crate) type Source = Option<SourceNetwork>;

/// A pool with a queue in front of it. Nobody else may take permits from the pool.
pub(crate) struct PermitQueue {
    pool: HashPool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Each source's callers in order of arrival. No source is here without any.
    callers: HashMap<Source, VecDeque<Caller>>,
    /// The sources in the order of their turns, each once.
    turns: VecDeque<Source>,
    /// All callers.
    len: usize,
    next_id: u64,
}

struct Caller {
    id: u64,
    sender: oneshot::Sender<Turn>,
}

/// A permit that goes to the next in the queue when it is dropped, wherever and however that happens.
pub(crate) struct Turn {
    /// Always there, until it is passed on.
    permit: Option<HashPermit>,
    queue: Arc<PermitQueue>,
}

/// A place in the queue. Dropped, it is given up.
struct Place<'a> {
    queue: &'a PermitQueue,
    source: Source,
    id: u64,
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

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().len
    }

    /// How many hashes begin at most before one of a newcomer from `source` does; `None` when it could begin at once.
    pub(crate) fn ahead_of(&self, source: Source) -> Option<usize> {
        let waiting = self.lock();
        if waiting.len == 0 && self.pool.in_use() < self.pool.capacity() {
            return None;
        }
        let own = waiting.callers.get(&source).map_or(0, VecDeque::len);
        let others = waiting.turns.len() - usize::from(own > 0);
        // While this source has `own + 1` turns, each other one has as many, and not more than it has callers.
        let by_turns = own.saturating_add(others.saturating_mul(own + 1));
        Some(waiting.len.min(by_turns))
    }

    /// Waits for a turn. Dropping the future leaves the queue.
    pub(crate) async fn turn(self: &Arc<Self>, source: Source) -> Turn {
        let (place, mine) = {
            let mut waiting = self.lock();
            if waiting.len == 0
                && let Some(permit) = self.pool.try_acquire()
            {
                return self.turn_with(permit);
            }
            let (sender, mine) = oneshot::channel();
            let id = waiting.push(source, sender);
            let queue = self.as_ref();
            (Place { queue, source, id }, mine)
        };
        let turn = mine
            .await
            .expect("a place in the queue is given up by nobody but who waits in it");
        drop(place);
        turn
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
                let Some(next) = self.lock().pop() else { break };
                match next.send(turn) {
                    Ok(()) => return,
                    Err(given_up) => turn = given_up,
                }
            }
            // Wipes, which takes a while: not under the lock.
            drop(turn.permit.take());
            // Who came meanwhile found no permit, and nobody else may be left to come by.
            let waiting = self.lock();
            if waiting.len == 0 {
                return;
            }
            let Some(permit) = self.pool.try_acquire() else { return };
            drop(waiting);
            turn = self.turn_with(permit);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under the lock, so a poisoned one still holds a consistent queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PermitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitQueue")
            .field("pool", &self.pool)
            .field("waiting", &self.len())
            .finish()
    }
}

impl Waiting {
    fn push(&mut self, source: Source, sender: oneshot::Sender<Turn>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.len += 1;
        let callers = self.callers.entry(source).or_default();
        if callers.is_empty() {
            self.turns.push_back(source);
        }
        callers.push_back(Caller { id, sender });
        id
    }

    fn pop(&mut self) -> Option<oneshot::Sender<Turn>> {
        let source = self.turns.pop_front()?;
        let callers = self.callers.get_mut(&source)?;
        let first = callers.pop_front()?;
        self.len -= 1;
        if callers.is_empty() {
            self.callers.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        Some(first.sender)
    }

    fn leave(&mut self, source: Source, id: u64) {
        let Some(callers) = self.callers.get_mut(&source) else {
            return;
        };
        // In order of arrival, so in order of their ids.
        let Ok(position) = callers.binary_search_by_key(&id, |caller| caller.id) else {
            return;
        };
        callers.remove(position);
        self.len -= 1;
        if callers.is_empty() {
            self.callers.remove(&source);
            self.turns.retain(|other| *other != source);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.lock().leave(self.source, self.id);
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

    fn source(number: u8) -> Source {
        Some(std::net::IpAddr::from([192, 0, 2, number]).into())
    }

    #[tokio::test]
    async fn turns_come_in_order_of_arrival_and_who_gave_up_is_passed_over() {
        let queue = queue(1);
        let first = queue.turn(None).await;
        let mut second = Box::pin(queue.turn(None));
        let mut third = Box::pin(queue.turn(None));
        let mut fourth = Box::pin(queue.turn(None));
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
        let first = queue.turn(None).await;
        let mut second = Box::pin(queue.turn(None));
        let mut third = Box::pin(queue.turn(None));
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
        let first = queue.turn(None).await;
        let mut second = Box::pin(queue.turn(None));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(queue.turn(None).now_or_never().is_none());
        drop(second.await);
    }

    #[tokio::test]
    async fn sources_take_turns_however_many_callers_one_of_them_has() {
        let queue = queue(1);
        let first = queue.turn(None).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for (name, from) in [
            ("a1", 1),
            ("a2", 1),
            ("a3", 1),
            ("b1", 2),
            ("a4", 1),
            ("c1", 3),
            ("b2", 2),
        ] {
            let mut turn = Box::pin({
                let queue = Arc::clone(&queue);
                async move { queue.turn(source(from)).await }
            });
            assert!(turn.as_mut().now_or_never().is_none());
            let order = Arc::clone(&order);
            tasks.spawn(async move {
                let turn = turn.await;
                order.lock().unwrap().push(name);
                drop(turn);
            });
        }
        assert_eq!(queue.ahead_of(source(4)), Some(3), "one of each other source");
        assert_eq!(queue.ahead_of(source(3)), Some(5));
        assert_eq!(queue.ahead_of(source(1)), Some(7), "no more than there are");
        drop(first);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert_eq!(queue.ahead_of(source(1)), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_is_forgotten_and_the_capacity_holds() {
        const CAPACITY: usize = 3;
        let queue = queue(CAPACITY);
        let running = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for number in 0..400_u16 {
            let (queue, running) = (Arc::clone(&queue), Arc::clone(&running));
            tasks.spawn(async move {
                let source = source((number % 7) as u8);
                if number % 5 == 0 {
                    // Joins the queue, then leaves it.
                    let mut turn = Box::pin(queue.turn(source));
                    drop(turn.as_mut().now_or_never());
                    tokio::task::yield_now().await;
                    return;
                }
                for _ in 0..5 {
                    let turn = queue.turn(source).await;
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
        assert_eq!(queue.len(), 0);
        assert!(queue.lock().callers.is_empty() && queue.lock().turns.is_empty());
    }
}
