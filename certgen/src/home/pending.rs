//! Changes that are decided, and putting them into place: once, or again after a process was ended in between.

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::error::HomeError;
use super::layout::{COMMIT, FULLCHAIN, INVENTORY, KEY, PENDING, PENDING_PREFIX, RECORDS};
use super::view::{MAX_INVENTORY_BYTES, read_inventory};

/// Most bytes of the two files of ours in a directory of changes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What else there is to do besides putting the files into place.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Commit {
    /// Version of this structure.
    pub(super) v: u64,
    /// Length of the inventory before the records are added, in bytes.
    pub(super) inventory_length: u64,
    /// Files to remove.
    pub(super) remove: Vec<String>,
}

/// Version of [`Commit`].
pub(super) const VERSION: u64 = 1;

/// What was just done; for tests that look at a home at every one of these moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All is prepared and flushed.
    Prepared,
    /// From here on the changes are certain.
    Decided,
    /// The inventory has them.
    Recorded,
    /// One file is in place.
    Placed,
    /// All is in place; the directory of changes is still there.
    InPlace,
    /// The directory of changes has lost its name.
    Finished,
}

/// Puts decided changes into place, if there are any. May be done again from the beginning at any point.
pub(super) fn roll_forward(home: &Directory, reached: &mut dyn FnMut(Step)) -> Result<bool, HomeError> {
    let Some(pending) = home.subdirectory(PENDING)? else {
        return Ok(false);
    };
    let foreign = || HomeError::ForeignChanges {
        path: pending.path().to_owned(),
    };
    let commit = pending.read(COMMIT, MAX_BYTES)?.ok_or_else(foreign)?;
    let commit: Commit = serde_json::from_slice(&commit).map_err(|_| foreign())?;
    if commit.v != VERSION {
        return Err(foreign());
    }
    let records = pending.read(RECORDS, MAX_BYTES)?.ok_or_else(foreign)?;
    record(home, &commit, &records)?.ok_or_else(foreign)?;
    reached(Step::Recorded);

    place(&pending, home, reached)?;
    for name in &commit.remove {
        remove(home, name)?;
        reached(Step::Placed);
    }
    home.sync()?;
    reached(Step::InPlace);

    // Renamed before it is taken apart, so that a half of it is never taken for decided changes.
    let done = format!("{PENDING_PREFIX}done");
    home.remove_tree(&done)?;
    home.rename(PENDING, home, &done)?;
    home.sync()?;
    reached(Step::Finished);
    home.remove_tree(&done)?;
    Ok(true)
}

/// Removes what was being prepared when a process was ended. Under the lock it is nobody's.
pub(super) fn clean(home: &Directory) -> Result<(), HomeError> {
    for name in home.names()? {
        if name.starts_with(PENDING_PREFIX) {
            home.remove_tree(&name)?;
        }
    }
    Ok(())
}

/// Adds the records to the inventory as far as they are not there yet; `None` when something else is.
fn record(home: &Directory, commit: &Commit, records: &[u8]) -> Result<Option<()>, HomeError> {
    let inventory = read_inventory(home)?;
    let Some(added) = usize::try_from(commit.inventory_length)
        .ok()
        .and_then(|length| inventory.get(length..))
    else {
        return Ok(None);
    };
    let Some(missing) = records.strip_prefix(added) else {
        return Ok(None);
    };
    let length = inventory.len() as u64;
    if length + missing.len() as u64 > MAX_INVENTORY_BYTES {
        return Ok(None);
    }
    if !missing.is_empty() {
        home.append(INVENTORY, length, missing)?;
    }
    Ok(Some(()))
}

fn place(pending: &Directory, home: &Directory, reached: &mut dyn FnMut(Step)) -> Result<(), HomeError> {
    for name in pending.names()? {
        if name == COMMIT || name == RECORDS {
            continue;
        }
        match pending.subdirectory_or_file(&name)? {
            None => {
                home.check_replaceable(&name)?;
                pending.rename(&name, home, &name)?;
                reached(Step::Placed);
            }
            Some(staged) => place_directory(pending, &staged, home, &name, reached)?,
        }
    }
    Ok(())
}

/// A new directory appears with all its files; into one that is there they go one by one, since it may be mounted
/// somewhere and must stay the same one.
fn place_directory(
    pending: &Directory,
    staged: &Directory,
    home: &Directory,
    name: &str,
    reached: &mut dyn FnMut(Step),
) -> Result<(), HomeError> {
    let Some(there) = home.subdirectory(name)? else {
        pending.rename(name, home, name)?;
        reached(Step::Placed);
        return Ok(());
    };
    there.check_ours()?;
    let mut files = staged.names()?;
    // Key and certificate change places as close to one another as can be.
    files.sort_by_key(|file| match file.as_str() {
        KEY => 1,
        FULLCHAIN => 2,
        _ => 0,
    });
    for file in files {
        there.check_replaceable(&file)?;
        staged.give_to_owner_of(&file, &there)?;
        staged.rename(&file, &there, &file)?;
        reached(Step::Placed);
    }
    there.sync()
}

fn remove(home: &Directory, relative: &str) -> Result<(), HomeError> {
    match relative.split_once('/') {
        None => home.remove(relative),
        Some((directory, file)) => match home.subdirectory(directory)? {
            Some(directory) => directory.remove(file).and_then(|()| directory.sync()),
            None => Ok(()),
        },
    }
}

impl Directory {
    /// A directory in it; `None` for a regular file.
    fn subdirectory_or_file(&self, name: &str) -> Result<Option<Self>, HomeError> {
        match self.kind(name)? {
            Some(FileType::Directory) => self.subdirectory(name),
            _ => self.check_replaceable(name).map(|()| None),
        }
    }
}
