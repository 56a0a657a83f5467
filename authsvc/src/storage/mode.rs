//! What may be asked of the database: everything, only reading, or nothing.
//!
//! Decided by two things that the database holds and every replica looks at twice a second: whether an operator has put
//! the installation into read-only mode, and how old a program may be to read and write the schema.

use std::sync::atomic::{AtomicI64, Ordering};

use authsvc_core::storage::DatabaseMode;

use super::fault::NotAsked;

/// What this program can read and write. A migration that programs of this number cannot live with raises
/// `database_state.min_writer`, or `min_reader`, above it, and this number with it. The seals of registrations and sessions
/// did not: programs without them write rows that those with them refuse until an operator vouches for them, and lose
/// nothing (ADR 0035).
pub const SCHEMA_COMPATIBILITY: i64 = 1;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// What ends the read-only mode, and what looks at all this.
    Upkeep,
}

/// What this process knows of it.
#[derive(Debug, Default)]
pub(super) struct Mode(AtomicI64);

const ALL: i64 = 0;
const READ_ONLY: i64 = 1;
const TOO_OLD_TO_WRITE: i64 = 2;
const TOO_OLD_TO_READ: i64 = 3;

impl Mode {
    /// Remembers what the database says.
    pub(super) fn learn(&self, mode: &DatabaseMode) {
        let value = match (judge(mode), mode.read_only) {
            (Err(NotAsked::TooOldToRead), _) => TOO_OLD_TO_READ,
            (Err(_), _) => TOO_OLD_TO_WRITE,
            (Ok(()), true) => READ_ONLY,
            (Ok(()), false) => ALL,
        };
        self.0.store(value, Ordering::Release);
    }

    pub(super) fn check(&self, access: Access) -> Result<(), NotAsked> {
        let refusal = match self.0.load(Ordering::Acquire) {
            ALL => return Ok(()),
            READ_ONLY => NotAsked::ReadOnlyMode,
            TOO_OLD_TO_WRITE => NotAsked::TooOldToWrite,
            _ => NotAsked::TooOldToRead,
        };
        match (access, refusal) {
            (Access::Upkeep, _) => Ok(()),
            (Access::Read, NotAsked::TooOldToRead) | (Access::Write, _) => Err(refusal),
            (Access::Read, _) => Ok(()),
        }
    }
}

/// Whether this program is young enough for a schema; the error says for what it is too old.
pub(super) fn judge(mode: &DatabaseMode) -> Result<(), NotAsked> {
    if SCHEMA_COMPATIBILITY < mode.min_reader {
        Err(NotAsked::TooOldToRead)
    } else if SCHEMA_COMPATIBILITY < mode.min_writer {
        Err(NotAsked::TooOldToWrite)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_follows_from_what_the_database_says() {
        let ours = SCHEMA_COMPATIBILITY;
        for (min_reader, min_writer, read_only, read, write) in [
            (ours, ours, false, Ok(()), Ok(())),
            (ours - 1, ours, false, Ok(()), Ok(())),
            (ours, ours, true, Ok(()), Err(NotAsked::ReadOnlyMode)),
            (ours, ours + 1, false, Ok(()), Err(NotAsked::TooOldToWrite)),
            (ours, ours + 1, true, Ok(()), Err(NotAsked::TooOldToWrite)),
            (
                ours + 1,
                ours + 1,
                false,
                Err(NotAsked::TooOldToRead),
                Err(NotAsked::TooOldToRead),
            ),
        ] {
            let mode = Mode::default();
            mode.learn(&DatabaseMode {
                read_only,
                min_reader,
                min_writer,
            });
            assert_eq!(mode.check(Access::Read), read);
            assert_eq!(mode.check(Access::Write), write);
            assert_eq!(mode.check(Access::Upkeep), Ok(()));
        }
    }
}
