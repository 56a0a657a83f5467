//! What the reports of the commands that change certificates have in common.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Context, Output};
use crate::home::HomeView;
use crate::lifecycle::list::{self, NextList};
use crate::lifecycle::target::Target;
use crate::text::{hex, timestamp};

/// Prose with warnings beside it, or JSON with warnings in it.
pub(super) fn report(context: &Context, text: String, mut json: Value, warnings: Vec<Cow<'static, str>>) -> Output {
    if context.json {
        json["warnings"] = json!(warnings);
        return Output::done(format!("{json}\n"));
    }
    warnings.into_iter().fold(Output::done(text), Output::with_warning)
}

pub(super) fn text_of_lists(home: &HomeView, lists: &[NextList]) -> String {
    let mut text = String::new();
    let width = lists
        .iter()
        .map(|made| list::pem_of(&made.authority).len())
        .max()
        .unwrap_or(0);
    for made in lists {
        let number = made.list.number().map(|number| number.to_string()).unwrap_or_default();
        let count = made.list.revoked().len();
        let until = made
            .list
            .next_update()
            .map(|time| time.date().to_string())
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<width$}  list {number} of `{}`, {count} revoked, until {until}",
            list::pem_of(&made.authority),
            made.authority
        );
    }
    if !lists.is_empty() {
        let _ = writeln!(
            text,
            "\nGive your services {}: it holds the lists of all authorities.",
            home.path_of(list::ALL_LISTS).display()
        );
    }
    text
}

pub(super) fn json_of_lists(lists: &[NextList]) -> Value {
    let json = |made: &NextList| {
        let revoked = made.list.revoked().iter().map(|entry| {
            json!({
                "serial": hex(&entry.serial),
                "revocation_date": timestamp(entry.revocation_date),
                "reason": entry.reason.name(),
            })
        });
        json!({
            "authority": made.authority,
            "pem_file": list::pem_of(&made.authority),
            "der_file": list::der_of(&made.authority),
            "number": made.list.number().map(|number| number.to_string()),
            "this_update": timestamp(made.list.this_update()),
            "next_update": made.list.next_update().map(timestamp),
            "revoked": revoked.collect::<Vec<_>>(),
        })
    };
    lists.iter().map(json).collect()
}

pub(super) fn json_of_targets(targets: &[Target]) -> Value {
    let json = |target: &Target| {
        json!({
            "name": target.name,
            "shown": target.shown,
            "serial": target.serial,
            "not_after": timestamp(target.not_after),
        })
    };
    targets.iter().map(json).collect()
}

/// The name that a certificate goes by, and its own.
pub(super) fn shown(target: &Target) -> String {
    match &target.name {
        Some(name) => format!("`{name}` ({})", target.shown),
        None => target.shown.clone(),
    }
}
