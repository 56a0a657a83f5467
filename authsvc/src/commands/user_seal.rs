//! `authsvc user seal`: an operator vouches for what records say.

use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::domain::{EmailAddress, RecordFault};
use authsvc_core::service::UserAdministration;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::ConfigArgs;

pub(super) async fn run(emails: &[String], all_unsealed: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let emails = emails
        .iter()
        .map(|email| email.parse())
        .collect::<Result<Vec<EmailAddress>, _>>()?;
    let installation = Installation::open(config).await?;
    let users = installation.users().await?;
    let sealed = if all_unsealed {
        let work = all(&users);
        let number = installation
            .perform("user.seal", Target::named(&"all without a seal"), work)
            .await?;
        format!("{number} records were sealed as they stood.\n")
    } else {
        let mut text = String::new();
        for email in &emails {
            let work = one(&users, email);
            installation.perform("user.seal", Target::address(email), work).await?;
            text.push_str(&format!("The record of {email} is sealed as it stands.\n"));
        }
        text
    };
    installation.close().await;
    print(&sealed)
}

async fn one(users: &UserAdministration, email: &EmailAddress) -> Result<(), CommandError> {
    let record = users.show(email).await?;
    if users.fault_of(&record).await.is_some() {
        users.seal(&record).await?;
    }
    Ok(())
}

/// Altered records are left alone: somebody has to look at each of them.
async fn all(users: &UserAdministration) -> Result<u64, CommandError> {
    let (mut number, mut after) = (0, None);
    loop {
        let page = users.page(after.as_ref()).await?;
        let Some(last) = page.last() else {
            return Ok(number);
        };
        after = Some(last.unverified().email.clone());
        for record in &page {
            if users.fault_of(record).await == Some(RecordFault::Unsealed) {
                users.seal(record).await?;
                number += 1;
            }
        }
    }
}
