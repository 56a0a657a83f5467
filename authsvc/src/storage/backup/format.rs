//! The file of a backup: one JSON value a line.
//!
//! ```text
//! {"authsvc_backup":1,"migrations":[1,2],"created_at":"2026-11-22T12:00:00Z","from":"sqlite"}
//! {"table":"users","columns":["id","email"]}
//! ["3f0c…","alice@example.com"]
//! {"rows":1,"digest":"…"}
//! ```
//!
//! Bytes are `{"hex":"…"}`. The digest of a line is SHA-256 of the digest before it and the line; the last line has that of
//! the line before. It finds damage and a missing tail. It is no signature: whoever can write the file can make another.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// The version of the format.
const VERSION: u32 = 1;
/// Longest line that is read. The longest that is written is an audit record's.
const MAX_LINE: u64 = 4 << 20;

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    authsvc_backup: u32,
    /// The migrations that its tables had had.
    pub migrations: Vec<i64>,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Of which database: `sqlite` or `postgres`.
    pub from: String,
}

impl Header {
    /// A header of this version.
    pub fn new(migrations: Vec<i64>, created_at: String, from: &str) -> Self {
        Self {
            authsvc_backup: VERSION,
            migrations,
            created_at,
            from: from.to_owned(),
        }
    }
}

/// A value in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `integer` or `bigint`.
    Integer(i64),
    /// `boolean`.
    Boolean(bool),
    /// Text.
    Text(String),
    /// `blob` or `bytea`.
    Bytes(Vec<u8>),
}

/// A line between the first and the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The rows that follow are of this table.
    Table {
        /// Its name.
        name: String,
        /// The columns in the order of the values.
        columns: Vec<String>,
    },
    /// A row.
    Row(Vec<Value>),
}

/// Why a backup cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The system refused.
    #[error("the file cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The first line is not that of a backup.
    #[error("this is not a backup of authsvc")]
    NotABackup,
    /// It is of a later version.
    #[error("version {0} of the format is later than this program")]
    Version(u32),
    /// A line is not what may stand there.
    #[error("line {0} is damaged")]
    Line(u64),
    /// The last line is missing or does not fit the others.
    #[error("the file is damaged or incomplete: its digest does not fit")]
    Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLine {
    table: String,
    columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    rows: u64,
    digest: String,
}

/// Writes a backup.
#[derive(Debug)]
pub struct BackupWriter<W> {
    out: W,
    digest: [u8; 32],
    rows: u64,
}

impl<W: Write> BackupWriter<W> {
    /// Begins with the header.
    ///
    /// # Errors
    ///
    /// [`FormatError::Io`].
    pub fn begin(out: W, header: &Header) -> Result<Self, FormatError> {
        let mut writer = Self {
            out,
            digest: [0; 32],
            rows: 0,
        };
        writer.line(&json!(header))?;
        Ok(writer)
    }

    /// Begins a table.
    ///
    /// # Errors
    ///
    /// [`FormatError::Io`].
    pub fn table(&mut self, name: &str, columns: &[String]) -> Result<(), FormatError> {
        self.line(&json!({ "table": name, "columns": columns }))
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// [`FormatError::Io`].
    pub fn row(&mut self, values: Vec<Value>) -> Result<(), FormatError> {
        self.rows += 1;
        self.line(&Json::Array(values.into_iter().map(to_json).collect()))
    }

    /// Ends the file; its rows.
    ///
    /// # Errors
    ///
    /// [`FormatError::Io`].
    pub fn finish(mut self) -> Result<(W, u64), FormatError> {
        let end = json!({ "rows": self.rows, "digest": hex(&self.digest) });
        self.line(&end)?;
        self.out.flush()?;
        Ok((self.out, self.rows))
    }

    fn line(&mut self, value: &Json) -> Result<(), FormatError> {
        let line = value.to_string();
        self.digest = chain(&self.digest, line.as_bytes());
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }
}

/// Reads a backup. Nothing of it counts before [`BackupReader::next_line`] has said that it is over.
#[derive(Debug)]
pub struct BackupReader<R> {
    input: R,
    digest: [u8; 32],
    lines: u64,
    rows: u64,
    /// What the file says about itself.
    pub header: Header,
}

impl<R: BufRead> BackupReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`FormatError`].
    pub fn begin(input: R) -> Result<Self, FormatError> {
        let mut reader = Self {
            input,
            digest: [0; 32],
            lines: 0,
            rows: 0,
            header: Header::new(Vec::new(), String::new(), ""),
        };
        let line = reader.raw_line()?.ok_or(FormatError::NotABackup)?;
        let version = serde_json::from_slice::<Json>(&line)
            .ok()
            .and_then(|json| json["authsvc_backup"].as_u64())
            .ok_or(FormatError::NotABackup)?;
        match u32::try_from(version) {
            Ok(VERSION) => {}
            other => return Err(FormatError::Version(other.unwrap_or(u32::MAX))),
        }
        reader.header = serde_json::from_slice(&line).map_err(|_| FormatError::Line(1))?;
        reader.digest = chain(&reader.digest, &line);
        Ok(reader)
    }

    /// The next line; `None` when the file is over and whole.
    ///
    /// # Errors
    ///
    /// [`FormatError`].
    pub fn next_line(&mut self) -> Result<Option<Line>, FormatError> {
        let line = self.raw_line()?.ok_or(FormatError::Digest)?;
        let damaged = FormatError::Line(self.lines);
        let parsed = if line.first() == Some(&b'[') {
            let Ok(Json::Array(values)) = serde_json::from_slice(&line) else {
                return Err(damaged);
            };
            self.rows += 1;
            let values: Option<Vec<Value>> = values.into_iter().map(from_json).collect();
            Line::Row(values.ok_or(damaged)?)
        } else if let Ok(TableLine { table, columns }) = serde_json::from_slice(&line) {
            Line::Table { name: table, columns }
        } else {
            let end: EndLine = serde_json::from_slice(&line).map_err(|_| damaged)?;
            let whole = end.rows == self.rows && end.digest == hex(&self.digest);
            return match whole && self.raw_line()?.is_none() {
                true => Ok(None),
                false => Err(FormatError::Digest),
            };
        };
        self.digest = chain(&self.digest, &line);
        Ok(Some(parsed))
    }

    /// The rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// A line without its end; `None` at the end of the file.
    fn raw_line(&mut self) -> Result<Option<Vec<u8>>, FormatError> {
        let mut line = Vec::new();
        self.lines += 1;
        (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut line)?;
        match line.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() as u64 + 1 == MAX_LINE => Err(FormatError::Line(self.lines)),
            Some(_) => Err(FormatError::Digest),
        }
    }
}

