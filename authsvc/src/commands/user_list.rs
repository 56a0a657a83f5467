//! `authsvc user list`, `show` and `export`: a page at a time, so that a million accounts take no more memory than one
//! page.

use std::process::ExitCode;

use authsvc_core::domain::{EmailAddress, RecordFault, UserRecord};
use authsvc_core::service::UserAdministration;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{ConfigArgs, TableFormat};

pub(super) async fn list(as_json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let listed = pages(&users, "", |record, fault| {
        if as_json {
            return Ok(format!("{}\n", described(record, fault)?));
        }
        let user = record.unverified();
        let created_at = user.created_at.format(&Rfc3339)?;
        let state = state(record, fault);
        Ok(format!("{}  {state:8}  {created_at}  {}\n", user.id, user.email))
    })
    .await;
    installation.close().await;
    listed
}

pub(super) async fn show(email: &str, as_json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let record = users.show(&email).await?;
    let fault = users.fault_of(&record).await;
    installation.close().await;
    if as_json {
        return print(&format!("{}\n", described(&record, fault)?));
    }
    let user = record.unverified();
    let record_is = fault.map_or("as this program wrote it".to_owned(), |fault| {
        format!("{fault}: nothing that is said here is believed, and nobody can log in")
    });
    let yes_no = |yes| if yes { "yes" } else { "no" };
    print(&format!(
        "address        {}\nid             {}\ndisabled       {}\nroles          {}\nscopes         {}\n\
         second factor  {}\npassword hash  {}\nmade           {}\nrecord         {record_is}\n",
        user.email,
        user.id,
        yes_no(user.disabled),
        user.roles,
        user.scopes,
        yes_no(user.second_factor),
        hash_kind(&record),
        user.created_at.format(&Rfc3339)?,
    ))
}

pub(super) async fn export(format: TableFormat, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let head = match format {
        TableFormat::Jsonl => "",
        TableFormat::Csv => "id,email,roles,scopes,disabled,second_factor,created_at\n",
    };
    let exported = pages(&users, head, |record, fault| {
        if let Some(fault) = fault {
            let email = &record.unverified().email;
            return Err(format!("the record of {email} {fault}; authsvc user show says what it claims").into());
        }
        let user = record.unverified();
        let created_at = user.created_at.format(&Rfc3339)?;
        Ok(match format {
            TableFormat::Jsonl => format!("{}\n", described(record, fault)?),
            // Names and addresses hold neither quotes nor line ends; roles and scopes may hold commas.
            TableFormat::Csv => format!(
                "{},\"{}\",\"{}\",\"{}\",{},{},{created_at}\n",
                user.id, user.email, user.roles, user.scopes, user.disabled, user.second_factor
            ),
        })
    })
    .await;
    installation.close().await;
    exported
}

async fn pages(
    users: &UserAdministration,
    head: &str,
    line: impl Fn(&UserRecord, Option<RecordFault>) -> Result<String, CommandError>,
) -> Result<ExitCode, CommandError> {
    print(head)?;
    let mut after: Option<EmailAddress> = None;
    loop {
        let page = users.page(after.as_ref()).await?;
        let Some(last) = page.last() else {
            return Ok(ExitCode::SUCCESS);
        };
        after = Some(last.unverified().email.clone());
        let mut text = String::new();
        for record in &page {
            text.push_str(&line(record, users.fault_of(record).await)?);
        }
        print(&text)?;
    }
}

fn described(record: &UserRecord, fault: Option<RecordFault>) -> Result<Value, CommandError> {
    let user = record.unverified();
    let names = |set: String| set.split_terminator(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut described = json!({
        "id": user.id.to_string(), "email": user.email.as_str(), "disabled": user.disabled,
        "roles": names(user.roles.to_string()), "scopes": names(user.scopes.to_string()),
        "second_factor": user.second_factor, "imported_hash": record.has_imported_hash(),
        "created_at": user.created_at.format(&Rfc3339)?,
    });
    if let Some(fault) = fault {
        described["altered"] = json!(fault.to_string());
    }
    Ok(described)
}

fn state(record: &UserRecord, fault: Option<RecordFault>) -> &'static str {
    match fault {
        Some(RecordFault::Unsealed) => "unsealed",
        Some(RecordFault::Altered) => "altered",
        None if record.unverified().disabled => "disabled",
        None => "enabled",
    }
}

fn hash_kind(record: &UserRecord) -> &'static str {
    match record.has_imported_hash() {
        true => "imported; the next login replaces it",
        false => "this program's own",
    }
}
