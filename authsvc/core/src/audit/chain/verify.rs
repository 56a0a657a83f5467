//! Whether records follow one another as they were written.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::fault::{Fault, Place, What};
use super::parse::{Gap, Record, RowEnd};
use super::seal::signed_message;
use super::whole::{KnownLines, Whole};
use super::{COMMANDS_CHAIN, ChainId, Digest, Malformed, PublicKeys, Thread};

/// Faults that are kept; the rest are counted.
const MAX_FAULTS: usize = 100;
/// Records that may follow one another without a signature. A process signs after a thousand at the latest.
pub(super) const MAX_UNSIGNED: u64 = 10_000;
/// Chains in one run.
const MAX_CHAINS: usize = 100_000;
/// Lost ranges of lines that wait for the record that explains them.
const MAX_GAPS: usize = 10_000;

/// Takes records in their order, chain by chain or interleaved, and says which is the first that does not fit. Memory
/// grows with the number of chains, not of records.
#[derive(Debug)]
pub struct Verifier<'k> {
    keys: &'k PublicKeys,
    thread: Thread,
    chains: BTreeMap<ChainId, State>,
    expected: Vec<Expectation>,
    /// What signed records say of the chain of commands, where all rows of a database are verified: its rows by number.
    commands: Option<BTreeMap<u64, Digest>>,
    /// Chains that were not there when one that was begun after them was.
    succeeded: BTreeSet<ChainId>,
    /// With the number of the record at which each was found.
    faults: Vec<(u64, Fault)>,
    more_faults: u64,
    records: u64,
    wanted: Option<Digest>,
    found: Option<Place>,
    kept_since: Option<OffsetDateTime>,
    known_lines: KnownLines,
    whole: Option<Whole>,
}

/// A later chain's word on an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The earlier chain.
    pub chain: ChainId,
    /// The number of the record that was its last.
    pub number: u64,
    /// Its digest.
    pub hash: Digest,
    /// When it was written, if that is known.
    pub time: Option<OffsetDateTime>,
}

#[derive(Debug)]
struct State {
    first: u64,
    first_signed: bool,
    first_time: OffsetDateTime,
    first_place: Place,
    /// How many records had been read when it began.
    first_at: u64,
    number: u64,
    hash: Digest,
    time: OffsetDateTime,
    signed: Option<u64>,
    records: u64,
    /// Missing lines that no record has explained yet.
    gaps: Vec<Missing>,
    lost: u64,
    unsigned: u64,
    met: Vec<Expectation>,
}

/// Lines that are not there.
#[derive(Debug)]
struct Missing {
    gap: Gap,
    place: Place,
    found_at: u64,
}

/// The end of a verification.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is wrong, in the order in which it was found; at most a hundred.
    pub faults: Vec<Fault>,
    /// How much more is wrong.
    pub more_faults: u64,
    /// How many records were read.
    pub records: u64,
    /// The chains.
    pub chains: Vec<ChainSummary>,
    /// Where the expected digest was found.
    pub expected_head: Option<Place>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What is known of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSummary {
    /// Its id.
    pub id: ChainId,
    /// Number of the first record that is there.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
    /// The digest of the last one: the chain's head.
    pub head: Digest,
    /// When the last one was written.
    pub time: OffsetDateTime,
    /// Number of the last signed one; what comes after it is vouched for by nobody.
    pub signed: Option<u64>,
    /// Lines that are missing and whose loss is on record.
    pub lost: u64,
}

impl Expectation {
    /// What a chain's first row says about the chain before it.
    pub fn of(first: &Record) -> Option<Self> {
        let (chain, number, hash, time) = first.continues.row?;
        Some(Self {
            chain,
            number,
            hash,
            time: Some(time),
        })
    }
}

impl<'k> Verifier<'k> {
    /// A verifier of that thread with those keys.
    pub fn new(keys: &'k PublicKeys, thread: Thread) -> Self {
        Self {
            keys,
            thread,
            chains: BTreeMap::new(),
            expected: Vec::new(),
            commands: None,
            succeeded: BTreeSet::new(),
            faults: Vec::new(),
            more_faults: 0,
            records: 0,
            wanted: None,
            found: None,
            kept_since: None,
            known_lines: KnownLines::default(),
            whole: None,
        }
    }

    /// What comes are all lines of a log and not a piece of it: they begin where a signed record says that they do, and
    /// they have what the database knows of them. `replica` is whose log it is, `chains` whose the chains are.
    pub fn whole_log(&mut self, replica: &str, chains: BTreeMap<ChainId, String>, known: KnownLines) {
        self.known_lines = known;
        self.whole = Some(Whole::new(replica, chains));
    }

    /// What comes are all rows of a database, those of the chain of commands last: it has the rows that signed records of
    /// other chains say were its last ones.
    pub fn whole_database(&mut self) {
        self.commands = Some(BTreeMap::new());
    }

    /// What the signed records so far say of the lines of files.
    pub fn known_lines(&self) -> &KnownLines {
        &self.known_lines
    }

    /// A record of this digest must be there: a head that was noted elsewhere.
    pub fn expect_head(&mut self, head: Digest) {
        self.wanted = Some(head);
    }

