//! `authsvc session` and `authsvc token`. Every replica that serves knows within two seconds.

use std::process::ExitCode;

use authsvc_core::domain::{EmailAddress, Session, SessionHolder, SessionId, UserId};
use authsvc_core::service::administration::{Change, Changed};
use authsvc_core::service::{Account, Sessions};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{ConfigArgs, RevokedTokens, SessionCommand, TokenCommand};

pub(super) async fn run(command: SessionCommand) -> Result<ExitCode, CommandError> {
    match command {
        SessionCommand::List { user, json, config } => {
            let installation = Installation::open(&config).await?;
            let listed = list(&installation, user.as_deref(), json).await;
            installation.close().await;
            listed
        }
        SessionCommand::End { id, config } => end(&id, &config).await,
        SessionCommand::EndAll { user, config } => {
            let ended = change(Change::EndSessionsOf(account(&user)?), &config).await?;
            print(&format!("{} ended.\n", counted(&ended)))
        }
    }
}

pub(super) async fn run_token(command: TokenCommand) -> Result<ExitCode, CommandError> {
    let TokenCommand::Revoke { which, config } = command;
    let RevokedTokens {
        jti,
        session,
        user,
        issued_before,
    } = which;
    if let Some(jti) = jti {
        change(Change::RevokeToken { jti }, &config).await?;
        return print("Revoked.\n");
    }
    if let Some(id) = session {
        return end(&id, &config).await;
    }
    if let Some(user) = user {
        let ended = change(Change::RevokeTokensOf(account(&user)?), &config).await?;
        return print(&format!("All tokens revoked; {} ended.\n", counted(&ended)));
    }
    let text = issued_before.unwrap_or_default();
    let before = text.parse().map_err(|error| format!("--issued-before: {error}"))?;
    let ended = change(Change::RevokeIssuedBefore(before), &config).await?;
    print(&format!(
        "All tokens issued before then revoked; {} ended.\n",
        counted(&ended)
    ))
}

async fn end(id: &str, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let id: SessionId = id
        .parse()
        .map_err(|error| format!("{error}; `authsvc session list` shows them"))?;
    change(Change::EndSession(id), config).await?;
    print(&format!("Session {id} ended.\n"))
}

async fn change(change: Change, config: &ConfigArgs) -> Result<Changed, CommandError> {
    let installation = Installation::open(config).await?;
    let changed = installation.change(change).await;
    installation.close().await;
    changed
}

/// An account, for what is done to its sessions: its record is not believed, and need not exist any more.
fn account(given: &str) -> Result<Account, CommandError> {
    if let Ok(id) = given.parse::<UserId>() {
        return Ok(id.into());
    }
    let email: EmailAddress = given.parse()?;
    Ok(email.into())
}

async fn list(installation: &Installation, user: Option<&str>, as_json: bool) -> Result<ExitCode, CommandError> {
    let sessions = installation.sessions();
    let Some(user) = user else {
        return pages(&sessions, as_json).await;
    };
    let id = match account(user)? {
        Account::Id(id) => id,
        Account::Address(email) => {
            let found = installation.store().user_by_email(&email).await?;
            let record = found.ok_or_else(|| format!("there is no account {email}"))?;
            record.unverified().id
        }
    };
    print(&lines(&sessions.of_user(id).await?, as_json)?)
}

/// A page at a time: there may be millions.
async fn pages(sessions: &Sessions, as_json: bool) -> Result<ExitCode, CommandError> {
    let mut after = None;
    loop {
        let page = sessions.page(after).await?;
        let Some(last) = page.last() else {
            return Ok(ExitCode::SUCCESS);
        };
        after = Some(last.id);
        print(&lines(&page, as_json)?)?;
    }
}

fn lines(sessions: &[Session], as_json: bool) -> Result<String, CommandError> {
    let mut text = String::new();
    for session in sessions {
        let line = if as_json {
            described(session)?.to_string()
        } else {
            format!(
                "{}  {}  {}  {}  last used {}  {}  {}",
                session.id,
                session.user_id,
                session.client_id,
                session.audience,
                session.last_used_at.format(&Rfc3339)?,
                session.source.as_deref().unwrap_or("-"),
                session.user_agent.as_deref().unwrap_or("-"),
            )
        };
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Without anything by which it could be used.
fn described(session: &Session) -> Result<Value, CommandError> {
    let holder = match &session.holder {
        SessionHolder::Bearer => Value::Null,
        SessionHolder::Service(identity) => json!(identity.subject_alternative_name.to_string()),
    };
    Ok(json!({
        "id": session.id.to_string(), "user_id": session.user_id.to_string(), "client_id": session.client_id,
        "held_by": holder, "audience": session.audience.as_str(), "scope": session.scope,
        "certificate_bound": session.bind_tokens, "amr": session.amr, "refreshed": session.generation,
        "created_at": session.created_at.format(&Rfc3339)?, "last_used_at": session.last_used_at.format(&Rfc3339)?,
        "ends_at": session.idle_end.min(session.absolute_end).format(&Rfc3339)?,
        "source": session.source, "user_agent": session.user_agent,
    }))
}

fn counted(changed: &Changed) -> String {
    match changed {
        Changed::SessionsEnded(1) => "1 session".to_owned(),
        Changed::SessionsEnded(more) => format!("{more} sessions"),
        _ => "sessions".to_owned(),
    }
}
