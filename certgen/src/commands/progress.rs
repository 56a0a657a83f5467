//! Says on a terminal how far something is that takes longer than a moment.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes no longer needs no progress.
const MOMENT: Duration = Duration::from_millis(300);

/// Progress on standard error, if that is a terminal and it takes longer than [`MOMENT`]. Gone when dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins with none of `total` done. `what` says what they are: `keys made`.
    pub(super) fn begin(total: usize, what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        if !io::stderr().is_terminal() {
            return Self { bar, waiting: None };
        }
        let template = format!("{{spinner}} {{pos}} of {{len}} {what}, {{elapsed}}");
        bar.set_style(ProgressStyle::with_template(&template).expect("the template is ours"));
        let (done, is_done) = channel();
        let shown = bar.clone();
        let waiting = thread::spawn(move || {
            if is_done.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        let waiting = Some((done, waiting));
        Self { bar, waiting }
    }

    /// One more is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, waiting)) = self.waiting.take() {
            // It may have stopped waiting.
            let _ = done.send(());
            let _ = waiting.join();
        }
        self.bar.finish_and_clear();
    }
}
