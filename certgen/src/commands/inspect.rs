//! `certgen inspect`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cryptokit::secret::SecretString;
use secret_input::Secret;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Context, Output};
use crate::cli::InspectArguments;
use crate::explain::{Explain, FAILED, Failure};
use crate::input;
use crate::inspect::Inspection;
use crate::passphrase;
use crate::printable::{printable, printable_json};

/// The most bytes of one file: a revocation list of 4 MiB in PEM, and room to spare.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn run(arguments: &InspectArguments, context: &Context) -> Result<Output, Failure> {
    let passphrase = passphrase_of(arguments)?;
    let mut found = Vec::new();
    for what in &arguments.what {
        found.push(inspect_file(&file_of(what), passphrase.as_ref())?);
    }
    // One thing of which nothing can be shown is an error like any other.
    if let [only] = found.as_slice()
        && let Some((reason, step)) = only.nothing_read()
    {
        return Err(NothingRead {
            what: arguments.what[0].to_string_lossy().into_owned(),
            reason: reason.to_owned(),
            step,
        }
        .into());
    }
    let text = if context.json {
        let objects: Vec<_> = found.iter().flat_map(|found| found.to_json(context.now)).collect();
        printable_json(&json!({"objects": objects, "warnings": []})) + "\n"
    } else {
        let paragraphs = found.iter().map(|found| match arguments.short {
            true => found.to_short(context.now),
            false => found.to_text(context.now),
        });
        paragraphs.collect::<Vec<_>>().join("\n")
    };
    let mut output = Output::done(text);
    if !found.iter().all(Inspection::is_whole) {
        output.exit_code = FAILED;
    }
    Ok(output)
}

fn inspect_file(path: &Path, passphrase: Option<&SecretString>) -> Result<Inspection, Failure> {
    // It may be a key.
    let bytes = Zeroizing::new(input::read(path, MAX_BYTES)?);
    let source = match path.to_str() {
        Some(input::STANDARD_INPUT) => Cow::Borrowed("standard input"),
        _ => path.to_string_lossy(),
    };
    Ok(Inspection::of(&source, &bytes, passphrase))
}

/// A service's directory stands for the chain in it.
fn file_of(what: &OsStr) -> PathBuf {
    let path = Path::new(what);
    match path.is_dir() {
        true => path.join("fullchain.pem"),
        false => path.to_owned(),
    }
}

fn passphrase_of(arguments: &InspectArguments) -> Result<Option<SecretString>, Failure> {
    let Some(source) = arguments.passphrase.source() else {
        return Ok(None);
    };
    Ok(Some(passphrase::existing(PASSPHRASE, Some(&source))?))
}

const PASSPHRASE: Secret = Secret {
    what: "passphrase",
    flags: "--passphrase-file, --passphrase-env or --passphrase-fd",
};

/// A file that is nothing that can be shown.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be shown: {reason}", printable(what))]
struct NothingRead {
    what: String,
    reason: String,
    step: &'static str,
}

impl Explain for NothingRead {
    fn hint(&self) -> Cow<'static, str> {
        self.step.into()
    }
}
