//! `authsvc config`

use std::process::ExitCode;

use serde_json::json;

use super::{CommandError, load, print};
use crate::cli::ConfigCommand;

pub(super) fn run(command: ConfigCommand) -> Result<ExitCode, CommandError> {
    match command {
        ConfigCommand::Check { config } => {
            load(&config)?;
            print(&format!(
                "{} can be used. Whether what it names can be, authsvc doctor says.\n",
                config.config.display()
            ))
        }
        ConfigCommand::Show { json, config } => {
            let mut text = String::new();
            for setting in load(&config)?.origin.in_effect() {
                let line = match json {
                    true => {
                        json!({ "setting": setting.key, "value": setting.text, "from": setting.origin }).to_string()
                    }
                    false => match setting.text {
                        Some(value) => format!("{:<40} {value:?}  from {}", setting.key, setting.origin),
                        None => format!("{:<40} not set", setting.key),
                    },
                };
                text.push_str(&line);
                text.push('\n');
            }
            print(&text)
        }
    }
}
