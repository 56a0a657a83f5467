//! `authsvc user`

use std::process::ExitCode;
use std::time::Duration;

use authsvc_core::domain::{EmailAddress, NameSet};
use authsvc_core::service::administration::{Change, Changed};
use authsvc_core::service::{Grants, ResetLink};
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, password_input, print, user_import, user_list, user_otp, user_seal};
use crate::cli::{ConfigArgs, UserCommand};

pub(super) async fn run(command: UserCommand) -> Result<ExitCode, CommandError> {
    match command {
        UserCommand::Add {
            email,
            roles,
            scopes,
            link,
            expires_in,
            password,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            let grants = Grants {
                roles: names("--role", &roles.join(" "))?,
                scopes: names("--scope", &scopes.join(" "))?,
            };
            // Before the database is opened: a prompt may stay open for long.
            let password = match link {
                true => None,
                false => Some(password_input::read(&password)?),
            };
            let installation = Installation::open(&config).await?;
            let change = Change::AddUser {
                email: email.clone(),
                password,
                grants,
                link: link.then(|| Duration::from_secs(expires_in)),
            };
            let added = installation.change(change).await;
            let reset_url = installation.config.passwords.reset_url.clone();
            installation.close().await;
            let Changed::UserAdded { user, link } = added? else {
                return Err(unexpected());
            };
            let id = user.record.unverified().id;
            let mut text = format!("Added {email} as {id}.\n");
            if let Some(link) = link {
                text.push_str(&handed_over(&link, &email, reset_url.as_deref())?);
            }
            print(&text)
        }
        UserCommand::List { json, config } => user_list::list(json, &config).await,
        UserCommand::Show { email, json, config } => user_list::show(&email, json, &config).await,
        UserCommand::Export { format, config } => user_list::export(format, &config).await,
        UserCommand::Import {
            file,
            format,
            dry_run,
            skip_bad,
            config,
        } => user_import::run(&file, format, dry_run, skip_bad, &config).await,
        UserCommand::Set {
            email,
            roles,
            scopes,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            let roles = roles.map(|text| names("--roles", &text)).transpose()?;
            let scopes = scopes.map(|text| names("--scopes", &text)).transpose()?;
            let change = Change::SetGrants {
                account: email.clone().into(),
                version: None,
                roles,
                scopes,
            };
            let Changed::User(view) = change_one(change, &config).await? else {
                return Err(unexpected());
            };
            let user = view.record.unverified();
            print(&format!(
                "{email} has the roles \"{}\" and the scopes \"{}\".\n",
                user.roles, user.scopes
            ))
        }
        UserCommand::Seal {
            emails,
            all_unsealed,
            config,
        } => user_seal::run(&emails, all_unsealed, &config).await,
        UserCommand::Delete { email, config } => {
            let email: EmailAddress = email.parse()?;
            let change = Change::DeleteUser(email.clone().into());
            let Changed::UserDeleted(id) = change_one(change, &config).await? else {
                return Err(unexpected());
            };
            print(&format!("{email}, which was {id}, is gone.\n"))
        }
        UserCommand::Disable { email, config } => set_disabled(&email, true, &config).await,
        UserCommand::Enable { email, config } => set_disabled(&email, false, &config).await,
        UserCommand::OtpEnrol { email, picture, config } => user_otp::enrol(&email, &picture, &config).await,
        UserCommand::OtpReset { email, config } => user_otp::reset(&email, &config).await,
        UserCommand::Unlock { email, config } => unlock(&email, &config).await,
        UserCommand::ResetPassword {
            email,
            link,
            expires_in,
            password,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            let account = email.clone().into();
            if link {
                let lifetime = Duration::from_secs(expires_in);
                let installation = Installation::open(&config).await?;
                let made = installation.change(Change::MakeResetLink { account, lifetime }).await;
                let reset_url = installation.config.passwords.reset_url.clone();
                installation.close().await;
                let Changed::Link(link) = made? else {
                    return Err(unexpected());
                };
                return print(&handed_over(&link, &email, reset_url.as_deref())?);
            }
            let password = password_input::read(&password)?;
            change_one(Change::ResetPassword { account, password }, &config).await?;
            print(&format!("{email} has another password now.\n"))
        }
    }
}

/// What goes to the account's owner, and nowhere else: it is printed once and stored nowhere.
fn handed_over(link: &ResetLink, email: &EmailAddress, reset_url: Option<&str>) -> Result<String, CommandError> {
    let until = link.expires_at.format(&Rfc3339)?;
    let token = link.token.expose_secret();
    Ok(match reset_url {
        Some(url) => format!("Give this link to the owner of {email}; it works once, until {until}:\n{url}#{token}\n"),
        None => format!(
            "Give this token to the owner of {email}; it works once, until {until}, at POST /v1/password-reset:\n{token}\n"
        ),
    })
}

async fn unlock(email: &str, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    change_one(Change::Unlock(email.clone().into()), config).await?;
    print(&format!("{email} has no failed logins any more.\n"))
}

async fn set_disabled(email: &str, disabled: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let account = email.clone().into();
    let (change, state) = match disabled {
        true => (Change::DisableUser(account), "disabled"),
        false => (Change::EnableUser(account), "enabled"),
    };
    change_one(change, config).await?;
    print(&format!("{email} is {state}.\n"))
}

async fn change_one(change: Change, config: &ConfigArgs) -> Result<Changed, CommandError> {
    let installation = Installation::open(config).await?;
    let changed = installation.change(change).await;
    installation.close().await;
    changed
}

/// A change answers what it is asked for; anything else is a defect.
fn unexpected() -> CommandError {
    "the change was made, and what came of it was not said".into()
}

fn names<T>(flag: &str, text: &str) -> Result<NameSet<T>, CommandError>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Ord + Clone,
    NameSet<T>: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| format!("{flag}: {error}").into())
}
