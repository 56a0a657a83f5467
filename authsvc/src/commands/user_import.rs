//! `authsvc user import`: accounts of another system, all of them or none.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use authsvc_core::audit::{RecordId, Target};
use authsvc_core::domain::UserRecord;
use authsvc_core::service::{CsvColumns, ImportedAccount, LineFault, MAX_IMPORT_LINE, UserAdministration};
use cryptokit::hash::sha256;
use cryptokit::password::PasswordHasher;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{ConfigArgs, TableFormat};

/// Most lines of a file.
const MAX_LINES: u64 = 1_000_000;
/// Accounts that are written at once.
const BATCH: usize = 500;
/// Bad lines that are named; the others are counted.
const NAMED_FAULTS: usize = 50;

pub(super) async fn run(
    file: &Path,
    format: Option<TableFormat>,
    dry_run: bool,
    skip_bad: bool,
    config: &ConfigArgs,
) -> Result<ExitCode, CommandError> {
    let Some(format) = format.or_else(|| format_of(file)) else {
        return Err("say what form it has: --format jsonl or --format csv".into());
    };
    let input: Box<dyn Read + Send> = match file == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(file).map_err(|error| format!("{}: {error}", file.display()))?),
    };
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let mut import = Import {
        users: &users,
        hasher: installation.hasher()?,
        name: RecordId::generate().to_string(),
        seen: HashMap::new(),
        batch: Vec::with_capacity(BATCH),
        staged: 0,
        faults: Vec::new(),
        bad: 0,
        dry_run,
    };
    let work = async {
        let read = import.read(BufReader::new(input), format).await;
        let refused = import.bad > 0 && !skip_bad;
        if read.is_err() || refused || dry_run {
            users.discard_import(&import.name).await?;
            read?;
            if refused {
                return Err(import.complaint().into());
            }
            return Ok(0);
        }
        Ok::<u64, CommandError>(users.commit_import(&import.name).await?)
    };
    let made = installation
        .perform("user.import", Target::named(&file.display()), work)
        .await?;
    installation.close().await;
    let (staged, bad) = (import.staged, import.bad);
    let mut text = String::new();
    if bad > 0 {
        text.push_str(&format!(
            "{bad} bad lines were left out:\n{}\n",
            import.faults.join("\n")
        ));
    }
    text.push_str(&match dry_run {
        true => format!("{staged} accounts could be added. Nothing was changed.\n"),
        false => format!(
            "{made} accounts were added; {} were there already and left alone.\n",
            staged - made
        ),
    });
    print(&text)
}

struct Import<'a> {
    users: &'a UserAdministration,
    hasher: PasswordHasher,
    name: String,
    /// The lines by their addresses, of which half a digest is enough to tell them apart.
    seen: HashMap<[u8; 16], u64>,
    batch: Vec<UserRecord>,
    staged: u64,
    faults: Vec<String>,
    bad: u64,
    dry_run: bool,
}

impl Import<'_> {
    async fn read(&mut self, mut input: impl BufRead + Send, format: TableFormat) -> Result<(), CommandError> {
        let mut columns = None;
        let mut line = Vec::new();
        let mut number = 0;
        while read_line(&mut input, &mut line)? {
            number += 1;
            if number > MAX_LINES {
                return Err(format!("more than {MAX_LINES} lines; import them in parts").into());
            }
            let account = match (text_of(&line), format, &columns) {
                (Err(fault), ..) => Err(fault),
                (Ok(text), TableFormat::Csv, None) => {
                    let read = CsvColumns::read(text).map_err(|fault| format!("line {number} {fault}"))?;
                    columns = Some(read);
                    continue;
                }
                (Ok(text), TableFormat::Csv, Some(columns)) => columns.account(text),
                (Ok(text), TableFormat::Jsonl, _) => ImportedAccount::from_json(text),
            };
            match account.and_then(|account| self.accepted(account, number)) {
                Ok(account) => self.stage(&account).await?,
                Err(fault) => self.complain(number, fault),
            }
        }
        self.flush().await
    }

    /// What would never be verified is not stored: of another scheme than the settings name, too costly, or made with a
    /// pepper that is not there.
    fn accepted(&mut self, account: ImportedAccount, number: u64) -> Result<ImportedAccount, LineFault> {
        self.hasher
            .standing(&account.password_hash)
            .map_err(LineFault::Unverifiable)?;
        let digest = sha256(account.email.as_str().as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        match self.seen.insert(key, number) {
            None => Ok(account),
            Some(earlier) => Err(LineFault::Repeated(earlier)),
        }
    }

    async fn stage(&mut self, account: &ImportedAccount) -> Result<(), CommandError> {
        self.staged += 1;
        if self.dry_run {
            return Ok(());
        }
        self.batch.push(self.users.imported(account)?);
        if self.batch.len() == BATCH {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), CommandError> {
        self.users.stage_import(&self.name, &self.batch).await?;
        self.batch.clear();
        Ok(())
    }

    fn complain(&mut self, number: u64, fault: LineFault) {
        self.bad += 1;
        if self.faults.len() < NAMED_FAULTS {
            self.faults.push(format!("line {number} {fault}"));
        }
    }

    fn complaint(&self) -> String {
        let more = match self.bad - self.faults.len() as u64 {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        format!(
            "{} bad lines; nothing was added\n{}{more}\nhelp: mend them, or add the others with --skip-bad",
            self.bad,
            self.faults.join("\n")
        )
    }
}

fn format_of(file: &Path) -> Option<TableFormat> {
    match file.extension().and_then(OsStr::to_str)? {
        "jsonl" | "ndjson" => Some(TableFormat::Jsonl),
        "csv" => Some(TableFormat::Csv),
        _ => None,
    }
}

/// The next line without its end; of one that is too long, a byte too many, so that it is known as one. `false` at the
/// end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let most = MAX_IMPORT_LINE as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() as u64 == most {
        skip_line(input)?;
    }
    Ok(true)
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|&b| b == b'\n') {
            Some(end) => {
                input.consume(end + 1);
                return Ok(());
            }
            None => {
                let length = buffer.len();
                input.consume(length);
            }
        }
    }
}

fn text_of(line: &[u8]) -> Result<&str, LineFault> {
    if line.len() > MAX_IMPORT_LINE {
        return Err(LineFault::TooLong);
    }
    std::str::from_utf8(line).map_err(|_| LineFault::NotText)
}
