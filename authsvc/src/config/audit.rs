//! Settings of the audit log.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;
use crate::audit::file::Rotation;
use crate::audit::retention::Retention;

/// Where records go and how long they stay.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// The file of lines, if they go to one.
    pub file: Option<PathBuf>,
    /// Whether lines go to standard error.
    pub standard_error: bool,
    /// When the file is put aside.
    pub rotation: Rotation,
    /// How long rows are kept.
    pub retention: Retention,
    /// Rows that refusals may have in a minute.
    pub refusal_rows_per_minute: u64,
    /// Time after which records are signed for.
    pub checkpoint_interval: Duration,
    /// How addresses are written.
    pub addresses: AddressForm,
    /// What becomes of tokens that were good.
    pub good_tokens: GoodTokenForm,
    /// Whose chain it is.
    pub replica: String,
}

/// How addresses are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressForm {
    /// As they are.
    Full,
    /// By a keyed pseudonym.
    Pseudonym,
}

impl std::str::FromStr for AddressForm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "full" => Self::Full,
            "pseudonym" => Self::Pseudonym,
            _ => return Err("expected full or pseudonym"),
        })
    }
}

/// How good tokens are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoodTokenForm {
    /// Their number, by service and minute.
    Sums,
    /// Each in a line.
    Lines,
}

impl std::str::FromStr for GoodTokenForm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "sums" => Self::Sums,
            "lines" => Self::Lines,
            _ => return Err("expected sums or lines"),
        })
    }
}

/// Longest name of a replica.
const MAX_REPLICA: usize = 64;

pub(super) fn read(reader: &mut Reader<'_>) -> AuditConfig {
    let file = reader.values.get("audit.file").map(super::source::Value::path);
    let standard_error = reader.parsed("audit.standard_error", true);
    if !standard_error && file.is_none() {
        reader
            .errors
            .push("audit.standard_error is false, which needs audit.file: lines cannot be switched off".to_owned());
    }
    let replica = reader.optional("audit.replica").unwrap_or_else(host_name);
    let is_name = (1..=MAX_REPLICA).contains(&replica.len()) && replica.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || replica == crate::audit::COMMANDS_REPLICA {
        reader.errors.push(format!(
            "audit.replica is not a name of 1 to {MAX_REPLICA} visible ASCII characters other than {}",
            crate::audit::COMMANDS_REPLICA
        ));
    }
    AuditConfig {
        file,
        standard_error,
        rotation: Rotation {
            max_bytes: reader.number("audit.file_max_mib", 1..=10_240) << 20,
            max_age: Duration::from_secs(reader.number("audit.file_max_hours", 1..=8_760) * 60 * 60),
            keep: reader.number("audit.file_keep", 1..=10_000) as usize,
        },
        retention: Retention {
            max_age: Duration::from_secs(reader.number("audit.rows_keep_days", 1..=36_500) * 24 * 60 * 60),
            max_rows: reader.number("audit.rows_max", 1_000..=1_000_000_000),
        },
        refusal_rows_per_minute: reader.number("audit.refusal_rows_per_minute", 0..=1_000_000),
        checkpoint_interval: reader.seconds("audit.checkpoint_seconds", 1..=3_600),
        addresses: reader.parsed("audit.addresses", AddressForm::Full),
        good_tokens: reader.parsed("audit.good_tokens", GoodTokenForm::Sums),
        replica,
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "replica".to_owned() } else { name }
}
