//! `authsvc pepper`

use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::service::{KeyRing, PepperUse, pepper_use};
use cryptokit::keyset::{KeyId, KeyStatus, Keyset};
use cryptokit::password::Pepper;
use serde_json::json;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::PepperCommand;
use crate::pepper_file::{PepperError, PepperFile};

pub(super) async fn run(command: PepperCommand) -> Result<ExitCode, CommandError> {
    let config = match &command {
        PepperCommand::List { config, .. }
        | PepperCommand::Rotate { config, .. }
        | PepperCommand::Promote { config }
        | PepperCommand::Remove { config, .. } => config,
    };
    let installation = Installation::open(config).await?;
    let file = PepperFile::new(installation.root_key(), installation.config.pepper_file.clone());
    let done = match command {
        PepperCommand::List { json, .. } => list(&installation, &file, json).await,
        PepperCommand::Rotate { prepare, .. } => {
            let work = async { rotate(&file, prepare) };
            installation.perform("pepper.rotate", Target::default(), work).await
        }
        PepperCommand::Promote { .. } => {
            let work = async { file.promote().map(|(id, former)| promoted(id, former)) };
            installation.perform("pepper.promote", Target::default(), work).await
        }
        PepperCommand::Remove { id, force, .. } => {
            let work = remove(&installation, &file, &id, force);
            installation.perform("pepper.remove", Target::named(&id), work).await
        }
    };
    installation.close().await;
    print(&done?)
}

fn rotate(file: &PepperFile, prepare: bool) -> Result<String, PepperError> {
    if prepare {
        let id = file.add()?;
        return Ok(format!(
            "Pepper {id} is in the file and makes no hashes yet. Carry the file to every machine that serves, wait until\n\
             they have read it, and run authsvc pepper promote on each.\n"
        ));
    }
    match file.add() {
        // One that waits is the one to be used; a process may have ended before it was.
        Ok(_) | Err(PepperError::Waiting { .. }) => {}
        Err(error) => return Err(error),
    }
    let (id, former) = file.promote()?;
    Ok(promoted(id, former))
}

fn promoted(id: KeyId, former: KeyId) -> String {
    format!("Pepper {id} makes hashes. Pepper {former} verifies those that name it, until a login replaces each.\n")
}

async fn remove(installation: &Installation, file: &PepperFile, id: &str, force: bool) -> Result<String, CommandError> {
    let id = KeyId::from_hex(id).ok_or("16 hexadecimal digits are expected, as authsvc pepper list shows them")?;
    if !force {
        let found = count(installation).await?;
        let needed = found.of(id);
        if needed > 0 {
            return Err(format!("{needed} hashes need pepper {id}; --force takes it out all the same").into());
        }
        if found.staged + found.unreadable > 0 {
            return Err(format!(
                "{} hashes cannot be looked into, and {} wait in an import: they may need pepper {id}; --force takes it \
                 out all the same",
                found.unreadable, found.staged
            )
            .into());
        }
    }
    file.remove(id)?;
    Ok(format!("Pepper {id} is gone.\n"))
}

async fn list(installation: &Installation, file: &PepperFile, json: bool) -> Result<String, CommandError> {
    let peppers = file.read()?;
    let found = count(installation).await?;
    Ok(if json {
        as_json(&peppers, &found)
    } else {
        as_text(&peppers, &found)
    })
}

async fn count(installation: &Installation) -> Result<PepperUse, CommandError> {
    let ring = KeyRing::open(installation.keysets(), installation.clock()).await?;
    Ok(pepper_use(installation.store().as_ref(), &ring).await?)
}

fn as_text(peppers: &Keyset<Pepper>, found: &PepperUse) -> String {
    let mut text = String::new();
    for entry in peppers.entries() {
        let (id, state) = (entry.id, state(entry.status));
        text.push_str(&format!("{id}  {state:9}  {} hashes\n", found.of(id)));
    }
    let lost: Vec<_> = found
        .named
        .iter()
        .filter(|(id, _)| peppers.get(*id).is_none())
        .collect();
    for (id, number) in lost {
        text.push_str(&format!("{id}  missing    {number} hashes, which nobody can verify\n"));
    }
    for (number, what) in [
        (found.unnamed, "imported hashes name no pepper"),
        (found.unreadable, "hashes do not open"),
        (found.staged, "accounts wait in an import"),
    ] {
        if number > 0 {
            text.push_str(&format!("{number} {what}.\n"));
        }
    }
    text
}

fn as_json(peppers: &Keyset<Pepper>, found: &PepperUse) -> String {
    let entries: Vec<_> = peppers
        .entries()
        .iter()
        .map(|entry| json!({ "id": entry.id.to_string(), "state": state(entry.status), "hashes": found.of(entry.id) }))
        .collect();
    let missing: Vec<_> = found
        .named
        .iter()
        .filter(|(id, _)| peppers.get(*id).is_none())
        .map(|(id, number)| json!({ "id": id.to_string(), "hashes": number }))
        .collect();
    let document = json!({ "peppers": entries, "missing": missing, "imported": found.unnamed,
        "unreadable": found.unreadable, "staged": found.staged });
    format!("{document}\n")
}

fn state(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Primary => "hashing",
        KeyStatus::Active => "waiting",
        KeyStatus::Retired => "verifying",
        KeyStatus::Revoked => "revoked",
    }
}
