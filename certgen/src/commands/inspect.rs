//! `certgen inspect`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use cryptokit::x509::{Certificate, TrustAnchorError, TrustAnchors};
use secret_input::Secret;
use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::InspectArguments;
use crate::explain::{Explain, FAILED, Failure};
use crate::handshake::{HandshakeRequest, ServerAddress, handshake};
use crate::input;
use crate::inspect::{Inspection, ShownServer, TrustVerdict};
use crate::key_file::{KeyFile, KeyFileError};
use crate::passphrase;
use crate::printable::{printable, printable_json};

/// The most bytes of one file: a revocation list of 4 MiB in PEM, and room to spare.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn run(arguments: &InspectArguments, context: &Context) -> Result<Output, Failure> {
    if arguments.trust.is_some() && !arguments.what.iter().any(|what| server_of(what).is_some()) {
        return Err(NoServer.into());
    }
    let passphrase = passphrase_of(arguments)?;
    let mut found = Vec::new();
    for what in &arguments.what {
        found.push(match server_of(what) {
            Some(server) => of_server(&server, arguments, passphrase.as_ref(), context)?,
            None => Found {
                server: None,
                inspection: inspect_file(&super::chain_of(Path::new(what)), passphrase.as_ref())?,
            },
        });
    }
    // One thing of which nothing can be shown is an error like any other.
    if let [only] = found.as_slice()
        && let Some((reason, step)) = only.inspection.nothing_read()
    {
        return Err(NothingRead {
            what: arguments.what[0].to_string_lossy().into_owned(),
            reason: reason.to_owned(),
            step,
        }
        .into());
    }
    let mut output = Output::done(if context.json {
        printable_json(&json_report(&found, context)) + "\n"
    } else {
        text_report(&found, arguments.short, context)
    });
    if !found.iter().all(|found| found.inspection.is_whole()) {
        output.exit_code = FAILED;
    }
    Ok(output)
}

/// Nothing was verified then, and who asked for it would think it was.
#[derive(Debug, thiserror::Error)]
#[error("--trust is about what a server presents, and no server is named")]
struct NoServer;

impl Explain for NoServer {
    fn hint(&self) -> Cow<'static, str> {
        "name one as HOST:PORT, or ask about a file: certgen verify FILE --trust FILE".into()
    }

    fn exit_code(&self) -> u8 {
        2
    }
}

/// What one argument led to.
struct Found {
    server: Option<ShownServer>,
    inspection: Inspection,
}

fn text_report(found: &[Found], short: bool, context: &Context) -> String {
    let mut paragraphs = Vec::new();
    for found in found {
        paragraphs.extend(found.server.as_ref().map(ShownServer::to_text));
        paragraphs.push(match short {
            true => found.inspection.to_short(context.now),
            false => found.inspection.to_text(context.now),
        });
    }
    paragraphs.join("\n")
}

fn json_report(found: &[Found], context: &Context) -> Value {
    let objects: Vec<_> = found
        .iter()
        .flat_map(|found| found.inspection.to_json(context.now))
        .collect();
    let servers: Vec<_> = found
        .iter()
        .filter_map(|found| found.server.as_ref())
        .map(ShownServer::to_json)
        .collect();
    json!({"objects": objects, "servers": servers, "warnings": []})
}

/// A server, unless there is a file of that name.
fn server_of(what: &OsStr) -> Option<ServerAddress> {
    match Path::new(what).symlink_metadata() {
        Ok(_) => None,
        Err(_) => ServerAddress::parse(what.to_str()?),
    }
}

fn of_server(
    server: &ServerAddress,
    arguments: &InspectArguments,
    passphrase: Option<&SecretString>,
    context: &Context,
) -> Result<Found, Failure> {
    let trust = arguments.trust.as_deref();
    // What was mixed up in the arguments is said before anybody is called.
    let anchors = trust.map(anchors).transpose()?;
    let identity = identity(arguments, passphrase)?;
    let mut request = HandshakeRequest::new(server.clone());
    request.server_name.clone_from(&arguments.server_name);
    if !arguments.alpn.is_empty() {
        request.protocols = Some(arguments.alpn.clone());
    }
    request.identity = identity.as_ref().map(|(chain, key)| (chain.as_slice(), key));
    request.timeout = arguments.timeout;
    let seen = handshake(&request)?;
    let verdict = anchors.zip(trust).map(|(anchors, path)| {
        TrustVerdict::of(
            &seen.chain,
            &anchors,
            &path.to_string_lossy(),
            &seen.server_name,
            context.now,
        )
    });
    let chain = seen.chain.iter().map(|certificate| certificate.as_ref());
    Ok(Found {
        inspection: Inspection::of_chain(&server.to_string(), chain),
        server: Some(ShownServer::new(server.clone(), seen, verdict)),
    })
}

fn anchors(path: &Path) -> Result<TrustAnchors, Failure> {
    let certificates = input::certificates(path)?;
    TrustAnchors::from_certificates(certificates).map_err(|source| {
        Unusable::Trust {
            path: path.to_owned(),
            source,
        }
        .into()
    })
}

fn identity(
    arguments: &InspectArguments,
    passphrase: Option<&SecretString>,
) -> Result<Option<(Vec<Certificate>, PrivateKey)>, Failure> {
    let (Some(chain), Some(key)) = (&arguments.client_certificate, &arguments.client_key) else {
        return Ok(None);
    };
    let chain = input::certificates(chain)?;
    // The passphrase has options of another name here, which the hint says.
    let read = KeyFile::read(key)?.key(passphrase).map_err(|error| match error {
        KeyFileError::Key { path, source } => Unusable::Key { path, source }.into(),
        other => Failure::from(other),
    })?;
    Ok(Some((chain, read)))
}

fn inspect_file(path: &Path, passphrase: Option<&SecretString>) -> Result<Inspection, Failure> {
    let bytes = input::read_what_may_be_secret(path, MAX_BYTES)?;
    let source = match path.to_str() {
        Some(input::STANDARD_INPUT) => Cow::Borrowed("standard input"),
        _ => path.to_string_lossy(),
    };
    Ok(Inspection::of(&source, &bytes, passphrase))
}

fn passphrase_of(arguments: &InspectArguments) -> Result<Option<SecretString>, Failure> {
    let Some(source) = arguments.passphrase.source() else {
        return Ok(None);
    };
    Ok(Some(passphrase::existing(PASSPHRASE, Some(&source))?))
}

pub(super) const PASSPHRASE: Secret = Secret {
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

/// A file that was to help with a server, and cannot.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("`{}` does not say whom to trust", path.display())]
    Trust { path: PathBuf, source: TrustAnchorError },
    #[error("`{}` is no key that can be presented", path.display())]
    Key { path: PathBuf, source: KeyFormatError },
}

impl Explain for Unusable {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Trust { .. } => "give a file of certificates of authorities, such as a service's ca.pem".into(),
            Self::Key {
                source: KeyFormatError::Encrypted,
                ..
            } => "say where its passphrase is with --passphrase-file, --passphrase-env or --passphrase-fd".into(),
            Self::Key { .. } => "give a key in PEM or DER; without a passphrase option if it is not encrypted".into(),
        }
    }
}
