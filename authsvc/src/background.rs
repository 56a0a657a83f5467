//! Work that is repeated for as long as the service runs.

use std::fmt::Display;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::metrics::Metrics;

/// The repeated work of a running service. Dropping it ends all of it.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    metrics: Metrics,
}

impl Background {
    /// Nothing yet.
    pub fn new(metrics: Metrics) -> Self {
        Self {
            tasks: JoinSet::new(),
            metrics,
        }
    }

    /// Runs `work` at once and then every `interval`; a round that takes longer delays the next one.
    ///
    /// A round that fails is logged and counted, and the next one comes all the same: a database that is away for a
    /// while must not end what keeps the service right afterwards.
    pub fn every<Work, Round, Error>(&mut self, name: &'static str, interval: Duration, mut work: Work)
    where
        Work: FnMut() -> Round + Send + 'static,
        Round: Future<Output = Result<(), Error>> + Send,
        Error: Display,
    {
        let metrics = self.metrics.clone();
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                ticks.tick().await;
                match work().await {
                    Ok(()) if failing => {
                        tracing::info!(task = name, "works again");
                        failing = false;
                    }
                    Ok(()) => {}
                    Err(error) => {
                        metrics.count_background_failure(name);
                        // Once for each time that it breaks: a line every half second would hide everything else.
                        if !failing {
                            tracing::warn!(task = name, error = %error, "failed; tried again");
                        }
                        failing = true;
                    }
                }
            }
        });
    }

    /// Runs `work` each time the signal comes.
    pub fn on_each<Work, Round>(&mut self, mut signal: Signal, mut work: Work)
    where
        Work: FnMut() -> Round + Send + 'static,
        Round: Future<Output = ()> + Send,
    {
        self.tasks.spawn(async move {
            while signal.recv().await.is_some() {
                work().await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failing_round_does_not_end_the_work_and_dropping_does() {
        let metrics = Metrics::new();
        let rounds = Arc::new(AtomicUsize::new(0));
        let mut background = Background::new(metrics.clone());
        let counted = Arc::clone(&rounds);
        background.every("test", Duration::from_secs(1), move || {
            let round = counted.fetch_add(1, Ordering::SeqCst);
            async move { if round == 1 { Err("planted") } else { Ok(()) } }
        });
        tokio::time::sleep(Duration::from_millis(3500)).await;
        assert_eq!(rounds.load(Ordering::SeqCst), 4);
        assert!(
            metrics
                .render()
                .contains("authsvc_background_failures_total{task=\"test\"} 1")
        );
        drop(background);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(rounds.load(Ordering::SeqCst), 4);
    }
}