fn chain(before: &[u8; 32], line: &[u8]) -> [u8; 32] {
    cryptokit::hash::sha256(&[&before[..], line].concat())
}

fn to_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => json!(number),
        Value::Boolean(flag) => json!(flag),
        Value::Text(text) => Json::String(text),
        Value::Bytes(bytes) => json!({ "hex": hex(&bytes) }),
    }
}

fn from_json(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => Value::Integer(number.as_i64()?),
        Json::String(text) => Value::Text(text),
        Json::Object(members) if members.len() == 1 => Value::Bytes(from_hex(members.get("hex")?.as_str()?)?),
        Json::Object(_) | Json::Array(_) => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let header = Header::new(vec![1, 2], "2026-11-22T12:00:00Z".to_owned(), "sqlite");
        let mut writer = BackupWriter::begin(Vec::new(), &header).unwrap();
        writer.table("users", &["id".to_owned(), "x".to_owned()]).unwrap();
        writer
            .row(vec![Value::Text("a\nb\"\u{202e}".to_owned()), Value::Integer(i64::MIN)])
            .unwrap();
        writer
            .row(vec![Value::Bytes(vec![0, 255]), Value::Boolean(true)])
            .unwrap();
        writer.row(vec![Value::Null, Value::Null]).unwrap();
        writer.finish().unwrap().0
    }

    fn read(bytes: &[u8]) -> Result<Vec<Line>, FormatError> {
        let mut reader = BackupReader::begin(bytes)?;
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line()? {
            lines.push(line);
        }
        Ok(lines)
    }

    #[test]
    fn what_was_written_is_read() {
        let lines = read(&written()).unwrap();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[1],
            Line::Row(vec![Value::Text("a\nb\"\u{202e}".to_owned()), Value::Integer(i64::MIN)])
        );
        assert_eq!(
            lines[2],
            Line::Row(vec![Value::Bytes(vec![0, 255]), Value::Boolean(true)])
        );
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let whole = written();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        for position in 0..whole.len() {
            for bit in [1, 4, 64] {
                let mut flipped = whole.clone();
                flipped[position] ^= bit;
                assert!(read(&flipped).is_err(), "bit {bit} of byte {position}");
            }
        }
        let mut longer = whole.clone();
        longer.extend_from_slice(b"[]\n");
        assert!(read(&longer).is_err());
    }

    #[test]
    fn other_files_and_later_versions_are_named_as_such() {
        for other in [&b""[..], b"\n", b"{}\n", b"[]\n", b"SQLite format 3\0", b"null\n"] {
            assert!(matches!(
                read(other),
                Err(FormatError::NotABackup | FormatError::Digest)
            ));
        }
        assert!(matches!(
            read(b"{\"authsvc_backup\":2}\n"),
            Err(FormatError::Version(2))
        ));
        let endless = vec![b'x'; MAX_LINE as usize + 1];
        assert!(matches!(read(&endless), Err(FormatError::Line(1))));
    }
}
