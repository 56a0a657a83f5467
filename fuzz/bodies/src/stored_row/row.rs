//! A row that a line of text gives each column of.

use authsvc::storage::backup::Value;
use authsvc::storage::rows::{Columns, Mistyped, joined_identities, joined_names};
use time::OffsetDateTime;

/// A row as a database gives it back.
pub(super) struct StoredRow {
    columns: Vec<&'static str>,
    values: Vec<Value>,
}

impl StoredRow {
    pub(super) fn new(columns: &'static str, mut values: Vec<Value>) -> Self {
        let columns: Vec<_> = columns.split(' ').collect();
        values.resize(columns.len(), Value::Null);
        Self { columns, values }
    }

    /// Asserts that what was read is written as the row that was read.
    pub(super) fn says<const N: usize>(&self, written: [Value; N]) {
        assert_eq!(self.values, written);
    }

    /// The same row with another seal.
    pub(super) fn with_seal(&self, seal: &str) -> Self {
        let values = self.columns.iter().zip(&self.values);
        let values = values.map(|(column, value)| match *column {
            "seal" => Value::Text(seal.to_owned()),
            _ => value.clone(),
        });
        Self {
            columns: self.columns.clone(),
            values: values.collect(),
        }
    }

    fn value(&self, column: &str) -> Result<&Value, Mistyped> {
        let mut columns = self.columns.iter().zip(&self.values);
        let found = columns.find(|(name, _)| **name == column);
        found.map(|(_, value)| value).ok_or(Mistyped)
    }
}

impl Columns for StoredRow {
    fn text(&self, column: &str) -> Result<Option<String>, Mistyped> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            _ => Err(Mistyped),
        }
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Mistyped> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes.clone())),
            _ => Err(Mistyped),
        }
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, Mistyped> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            _ => Err(Mistyped),
        }
    }

    fn flag(&self, column: &str) -> Result<Option<bool>, Mistyped> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Boolean(flag) => Ok(Some(*flag)),
            _ => Err(Mistyped),
        }
    }

    fn names(&self, column: &str) -> Result<Vec<String>, Mistyped> {
        self.text(column).map(joined_names)
    }

    fn identities(&self) -> Result<Vec<(Vec<u8>, String)>, Mistyped> {
        joined_identities(self.text("identities")?)
    }
}

/// A column as a line says it.
pub(super) fn value(line: &str) -> Option<Value> {
    let (kind, rest) = line.split_at_checked(1)?;
    Some(match kind {
        "-" if rest.is_empty() => Value::Null,
        "#" => Value::Integer(rest.parse().ok()?),
        "?" => Value::Boolean(rest.parse().ok()?),
        "'" => Value::Text(rest.replace("\\n", "\n")),
        "x" if rest.is_ascii() => Value::Bytes(
            (0..rest.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(rest.get(at..at + 2)?, 16).ok())
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

pub(super) fn text(value: &impl ToString) -> Value {
    Value::Text(value.to_string())
}

pub(super) fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

pub(super) fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).expect("what was read fits into a column"))
}

pub(super) fn time(time: OffsetDateTime) -> Value {
    Value::Integer(time.unix_timestamp())
}
