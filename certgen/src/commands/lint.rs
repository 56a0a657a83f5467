//! `certgen lint`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::{LintArguments, SeverityArgument};
use crate::documents::{self, Document};
use crate::explain::Failure;
use crate::lint::{Finding, LINTS, Severity, lint, name_of};

pub(super) fn run(arguments: &LintArguments, context: &Context) -> Result<Output, Failure> {
    if arguments.list {
        return Ok(Output::done(if context.json {
            format!("{}\n", json_list())
        } else {
            text_list()
        }));
    }
    let least = match arguments.min {
        SeverityArgument::Error => Severity::Error,
        SeverityArgument::Warning => Severity::Warning,
        SeverityArgument::Notice => Severity::Notice,
    };
    let mut linted = Vec::new();
    for path in arguments.files.iter().map(|path| super::chain_of(path)) {
        for (index, document) in documents::read(&path)?.into_iter().enumerate() {
            let number = index + 1;
            linted.push(Linted {
                path: path.clone(),
                number,
                document,
                findings: Vec::new(),
            });
        }
    }
    let mut others: Vec<Document> = linted.iter().map(|one| one.document.clone()).collect();
    for path in &arguments.issuer {
        others.extend(documents::read(path)?);
    }
    for one in &mut linted {
        one.findings = lint(&one.document, &others);
        one.findings.retain(|finding| finding.lint.severity >= least);
    }
    let count = |severity| {
        let all = linted.iter().flat_map(|one| &one.findings);
        all.filter(|finding| finding.lint.severity == severity).count()
    };
    let counts = Severity::ALL.map(count);
    let mut output = Output::done(if context.json {
        format!("{}\n", json_report(&linted, counts))
    } else {
        text_report(&linted, counts)
    });
    output.exit_code = u8::from(counts.iter().any(|count| *count > 0));
    Ok(output)
}

/// A document and what was found in it.
struct Linted {
    path: PathBuf,
    /// In its file, from 1.
    number: usize,
    document: Document,
    findings: Vec<Finding>,
}

fn text_report(linted: &[Linted], [errors, warnings, notices]: [usize; 3]) -> String {
    let mut text = String::new();
    for one in linted {
        let name = name_of(&one.document).map_or(String::new(), |name| format!(", {name}"));
        let kind = one.document.kind.name();
        let _ = write!(text, "{}, {kind} {}{name}:", one.path.display(), one.number);
        if one.findings.is_empty() {
            text.push_str(" nothing found\n");
            continue;
        }
        text.push('\n');
        for finding in &one.findings {
            let lint = finding.lint;
            let detail: Cow<'_, str> = match &finding.detail {
                Some(detail) => format!(": {detail}").into(),
                None => "".into(),
            };
            let severity = lint.severity.name();
            let _ = writeln!(
                text,
                "  {severity:<7} {}\n          {}{detail} ({})",
                lint.id, lint.what, lint.section
            );
        }
    }
    let counts = [(errors, "error"), (warnings, "warning"), (notices, "notice")];
    let counts = counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
    let _ = writeln!(text, "{}", counts.join(", "));
    text
}

fn json_report(linted: &[Linted], [errors, warnings, notices]: [usize; 3]) -> Value {
    let documents = linted.iter().map(|one| {
        let findings = one.findings.iter().map(|finding| {
            json!({
                "id": finding.lint.id,
                "severity": finding.lint.severity.name(),
                "section": finding.lint.section,
                "what": finding.lint.what,
                "detail": finding.detail,
            })
        });
        json!({
            "file": one.path.to_string_lossy(),
            "number": one.number,
            "kind": one.document.kind.name(),
            "name": name_of(&one.document),
            "findings": findings.collect::<Vec<_>>(),
        })
    });
    json!({
        "documents": documents.collect::<Vec<_>>(),
        "counts": {"error": errors, "warning": warnings, "notice": notices},
        "warnings": [],
    })
}

fn text_list() -> String {
    let mut text = String::new();
    for lint in LINTS {
        let severity = lint.severity.name();
        let _ = writeln!(text, "{severity:<7} {:<30} {} ({})", lint.id, lint.what, lint.section);
    }
    let _ = writeln!(text, "{} lints", LINTS.len());
    text
}

fn json_list() -> Value {
    let lints = LINTS.iter().map(|lint| {
        json!({
            "id": lint.id,
            "severity": lint.severity.name(),
            "section": lint.section,
            "what": lint.what,
        })
    });
    json!({"lints": lints.collect::<Vec<_>>(), "warnings": []})
}
