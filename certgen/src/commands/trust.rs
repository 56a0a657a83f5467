//! `certgen trust`.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::{StoreArguments, TrustAction, TrustArguments};
use crate::explain::{Explain, FAILED, Failure, one_line};
use crate::home::{HomeView, layout};
use crate::passphrase;
use crate::printable::printable;
use crate::trust::{Invocation, JavaStore, Machine, NssDatabase, Root, Standing, Store, SystemStore, TrustError};

pub(super) fn run(arguments: &TrustArguments, context: &Context) -> Result<Output, Failure> {
    let (action, stores, dry_run) = match &arguments.action {
        TrustAction::Install(change) => (Action::Install, &change.stores, change.dry_run),
        TrustAction::Uninstall(change) => (Action::Uninstall, &change.stores, change.dry_run),
        TrustAction::Status(stores) => (Action::Status, stores, false),
    };
    let roots = roots(stores)?;
    let found = find(stores, &machine())?;
    // Nothing is touched without being asked for.
    let undecided = action != Action::Status && !stores.names_a_store();
    let shows_only = dry_run || undecided;
    let mut report = Report {
        action,
        shows_only,
        roots: &roots,
        outcomes: Vec::new(),
        notes: found.notes,
        failed: found.failed,
    };
    for root in &roots {
        for store in &found.stores {
            let outcome = act(action, shows_only, store, root);
            report.outcomes.push(Outcome {
                store: store.name(),
                root: root.fingerprint(),
                needs_superuser: store.needs_superuser(),
                result: outcome,
            });
        }
    }
    if undecided {
        report.notes.push(
            "nothing was changed: name the stores with --system, --nss, --java, --java-keystore FILE or --all".into(),
        );
    }
    let exit_code = report.exit_code(undecided);
    let mut output = Output::done(if context.json { report.json() } else { report.text() });
    if !context.json {
        output.warnings = report.notes;
    }
    output.exit_code = exit_code;
    Ok(output)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Install,
    Uninstall,
    Status,
}

/// What came of one root in one store.
struct Outcome {
    store: String,
    root: String,
    needs_superuser: bool,
    result: Result<Done, TrustError>,
}

struct Done {
    before: Standing,
    commands: Vec<Invocation>,
}

fn act(action: Action, shows_only: bool, store: &Store, root: &Root) -> Result<Done, TrustError> {
    let before = store.standing(root)?;
    let commands = match action {
        Action::Install => store.install(root, &before),
        Action::Uninstall if before.is_trusted && before.entries.is_empty() => return Err(TrustError::NoEntry),
        Action::Uninstall => store.uninstall(&before),
        Action::Status => Vec::new(),
    };
    if shows_only || commands.is_empty() {
        return Ok(Done { before, commands });
    }
    for command in &commands {
        match store {
            Store::Java(java) => java.run(command)?,
            Store::System(_) | Store::Nss(_) => command.run()?,
        };
    }
    let after = store.standing(root)?;
    if after.is_trusted != (action == Action::Install) {
        let is_trusted = after.is_trusted;
        return Err(TrustError::NotEffective { is_trusted });
    }
    Ok(Done { before, commands })
}

/// The root of the file, or those of the authority.
fn roots(arguments: &StoreArguments) -> Result<Vec<Root>, Failure> {
    if let Some(file) = &arguments.certificate {
        return Ok(vec![Root::read(file)?]);
    }
    let view = HomeView::open(&arguments.home.directory())?;
    let mut roots = Vec::new();
    for record in view.inventory().roots() {
        // Read through the home first: it must be the certificate that the inventory has under this name.
        view.authority_certificate(&record.name)?;
        roots.push(Root::read(&view.path_of(&layout::certificate_of(&record.name)))?);
    }
    Ok(roots)
}

/// The stores that were asked for, and what there is to say about those that are not there.
#[derive(Default)]
struct Found {
    stores: Vec<Store>,
    notes: Vec<Cow<'static, str>>,
    failed: bool,
}

fn find(arguments: &StoreArguments, machine: &Machine) -> Result<Found, Failure> {
    let all = arguments.all || !arguments.names_a_store();
    let mut found = Found::default();
    if arguments.system || all {
        let system = SystemStore::find(machine).map(|store| vec![Store::System(store)]);
        found.add(system, arguments.system);
    }
    if arguments.nss || all {
        match NssDatabase::find(machine) {
            Ok(databases) if databases.is_empty() => {
                found
                    .notes
                    .push("no database of Firefox or Chromium was found; start the browser once".into());
                found.failed |= arguments.nss;
            }
            databases => {
                let databases = databases.map(|databases| databases.into_iter().map(Store::Nss).collect());
                found.add(databases, arguments.nss);
            }
        }
    }
    if arguments.java || all || arguments.java_keystore.is_some() {
        let source = arguments.password.source();
        let password = match &source {
            Some(source) => Some(passphrase::existing(passphrase::BUNDLE, Some(source))?),
            None => None,
        };
        let java = JavaStore::find(machine, arguments.java_keystore.as_deref(), password);
        let is_named = arguments.java || arguments.java_keystore.is_some();
        found.add(java.map(|store| vec![Store::Java(store)]), is_named);
    }
    Ok(found)
}

