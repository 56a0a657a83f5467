//! `authsvc session` and `authsvc token`. Every replica that serves knows within two seconds.

use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::domain::{EmailAddress, EndReason, Session, SessionHolder, SessionId, UserId};
use authsvc_core::service::Sessions;
use cryptokit::jose::Revocation;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{RevokedTokens, SessionCommand, TokenCommand};

pub(super) async fn run(command: SessionCommand) -> Result<ExitCode, CommandError> {
    match command {
        SessionCommand::List { user, json, config } => {
            let installation = Installation::open(&config).await?;
            let listed = list(&installation, user.as_deref(), json).await;
            installation.close().await;
            listed
        }
        SessionCommand::End { id, config } => {
            let id: SessionId = id.parse()?;
            let installation = Installation::open(&config).await?;
            let ended = end(&installation, "session.end", id).await;
            installation.close().await;
            print(&ended?)
        }
        SessionCommand::EndAll { user, config } => {
            let installation = Installation::open(&config).await?;
            let account = account(&installation, &user).await?;
            let sessions = installation.sessions();
            let work = sessions.end_all(account.id, None, EndReason::Operator);
            let ended = installation.perform("session.end-all", account.target, work).await;
            installation.close().await;
            print(&format!("{} ended.\n", counted(ended?)))
        }
    }
}

pub(super) async fn run_token(command: TokenCommand) -> Result<ExitCode, CommandError> {
    let TokenCommand::Revoke { which, config } = command;
    let installation = Installation::open(&config).await?;
    let revoked = revoke(&installation, which).await;
    installation.close().await;
    print(&revoked?)
}

async fn revoke(installation: &Installation, which: RevokedTokens) -> Result<String, CommandError> {
    const ACT: &str = "token.revoke";
    let sessions = installation.sessions();
    let RevokedTokens {
        jti,
        session,
        user,
        issued_before,
    } = which;
    if let Some(jti) = jti {
        // What is too long for the feed would stop it.
        let revocation = Revocation::Token {
            jti: jti.clone(),
            exp: 0,
        };
        revocation
            .check()
            .map_err(|_| format!("--jti: 1 to {} bytes", Revocation::MAX_NAME_LEN))?;
        let work = sessions.revoke_jti(&jti);
        installation.perform(ACT, Target::named(&jti), work).await?;
        return Ok("Revoked.\n".to_owned());
    }
    if let Some(id) = session {
        return end(installation, ACT, id.parse()?).await;
    }
    if let Some(user) = user {
        let account = account(installation, &user).await?;
        let work = sessions.revoke_user(account.id);
        let ended = installation.perform(ACT, account.target, work).await?;
        return Ok(format!("All tokens revoked; {} ended.\n", counted(ended)));
    }
    let text = issued_before.unwrap_or_default();
    let before = OffsetDateTime::parse(&text, &Rfc3339)
        .map_err(|_| format!("--issued-before: a time such as 2026-11-22T12:00:00Z is expected, not {text:?}"))?;
    if before > installation.now() {
        return Err("--issued-before: lies in the future; tokens that nobody has yet cannot be revoked".into());
    }
    let work = sessions.revoke_issued_before(before);
    let target = Target::named(&format!("issued before {}", before.format(&Rfc3339)?));
    let ended = installation.perform(ACT, target, work).await?;
    Ok(format!(
        "All tokens issued before then revoked; {} ended.\n",
        counted(ended)
    ))
}

async fn end(installation: &Installation, act: &'static str, id: SessionId) -> Result<String, CommandError> {
    let sessions = installation.sessions();
    let work = async {
        match sessions.end(id, EndReason::Operator).await? {
            true => Ok(()),
            false => Err(CommandError::from(format!(
                "no session {id} lives: it never did, or ended before, and its tokens with it"
            ))),
        }
    };
    installation.perform(act, Target::named(&id), work).await?;
    Ok(format!("Session {id} ended.\n"))
}

/// An account, for what is done to its sessions: its record is not believed, and need not exist any more.
struct Account {
    id: UserId,
    target: Target,
}

async fn account(installation: &Installation, given: &str) -> Result<Account, CommandError> {
    if let Ok(id) = given.parse::<UserId>() {
        let target = Target::user(id);
        return Ok(Account { id, target });
    }
    let email: EmailAddress = given.parse()?;
    let found = installation.store().user_by_email(&email).await?;
    let record = found.ok_or_else(|| format!("there is no account {email}"))?;
    Ok(Account {
        id: record.unverified().id,
        target: Target::address(&email),
    })
}

async fn list(installation: &Installation, user: Option<&str>, as_json: bool) -> Result<ExitCode, CommandError> {
    let sessions = installation.sessions();
    if let Some(user) = user {
        let of_user = sessions.of_user(account(installation, user).await?.id).await?;
        return print(&lines(&of_user, as_json)?);
    }
    pages(&sessions, as_json).await
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

fn counted(sessions: u64) -> String {
    match sessions {
        1 => "1 session".to_owned(),
        more => format!("{more} sessions"),
    }
}
