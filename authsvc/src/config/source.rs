//! Where settings come from: file, environment, flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use super::ConfigError;
use super::settings::{SETTINGS, Setting};

/// A setting's text and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl Value {
    /// As a path: in a file, relative to the file's folder; elsewhere, to the working directory.
    pub(super) fn path(&self) -> PathBuf {
        self.path_of(&self.text)
    }

    /// As [`Self::path`], of each path between commas.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let names = self.text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| self.path_of(name)).collect()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        match &self.origin {
            Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(name),
            _ => PathBuf::from(name),
        }
    }
}

/// Where a value was found, for messages.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("its default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// All settings as text.
#[derive(Clone, Debug)]
pub struct SettingValues(BTreeMap<&'static str, Value>);

impl SettingValues {
    /// The defaults, overlaid by the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML, or holds unknown names or values that are neither text nor whole
    /// numbers.
    pub fn from_file(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let file = file.display();
            ConfigError(vec![match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!(
                        "{file} does not exist; --config names the file of an installation, and authsvc init makes one"
                    )
                }
                _ => format!("{file}: {error}"),
            }])
        })?;
        Self::parse(file, &text)
    }

    /// The defaults, overlaid by a text as if it were the content of `file`.
    ///
    /// # Errors
    ///
    /// As [`Self::from_file`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let fault = |text: String| ConfigError(vec![format!("{}: {text}", file.display())]);
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| fault(error.message().to_owned()))?;

        let mut values = Self::defaults();
        let mut errors = Vec::new();
        let mut flat = Vec::new();
        flatten("", &table, &mut flat);
        for (key, value) in flat {
            match (find(&key), plain_text(value)) {
                (None, _) => errors.push(format!("{}: unknown setting {key}", file.display())),
                (Some(_), None) => errors.push(format!("{}: {key} is not text or a whole number", file.display())),
                (Some(setting), Some(text)) => values.set(setting, text, Origin::File(file.to_owned())),
            }
        }
        if errors.is_empty() {
            Ok(values)
        } else {
            Err(ConfigError(errors))
        }
    }

    /// A setting's text, wherever it was found.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).map(|value| value.text.as_str())
    }

    /// Sets these settings to what they are in `other`.
    pub(super) fn copy(&mut self, other: &Self, keys: &[&'static str]) {
        for key in keys {
            match other.get(key) {
                Some(value) => self.0.insert(key, value.clone()),
                None => self.0.remove(key),
            };
        }
    }

    fn defaults() -> Self {
        let mut values = Self(BTreeMap::new());
        for setting in SETTINGS {
            if let Some(text) = setting.default {
                values.set(setting, text.to_owned(), Origin::Default);
            }
        }
        values
    }

    /// Overlays what the environment sets.
    ///
    /// # Errors
    ///
    /// For names that begin like ours and are none of ours, so that a slip is not taken for a setting. The names that
    /// Kubernetes gives every pod beside a service called `authsvc` are let pass.
    pub fn add_environment(&mut self, environment: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        let mut errors = Vec::new();
        for (name, text) in environment.filter(|(name, _)| name.starts_with("AUTHSVC_")) {
            match SETTINGS.iter().find(|setting| setting.environment_name() == name) {
                Some(setting) => self.set(setting, text, Origin::Environment(name)),
                None if is_kubernetes_name(&name) => {}
                None => errors.push(format!("environment: unknown setting {name}")),
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(errors))
        }
    }

    /// Overlays what flags set.
    pub fn add_overrides(&mut self, overrides: &Overrides) {
        for (setting, text) in &overrides.0 {
            self.set(setting, text.clone(), Origin::Flag(setting.flag()));
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    fn set(&mut self, setting: &Setting, text: String, origin: Origin) {
        self.0.insert(setting.key, Value { text, origin });
    }
}

/// A flag for each setting, for `serve` and the commands that read the same configuration.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Vec<(&'static Setting, String)>);

impl Overrides {
    /// Overrides by key, for programs and tests. Unknown keys are left out.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .filter_map(|(key, text)| Some((find(key)?, (*text).to_owned())))
                .collect(),
        )
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let default = setting
                .default
                .map(|text| format!(" [default: {text}]"))
                .unwrap_or_default();
            command.arg(
                Arg::new(setting.key)
                    .long(setting.flag())
                    .value_name("VALUE")
                    .help(format!("{}{default}", setting.help))
                    .help_heading("Settings, over the file and the environment"),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &'static Setting| Some((setting, matches.get_one::<String>(setting.key)?.clone()));
        Ok(Self(SETTINGS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

fn flatten<'a>(prefix: &str, table: &'a toml::Table, into: &mut Vec<(String, &'a toml::Value)>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            toml::Value::Table(inner) if find(&key).is_none() => flatten(&format!("{key}."), inner, into),
            _ => into.push((key, value)),
        }
    }
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `AUTHSVC_PORT`, `AUTHSVC_PORT_…` and `AUTHSVC_SERVICE_…` are service discovery, not settings of ours.
fn is_kubernetes_name(name: &str) -> bool {
    let rest = name.trim_start_matches("AUTHSVC_");
    rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
}