    /// What the first records of other chains say, when they are known before the chains are read.
    pub fn expect(&mut self, expectation: Expectation) {
        if self.expected.len() < MAX_CHAINS {
            self.expected.push(expectation);
        }
    }

    /// Notes something that the caller found.
    pub fn fault(&mut self, place: Place, what: What) {
        self.fault_at(self.records, place, what);
    }

    fn fault_at(&mut self, at: u64, place: Place, what: What) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push((at, Fault { place, what }));
        } else {
            self.more_faults += 1;
        }
    }

    /// Takes the next line. The record, when the line is one.
    pub fn add(&mut self, line: &[u8], place: Place) -> Option<Record> {
        self.records += 1;
        match Record::parse(line) {
            Ok(record) => {
                self.add_record(&record, place);
                Some(record)
            }
            Err(malformed) => {
                self.fault(place, What::Malformed(malformed));
                None
            }
        }
    }

    fn add_record(&mut self, record: &Record, place: Place) {
        let mut vouched_for = false;
        if record.computed != record.hash {
            self.fault(place.clone(), What::Altered);
        } else if let Some(signature) = &record.signature {
            match self
                .keys
                .verify(signature.key, &signed_message(record.hash), &signature.bytes)
            {
                Some(true) => {
                    vouched_for = true;
                    self.kept_since = self.kept_since.max(record.kept_since);
                    self.known_lines.learn(record, self.thread);
                    if let Some(commands) = record.commands {
                        self.expect_command(commands, &place);
                    }
                }
                Some(false) => self.fault(place.clone(), What::Forged),
                None => self.fault(place.clone(), What::UnknownKey(signature.key)),
            }
        }
        let (number, prev) = match (self.thread, record.row) {
            (Thread::Lines, _) => (record.seq, record.prev),
            (Thread::Rows, Some(row)) => row,
            (Thread::Rows, None) => {
                self.fault(place, What::Malformed(Malformed::Member));
                return;
            }
        };
        if self.wanted == Some(record.hash) && self.found.is_none() {
            self.found = Some(place.clone());
        }
        if self.thread == Thread::Lines {
            self.check_line_before(record, &place);
            if let Some(whole) = &mut self.whole {
                whole.meet(record, &place, self.records, &self.known_lines);
            }
        }
        let gap = record.gap.filter(|_| vouched_for);
        self.follow(record, (number, prev), gap, place);
    }

    /// The chain of commands grows by one row after another: of a number there was one row only.
    fn expect_command(&mut self, end: RowEnd, place: &Place) {
        let Some(commands) = &mut self.commands else { return };
        if commands.len() < MAX_CHAINS
            && let Some(other) = commands.insert(end.row, end.hash)
            && other != end.hash
        {
            self.fault(place.clone(), What::End { expected: end.row });
        }
    }

    /// The first line of a chain says what was the last line of its file.
    fn check_line_before(&mut self, record: &Record, place: &Place) {
        let Some((chain, number, hash)) = record.continues.line else {
            return;
        };
        match self.chains.get(&chain) {
            Some(state) if (state.number, state.hash) != (number, hash) => {
                self.fault(place.clone(), What::End { expected: number });
            }
            Some(_) => {}
            // A chain that is not in the files given was not asked about. One that comes later has no end to compare.
            None if self.succeeded.len() < MAX_CHAINS => drop(self.succeeded.insert(chain)),
            None => self.fault(place.clone(), What::TooManyChains),
        }
    }

    /// `gap`: the missing lines that the record explains, if a signature vouches for it.
    fn follow(&mut self, record: &Record, (number, prev): (u64, Digest), gap: Option<Gap>, place: Place) {
        if record.chain == COMMANDS_CHAIN {
            if record.signature.is_none() {
                self.fault(place.clone(), What::UnsignedCommand);
            }
            let named = self.commands.as_mut().and_then(|commands| commands.remove(&number));
            if named.is_some_and(|named| named != record.hash) {
                self.fault(place.clone(), What::End { expected: number });
            }
        }
        let meets = self
            .expected
            .iter()
            .filter(|expected| {
                expected.chain == record.chain && expected.number == number && expected.hash == record.hash
            })
            .copied()
            .collect::<Vec<_>>();
        let Some(state) = self.chains.get_mut(&record.chain) else {
            if self.chains.len() == MAX_CHAINS {
                self.fault(place, What::TooManyChains);
                return;
            }
            if self.succeeded.contains(&record.chain) {
                self.fault(place.clone(), What::AfterItsSuccessor);
            }
            if number == 1 && prev != Digest::default() {
                self.fault(place.clone(), What::Exchanged);
            }
            if number == 1 && record.signature.is_none() {
                self.fault(place.clone(), What::Unsigned);
            }
            self.chains.insert(
                record.chain,
                State {
                    first: number,
                    first_signed: record.signature.is_some(),
                    first_time: record.facts.time,
                    first_place: place,
                    first_at: self.records,
                    number,
                    hash: record.hash,
                    time: record.facts.time,
                    signed: record.signature.is_some().then_some(number),
                    records: 1,
                    gaps: Vec::new(),
                    lost: 0,
                    unsigned: u64::from(record.signature.is_none()),
                    met: meets,
                },
            );
            return;
        };
        let (expected, before) = (state.number + 1, state.hash);
        let mut wrong = None;
        if number < expected {
            wrong = Some(What::Moved {
                expected,
                found: number,
            });
        } else {
            if number > expected {
                // A file that was full has lost lines, and a later record says which.
                if self.thread == Thread::Lines && state.gaps.len() < MAX_GAPS {
                    let gap = Gap {
                        first: expected,
                        last: number - 1,
                    };
                    state.gaps.push(Missing {
                        gap,
                        place: place.clone(),
                        found_at: self.records,
                    });
                } else {
                    wrong = Some(What::Missing {
                        expected,
                        found: number,
                    });
                }
            } else if prev != before {
                wrong = Some(What::Exchanged);
            }
            state.number = number;
            state.hash = record.hash;
            state.time = record.facts.time;
            state.records += 1;
            state.met.extend(meets);
            state.unsigned += 1;
            if record.signature.is_some() {
                state.signed = Some(number);
                state.unsigned = 0;
            } else if state.unsigned == MAX_UNSIGNED + 1 {
                wrong = wrong.or(Some(What::Unsigned));
            }
            if let Some(gap) = gap {
                let count = state.gaps.len();
                state.gaps.retain(|missing| missing.gap != gap);
                if state.gaps.len() < count {
                    state.lost += gap.last - gap.first + 1;
                }
            }
        }
        if let Some(what) = wrong {
            self.fault(place, what);
        }
    }

    /// What it all comes to.
    pub fn finish(mut self) -> Verdict {
        let chains = std::mem::take(&mut self.chains);
        for state in chains.values() {
            for missing in &state.gaps {
                let what = What::Missing {
                    expected: missing.gap.first,
                    found: missing.gap.last + 1,
                };
                self.fault_at(missing.found_at, missing.place.clone(), what);
            }
        }
        if self.thread == Thread::Rows {
            self.check_beginnings(&chains);
            self.check_ends(&chains);
            self.check_commands(&chains);
        } else if let Some(whole) = self.whole.take() {
            for (id, state) in chains.iter().filter(|(_, state)| state.first > 1) {
                if !self.known_lines.may_begin(*id, state.first) {
                    let what = What::Beginning { found: state.first };
                    self.fault_at(state.first_at, state.first_place.clone(), what);
                }
            }
            let faults = whole.finish(&self.known_lines, |chain| chains.contains_key(&chain));
            for (at, place, what) in faults {
                self.fault_at(at.unwrap_or(self.records), place, what);
            }
        }
        if self.wanted.is_some() && self.found.is_none() {
            let place = Place::Chain {
                chain: "any".to_owned(),
            };
            self.fault(place, What::NotFound);
        }
        self.faults.sort_by_key(|(at, _)| *at);
        Verdict {
            faults: self.faults.into_iter().map(|(_, fault)| fault).collect(),
            more_faults: self.more_faults,
            records: self.records,
            chains: chains
                .into_iter()
                .map(|(id, state)| ChainSummary {
                    id,
                    first: state.first,
                    last: state.number,
                    head: state.hash,
                    time: state.time,
                    signed: state.signed,
                    lost: state.lost,
                })
                .collect(),
            expected_head: self.found,
        }
    }

    /// Rows are pruned up to a signed one that is older than what a signed record says is kept.
    fn check_beginnings(&mut self, chains: &BTreeMap<ChainId, State>) {
        for state in chains.values().filter(|state| state.first > 1) {
            let may_begin = state.first_signed && self.kept_since.is_some_and(|since| state.first_time <= since);
            if !may_begin {
                let what = What::Beginning { found: state.first };
                self.fault_at(state.first_at, state.first_place.clone(), what);
            }
        }
    }

    /// Rows of commands that were named and not met have to be pruned ones.
    fn check_commands(&mut self, chains: &BTreeMap<ChainId, State>) {
        let first = chains.get(&COMMANDS_CHAIN).map_or(u64::MAX, |state| state.first);
        let is_there = first != u64::MAX;
        let mut missing = self.commands.take().unwrap_or_default().into_keys();
        if let Some(expected) = missing.rfind(|number| !is_there || *number >= first) {
            let place = Place::Chain {
                chain: COMMANDS_CHAIN.to_string(),
            };
            self.fault(place, What::End { expected });
        }
    }

    /// What later chains saw of earlier ones must still be there, unless it is old enough to be pruned.
    fn check_ends(&mut self, chains: &BTreeMap<ChainId, State>) {
        for expected in std::mem::take(&mut self.expected) {
            let met = match chains.get(&expected.chain) {
                Some(state) => expected.number < state.first || state.met.contains(&expected),
                None => expected
                    .time
                    .is_some_and(|time| self.kept_since.is_some_and(|since| time <= since)),
            };
            if !met {
                let place = Place::Chain {
                    chain: expected.chain.to_string(),
                };
                let what = What::End {
                    expected: expected.number,
                };
                self.fault(place, what);
            }
        }
    }
}
