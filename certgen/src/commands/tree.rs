//! `certgen tree`.

use serde_json::{Value, json};

use super::{Context, Output};
use crate::cli::TreeArguments;
use crate::explain::Failure;
use crate::home::HomeView;
use crate::text::timestamp;
use crate::tree::{self, Node, State};

pub(super) fn run(arguments: &TreeArguments, context: &Context) -> Result<Output, Failure> {
    let home = HomeView::open(&arguments.home.directory())?;
    let roots = tree::of(&home, arguments.all, context.now);
    Ok(Output::done(if context.json {
        let tree: Vec<_> = roots.iter().map(json_node).collect();
        format!("{}\n", json!({"tree": tree, "warnings": home.notices()}))
    } else {
        tree::render(&roots, context.colour, context.now)
    }))
}

fn json_node(node: &Node) -> Value {
    let mut value = json!({
        "name": node.name,
        "kind": node.kind,
        "key": node.key,
        "serial": node.serial,
        "subject": node.subject,
        "not_before": timestamp(node.not_before),
        "not_after": timestamp(node.not_after),
        "state": node.state.name(),
    });
    if let State::Revoked { time, reason } = &node.state {
        value["revoked_at"] = timestamp(*time).into();
        value["reason"] = reason.as_str().into();
    }
    if let Some(is_here) = node.key_is_here {
        value["key_is_here"] = is_here.into();
        value["children"] = node.children.iter().map(json_node).collect();
    } else {
        value["subject_alternative_names"] = json!(node.names);
    }
    if let Some((number, next_update)) = &node.list {
        value["crl"] = json!({"number": number, "next_update": timestamp(*next_update)});
    }
    value
}
