//! `certgen fingerprint`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cryptokit::secret::SecretString;
use serde_json::json;

use super::inspect::{MAX_BYTES, PASSPHRASE};
use super::{Context, Output};
use crate::cli::{FingerprintArguments, FormatArgument};
use crate::explain::{Explain, Failure};
use crate::input;
use crate::inspect::{Fingerprint, FingerprintFormat, Inspection, NoFingerprint};
use crate::passphrase;
use crate::printable::printable_json;

pub(super) fn run(arguments: &FingerprintArguments, context: &Context) -> Result<Output, Failure> {
    let source = arguments.passphrase.source();
    let passphrase = source
        .map(|source| passphrase::existing(PASSPHRASE, Some(&source)))
        .transpose()?;
    let format = format_of(arguments);
    let mut found = Vec::new();
    for file in &arguments.files {
        found.extend(of_file(&file_of(file), format, arguments.key, passphrase.as_ref())?);
    }
    let warning = (format == FingerprintFormat::Sha1).then_some(SHA1_WARNING);
    if context.json {
        let objects: Vec<_> = found.iter().map(|found| json(found, arguments)).collect();
        let warnings: Vec<_> = warning.into_iter().collect();
        let report = json!({"fingerprints": objects, "warnings": warnings});
        return Ok(Output::done(printable_json(&report) + "\n"));
    }
    let output = Output::done(text(&found));
    Ok(match warning {
        Some(warning) => output.with_warning(warning),
        None => output,
    })
}

const SHA1_WARNING: &str =
    "SHA-1 can be forged: it tells two certificates apart for the eye, and proves nothing to a program";

fn format_of(arguments: &FingerprintArguments) -> FingerprintFormat {
    match arguments.format {
        _ if arguments.sha1 => FingerprintFormat::Sha1,
        FormatArgument::Hex => FingerprintFormat::Hex,
        FormatArgument::Plain => FingerprintFormat::Plain,
        FormatArgument::Base64 => FingerprintFormat::Base64,
        FormatArgument::Base64url => FingerprintFormat::Base64url,
        FormatArgument::X5tS256 => FingerprintFormat::X5tS256,
        FormatArgument::Pin => FingerprintFormat::Pin,
    }
}

fn of_file(
    path: &Path,
    format: FingerprintFormat,
    of_key: bool,
    passphrase: Option<&SecretString>,
) -> Result<Vec<Fingerprint>, Failure> {
    let bytes = input::read_what_may_be_secret(path, MAX_BYTES)?;
    let found = Inspection::of(&path.to_string_lossy(), &bytes, passphrase);
    Ok(found.fingerprints(format, of_key).map_err(Refused)?)
}

/// A service's directory stands for its certificate.
fn file_of(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join("certificate.pem"),
        false => path.to_owned(),
    }
}

/// Alone when there is one, so that a script takes it as it is.
fn text(found: &[Fingerprint]) -> String {
    match found {
        [only] => format!("{}\n", only.value),
        many => many
            .iter()
            .map(|one| {
                format!(
                    "{}  {} {} ({})\n",
                    one.value,
                    one.of.replace('_', " "),
                    one.name,
                    one.place
                )
            })
            .collect(),
    }
}

fn json(found: &Fingerprint, arguments: &FingerprintArguments) -> serde_json::Value {
    let format = match arguments.format {
        _ if arguments.sha1 => "hex",
        FormatArgument::Hex => "hex",
        FormatArgument::Plain => "plain",
        FormatArgument::Base64 => "base64",
        FormatArgument::Base64url => "base64url",
        FormatArgument::X5tS256 => "x5t#S256",
        FormatArgument::Pin => "pin",
    };
    json!({
        "fingerprint": found.value,
        "hash": if arguments.sha1 { "SHA-1" } else { "SHA-256" },
        "format": format,
        "of": found.of,
        "name": found.name,
        "place": found.place,
    })
}

/// Something without a fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("no fingerprint of `{}`: {}", .0.place, .0.reason)]
struct Refused(NoFingerprint);

impl Explain for Refused {
    fn hint(&self) -> Cow<'static, str> {
        self.0.step.into()
    }
}
