//! `certgen csr`.

use std::fmt::Write as _;

use cryptokit::hash::sha256;
use cryptokit::x509::{CertificationRequest, KeyKind, LeafProfile, LeafRequest};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Context, Output};
use crate::cli::CsrArguments;
use crate::csr::{self, RequestKey};
use crate::explain::Failure;
use crate::passphrase;
use crate::text::hex;

pub(super) fn run(arguments: &CsrArguments, context: &Context) -> Result<Output, Failure> {
    let profile = arguments.profile.chosen().unwrap_or(LeafProfile::Peer);
    let leaf = LeafRequest::new(profile, arguments.names.clone());
    let key = match (&arguments.out_key, &arguments.key_file) {
        (Some(file), _) => RequestKey::New {
            kind: arguments.key,
            file,
        },
        (None, file) => RequestKey::Existing {
            file: file.as_ref().expect("one of the two is required"),
        },
    };
    let request = create(arguments, &leaf, key)?;
    let text = if context.json {
        format!("{}\n", json_report(arguments, profile, &request))
    } else if arguments.out.is_some() {
        text_report(arguments, profile, &request)
    } else {
        request.to_pem()
    };
    Ok(Output::done(text))
}

fn create(arguments: &CsrArguments, leaf: &LeafRequest, key: RequestKey<'_>) -> Result<CertificationRequest, Failure> {
    let out = arguments.out.as_deref();
    let source = arguments.passphrase.source();
    let passphrase = match (key, &source) {
        (_, None) => None,
        (RequestKey::New { .. }, source) => Some(passphrase::new(passphrase::KEY, source.as_ref())?),
        (RequestKey::Existing { .. }, source) => Some(passphrase::existing(passphrase::KEY, source.as_ref())?),
    };
    let is_slow = matches!(
        key,
        RequestKey::New {
            kind: KeyKind::Rsa(_),
            ..
        }
    );
    let progress = is_slow.then(|| Progress::begin(1, "keys made"));
    let made = csr::create(leaf, key, passphrase.as_ref(), out);
    drop(progress);
    match made {
        // Nobody said where the passphrase is: it is asked for, on a terminal.
        Err(error) if error.wants_a_passphrase() && source.is_none() => {
            let passphrase = passphrase::existing(passphrase::KEY, None)?;
            Ok(csr::create(leaf, key, Some(&passphrase), out)?)
        }
        made => Ok(made?),
    }
}

fn text_report(arguments: &CsrArguments, profile: LeafProfile, request: &CertificationRequest) -> String {
    let mut text = String::new();
    for (what, file) in [("request", &arguments.out), ("key", &arguments.out_key)] {
        if let Some(file) = file {
            let _ = writeln!(text, "  {what:<8} {}", file.display());
        }
    }
    let _ = writeln!(
        text,
        "\nAsks for a {} certificate of this key, {}, for",
        profile.name(),
        request.public_key().algorithm()
    );
    for name in request.subject_alternative_names() {
        let _ = writeln!(text, "  {name}");
    }
    text
}

fn json_report(arguments: &CsrArguments, profile: LeafProfile, request: &CertificationRequest) -> Value {
    let names = request.subject_alternative_names().iter().map(ToString::to_string);
    let key_file = arguments.out_key.as_ref().or(arguments.key_file.as_ref());
    json!({
        "request_file": arguments.out.as_ref().map(|path| path.to_string_lossy()),
        "key_file": key_file.map(|path| path.to_string_lossy()),
        "request": request.to_pem(),
        "profile": profile.name(),
        "key": request.public_key().algorithm().to_string(),
        "spki_sha256": hex(&sha256(request.public_key().spki_der())),
        "subject": request.subject_text(),
        "subject_alternative_names": names.collect::<Vec<_>>(),
        "warnings": [],
    })
}
