//! `authsvc user`

use std::process::ExitCode;

use authsvc_core::domain::EmailAddress;
use authsvc_core::service::UserAdministration;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, password_input, print, user_otp};
use crate::cli::{ConfigArgs, UserCommand};

pub(super) async fn run(command: UserCommand) -> Result<ExitCode, CommandError> {
    match command {
        UserCommand::Add {
            email,
            password,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            // Before the database is opened: a prompt may stay open for long.
            let password = password_input::read(&password)?;
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let id = users.add(email.clone(), password).await;
            installation.close().await;
            print(&format!("Added {email} as {}.\n", id?))
        }
        UserCommand::List { json, config } => {
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let listed = list(&users, json).await;
            installation.close().await;
            listed
        }
        UserCommand::Disable { email, config } => set_disabled(&email, true, &config).await,
        UserCommand::Enable { email, config } => set_disabled(&email, false, &config).await,
        UserCommand::OtpEnrol { email, picture, config } => user_otp::enrol(&email, &picture, &config).await,
        UserCommand::OtpReset { email, config } => user_otp::reset(&email, &config).await,
        UserCommand::Unlock { email, config } => unlock(&email, &config).await,
        UserCommand::ResetPassword {
            email,
            password,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            let password = password_input::read(&password)?;
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let done = users.reset_password(&email, password).await;
            installation.close().await;
            done?;
            print(&format!("{email} has another password now.\n"))
        }
    }
}

/// A page at a time, so that a million accounts take no more memory than one page.
async fn list(users: &UserAdministration, json: bool) -> Result<ExitCode, CommandError> {
    let mut after: Option<EmailAddress> = None;
    loop {
        let page = users.page(after.as_ref()).await?;
        let Some(last) = page.last() else {
            return Ok(ExitCode::SUCCESS);
        };
        after = Some(last.unverified().email.clone());
        let mut text = String::new();
        for record in &page {
            let user = record.unverified();
            let created_at = user.created_at.format(&Rfc3339)?;
            if json {
                let line = json!({ "id": user.id.to_string(), "email": user.email.as_str(),
                    "disabled": user.disabled, "created_at": created_at });
                text.push_str(&format!("{line}\n"));
            } else {
                let state = if user.disabled { "disabled" } else { "enabled" };
                text.push_str(&format!("{}  {state:8}  {created_at}  {}\n", user.id, user.email));
            }
        }
        print(&text)?;
    }
}

async fn unlock(email: &str, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let defence = installation.defence().await?;
    let done = defence.unlock(&email).await;
    installation.close().await;
    done?;
    print(&format!("{email} has no failed logins any more.\n"))
}

async fn set_disabled(email: &str, disabled: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let done = users.set_disabled(&email, disabled).await;
    installation.close().await;
    done?;
    print(&format!(
        "{email} is {}.\n",
        if disabled { "disabled" } else { "enabled" }
    ))
}
