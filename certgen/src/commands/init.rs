//! `certgen init`.

use std::fmt::Write as _;
use std::path::Path;

use cryptokit::x509::Certificate;
use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::InitArguments;
use crate::explain::Failure;
use crate::init::{AuthorityFiles, InitReport, InitRequest, LeafFiles, LeafSpec, init};
use crate::text::{hex, timestamp};

const KEY_WARNING: &str = "root.key.pem and intermediate.key.pem are not encrypted: whoever reads them can issue \
    certificates that your services trust";

pub(super) fn run(arguments: &InitArguments, context: &Context) -> Result<Output, Failure> {
    let mut request = InitRequest::new(&arguments.out);
    request.name.clone_from(&arguments.name);
    request.organization.clone_from(&arguments.organization);
    request.country.clone_from(&arguments.country);
    request.leaves = [&arguments.server, &arguments.client, &arguments.peer]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if request.leaves.is_empty() {
        request.leaves = LeafSpec::defaults();
    }
    let report = init(&request, context.now)?;
    Ok(if context.json {
        Output::done(format!("{}\n", json_report(&report)))
    } else {
        Output::done(text_report(&report)).with_warning(KEY_WARNING)
    })
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
    let _ = write!(text, "{}", next_steps(report));
    text
}

fn next_steps(report: &InitReport) -> String {
    let mut text = format!(
        "\nNext:\n  Give each service its directory: it presents fullchain.pem with key.pem and trusts ca.pem.\n  \
         Keep {} where no service can read it; only a new intermediate needs it.\n",
        report.root.key_file.display()
    );
    if let Some(leaf) = report.leaves.first() {
        let purpose = if leaf.profile.name() == "client" {
            "sslclient"
        } else {
            "sslserver"
        };
        let _ = writeln!(
            text,
            "  To see that others accept it:\n    openssl verify -x509_strict -purpose {purpose} \
             -trusted {} -untrusted {} {}",
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
        "leaves": report.leaves.iter().map(json_leaf).collect::<Vec<_>>(),
        "warnings": [KEY_WARNING],
    })
}

fn json_authority(files: &AuthorityFiles) -> Value {
    json!({
        "certificate_file": path_text(&files.certificate_file),
        "key_file": path_text(&files.key_file),
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
    let names = certificate.subject_alternative_names().iter().map(ToString::to_string);
    json!({
        "subject": certificate.subject_text(),
        "subject_alternative_names": names.collect::<Vec<_>>(),
        "serial": hex(certificate.serial()),
        "not_before": timestamp(certificate.not_before()),
        "not_after": timestamp(certificate.not_after()),
        "sha256": hex(&certificate.sha256()),
        "spki_sha256": hex(&certificate.spki_sha256()),
    })
}

/// JSON strings are Unicode; a path that is not is shown as near as it can be.
pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
