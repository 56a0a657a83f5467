//! `authsvc explain`: from the id of an answer to the rule that decided it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use authsvc_core::audit::chain::Record;
use authsvc_core::storage::AuditQuery;
use serde_json::Value;

use super::super::installation::Installation;
use super::super::terminal::visible;
use super::super::{CommandError, print};
use super::verify::each_line;
use crate::audit::file::all_files;
use crate::cli::ExplainArgs;

pub(in super::super) async fn run(args: ExplainArgs) -> Result<ExitCode, CommandError> {
    let is_id = args.id.len() == 36 && args.id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_id {
        return Err(format!("{:?} is not an id as answers show it", args.id).into());
    }
    let id = args.id.to_ascii_lowercase();
    let installation = Installation::open(&args.config).await?;
    let found = find(&installation, &id).await;
    let file = installation.config.audit.file.clone();
    installation.close().await;
    let Some((line, place)) = found? else {
        let mut text =
            format!("no record has the id {id}: it was pruned, it is of another installation, or it was never given");
        match file {
            Some(file) => text.push_str(&format!("\nhelp: also looked at were {} and what was put aside beside it", file.display())),
            None => text.push_str(
                "\nhelp: refusals beyond audit.refusal_rows_per_minute are only in the lines: look for it in what was standard error",
            ),
        }
        return Err(text.into());
    };
    if args.json {
        return print(&format!("{}\n", visible(&line)));
    }
    print(&explanation(&line, &place)?)
}

async fn find(installation: &Installation, id: &str) -> Result<Option<(String, String)>, CommandError> {
    let query = AuditQuery {
        id: Some(id.to_owned()),
        ..AuditQuery::default()
    };
    let rows = installation.store().search_audit(&query, None, 1).await?;
    if let Some(row) = rows.into_iter().next() {
        return Ok(Some((row.line, "the database".to_owned())));
    }
    let Some(file) = &installation.config.audit.file else {
        return Ok(None);
    };
    // The newest first: what is asked about has usually just happened.
    for path in all_files(file).iter().rev() {
        if let Some(found) = find_in(path, id)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn find_in(path: &Path, id: &str) -> Result<Option<(String, String)>, CommandError> {
    let wanted = format!("\"id\":\"{id}\"");
    let mut found = None;
    each_line(path, |number, line| {
        // Cheap first; then the event's own id and no other member's.
        if found.is_none()
            && line.windows(wanted.len()).any(|part| part == wanted.as_bytes())
            && let Ok(record) = Record::parse(line)
            && record.facts.id == id
        {
            let place = format!("{}:{number}", path.display());
            found = Some((String::from_utf8_lossy(line).into_owned(), place));
        }
    })?;
    Ok(found)
}

fn explanation(line: &str, place: &str) -> Result<String, CommandError> {
    let value: Value = serde_json::from_str(line)?;
    let record = Record::parse(line.as_bytes())?;
    let at = |path: &str| {
        value.pointer(path).map(|found| match found {
            Value::String(text) => visible(text),
            other => visible(&other.to_string()),
        })
    };
    let mut text = String::new();
    let mut say = |title: &str, parts: &[Option<String>]| {
        let known: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
        if !known.is_empty() {
            let _ = writeln!(text, "{title:<11} {}", known.join(", "));
        }
    };
    let named = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
    say("id", &[at("/event/id")]);
    say("when", &[at("/@timestamp")]);
    say(
        "what",
        &[at("/authsvc/operation"), at("/event/outcome"), at("/event/action")],
    );
    say("rule", &[at("/event/reason")]);
    say("why", &[at("/message")]);
    say(
        "who",
        &[
            at("/user/email"),
            named("pseudonym", at("/user/pseudonym")),
            named("something that is no address, of length", at("/user/email_length")),
            named("system user", at("/user/name")),
            named("account", at("/user/id")),
            named("service", at("/client/service")),
            named("certificate of", at("/client/identity")),
        ],
    );
    say(
        "concerns",
        &[
            at("/user/target/email"),
            named("pseudonym", at("/user/target/pseudonym")),
            named("account", at("/user/target/id")),
            at("/authsvc/act/target"),
        ],
    );
    say(
        "where",
        &[
            at("/source/ip"),
            at("/url/route"),
            named("listener", at("/authsvc/listener")),
            named("request", at("/http/request/id")),
        ],
    );
    say("what to do", &[at("/authsvc/advice")]);
    let digest = if record.computed == record.hash {
        "its digest is right".to_owned()
    } else {
        "ITS DIGEST IS WRONG: it was altered".to_owned()
    };
    say(
        "record",
        &[
            Some(format!("number {} of chain {}", record.seq, record.chain)),
            Some(format!("in {}", visible(place))),
            Some(digest),
        ],
    );
    Ok(text)
}
