//! `authsvc audit` and `authsvc explain`

mod explain;
mod export;
mod read;
mod top;
mod verify;

use std::process::ExitCode;

use authsvc_core::audit::chain::PublicKeys;
use authsvc_core::domain::EmailAddress;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::AuditCommand;

pub(super) use explain::run as explain;

pub(super) async fn run(command: AuditCommand) -> Result<ExitCode, CommandError> {
    match command {
        AuditCommand::Verify {
            files,
            rows,
            expect_head,
            public_key,
            json,
            config,
        } => {
            let request = verify::Request {
                files,
                rows,
                expect_head,
                public_key,
                json,
            };
            verify::run(request, &config).await
        }
        AuditCommand::Tail { lines, follow, config } => read::tail(lines, follow, &config).await,
        AuditCommand::Search {
            filter,
            limit,
            after,
            config,
        } => read::search(&filter, limit, after.as_deref(), &config).await,
        AuditCommand::Export { filter, format, config } => export::run(&filter, format, &config).await,
        AuditCommand::Top {
            since,
            count,
            json,
            config,
        } => top::run(&since, count, json, &config).await,
        AuditCommand::Pseudonym { email, config } => {
            let email: EmailAddress = email.parse()?;
            let installation = Installation::open(&config).await?;
            let keys = installation.audit_keys().await;
            installation.close().await;
            print(&format!("{}\n", keys?.pseudonyms.of(&email)))
        }
        AuditCommand::Key { config } => {
            let installation = Installation::open(&config).await?;
            let keys = installation.audit_keys().await;
            installation.close().await;
            print(&PublicKeys::of(&keys?.signing)?.to_text())
        }
    }
}