impl Found {
    /// A store that was named has to be there; of the others it is said that they are not.
    fn add(&mut self, stores: Result<Vec<Store>, TrustError>, is_named: bool) {
        match stores {
            Ok(stores) => self.stores.extend(stores),
            Err(error) => {
                self.notes.push(one_line(&error).into());
                self.failed |= is_named;
            }
        }
    }
}

struct Report<'a> {
    action: Action,
    shows_only: bool,
    roots: &'a [Root],
    outcomes: Vec<Outcome>,
    notes: Vec<Cow<'static, str>>,
    failed: bool,
}

impl Report<'_> {
    fn exit_code(&self, undecided: bool) -> u8 {
        let failed = self.failed || self.outcomes.iter().any(|outcome| outcome.result.is_err());
        let is_trusted = |outcome: &Outcome| outcome.result.as_ref().is_ok_and(|done| done.before.is_trusted);
        let trusted_everywhere = !self.outcomes.is_empty() && self.outcomes.iter().all(is_trusted);
        match self.action {
            _ if failed => FAILED,
            _ if undecided => 2,
            Action::Status => u8::from(!trusted_everywhere),
            Action::Install | Action::Uninstall => 0,
        }
    }

    fn text(&mut self) -> String {
        if self.shows_only {
            return self.commands();
        }
        let mut text = String::new();
        for root in self.roots {
            let _ = writeln!(
                text,
                "{}, SHA-256 {}",
                printable(root.certificate().subject_text()),
                root.fingerprint()
            );
            for outcome in self
                .outcomes
                .iter()
                .filter(|outcome| outcome.root == root.fingerprint())
            {
                let _ = writeln!(text, "  {}: {}", printable(&outcome.store), self.said(outcome));
            }
        }
        text
    }

    /// What a shell runs: commands, and nothing else. What there is to say besides goes to the notes.
    fn commands(&mut self) -> String {
        let mut text = String::new();
        for outcome in &self.outcomes {
            let store = printable(&outcome.store);
            match &outcome.result {
                Err(_) => self.notes.push(format!("{store}: {}", self.said(outcome)).into()),
                Ok(done) if done.commands.is_empty() => {
                    self.notes.push(format!("{store}: {}", self.said(outcome)).into());
                }
                Ok(done) => {
                    for command in &done.commands {
                        let _ = writeln!(text, "{command}");
                    }
                    if outcome.needs_superuser {
                        self.notes
                            .push(format!("{store}: run these as root; certgen never calls sudo").into());
                    }
                }
            }
        }
        text
    }

    fn said(&self, outcome: &Outcome) -> String {
        let done = match &outcome.result {
            Ok(done) => done,
            Err(error) => {
                let root_needed = if outcome.needs_superuser && matches!(error, TrustError::Failed { .. }) {
                    "; certgen never calls sudo: was this run as root?"
                } else {
                    ""
                };
                return format!("failed: {}{root_needed}", one_line(error));
            }
        };
        let entries = || printable(&done.before.entries.join(", "));
        match (self.action, done.before.is_trusted, done.before.entries.is_empty()) {
            (Action::Install, true, _) => "is trusted already".to_owned(),
            (Action::Install, false, _) => "trusted now".to_owned(),
            (Action::Uninstall, _, true) => "was not there".to_owned(),
            (Action::Uninstall, _, false) => format!("taken out: {}", entries()),
            (Action::Status, true, true) => "trusted".to_owned(),
            (Action::Status, true, false) => format!("trusted: {}", entries()),
            (Action::Status, false, false) => format!("there and not trusted: {}", entries()),
            (Action::Status, false, true) => "not there".to_owned(),
        }
    }

    fn json(&self) -> String {
        let outcomes = self.outcomes.iter().map(|outcome| {
            let mut object = json!({
                "store": outcome.store,
                "root_sha256": outcome.root,
                "needs_superuser": outcome.needs_superuser,
            });
            match &outcome.result {
                Ok(done) => {
                    let commands = done.commands.iter().map(ToString::to_string);
                    object["was_trusted"] = json!(done.before.is_trusted);
                    object["entries"] = json!(done.before.entries);
                    object["commands"] = commands.collect();
                    object["error"] = Value::Null;
                }
                Err(error) => {
                    object["error"] = json!(one_line(error));
                    object["hint"] = json!(error.hint());
                }
            }
            object
        });
        let roots = self.roots.iter().map(|root| {
            json!({
                "file": root.path().to_string_lossy(),
                "subject": root.certificate().subject_text(),
                "sha256": root.fingerprint(),
            })
        });
        let report = json!({
            "roots": roots.collect::<Vec<_>>(),
            "changed_nothing": self.shows_only || self.action == Action::Status,
            "stores": outcomes.collect::<Vec<_>>(),
            "warnings": self.notes,
        });
        format!("{report}\n")
    }
}

/// This machine, as its user's environment describes it.
#[expect(
    clippy::disallowed_methods,
    reason = "where the tools and the browsers' files are, which these variables say to every program"
)]
fn machine() -> Machine {
    let variable = |name| std::env::var_os(name);
    Machine::new(
        variable("PATH").as_deref(),
        variable("HOME").as_deref(),
        variable("JAVA_HOME").as_deref(),
    )
}
