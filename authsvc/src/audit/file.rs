//! The file of lines: appended to, rotated by size and age, found again when somebody else moved it.
//!
//! A line that finds no room waits in memory, and the file is cut back to its last whole line. When memory is full too,
//! lines are lost, and a record says which.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use authsvc_core::audit::chain::{ChainId, Digest, FileThrough, Gap, LinesFrom, MAX_LINE, Record};
use rustix::fs::OFlags;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Bytes of lines that wait for room.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// When a file is put aside, and how many are kept.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// At this many bytes.
    pub max_bytes: u64,
    /// At this age.
    pub max_age: Duration,
    /// Files beside the one that is written to.
    pub keep: usize,
}

/// What a file is written through. Files do it; tests fail here.
pub trait Output: Send + fmt::Debug {
    /// Appends some of the bytes; how many.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file back to that length.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Makes what was written survive a power cut.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;

    /// Device and number of the file, to see whether the path still leads to it; and its length.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn identity(&self) -> io::Result<((u64, u64), u64)>;
}

impl Output for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn identity(&self) -> io::Result<((u64, u64), u64)> {
        let metadata = self.metadata()?;
        Ok(((metadata.dev(), metadata.ino()), metadata.len()))
    }
}

/// Opens what is written through: [`open_private`], or something that fails.
pub type Open = fn(&Path) -> io::Result<Box<dyn Output>>;

/// Opens a file for appending, mode 0600, and never through a link.
///
/// # Errors
///
/// What the system says; also when it is no plain file, or others than its owner can use it.
pub fn open_private(path: &Path) -> io::Result<Box<dyn Output>> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others than its owner can use it: chmod go= it"));
    }
    Ok(Box::new(file))
}

/// The file that lines go to.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    rotation: Rotation,
    open: Open,
    output: Option<Current>,
    waiting: VecDeque<(u64, String)>,
    waiting_bytes: usize,
    lost: VecDeque<Gap>,
    /// The last line that a file took.
    last: Option<String>,
    failing: bool,
}

#[derive(Debug)]
struct Current {
    output: Box<dyn Output>,
    identity: (u64, u64),
    len: u64,
    began: OffsetDateTime,
    last_seq: u64,
}

/// What was found at the end of a file.
#[derive(Debug, Default)]
pub struct FoundEnd {
    /// Its last record.
    pub last: Option<(ChainId, u64, Digest)>,
    /// Bytes of an unfinished line, and where they are now.
    pub torn: Option<(u64, String)>,
}

impl LineFile {
    /// Opens the file; what is unfinished at its end is set aside.
    ///
    /// # Errors
    ///
    /// What the system says. A service does not start without its file.
    pub fn open(path: &Path, rotation: Rotation, open: Open, now: OffsetDateTime) -> io::Result<(Self, FoundEnd)> {
        let found = if path.exists() {
            read_end(path, now)?
        } else {
            FoundEnd::default()
        };
        let mut file = Self {
            path: path.to_owned(),
            rotation,
            open,
            output: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            lost: VecDeque::new(),
            last: None,
            failing: false,
        };
        file.output = Some(file.open_current(now)?);
        Ok((file, found))
    }

    /// Takes lines with their numbers and writes what can be written.
    pub fn append(&mut self, lines: impl IntoIterator<Item = (u64, String)>, now: OffsetDateTime) {
        self.flush(now);
        for (seq, line) in lines {
            if self.waiting_bytes + line.len() > MAX_WAITING {
                match self.lost.back_mut() {
                    Some(gap) if gap.last + 1 == seq => gap.last = seq,
                    _ => self.lost.push_back(Gap { first: seq, last: seq }),
                }
            } else {
                self.waiting_bytes += line.len() + 1;
                self.waiting.push_back((seq, line));
            }
        }
        self.flush(now);
    }

    /// Writes what waits. Called from time to time, too.
    pub fn flush(&mut self, now: OffsetDateTime) {
        if self.waiting.is_empty() {
            return;
        }
        let done = self.try_flush(now);
        match &done {
            Err(error) if !self.failing => tracing::error!(
                path = %self.path.display(), error = %error,
                "the audit file cannot be written; lines wait in memory"
            ),
            Ok(()) if self.failing => tracing::info!(path = %self.path.display(), "the audit file is written again"),
            _ => {}
        }
        self.failing = done.is_err();
    }

