//! Standard error, as the log goes there: whole lines, in order, and never waiting long for a reader.
//!
//! A terminal that was stopped or a collector that hangs must not stop the service. A line that finds no room within a
//! moment is counted and dropped; while there is still no room, the next ones are dropped at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_subscriber::fmt::MakeWriter;

/// How long one line may wait for room: a reader that is only slow catches up.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Whether the line before found no room. The lock also keeps lines apart.
static STALLED: Mutex<bool> = Mutex::new(false);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that were not written since the process began.
pub fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Writes one line, its end included.
pub fn write_line(line: &[u8]) {
    let mut stalled = STALLED.lock().unwrap_or_else(PoisonError::into_inner);
    let stderr = io::stderr();
    let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
    let patience = if *stalled { NONE } else { PATIENCE };
    // Room means room for 4 KiB, which is more than a line has: the write does not wait.
    let has_room = poll(&mut ready, Some(&patience)).is_ok_and(|count| count > 0);
    *stalled = !has_room;
    if !has_room || stderr.lock().write_all(line).is_err() {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives `tracing` one writer for each event.
#[derive(Clone, Copy, Debug)]
pub struct LogLines;

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine(Vec::new())
    }
}

/// Collects an event's bytes and writes them as one line.
#[derive(Debug)]
pub struct LogLine(Vec<u8>);

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            write_line(&self.0);
        }
    }
}
