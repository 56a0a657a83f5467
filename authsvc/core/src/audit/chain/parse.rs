//! From a line to its record: the numbers and digests in their one form, and what a search looks for.

use std::net::{IpAddr, Ipv6Addr};

use cryptokit::encoding::base64url;
use cryptokit::encoding::json::{self, Value};
use cryptokit::keyset::KeyId;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::seal::digest;
use super::{ChainId, Digest, MAX_LINE};

/// A line that has the form of a record. Whether its digest and its place are right is the verifier's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its chain.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// The digest of the record before it.
    pub prev: Digest,
    /// Its number among the rows and the digest of the row before it, if it is one.
    pub row: Option<(u64, Digest)>,
    /// Its own digest, as it says.
    pub hash: Digest,
    /// Its digest, computed.
    pub computed: Digest,
    /// Its signature, if it has one.
    pub signature: Option<Signature>,
    /// What it is about.
    pub facts: Facts,
    /// What came before this chain, in a first record.
    pub continues: Continues,
    /// Lines that a file lost, as a later record says.
    pub gap: Option<Gap>,
    /// Rows older than this may be gone.
    pub kept_since: Option<OffsetDateTime>,
    /// Lines before this one may be gone from the files.
    pub lines_from: Option<LinesFrom>,
    /// Whether its line went to a file.
    pub in_file: bool,
    /// The last row of the chain of commands, as it was then.
    pub commands: Option<RowEnd>,
    /// The last line that the file took, where one that was said to be in it is not.
    pub file_through: Option<FileThrough>,
}

/// A signature over a record's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key that made it.
    pub key: KeyId,
    /// Its 64 bytes.
    pub bytes: Vec<u8>,
}

/// What a record is searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// When, to the microsecond.
    pub time: OffsetDateTime,
    /// The record's id, which an answer shows.
    pub id: String,
    /// The event's name.
    pub action: String,
    /// `success`, `failure` or `unknown`.
    pub outcome: String,
    /// The reason's code.
    pub reason: Option<String>,
    /// The account's id.
    pub user_id: Option<String>,
    /// The address or its pseudonym.
    pub account: Option<String>,
    /// The source's address.
    pub source: Option<String>,
}

impl Facts {
    /// What a source is counted by: an IPv4 address, or the first 64 bits of an IPv6 one.
    pub fn network(&self) -> Option<String> {
        self.source
            .as_deref()
            .and_then(|source| source.parse().ok())
            .map(network_of)
    }
}

/// An IPv4 address, or the first 64 bits of an IPv6 one: what one subscriber has.
pub fn network_of(source: IpAddr) -> String {
    match source.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) & !u128::from(u64::MAX);
            format!("{}/64", Ipv6Addr::from(prefix))
        }
    }
}

/// The ends of the chain before this one, as they were found when it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Continues {
    /// The last line of the file that is written to.
    pub line: Option<(ChainId, u64, Digest)>,
    /// The last row of the replica's chain before.
    pub row: Option<(ChainId, u64, Digest, OffsetDateTime)>,
}

/// Lines `first` to `last` could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// The last row of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowEnd {
    /// Its number.
    pub row: u64,
    /// Its digest.
    pub hash: Digest,
}

/// The last line that a file took before it took no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileThrough {
    /// Its number, or 0 when there is no line of this chain in it.
    pub seq: u64,
    /// Its digest.
    pub hash: Digest,
}

/// The record that the oldest file begins with, once older files are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinesFrom {
    /// Its chain.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// When it was written.
    pub time: OffsetDateTime,
}

/// Why a line is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Longer than any record.
    #[error("it is longer than {MAX_LINE} bytes")]
    TooLong,
    /// Bytes that no record contains.
    #[error("it contains other bytes than visible ASCII")]
    Bytes,
    /// No chain member in its place and form.
    #[error("it does not end in a chain member of the one form that there is")]
    Chain,
    /// Not one JSON object without duplicate members.
    #[error("it is not one JSON object without duplicate members")]
    Json,
    /// A member that every record has is missing or of another kind.
    #[error("a member that every record has is missing or of another kind")]
    Member,
}

impl Record {
    /// Reads a line, its end not included. Linear in its length, which is bounded by [`MAX_LINE`].
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        if line.len() > MAX_LINE {
            return Err(Malformed::TooLong);
        }
        if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Malformed::Bytes);
        }
        let text = std::str::from_utf8(line).map_err(|_| Malformed::Bytes)?;
        // No text inside a string has bare quotation marks: the last occurrence is the member itself.
        let at = text.rfind(CHAIN_BEGINS).ok_or(Malformed::Chain)?;
        let mut tail = Tail(&text[at + CHAIN_BEGINS.len()..]);
        let mut record = tail.chain(text).ok_or(Malformed::Chain)?;
        let Ok(Value::Object(members)) = json::parse(line) else {
            return Err(Malformed::Json);
        };
        if members.last().is_none_or(|(name, _)| name != "chain") {
            return Err(Malformed::Chain);
        }
        let body = Object(&members);
        record.facts = facts(body).ok_or(Malformed::Member)?;
        if let Some(ours) = body.object("authsvc").and_then(|ours| ours.object("audit")) {
            record.read_own_members(ours).ok_or(Malformed::Member)?;
        }
        Ok(record)
    }

    fn read_own_members(&mut self, ours: Object<'_>) -> Option<()> {
        if let Some(continues) = ours.object("continues") {
            self.continues.line = match continues.object("line") {
                Some(line) => Some((line.parsed("chain")?, line.number("seq")?, line.parsed("hash")?)),
                None => None,
            };
            self.continues.row = match continues.object("row") {
                Some(row) => Some((
                    row.parsed("chain")?,
                    row.number("row")?,
                    row.parsed("hash")?,
                    row.time("time")?,
                )),
                None => None,
            };
        }
        if let Some(gap) = ours.object("gap") {
            self.gap = Some(Gap {
                first: gap.number("first")?,
                last: gap.number("last")?,
            });
        }
        if let Some(from) = ours.object("lines_from") {
            self.lines_from = Some(LinesFrom {
                chain: from.parsed("chain")?,
                seq: from.number("seq")?,
                time: from.time("time")?,
            });
        }
        if let Some(commands) = ours.object("commands") {
            self.commands = Some(RowEnd {
                row: commands.number("row")?,
                hash: commands.parsed("hash")?,
            });
        }
        if let Some(through) = ours.object("file_through") {
            self.file_through = Some(FileThrough {
                seq: through.number("seq")?,
                hash: through.parsed("hash")?,
            });
        }
        self.in_file = matches!(ours.get("file"), Some(Value::Bool(true)));
        if ours.get("kept_since").is_some() {
            self.kept_since = Some(ours.time("kept_since")?);
        }
        Some(())
    }
}

