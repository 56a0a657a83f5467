//! `certgen init`.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use cryptokit::x509::{Certificate, KeyKind, Subtree};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Context, Output};
use crate::cli::InitArguments;
use crate::explain::Failure;
use crate::init::{AuthorityFiles, InitContext, InitReport, InitRequest, LeafFiles, LeafSpec, init_with};
use crate::init_error::InitError;
use crate::lifetime::Lifetime;
use crate::passphrase;
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &InitArguments, context: &Context) -> Result<Output, Failure> {
    let request = request(arguments)?;
    request.check(context.now)?;
    let passphrase = match arguments.passphrase.source() {
        None if !arguments.encrypt => None,
        source => Some(passphrase::new(passphrase::AUTHORITY, source.as_ref())?),
    };
    let report = {
        let is_slow = [Some(request.key), request.authority_key]
            .iter()
            .any(|kind| matches!(kind, Some(KeyKind::Rsa(_))));
        let progress = is_slow.then(|| Progress::begin(request.key_count(), "keys made"));
        let step = || progress.iter().for_each(Progress::step);
        let making = InitContext {
            passphrase: passphrase.as_ref(),
            key_made: Some(&step),
        };
        init_with(&request, making, context.now)?
    };
    if context.json {
        return Ok(Output::done(format!("{}\n", json_report(&report))));
    }
    let output = Output::done(text_report(&report));
    Ok(report.warnings.into_iter().fold(output, Output::with_warning))
}

fn request(arguments: &InitArguments) -> Result<InitRequest, InitError> {
    let directory = match &arguments.out {
        Some(directory) => directory.clone(),
        None => directory_called(&arguments.name)?,
    };
    let mut request = InitRequest::new(directory);
    let subject = &arguments.subject;
    request
        .name
        .clone_from(subject.common_name.as_ref().unwrap_or(&arguments.name));
    request.organization.clone_from(&subject.organization);
    request.organizational_unit.clone_from(&subject.organizational_unit);
    request.country.clone_from(&subject.country);
    request.key = arguments.key;
    request.authority_key = arguments.ca_key;
    request.lifetime = arguments.lifetime.lifetime();
    request.root_lifetime = arguments.root_days.map(Lifetime::days);
    request.intermediate_lifetime = arguments.intermediate_days.map(Lifetime::days);
    request.name_limits = arguments.limits.limits();
    request.trust_domain.clone_from(&arguments.trust_domain);
    request.leaves = [&arguments.service, &arguments.server, &arguments.client]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if request.leaves.is_empty() {
        request.leaves = LeafSpec::defaults();
    }
    Ok(request)
}

/// Here, and nowhere else: a name is no path.
fn directory_called(name: &str) -> Result<PathBuf, InitError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name && !name.chars().any(char::is_control) => {
            Ok(PathBuf::from(name))
        }
        _ => Err(InitError::NameIsNoDirectory {
            name: name.escape_debug().to_string(),
        }),
    }
}

fn text_report(report: &InitReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Made in {}:\n", report.directory.display());
    for (role, files) in [("root", &report.root), ("intermediate", &report.intermediate)] {
        let name = files.certificate_file.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(
            text,
            "  {role:<13} {name:<18} until {}",
            files.certificate.not_after().date()
        );
    }
    if let (Some(domain), Some(file)) = (&report.trust_domain, &report.spiffe_bundle_file) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(text, "  {:<13} {name} of {domain}", "trust bundle");
    }
    for leaf in &report.leaves {
        let (role, name) = (leaf.profile.name(), format!("{}/", leaf.name));
        let _ = writeln!(
            text,
            "  {role:<13} {name:<18} until {}",
            leaf.certificate.not_after().date()
        );
        for name in leaf.certificate.subject_alternative_names() {
            let _ = writeln!(text, "{:16}{name}", "");
        }
    }
    if !report.name_limits.is_empty() {
        let _ = writeln!(text, "\n{}", limits(report));
    }
    let _ = write!(text, "{}", next_steps(report));
    text
}