    fn try_flush(&mut self, now: OffsetDateTime) -> io::Result<()> {
        if self.output.is_none() {
            self.output = Some(self.open_current(now)?);
        }
        let Some(current) = &mut self.output else { return Ok(()) };
        let mut text = Vec::with_capacity(self.waiting_bytes.min(1 << 20));
        for (_, line) in &self.waiting {
            // One write for many lines, but not so large that a nearly full disk takes none of them.
            if !text.is_empty() && text.len() + line.len() > 1 << 18 {
                break;
            }
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        let (written, outcome) = write_most(current.output.as_mut(), &text);
        // Whole lines are there, whatever came of the rest.
        let mut whole = 0;
        while let Some((seq, line)) = self.waiting.pop_front_if(|(_, line)| whole + line.len() < written) {
            whole += line.len() + 1;
            self.waiting_bytes -= line.len() + 1;
            current.last_seq = seq;
            self.last = Some(line);
        }
        current.len += whole as u64;
        // An unfinished line is cut off. Where not even that works, the file is put aside with it, and another begun.
        if outcome.is_err() && current.output.truncate(current.len).is_err() {
            let name = format!(".{}-{:016}-broken", compact(now), current.last_seq);
            let _ = std::fs::rename(&self.path, free_name(with_suffix(&self.path, &name)));
            self.output = None;
        }
        outcome?;
        if self.waiting.is_empty() {
            Ok(())
        } else {
            self.try_flush(now)
        }
    }

    /// Lines that are lost for good, once those before them are written.
    pub fn take_gap(&mut self) -> Option<Gap> {
        if !self.waiting.is_empty() {
            return None;
        }
        self.lost.pop_front()
    }

    /// The last line that a file took.
    pub fn taken_through(&self) -> FileThrough {
        let last = self.last.as_ref().and_then(|line| Record::parse(line.as_bytes()).ok());
        FileThrough {
            seq: last.as_ref().map_or(0, |record| record.seq),
            hash: last.map_or_else(Digest::default, |record| record.hash),
        }
    }

    /// How many lines wait for room.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether lines wait for room.
    pub fn is_failing(&self) -> bool {
        self.failing
    }

    /// Whether there is a file, and the last line went into it.
    pub fn takes_lines(&self) -> bool {
        self.output.is_some() && !self.failing
    }

    /// Begins a new file when somebody has moved or removed this one.
    pub fn follow_path(&mut self, now: OffsetDateTime) {
        let there = std::fs::symlink_metadata(&self.path).map(|found| (found.dev(), found.ino()));
        let ours = self.output.as_ref().map(|current| current.identity);
        if ours.is_some() && there.as_ref().ok() != ours.as_ref() {
            tracing::info!(path = %self.path.display(), "the audit file was moved; a new one is begun");
            self.output = self.open_current(now).ok();
        }
    }

    /// Whether the file is to be put aside.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        self.output.as_ref().is_some_and(|current| {
            current.len > 0
                && (current.len >= self.rotation.max_bytes || now - current.began >= self.rotation.max_age)
                && !self.failing
        })
    }

    /// Puts the file aside and begins a new one.
    pub fn rotate(&mut self, now: OffsetDateTime) {
        let Some(current) = self.output.take() else { return };
        let name = format!("{:016}", current.last_seq);
        let aside = with_suffix(
            &self.path,
            &format!(".{}-{name}", compact(self.later_than_rotated(now))),
        );
        // A name is never used twice: what is there stays.
        let aside = free_name(aside);
        if let Err(error) = std::fs::rename(&self.path, &aside) {
            tracing::error!(path = %self.path.display(), error = %error, "the audit file cannot be rotated");
            self.output = Some(current);
            return;
        }
        drop(current);
        self.output = self.open_current(now).ok();
    }

    /// Files are in the order of their names: a clock that was set back, or another process within the second, must not put
    /// this one before those that are older.
    fn later_than_rotated(&self, now: OffsetDateTime) -> OffsetDateTime {
        let newest = rotated(&self.path).pop();
        let time = newest.and_then(|newest| {
            let name = newest.file_name()?.to_str()?.to_owned();
            let after = name.get(self.path.file_name()?.len() + 1..)?.split('-').next()?;
            expand(after)
        });
        time.map_or(now, |newest| now.max(newest + time::Duration::SECOND))
    }

    /// The oldest files beyond the number that is kept, and the record that the others begin with. `None` where nothing is
    /// to be removed, or nothing that is kept has a record.
    pub fn surplus(&self) -> Option<(Vec<PathBuf>, LinesFrom)> {
        let mut surplus = rotated(&self.path);
        let kept = surplus.split_off(surplus.len().saturating_sub(self.rotation.keep));
        if surplus.is_empty() {
            return None;
        }
        let first = kept.iter().find_map(|path| first_record(path))?;
        let from = LinesFrom {
            chain: first.chain,
            seq: first.seq,
            time: first.facts.time,
        };
        Some((surplus, from))
    }

    /// Makes what was written survive a power cut. Where that fails, the next write will say so.
    pub fn sync(&mut self) {
        if let Some(current) = &mut self.output {
            let _ = current.output.sync();
        }
    }

    fn open_current(&self, now: OffsetDateTime) -> io::Result<Current> {
        let output = (self.open)(&self.path)?;
        let (identity, len) = output.identity()?;
        Ok(Current {
            output,
            identity,
            len,
            began: if len == 0 {
                now
            } else {
                first_record(&self.path).map_or(now, |first| first.facts.time)
            },
            last_seq: 0,
        })
    }
}