const CHAIN_BEGINS: &str = ",\"chain\":{\"id\":\"";

/// What is still to be read of a line.
struct Tail<'a>(&'a str);

impl<'a> Tail<'a> {
    fn chain(&mut self, line: &str) -> Option<Record> {
        let chain = self.until("\",\"seq\":")?.parse().ok()?;
        let seq = number(self.until(",\"prev\":\"")?)?;
        let prev = self.digest()?;
        self.skip("\"")?;
        let row = match self.skip(",\"row\":") {
            Some(()) => {
                let row = number(self.until(",\"row_prev\":\"")?)?;
                let row_prev = self.digest()?;
                self.skip("\"")?;
                Some((row, row_prev))
            }
            None => None,
        };
        let key = match self.skip(",\"key\":\"") {
            Some(()) => Some(KeyId::from_hex(self.until("\"")?)?),
            None => None,
        };
        let before_hash = line.len() - self.0.len();
        self.skip(",\"hash\":\"")?;
        let hash = self.digest()?;
        self.skip("\"")?;
        let signature = match key {
            Some(key) => {
                self.skip(",\"signature\":\"")?;
                let bytes = base64url::decode(self.until("\"")?).ok()?;
                if bytes.len() != 64 {
                    return None;
                }
                Some(Signature { key, bytes })
            }
            None => None,
        };
        if self.0 != "}}" {
            return None;
        }
        Some(Record {
            chain,
            seq,
            prev,
            row,
            hash,
            computed: digest(&line.as_bytes()[..before_hash]),
            signature,
            facts: Facts {
                time: OffsetDateTime::UNIX_EPOCH,
                id: String::new(),
                action: String::new(),
                outcome: String::new(),
                reason: None,
                user_id: None,
                account: None,
                source: None,
            },
            continues: Continues::default(),
            gap: None,
            kept_since: None,
            lines_from: None,
            in_file: false,
            commands: None,
            file_through: None,
        })
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn until(&mut self, text: &str) -> Option<&'a str> {
        let (before, after) = self.0.split_once(text)?;
        self.0 = after;
        Some(before)
    }

    fn digest(&mut self) -> Option<Digest> {
        let (digest, rest) = self.0.split_at_checked(43)?;
        self.0 = rest;
        digest.parse().ok()
    }
}

/// 1 to 2^53 − 1, which every JSON parser reads exactly; without leading zeros.
fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits && (1..1 << 53).contains(&number)).then_some(number)
}

fn facts(body: Object<'_>) -> Option<Facts> {
    let event = body.object("event")?;
    let user = body.object("user");
    let source = body.object("source");
    // Of an act of administration, the account that it concerns.
    let target = user.and_then(|user| user.object("target"));
    let named = |name| {
        user.and_then(|user| user.text(name))
            .or_else(|| target.and_then(|target| target.text(name)))
            .map(str::to_owned)
    };
    Some(Facts {
        time: body.time("@timestamp")?,
        id: event.text("id")?.to_owned(),
        action: event.text("action")?.to_owned(),
        outcome: event.text("outcome")?.to_owned(),
        reason: event.text("reason").map(str::to_owned),
        user_id: named("id"),
        account: named("email").or_else(|| named("pseudonym")),
        source: source.and_then(|source| source.text("ip")).map(str::to_owned),
    })
}

/// The members of an object.
#[derive(Clone, Copy)]
struct Object<'a>(&'a [(String, Value)]);

impl<'a> Object<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    fn object(self, name: &str) -> Option<Self> {
        match self.get(name)? {
            Value::Object(members) => Some(Object(members)),
            _ => None,
        }
    }

    fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text.expose_secret()),
            _ => None,
        }
    }

    fn parsed<T: std::str::FromStr>(self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number within the range first"
    )]
    fn number(self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) if number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(number) => {
                Some(*number as u64)
            }
            _ => None,
        }
    }

    /// RFC 3339, to the microsecond, which is what a row holds.
    fn time(self, name: &str) -> Option<OffsetDateTime> {
        let time = OffsetDateTime::parse(self.text(name)?, &Rfc3339).ok()?;
        time.replace_nanosecond(time.nanosecond() / 1000 * 1000).ok()
    }
}
