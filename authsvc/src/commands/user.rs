//! `authsvc user`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::domain::EmailAddress;
use authsvc_core::service::{UserAdministration, open_keys};
use authsvc_core::storage::Store;
use cryptokit::password::PasswordHasher;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::{CommandError, load, password_input, print, system_clock};
use crate::cli::{ConfigArgs, UserCommand};
use crate::hasher::QueuedHasher;
use crate::secret_files;
use crate::storage::sqlite::SqliteStore;

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
            let (users, store) = open(&config).await?;
            let id = users.add(email.clone(), password).await;
            store.close().await;
            print(&format!("Added {email} as {}.\n", id?))
        }
        UserCommand::List { json, config } => {
            let (users, store) = open(&config).await?;
            let all = users.list().await;
            store.close().await;
            let mut text = String::new();
            for user in all? {
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
            print(&text)
        }
        UserCommand::Disable { email, config } => set_disabled(&email, true, &config).await,
        UserCommand::Enable { email, config } => set_disabled(&email, false, &config).await,
        UserCommand::ResetPassword {
            email,
            password,
            config,
        } => {
            let email: EmailAddress = email.parse()?;
            let password = password_input::read(&password)?;
            let (users, store) = open(&config).await?;
            let done = users.reset_password(&email, password).await;
            store.close().await;
            done?;
            print(&format!("{email} has another password now.\n"))
        }
    }
}

async fn set_disabled(email: &str, disabled: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let (users, store) = open(config).await?;
    let done = users.set_disabled(&email, disabled).await;
    store.close().await;
    done?;
    print(&format!(
        "{email} is {}.\n",
        if disabled { "disabled" } else { "enabled" }
    ))
}

async fn open(args: &ConfigArgs) -> Result<(UserAdministration, Arc<SqliteStore>), CommandError> {
    let config = load(args)?;
    let root = secret_files::read_root_key(&config.root_key_file)?;
    let peppers = secret_files::read_peppers(&config.pepper_file, &root)?;
    let store = Arc::new(SqliteStore::open(&config.database_file).await?);
    let keys = open_keys(store.as_ref(), &root).await?;
    let hasher = QueuedHasher::new(
        PasswordHasher::new(config.hashing.policy, peppers),
        std::num::NonZeroUsize::MIN,
        Duration::from_secs(60),
    );
    let users = UserAdministration::new(
        Arc::clone(&store) as Arc<dyn Store>,
        system_clock(),
        Arc::new(hasher),
        keys.sealing,
    );
    Ok((users, store))
}