/// One line for what is permitted and one for what is not.
fn limits(report: &InitReport) -> String {
    let listed = |what: &str, subtrees: &[Subtree]| {
        let subtrees: Vec<String> = subtrees.iter().map(subtree_text).collect();
        (!subtrees.is_empty()).then(|| format!("  {what:<13} {}", subtrees.join(", ")))
    };
    let limits = &report.name_limits;
    let lines = [
        listed("permitted", limits.permitted()),
        listed("excluded", limits.excluded()),
    ];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn subtree_text(subtree: &Subtree) -> String {
    match subtree.to_string() {
        text if text == "dns:" => "dns: any name".to_owned(),
        text => text,
    }
}

fn next_steps(report: &InitReport) -> String {
    let mut text = format!(
        "\nNext:\n  Give each service its directory: it presents fullchain.pem with key.pem and trusts ca.pem.\n  \
         Keep {} where no service can read it; only new authorities and the root's own revocation list need it.\n",
        report.root.key_file.display()
    );
    if let Some(leaf) = report.leaves.first() {
        let (option, purpose) = match leaf.profile.name() {
            "client" => (" --purpose client", "sslclient"),
            _ => ("", "sslserver"),
        };
        let directory = leaf.certificate_file.parent().unwrap_or(&leaf.certificate_file);
        let _ = writeln!(
            text,
            "  To see that it is accepted, by certgen and by openssl:\n    \
             certgen verify --ca {} {}{option}\n    \
             openssl verify -x509_strict -purpose {purpose} -trusted {} -untrusted {} {}",
            shell_word(&report.directory),
            shell_word(directory),
            shell_word(&report.root.certificate_file),
            shell_word(&report.intermediate.certificate_file),
            shell_word(&leaf.certificate_file),
        );
    }
    text
}

/// The path as one word of a POSIX shell, so that the printed command works when pasted.
fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    if text.starts_with('-') {
        // Quotes would not keep it from being read as an option.
        shell_word(&Path::new(".").join(path))
    } else if text.bytes().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn json_report(report: &InitReport) -> Value {
    json!({
        "directory": path_text(&report.directory),
        "root": json_authority(&report.root),
        "intermediate": json_authority(&report.intermediate),
        "trust_domain": report.trust_domain.as_ref().map(ToString::to_string),
        "spiffe_bundle_file": report.spiffe_bundle_file.as_deref().map(path_text),
        "name_limits": {
            "permitted": texts(report.name_limits.permitted()),
            "excluded": texts(report.name_limits.excluded()),
        },
        "leaves": report.leaves.iter().map(json_leaf).collect::<Vec<_>>(),
        "warnings": report.warnings,
    })
}

pub(super) fn json_authority(files: &AuthorityFiles) -> Value {
    json!({
        "certificate_file": path_text(&files.certificate_file),
        "key_file": path_text(&files.key_file),
        "key_is_encrypted": files.key_is_encrypted,
        "certificate": json_certificate(&files.certificate),
    })
}

pub(super) fn json_leaf(files: &LeafFiles) -> Value {
    json!({
        "name": files.name,
        "profile": files.profile.name(),
        "certificate_file": path_text(&files.certificate_file),
        "chain_file": path_text(&files.chain_file),
        "fullchain_file": path_text(&files.fullchain_file),
        "key_file": path_text(&files.key_file),
        "ca_file": path_text(&files.ca_file),
        "certificate": json_certificate(&files.certificate),
    })
}

pub(super) fn json_certificate(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject_text(),
        "subject_alternative_names": texts(certificate.subject_alternative_names()),
        "serial": hex(certificate.serial()),
        "not_before": timestamp(certificate.not_before()),
        "not_after": timestamp(certificate.not_after()),
        "sha256": hex(&certificate.sha256()),
        "spki_sha256": hex(&certificate.spki_sha256()),
    })
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// JSON strings are Unicode; a path that is not is shown as near as it can be.
pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
