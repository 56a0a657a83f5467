//! One process at a time changes a home.

use std::fmt;
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use super::directory::Directory;
use super::error::HomeError;
use super::layout::LOCK;

/// How long to wait for another process.
pub struct Patience<'a> {
    /// At most this long.
    pub at_most: Duration,
    /// Called once when it takes longer than half a second, so that somebody who watches learns why.
    pub on_wait: Option<&'a mut dyn FnMut()>,
}

/// Between two attempts.
const INTERVAL: Duration = Duration::from_millis(20);
/// What nobody needs to be told about.
const A_MOMENT: Duration = Duration::from_millis(500);

impl Default for Patience<'_> {
    /// 30 seconds, without a word.
    fn default() -> Self {
        Self {
            at_most: Duration::from_secs(30),
            on_wait: None,
        }
    }
}

impl fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience")
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}

/// Waits for the lock. It is the kernel's: a process that is ended, however, gives it back.
pub(super) fn acquire(home: &Directory, patience: Patience<'_>) -> Result<File, HomeError> {
    let file = home.lock_file(LOCK)?;
    let began = Instant::now();
    let mut on_wait = patience.on_wait;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => {
                return Err(HomeError::Io {
                    action: "lock",
                    path: home.path().join(LOCK),
                    source,
                });
            }
        }
        let waited = began.elapsed();
        if waited >= patience.at_most {
            return Err(HomeError::Busy {
                path: home.path().to_owned(),
                waited,
            });
        }
        if waited >= A_MOMENT
            && let Some(tell) = on_wait.take()
        {
            tell();
        }
        std::thread::sleep(INTERVAL);
    }
}
