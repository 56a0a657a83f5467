//! The columns of a row, whichever database it came from.

use std::fmt::Display;
use std::str::FromStr;

use authsvc_core::storage::StoreError;
use time::OffsetDateTime;

/// There is no such column, or its type is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistyped;

/// The columns of a row, by name. `None` is `NULL`.
pub trait Columns {
    /// A text.
    ///
    /// # Errors
    ///
    /// [`Mistyped`], as from all of these.
    fn text(&self, column: &str) -> Result<Option<String>, Mistyped>;

    /// Bytes.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Mistyped>;

    /// A number.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    fn integer(&self, column: &str) -> Result<Option<i64>, Mistyped>;

    /// Yes or no.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    fn flag(&self, column: &str) -> Result<Option<bool>, Mistyped>;

    /// The names that belong to a service, collected from a table of their own.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    fn names(&self, column: &str) -> Result<Vec<String>, Mistyped>;

    /// The identities of a service, collected likewise: the issuer's digest and the name.
    ///
    /// # Errors
    ///
    /// [`Mistyped`].
    fn identities(&self) -> Result<Vec<(Vec<u8>, String)>, Mistyped>;
}

/// Names that were put into one text, separated by spaces, which none contains. None at all is `NULL`.
pub fn joined_names(text: Option<String>) -> Vec<String> {
    text.map(|text| text.split(' ').map(str::to_owned).collect())
        .unwrap_or_default()
}

/// Identities that were put into one text, separated by line feeds: the digest as SQLite's `hex` writes it, a space, the
/// name.
///
/// # Errors
///
/// [`Mistyped`] for anything else.
pub fn joined_identities(text: Option<String>) -> Result<Vec<(Vec<u8>, String)>, Mistyped> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let identity = |line: &str| {
        let (issuer, name) = line.split_once(' ')?;
        let (pairs, rest) = issuer.as_bytes().as_chunks::<2>();
        let issuer: Option<Vec<u8>> = pairs
            .iter()
            .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
            .collect();
        rest.is_empty().then_some((issuer?, name.to_owned()))
    };
    text.split('\n').map(|line| identity(line).ok_or(Mistyped)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// A row of a table that is known, which is said when a column does not hold what this program writes there.
pub(super) struct Row<'r, C> {
    pub(super) columns: &'r C,
    pub(super) table: &'static str,
}

impl<C: Columns> Row<'_, C> {
    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.columns.text(column).map_err(|_| self.inconsistent(column))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.optional_text(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// A text of which there is one spelling: another one is not what this program writes, and a comparison in SQL would
    /// take it for something else.
    pub(super) fn parse<T: FromStr + Display>(&self, column: &'static str) -> Result<T, StoreError> {
        self.spelled(&self.text(column)?, column)
    }

    /// The same for a text at hand.
    pub(super) fn spelled<T: FromStr + Display>(&self, text: &str, column: &'static str) -> Result<T, StoreError> {
        text.parse()
            .ok()
            .filter(|value: &T| value.to_string() == text)
            .ok_or_else(|| self.inconsistent(column))
    }

    /// Words with one space in between.
    pub(super) fn words(&self, column: &'static str) -> Result<Vec<String>, StoreError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        if words.iter().any(String::is_empty) {
            return Err(self.inconsistent(column));
        }
        Ok(words)
    }

    pub(super) fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.columns.bytes(column).map_err(|_| self.inconsistent(column))
    }

    pub(super) fn optional_array<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, StoreError> {
        self.optional_bytes(column)?
            .map(|bytes| bytes.try_into().map_err(|_| self.inconsistent(column)))
            .transpose()
    }

    pub(super) fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.optional_array(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// A number that is never below zero.
    pub(super) fn unsigned(&self, column: &'static str) -> Result<u64, StoreError> {
        match self.columns.integer(column) {
            Ok(Some(number)) => u64::try_from(number).map_err(|_| self.inconsistent(column)),
            _ => Err(self.inconsistent(column)),
        }
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        match self.columns.flag(column) {
            Ok(Some(flag)) => Ok(flag),
            _ => Err(self.inconsistent(column)),
        }
    }

    pub(super) fn optional_time(&self, column: &'static str) -> Result<Option<OffsetDateTime>, StoreError> {
        self.columns
            .integer(column)
            .map_err(|_| self.inconsistent(column))?
            .map(|seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| self.inconsistent(column)))
            .transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<OffsetDateTime, StoreError> {
        self.optional_time(column)?.ok_or_else(|| self.inconsistent(column))
    }

    pub(super) fn inconsistent(&self, column: &'static str) -> StoreError {
        StoreError::Inconsistent {
            table: self.table,
            column,
        }
    }
}