/// The files that were put aside, the oldest first.
pub fn rotated(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let is_ours = |found: &str| {
        found
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('-'))
            .is_some_and(|(time, rest)| {
                let seq = rest.split_once('-').map_or(rest, |(seq, _)| seq);
                time.len() == 16 && time.ends_with('Z') && seq.len() == 16 && seq.bytes().all(|b| b.is_ascii_digit())
            })
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// All files of a log in the order in which they were written.
pub fn all_files(path: &Path) -> Vec<PathBuf> {
    let mut files = rotated(path);
    if path.exists() {
        files.push(path.to_owned());
    }
    files
}

/// Writes as much as goes; how many bytes that were.
fn write_most(output: &mut dyn Output, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match output.append(&bytes[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// The last record of a file. An unfinished line after it is moved to a file of its own.
fn read_end(path: &Path, now: OffsetDateTime) -> io::Result<FoundEnd> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    // Two lines fit in: a whole one, and one that is not.
    let from = metadata.len().saturating_sub(2 * MAX_LINE as u64 + 2);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut found = FoundEnd::default();
    if whole < end.len() {
        let torn = &end[whole..];
        let kept_as = free_name(with_suffix(path, &format!(".torn-{}", compact(now))));
        private_files::replace(&kept_as, torn).map_err(io::Error::other)?;
        file.set_len(from + whole as u64)?;
        let name = kept_as.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.torn = Some((torn.len() as u64, name));
    }
    let last = end[..whole].strip_suffix(b"\n").unwrap_or_default();
    let last = last.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    found.last = Record::parse(last)
        .ok()
        .map(|record| (record.chain, record.seq, record.hash));
    Ok(found)
}

/// The first record of a file.
fn first_record(path: &Path) -> Option<Record> {
    let mut start = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_LINE as u64 + 1)
        .read_to_end(&mut start)
        .ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    Record::parse(line).ok()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The name, or one that nothing has yet.
fn free_name(name: PathBuf) -> PathBuf {
    (1..1_000)
        .map(|number| with_suffix(&name, &format!("-{number}")))
        .fold(name.clone(), |free, next| if free.exists() { next } else { free })
}

fn compact(time: OffsetDateTime) -> String {
    time.format(format_description!("[year][month][day]T[hour][minute][second]Z"))
        .unwrap_or_default()
}

fn expand(text: &str) -> Option<OffsetDateTime> {
    let parsed = PrimitiveDateTime::parse(text, format_description!("[year][month][day]T[hour][minute][second]Z"));
    parsed.ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_put_aside_are_in_order_whatever_the_clock_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let rotation = Rotation {
            max_bytes: 1,
            max_age: Duration::from_secs(60),
            keep: 9,
        };
        // Each of another process, whose numbers begin anew; all within a second, and one after the clock was set back.
        for (seq, at) in [(30, now), (20, now), (10, now - time::Duration::HOUR)] {
            let (mut file, _) = LineFile::open(&path, rotation, open_private, at).unwrap();
            file.append([(seq, seq.to_string())], at);
            file.rotate(at);
        }
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        let contents: Vec<String> = rotated(&path).iter().map(read).collect();
        assert_eq!(contents, ["30\n", "20\n", "10\n"]);
    }
}
