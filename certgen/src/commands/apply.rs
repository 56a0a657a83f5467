//! `certgen apply`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cryptokit::x509::KeyKind;
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Context, Output};
use crate::apply::manifest::Manifest;
use crate::apply::plan::{Action, KeyChoice, Note, Plan, Refusal, Step};
use crate::apply::{ApplyContext, ApplyError, EXAMPLE, PlanOptions, apply, look, warnings};
use crate::cli::ApplyArguments;
use crate::explain::Failure;
use crate::home::Patience;
use crate::input;
use crate::lifecycle::AuthorityKeys;
use crate::passphrase;

pub(super) fn run(arguments: &ApplyArguments, context: &Context) -> Result<Output, Failure> {
    let Some(path) = arguments.manifest.as_deref() else {
        return Ok(example(context));
    };
    let manifest = read(path)?;
    let directory = directory(arguments, path, &manifest);
    let options = PlanOptions {
        prune: arguments.prune,
        force: arguments.force,
    };
    let source = arguments.passphrase.source();
    let mut keys = AuthorityKeys::new(source.clone()).with_root_key(arguments.root_key.clone());
    let plan = look(&manifest, &directory, options, &keys, context.now)?;
    if arguments.plan || arguments.check {
        let exit_code = u8::from(arguments.check && !plan.agrees());
        let warnings = warnings(&manifest, &plan);
        let report = report(context, &directory, &plan, Tense::Future, warnings);
        return Ok(Output { exit_code, ..report });
    }
    // Read before anything is made: somebody may have to type it.
    let is_new = plan.steps.iter().any(|step| step.action == Action::MakeHome);
    if let Some(source) = source.filter(|_| is_new && plan.refusals.is_empty()) {
        keys = AuthorityKeys::with_passphrase(passphrase::new(passphrase::AUTHORITY, Some(&source))?);
    }
    let mut tell = || {
        let directory = directory.display();
        // Standard error may be closed; that is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "waiting for another certgen to end its work in `{directory}`"
        );
    };
    let applied = {
        // Other keys take a tenth of a millisecond.
        let progress = has_rsa(&manifest).then(|| Progress::begin(plan.key_count(), "keys made"));
        let step = || progress.iter().for_each(Progress::step);
        let applying = ApplyContext {
            patience: Patience {
                on_wait: Some(&mut tell),
                ..Patience::default()
            },
            key_made: Some(&step),
        };
        apply(&manifest, &directory, options, &mut keys, applying, context.now)?
    };
    let mut said = applied.warnings;
    said.extend(warnings(&manifest, &applied.plan));
    Ok(report(context, &directory, &applied.plan, Tense::Past, said))
}

fn has_rsa(manifest: &Manifest) -> bool {
    let issuing = manifest.issuing.iter().map(|issuing| issuing.key);
    let services = manifest.services.iter().filter_map(|service| service.key);
    let mut kinds = issuing.chain(services).chain([manifest.authority.key]);
    kinds.any(|kind| matches!(kind, KeyKind::Rsa(_)))
}

fn example(context: &Context) -> Output {
    Output::done(if context.json {
        format!("{}\n", json!({"example": EXAMPLE, "warnings": []}))
    } else {
        EXAMPLE.to_owned()
    })
}

fn read(path: &Path) -> Result<Manifest, ApplyError> {
    let bytes = input::read(path, Manifest::MAX_BYTES as u64)?;
    Manifest::parse(&bytes).map_err(|source| ApplyError::Manifest {
        path: path.to_owned(),
        source,
    })
}

/// Below the manifest's own directory; from standard input, below this one.
fn directory(arguments: &ApplyArguments, path: &Path, manifest: &Manifest) -> PathBuf {
    match (&arguments.ca, path.parent()) {
        (Some(directory), _) => directory.clone(),
        (None, Some(parent)) => parent.join(&manifest.directory),
        (None, None) => manifest.directory.clone(),
    }
}

/// Whether what is reported is done.
#[derive(Clone, Copy, PartialEq)]
enum Tense {
    Future,
    Past,
}

fn report(context: &Context, directory: &Path, plan: &Plan, tense: Tense, warnings: Vec<Cow<'static, str>>) -> Output {
    if context.json {
        let mut json = json_of(directory, plan, tense);
        json["warnings"] = json!(warnings);
        return Output::done(format!("{json}\n"));
    }
    let output = Output::done(text_of(directory, plan, tense));
    warnings.into_iter().fold(output, Output::with_warning)
}

fn text_of(directory: &Path, plan: &Plan, tense: Tense) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let reasons = reasons(step).join(", ");
        let _ = writeln!(text, "{}: {}, {reasons}", step.subject, step.verb());
    }
    for name in &plan.unchanged {
        let _ = writeln!(text, "{name}: unchanged");
    }
    for note in &plan.notes {
        let _ = writeln!(text, "{}: {}", note.subject, note.text);
    }
    for refusal in &plan.refusals {
        let (subject, why, hint) = (&refusal.subject, &refusal.why, refusal.hint());
        let _ = writeln!(text, "{subject}: refused, {why}\n  hint: {hint}");
    }
    let directory = directory.display();
    let _ = match (tense, plan.steps.len(), plan.refusals.len()) {
        (_, _, 1..) => writeln!(
            text,
            "\nAs long as anything is refused, nothing in {directory} is changed."
        ),
        (_, 0, 0) => writeln!(text, "\n{directory} is as the manifest says."),
        (Tense::Future, count, 0) => writeln!(text, "\nTo do in {directory}: {}. Nothing was changed.", steps(count)),
        (Tense::Past, count, 0) => writeln!(text, "\nDone in {directory}: {}.", steps(count)),
    };
    text
}

fn steps(count: usize) -> String {
    if count == 1 {
        "1 step".to_owned()
    } else {
        format!("{count} steps")
    }
}

fn reasons(step: &Step) -> Vec<String> {
    step.reasons.iter().map(ToString::to_string).collect()
}

fn json_of(directory: &Path, plan: &Plan, tense: Tense) -> Value {
    let note = |note: &Note| json!({"subject": note.subject, "note": note.text.to_string()});
    let refusal = |refusal: &Refusal| json!({"subject": refusal.subject, "refusal": refusal.why.to_string(), "hint": refusal.hint()});
    json!({
        "directory": directory.to_string_lossy(),
        "agrees": plan.agrees() || tense == Tense::Past,
        "applied": tense == Tense::Past,
        "steps": plan.steps.iter().map(json_of_step).collect::<Vec<_>>(),
        "unchanged": plan.unchanged,
        "notes": plan.notes.iter().map(note).collect::<Vec<_>>(),
        "refusals": plan.refusals.iter().map(refusal).collect::<Vec<_>>(),
    })
}

fn json_of_step(step: &Step) -> Value {
    let mut json = json!({
        "subject": step.subject,
        "action": step.action_name(),
        "verb": step.verb(),
        "reasons": reasons(step),
    });
    match &step.action {
        Action::Issue { key, replaces } => {
            json["key"] = match key {
                KeyChoice::Keep => "kept".into(),
                KeyChoice::New => "new".into(),
            };
            json["replaces"] = json!(replaces);
        }
        Action::Revoke { serial, reason } => {
            json["serial"] = json!(serial);
            json["reason"] = json!(reason.name());
        }
        _ => {}
    }
    json
}
