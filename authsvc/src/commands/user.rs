//! `authsvc user`

use std::process::ExitCode;
use std::time::Duration;

use authsvc_core::audit::Target;
use authsvc_core::domain::{EmailAddress, NameSet};
use authsvc_core::service::{EnrolmentError, Grants, ResetLink};
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
            let users = installation.users().await?;
            let work = users.add_with(email.clone(), password, grants);
            let id = installation.perform("user.add", Target::address(&email), work).await?;
            let mut text = format!("Added {email} as {id}.\n");
            if link {
                text.push_str(&make_link(&installation, &email, expires_in).await?);
            }
            installation.close().await;
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
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let work = users.set_grants(&email, roles, scopes);
            let user = installation.perform("user.set", Target::address(&email), work).await?;
            installation.close().await;
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
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let work = users.delete(&email);
            let id = installation
                .perform("user.delete", Target::address(&email), work)
                .await?;
            installation.close().await;
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
            if link {
                let installation = Installation::open(&config).await?;
                let text = make_link(&installation, &email, expires_in).await?;
                installation.close().await;
                return print(&text);
            }
            let password = password_input::read(&password)?;
            let installation = Installation::open(&config).await?;
            let users = installation.users().await?;
            let work = users.reset_password(&email, password);
            installation
                .perform("user.reset-password", Target::address(&email), work)
                .await?;
            installation.close().await;
            print(&format!("{email} has another password now.\n"))
        }
    }
}

/// What goes to the account's owner, and nowhere else: it is printed once and stored nowhere.
async fn make_link(installation: &Installation, email: &EmailAddress, seconds: u64) -> Result<String, CommandError> {
    let users = installation.users().await?;
    let work = users.reset_link(email, Duration::from_secs(seconds));
    let ResetLink { token, expires_at, .. } = installation
        .perform("user.reset-link", Target::address(email), work)
        .await?;
    let until = expires_at.format(&Rfc3339)?;
    let token = token.expose_secret();
    Ok(match &installation.config.passwords.reset_url {
        Some(url) => format!("Give this link to the owner of {email}; it works once, until {until}:\n{url}#{token}\n"),
        None => format!(
            "Give this token to the owner of {email}; it works once, until {until}, at POST /v1/password-reset:\n{token}\n"
        ),
    })
}

async fn unlock(email: &str, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let defence = installation.defence().await?;
    let work = defence.unlock(&email);
    installation
        .perform("user.unlock", Target::address(&email), work)
        .await?;
    installation.close().await;
    print(&format!("{email} has no failed logins any more.\n"))
}

async fn set_disabled(email: &str, disabled: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let (name, state) = match disabled {
        true => ("user.disable", "disabled"),
        false => ("user.enable", "enabled"),
    };
    let work = async {
        let changed: Result<_, EnrolmentError> = users.set_disabled(&email, disabled).await;
        changed
    };
    installation.perform(name, Target::address(&email), work).await?;
    installation.close().await;
    print(&format!("{email} is {state}.\n"))
}

fn names<T>(flag: &str, text: &str) -> Result<NameSet<T>, CommandError>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Ord + Clone,
    NameSet<T>: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| format!("{flag}: {error}").into())
}
