//! `authsvc db`

use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::service::seal_unsealed_rows;
use serde_json::json;

use super::installation::Installation;
use super::{CommandError, load, print, system_clock};
use crate::cli::{ConfigArgs, DbCommand, Switch};
use crate::storage::{self, SCHEMA_COMPATIBILITY, SchemaStatus, backup};

pub(super) async fn run(command: DbCommand) -> Result<ExitCode, CommandError> {
    match command {
        DbCommand::Status { json, config } => status(json, &config).await,
        DbCommand::Migrate { config } => {
            Installation::open(&config).await?.close().await;
            status(false, &config).await
        }
        DbCommand::ReadOnly { switch, config } => {
            let installation = Installation::open(&config).await?;
            let read_only = switch == Switch::On;
            let changed = switch_read_only(&installation, read_only).await;
            installation.close().await;
            let now = if read_only { "on" } else { "off" };
            print(&match changed? {
                true => format!("Read-only mode is {now}. All replicas obey within two seconds.\n"),
                false => format!("Read-only mode was {now} already.\n"),
            })
        }
        DbCommand::Seal { config } => {
            let installation = Installation::open(&config).await?;
            let work = async {
                let ring = installation.key_ring().await?;
                let (store, now) = (installation.store(), installation.now());
                Ok::<_, CommandError>(seal_unsealed_rows(store.as_ref(), &ring, now).await?)
            };
            let sealed = installation.perform("db.seal", Target::default(), work).await;
            installation.close().await;
            let (services, sessions) = sealed?;
            print(&format!(
                "{services} services and {sessions} sessions were sealed as they stood.\n"
            ))
        }
        DbCommand::Backup { out, config } => {
            let installation = Installation::open(&config).await?;
            let database = &installation.config.database;
            let done = installation
                .perform(
                    "db.backup",
                    Target::named(&out.display()),
                    backup::backup(database, &out, installation.now()),
                )
                .await;
            installation.close().await;
            let report = done?;
            print(&format!(
                "Wrote {} rows to {}, and read them back.\n\
                 Without root.key and the peppers, which are not in it, it opens nothing: keep copies of them elsewhere.\n",
                report.rows,
                out.display()
            ))
        }
        DbCommand::Restore { from, config } => {
            let database = load(&config)?.database;
            let report = backup::restore(&database, &from, system_clock().now()).await?;
            // There was no log to record it in before there was a database.
            let installation = Installation::open(&config).await?;
            let recorded = installation
                .perform("db.restore", Target::named(&from.display()), async {
                    Ok::<(), std::convert::Infallible>(())
                })
                .await;
            installation.close().await;
            recorded?;
            print(&format!(
                "Restored {} rows of {}. All sessions are ended and all tokens issued before now are revoked.\n\
                 What was changed after that is as it was: look for accounts disabled, deleted or given another password since.\n",
                report.rows, report.created_at
            ))
        }
        DbCommand::Verify { from } => {
            let report = backup::verify(&from)?;
            print(&format!("{} rows of {}, whole.\n", report.rows, report.created_at))
        }
    }
}

async fn switch_read_only(installation: &Installation, read_only: bool) -> Result<bool, CommandError> {
    let store = installation.store();
    if store.refresh_mode().await?.read_only == read_only {
        return Ok(false);
    }
    if read_only {
        // By connections of its own: those of the log have not heard of it yet, and still write the record of its end.
        let switch = storage::open(&installation.config.database).await?;
        let set = switch.set_read_only(true, installation.now());
        let done = installation.perform("db.read_only.on", Target::default(), set).await;
        switch.close().await;
        return done;
    }
    // The record of its beginning would be one of the writes that do not happen yet: both follow.
    let changed = store.set_read_only(false, installation.now()).await?;
    let done = async { Ok::<bool, CommandError>(changed) };
    installation.perform("db.read_only.off", Target::default(), done).await
}

async fn status(json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let status = storage::schema_status(&load(config)?.database).await?;
    print(&if json { as_json(&status) } else { as_text(&status) })
}

fn as_json(status: &SchemaStatus) -> String {
    let pending: Vec<_> = status.pending.iter().map(|(version, _)| version).collect();
    let line = json!({
        "applied": status.applied,
        "pending": pending,
        "of_later_programs": status.unknown,
        "read_only": status.mode.map(|mode| mode.read_only),
        "min_reader": status.mode.map(|mode| mode.min_reader),
        "min_writer": status.mode.map(|mode| mode.min_writer),
        "program": SCHEMA_COMPATIBILITY,
    });
    format!("{line}\n")
}

fn as_text(status: &SchemaStatus) -> String {
    let mut text = format!("{} migrations applied.\n", status.applied.len());
    for (version, name) in &status.pending {
        text.push_str(&format!("Missing: {version} {name}\n"));
    }
    for version in &status.unknown {
        text.push_str(&format!("Of a later program: {version}\n"));
    }
    if let Some(mode) = &status.mode {
        let switch = if mode.read_only { "on" } else { "off" };
        text.push_str(&format!("Read-only mode is {switch}.\n"));
        if mode.min_writer > SCHEMA_COMPATIBILITY {
            text.push_str("A later program has changed the schema: this one reads it and does not write.\n");
        }
    }
    text
}
