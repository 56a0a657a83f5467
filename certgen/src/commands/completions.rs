//! `certgen completions`.

use clap::CommandFactory as _;
use serde_json::json;

use super::{Context, Output};
use crate::cli::{Cli, CompletionsArguments};

pub(super) fn run(arguments: &CompletionsArguments, context: &Context) -> Output {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "certgen", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Output::done(if context.json {
        let object = json!({"shell": arguments.shell.to_string(), "script": script, "warnings": []});
        format!("{object}\n")
    } else {
        script
    })
}
