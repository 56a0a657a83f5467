//! `authsvc audit verify`: names the first record that is not as it was written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use authsvc_core::audit::chain::{
    COMMANDS_CHAIN, ChainId, Digest, Expectation, KnownLines, MAX_LINE, Place, PublicKeys, Record, Thread, Verdict,
    Verifier, What,
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::installation::Installation;
use super::super::{CommandError, print};
use super::read::PAGE;
use crate::audit::file::all_files;
use crate::cli::ConfigArgs;

/// Longest list of public keys.
const MAX_KEY_FILE: u64 = 1 << 20;
/// Files are put aside by size or age: not this often while they are read.
const MOST_ROUNDS: u32 = 5;

/// What is asked for.
pub(super) struct Request {
    pub(super) files: Vec<PathBuf>,
    pub(super) rows: bool,
    pub(super) expect_head: Option<String>,
    pub(super) public_key: Option<PathBuf>,
    pub(super) json: bool,
}

pub(super) async fn run(request: Request, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let head = request.expect_head.as_deref().map(str::parse).transpose();
    let head = head.map_err(|error| format!("--expect-head: {error}"))?;
    let mut parts = Vec::new();
    if let Some(path) = &request.public_key {
        // Offline: nothing but the files and the keys is needed.
        let keys = read_keys(path)?;
        if request.files.is_empty() {
            return Err("--public-key is for files: name them".into());
        }
        parts.push(verify_files(&request, &keys, head)?);
    } else {
        let installation = Installation::open(config).await?;
        let verified = verify_installation(&request, &installation, head).await;
        installation.close().await;
        parts = verified?;
    }
    // A head that was found in one place need not be in the other.
    if parts.iter().any(|part| part.verdict.expected_head.is_some()) {
        for part in &mut parts {
            part.verdict.faults.retain(|fault| fault.what != What::NotFound);
        }
    }
    let good = parts.iter().all(|part| part.verdict.is_good());
    if request.json {
        let parts: Vec<Value> = parts.iter().map(Part::to_json).collect();
        print(&format!("{}\n", json!({ "good": good, "parts": parts })))?;
    } else {
        print(&parts.iter().map(Part::to_text).collect::<String>())?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Part {
    name: String,
    verdict: Verdict,
    notes: Vec<String>,
}

async fn verify_installation(
    request: &Request,
    installation: &Installation,
    head: Option<Digest>,
) -> Result<Vec<Part>, CommandError> {
    let keys = PublicKeys::of(&installation.audit_keys().await?.signing)?;
    if !request.files.is_empty() {
        return Ok(vec![verify_files(request, &keys, head)?]);
    }
    // The database first: a line is in its file before its row is in the database.
    let (database, known) = verify_database(installation, &keys, head).await?;
    let mut parts = vec![database];
    if let Some(file) = &installation.config.audit.file {
        let chains = installation.store().audit_chains().await?;
        let replicas = chains.into_iter().map(|chain| (chain.id, chain.replica)).collect();
        let whole = WholeLog {
            file,
            replica: &installation.config.audit.replica,
            replicas,
            known,
        };
        parts.insert(0, whole.verify(&keys, head)?);
    }
    Ok(parts)
}

/// The configured file with those that were put aside, and what the database knows of them.
struct WholeLog<'a> {
    file: &'a Path,
    replica: &'a str,
    replicas: BTreeMap<ChainId, String>,
    known: KnownLines,
}

impl WholeLog<'_> {
    fn verify(&self, keys: &PublicKeys, head: Option<Digest>) -> Result<Part, CommandError> {
        let mut rounds = 0;
        loop {
            rounds += 1;
            let files = all_files(self.file);
            let mut verifier = verifier(keys, Thread::Lines, head);
            verifier.whole_log(self.replica, self.replicas.clone(), self.known.clone());
            let read = read_files(&mut verifier, &files);
            // A file that is put aside meanwhile has another name, and would be missed or read twice.
            if all_files(self.file) != files {
                if rounds < MOST_ROUNDS {
                    continue;
                }
                return Err("the audit files were put aside whenever they were read: try again".into());
            }
            let mut notes = read?;
            if files.is_empty() {
                notes.push(format!("{} is not there", self.file.display()));
            }
            return Ok(Part {
                name: match files.len() {
                    0 | 1 => format!("file {}", self.file.display()),
                    count => format!("{} and {} older files", self.file.display(), count - 1),
                },
                verdict: verifier.finish(),
                notes,
            });
        }
    }
}

async fn verify_database(
    installation: &Installation,
    keys: &PublicKeys,
    head: Option<Digest>,
) -> Result<(Part, KnownLines), CommandError> {
    let store = installation.store();
    let mut verifier = verifier(keys, Thread::Rows, head);
    verifier.whole_database();
    let mut chains = store.audit_chains().await?;
    // Commands may go on meanwhile, and what is named is there when it is.
    chains.sort_by_key(|chain| chain.id == COMMANDS_CHAIN);
    // First what each chain's beginning says of the one before it; then the chains themselves.
    for chain in &chains {
        let first = store.audit_rows(chain.id, 0, 1).await?.into_iter().next();
        let record = first
            .filter(|first| first.row == 1)
            .and_then(|first| Record::parse(first.line.as_bytes()).ok());
        if let Some(expectation) = record.as_ref().and_then(Expectation::of) {
            verifier.expect(expectation);
        }
    }
    for chain in &chains {
        let mut after = 0;
        loop {
            let page = store.audit_rows(chain.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.row;
            for row in &page {
                let place = Place::Row {
                    chain: chain.id.to_string(),
                    row: row.row,
                };
                let Some(record) = verifier.add(row.line.as_bytes(), place.clone()) else {
                    continue;
                };
                let same = record.facts == row.facts
                    && record.chain == row.chain
                    && record.row.map(|(number, _)| number) == Some(row.row)
                    && record.signature.is_some() == row.signed;
                if !same {
                    verifier.fault(place, What::Columns);
                }
            }
        }
    }
    let known = verifier.known_lines().clone();
    let part = Part {
        name: "the database".to_owned(),
        verdict: verifier.finish(),
        notes: Vec::new(),
    };
    Ok((part, known))
}

fn verifier(keys: &PublicKeys, thread: Thread, head: Option<Digest>) -> Verifier<'_> {
    let mut verifier = Verifier::new(keys, thread);
    if let Some(head) = head {
        verifier.expect_head(head);
    }
    verifier
}

