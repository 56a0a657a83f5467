//! From the text of settings to types; what does not fit is collected, so that all of it is reported at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::source::{SettingValues, Value};

/// Turns text into types and collects what does not fit.
pub(super) struct Reader<'a> {
    pub(super) values: &'a SettingValues,
    pub(super) errors: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn text(&mut self, key: &'static str) -> Option<&Value> {
        let value = self.values.get(key);
        if value.is_none() {
            self.errors.push(format!("{key} is missing"));
        }
        value
    }

    pub(super) fn parsed<T>(&mut self, key: &'static str, otherwise: T) -> T
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let Some(value) = self.text(key).cloned() else {
            return otherwise;
        };
        value.text.parse().unwrap_or_else(|error| {
            self.errors.push(format!("{key} from {}: {error}", value.origin));
            otherwise
        })
    }

    pub(super) fn optional<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let value = self.values.get(key)?;
        value
            .text
            .parse()
            .map_err(|error| self.errors.push(format!("{key} from {}: {error}", value.origin)))
            .ok()
    }

    pub(super) fn path(&mut self, key: &'static str) -> PathBuf {
        self.text(key).map(Value::path).unwrap_or_default()
    }

    pub(super) fn path_or(&mut self, key: &'static str, otherwise: &Path) -> PathBuf {
        self.values.get(key).map_or_else(|| otherwise.to_owned(), Value::path)
    }

    /// Any number of paths, separated by commas.
    pub(super) fn paths(&mut self, key: &'static str) -> Vec<PathBuf> {
        let Some(value) = self.values.get(key) else {
            return Vec::new();
        };
        let paths = value.paths();
        if paths.is_empty() {
            self.errors.push(format!("{key} from {} names no file", value.origin));
        }
        paths
    }

    /// The number, or the least one that is accepted where it is beyond the bounds: what is made of it before the errors
    /// are looked at must not overflow.
    pub(super) fn number(&mut self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> u64 {
        let number = self.parsed(key, *range.start());
        if !range.contains(&number) {
            self.errors.push(format!(
                "{key} is {number}; {} to {} are accepted",
                range.start(),
                range.end()
            ));
            return *range.start();
        }
        number
    }

    pub(super) fn seconds(&mut self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(key, range))
    }
}
