//! Whether the lines of files are all that there should be: where a log begins, and what the database knows of it.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::fault::{Place, What};
use super::parse::{LinesFrom, Record};
use super::{ChainId, Digest, Thread};

/// Statements of where a log begins: one for each file that was put aside. And chains.
const MAX_KNOWN: usize = 100_000;

/// What signed records say of the lines of files.
#[derive(Clone, Debug, Default)]
pub struct KnownLines {
    /// The last line of each chain that a signed row says to be in a file. Such a line is on disk before its row is in the
    /// database, or the row after it says which line the file took last instead.
    last: BTreeMap<ChainId, LastLine>,
    /// The records that files may begin with.
    begins: BTreeSet<(ChainId, u64)>,
    /// The last of these statements in each chain: it speaks of its own replica's files and of no other's.
    latest: BTreeMap<ChainId, LinesFrom>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LastLine {
    number: u64,
    hash: Digest,
    time: OffsetDateTime,
}

impl KnownLines {
    /// From a record whose signature is good.
    pub(super) fn learn(&mut self, record: &Record, thread: Thread) {
        if let Some(from) = record.lines_from
            && self.begins.len() < MAX_KNOWN
        {
            self.begins.insert((from.chain, from.seq));
            self.latest.insert(record.chain, from);
        }
        if thread == Thread::Lines {
            return;
        }
        let in_file = record.in_file.then_some((record.seq, record.hash));
        // A disk that fills up takes back what was said while it did.
        let through = record.file_through.map(|through| (through.seq, through.hash));
        match through.or(in_file) {
            Some((0, _)) => drop(self.last.remove(&record.chain)),
            Some((number, hash)) if self.last.len() < MAX_KNOWN => {
                let last = LastLine {
                    number,
                    hash,
                    time: record.facts.time,
                };
                self.last.insert(record.chain, last);
            }
            _ => {}
        }
    }

    pub(super) fn may_begin(&self, chain: ChainId, first: u64) -> bool {
        self.begins.contains(&(chain, first))
    }

    /// Whether the line was in a file that a signed record of the same replica says is removed.
    fn is_removed(&self, chain: ChainId, last: &LastLine, is_of_same_replica: impl Fn(ChainId) -> bool) -> bool {
        let statements = self.latest.iter().filter(|(writer, _)| is_of_same_replica(**writer));
        statements.into_iter().any(|(_, from)| {
            if from.chain == chain {
                last.number < from.seq
            } else {
                last.time <= from.time
            }
        })
    }
}

/// What is found out about a whole log while its lines are read.
#[derive(Debug)]
pub(super) struct Whole {
    replica: String,
    replicas: BTreeMap<ChainId, String>,
    met: BTreeSet<ChainId>,
    before: Vec<Before>,
}

/// A chain's first record names the last line of the file that it was written to.
#[derive(Debug)]
struct Before {
    begun: ChainId,
    chain: ChainId,
    number: u64,
    place: Place,
    found_at: u64,
}

impl Whole {
    pub(super) fn new(replica: &str, replicas: BTreeMap<ChainId, String>) -> Self {
        Self {
            replica: replica.to_owned(),
            replicas,
            met: BTreeSet::new(),
            before: Vec::new(),
        }
    }

    pub(super) fn meet(&mut self, record: &Record, place: &Place, found_at: u64, known: &KnownLines) {
        let last = known.last.get(&record.chain);
        if last.is_some_and(|last| (last.number, last.hash) == (record.seq, record.hash)) {
            self.met.insert(record.chain);
        }
        if let Some((chain, number, _)) = record.continues.line
            && record.seq == 1
            && self.before.len() < MAX_KNOWN
        {
            self.before.push(Before {
                begun: record.chain,
                chain,
                number,
                place: place.clone(),
                found_at,
            });
        }
    }

    /// Whose chain it is. One that the database does not know has been met in the files that are read.
    fn replica_of(&self, chain: ChainId) -> &str {
        self.replicas.get(&chain).unwrap_or(&self.replica)
    }

    /// What is missing, and at which record that was found.
    pub(super) fn finish(
        self,
        known: &KnownLines,
        is_there: impl Fn(ChainId) -> bool,
    ) -> Vec<(Option<u64>, Place, What)> {
        let mut faults = Vec::new();
        for before in &self.before {
            if !is_there(before.chain) && !known.may_begin(before.begun, 1) {
                let what = What::FileBefore {
                    chain: before.chain,
                    number: before.number,
                };
                faults.push((Some(before.found_at), before.place.clone(), what));
            }
        }
        // The files of another replica are elsewhere, unless some of its lines are here.
        let here: BTreeSet<&str> = self
            .replicas
            .iter()
            .filter(|(chain, _)| is_there(**chain))
            .map(|(_, replica)| replica.as_str())
            .chain([self.replica.as_str()])
            .collect();
        let mut missing: Vec<(ChainId, LastLine)> = known
            .last
            .iter()
            .filter(|(chain, _)| {
                self.replicas
                    .get(*chain)
                    .is_some_and(|replica| here.contains(replica.as_str()))
            })
            .filter(|(chain, last)| {
                let replica = self.replica_of(**chain);
                let is_removed = known.is_removed(**chain, last, |writer| self.replica_of(writer) == replica);
                !self.met.contains(*chain) && !is_removed
            })
            .map(|(chain, last)| (*chain, *last))
            .collect();
        missing.sort_by_key(|(_, last)| last.time);
        for (chain, last) in missing {
            let place = Place::Chain {
                chain: chain.to_string(),
            };
            faults.push((None, place, What::NotInFiles { expected: last.number }));
        }
        faults
    }
}