fn verify_files(request: &Request, keys: &PublicKeys, head: Option<Digest>) -> Result<Part, CommandError> {
    let thread = if request.rows { Thread::Rows } else { Thread::Lines };
    let mut verifier = verifier(keys, thread, head);
    let mut notes = read_files(&mut verifier, &request.files)?;
    if thread == Thread::Lines {
        notes.push("a piece: whether records before it or after it are missing was not asked".to_owned());
    }
    Ok(Part {
        name: match request.files.len() {
            1 => format!("file {}", request.files[0].display()),
            count => format!("{count} files"),
        },
        verdict: verifier.finish(),
        notes,
    })
}

/// Gives the verifier each line; what is to be said of the files.
fn read_files(verifier: &mut Verifier<'_>, files: &[PathBuf]) -> Result<Vec<String>, CommandError> {
    let mut notes = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let unfinished = each_line(path, |number, line| {
            let place = Place::Line {
                file: file.clone(),
                line: number,
            };
            verifier.add(line, place);
        })?;
        if unfinished > 0 {
            notes.push(format!(
                "{file} ends in {unfinished} bytes without a line end: being written, or torn"
            ));
        }
    }
    Ok(notes)
}

/// Gives each whole line with its number, in bounded memory: of a line that is longer than any record, the beginning.
/// The number of bytes after the last line end.
pub(super) fn each_line(path: &Path, mut take: impl FnMut(u64, &[u8])) -> Result<u64, CommandError> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let count = reader
            .by_ref()
            .take(MAX_LINE as u64 + 2)
            .read_until(b'\n', &mut line)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if count == 0 {
            return Ok(0);
        }
        number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() < MAX_LINE + 2 {
            return Ok(line.len() as u64);
        } else {
            reader
                .skip_until(b'\n')
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        take(number, &line);
    }
}

fn read_keys(path: &Path) -> Result<PublicKeys, CommandError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_FILE).read_to_string(&mut text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let keys = PublicKeys::from_text(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if keys.is_empty() {
        return Err(format!("{} holds no key", path.display()).into());
    }
    Ok(keys)
}

impl Part {
    fn to_text(&self) -> String {
        let verdict = &self.verdict;
        let mut text = format!(
            "{}: {}, {} records in {} chains\n",
            self.name,
            if verdict.is_good() { "good" } else { "BAD" },
            verdict.records,
            verdict.chains.len()
        );
        for (index, fault) in verdict.faults.iter().enumerate() {
            let title = if index == 0 { "first" } else { "then" };
            text.push_str(&format!("  {title}: {fault}\n"));
        }
        if verdict.more_faults > 0 {
            text.push_str(&format!("  and {} more\n", verdict.more_faults));
        }
        for chain in &verdict.chains {
            let time = chain.time.format(&Rfc3339).unwrap_or_default();
            let signed = match chain.signed {
                Some(signed) if signed == chain.last => "all signed for".to_owned(),
                Some(signed) => format!("signed for up to {signed}"),
                None => "none signed for".to_owned(),
            };
            let (first, last) = (chain.first, chain.last);
            text.push_str(&format!(
                "  chain {}: {first} to {last}, {signed}, last {time}\n",
                chain.id
            ));
            text.push_str(&format!("    head {}\n", chain.head));
            if chain.lost > 0 {
                text.push_str(&format!(
                    "    {} lines are missing, and their loss is on record\n",
                    chain.lost
                ));
            }
        }
        if let Some(place) = &verdict.expected_head {
            text.push_str(&format!("  the expected head is at {place}\n"));
        }
        for note in &self.notes {
            text.push_str(&format!("  note: {note}\n"));
        }
        text
    }

    fn to_json(&self) -> Value {
        let verdict = &self.verdict;
        let faults: Vec<Value> = verdict
            .faults
            .iter()
            .map(|fault| json!({ "place": fault.place.to_string(), "what": fault.what.to_string() }))
            .collect();
        let chains: Vec<Value> = verdict
            .chains
            .iter()
            .map(|chain| {
                json!({ "id": chain.id.to_string(), "first": chain.first, "last": chain.last, "signed": chain.signed,
                    "head": chain.head.to_string(), "lost": chain.lost,
                    "time": chain.time.format(&Rfc3339).unwrap_or_default() })
            })
            .collect();
        json!({ "name": self.name, "good": verdict.is_good(), "records": verdict.records, "faults": faults,
            "more_faults": verdict.more_faults, "chains": chains, "notes": self.notes,
            "expected_head": verdict.expected_head.as_ref().map(ToString::to_string) })
    }
}
