//! One module per subcommand: arguments to library call to report.

mod apply;
mod bundle;
mod completions;
mod crl;
mod csr;
mod fingerprint;
mod home;
mod init;
mod inspect;
mod intermediate;
mod key;
mod leaf;
mod lifecycle;
mod lint;
mod man;
mod needs_renewal;
mod progress;
mod rekey;
mod renew;
mod revoke;
mod rotate_ca;
mod sign;
mod tree;
mod trust;
mod verify;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cryptokit::key_format::PrivateKey;
use secret_input::SecretSource;
use time::OffsetDateTime;

use crate::cli::{Cli, Command};
use crate::explain::{Explain, Failure};
use crate::home::layout;
use crate::key_file::KeyFile;
use crate::passphrase;
use crate::printable::{printable_json_text, printable_lines};

/// What a command gets from the process besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The time. Nothing else reads a clock.
    pub now: OffsetDateTime,
    /// Whether to report one JSON object instead of prose.
    pub json: bool,
    /// Whether prose may be coloured.
    pub colour: bool,
}

/// Runs a command line and gives its exit code.
///
/// What was asked for goes to `stdout`, warnings to `stderr`. A reader that has gone away is no error.
///
/// # Errors
///
/// [`Failure`], to be printed and answered with its exit code.
pub fn run(cli: &Cli, context: &Context, stdout: &mut impl Write, stderr: &mut impl Write) -> Result<u8, Failure> {
    let output = match &cli.command {
        Command::Init(arguments) => init::run(arguments, context)?,
        Command::Leaf(arguments) => leaf::run(arguments, context)?,
        Command::Intermediate(arguments) => intermediate::run(arguments, context)?,
        Command::Csr(arguments) => csr::run(arguments, context)?,
        Command::Sign(arguments) => sign::run(arguments, context)?,
        Command::Apply(arguments) => apply::run(arguments, context)?,
        Command::Renew(arguments) => renew::run(arguments, context)?,
        Command::Rekey(arguments) => rekey::run(arguments, context)?,
        Command::Revoke(arguments) => revoke::run(arguments, context)?,
        Command::Crl(arguments) => crl::run(arguments, context)?,
        Command::RotateCa(arguments) => rotate_ca::run(arguments, context)?,
        Command::NeedsRenewal(arguments) => needs_renewal::run(arguments, context)?,
        Command::Tree(arguments) => tree::run(arguments, context)?,
        Command::Inspect(arguments) => inspect::run(arguments, context)?,
        Command::Verify(arguments) => verify::run(arguments, context)?,
        Command::Lint(arguments) => lint::run(arguments, context)?,
        Command::Fingerprint(arguments) => fingerprint::run(arguments, context)?,
        Command::Bundle(arguments) => bundle::run(arguments, context)?,
        Command::Key(arguments) => key::run(arguments, context)?,
        Command::Trust(arguments) => trust::run(arguments, context)?,
        Command::Completions(arguments) => completions::run(arguments, context),
        Command::Man(arguments) => man::run(arguments, context)?,
    };
    for warning in &output.warnings {
        // Standard error may be closed; what was asked for still has to come out.
        let _ = writeln!(stderr, "warning: {}", printable_lines(warning));
    }
    let text = match &cli.command {
        _ if context.json => printable_json_text(&output.text),
        // It sets colours, and looks at every name itself.
        Command::Tree(_) if context.colour => output.text,
        _ => printable_lines(&output.text),
    };
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(ReportError(error).into()),
        _ => Ok(output.exit_code),
    }
}

/// The key of a file, whose passphrase is asked for where none is named and one is needed.
fn private_key(file: &KeyFile, source: Option<&SecretSource>) -> Result<PrivateKey, Failure> {
    if source.is_none() && !file.is_encrypted() {
        return Ok(file.key(None)?);
    }
    let passphrase = passphrase::existing(passphrase::KEY, source)?;
    Ok(file.key(Some(&passphrase))?)
}

/// The file itself; a service's directory stands for the chain in it.
fn chain_of(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(layout::FULLCHAIN),
        false => path.to_owned(),
    }
}

/// What a subcommand has to say.
struct Output {
    text: String,
    warnings: Vec<Cow<'static, str>>,
    exit_code: u8,
}

impl Output {
    /// Done, or yes: exit code 0.
    fn done(text: String) -> Self {
        Self {
            text,
            warnings: Vec::new(),
            exit_code: 0,
        }
    }

    /// Says something on standard error besides. Not for JSON, which holds its warnings itself.
    fn with_warning(mut self, warning: impl Into<Cow<'static, str>>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// Standard output refused. Whatever was to be done is done.
#[derive(Debug, thiserror::Error)]
#[error("everything was done, but cannot be reported")]
struct ReportError(#[source] io::Error);

impl Explain for ReportError {
    fn hint(&self) -> Cow<'static, str> {
        "look at the files themselves".into()
    }
}
