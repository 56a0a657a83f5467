//! `authsvc key`

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::{Note, Target};
use authsvc_core::service::administration::{Change, Changed};
use authsvc_core::service::{
    FeedKeyReport, KeyReport, Patience, SealingChange, SealingKeyEntry, SealingKeyError, SealingKeyKeeper,
    SigningKeyEntry,
};
use cryptokit::jose::JwsAlgorithm;
use cryptokit::keyset::KeyStatus;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{ConfigArgs, FeedKeyCommand, KeyCommand};
use crate::key_upkeep::{explain, explain_sealing, state};
use crate::root_key_exchange::{ExchangeStep, RootKeyExchange};

pub(super) async fn run(command: KeyCommand) -> Result<ExitCode, CommandError> {
    match command {
        KeyCommand::List { json, config } => list(json, &config).await,
        KeyCommand::Rotate { algorithm, now, config } => {
            let algorithm = algorithm.map(|name| named(&name)).transpose()?;
            change(Change::RotateKey { algorithm, now }, &config).await
        }
        KeyCommand::Promote { kid, force, config } => {
            let patience = if force { Patience::None } else { Patience::Wait };
            change(Change::PromoteKey { kid, patience }, &config).await
        }
        KeyCommand::Revoke { kid, reason, config } => {
            let reason = Note::new(&reason);
            change(Change::RevokeKey { kid, reason }, &config).await
        }
        KeyCommand::Feed(FeedKeyCommand::Rotate { now, config }) => {
            change(Change::RotateFeedKey { now }, &config).await
        }
        KeyCommand::Feed(FeedKeyCommand::Revoke { kid, reason, config }) => {
            let reason = Note::new(&reason);
            change(Change::RevokeFeedKeys { kid, reason }, &config).await
        }
        KeyCommand::Prune { config } => change(Change::PruneKeys, &config).await,
        KeyCommand::Reseal { now, config } => {
            let installation = Installation::open(&config).await?;
            let work = async {
                let ring = Arc::new(installation.key_ring().await?);
                reseal(&SealingKeyKeeper::new(ring, installation.clock()), now).await
            };
            let done = installation.perform("key.reseal", Target::default(), work).await;
            installation.close().await;
            print(&done?)
        }
        KeyCommand::Rewrap { prepare, config } => {
            let installation = Installation::open(&config).await?;
            let work = rewrap(&installation, prepare);
            let done = installation.perform("key.rewrap", Target::default(), work).await;
            installation.close().await;
            print(&done?)
        }
    }
}

async fn change(change: Change, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let changed = installation.change(change).await;
    installation.close().await;
    print(&match changed? {
        Changed::Key(Some(change)) => format!("{}\n", explain(&change)),
        _ => "Nothing to take out.\n".to_owned(),
    })
}

async fn list(json: bool, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(config).await?;
    let listed = listed(&installation, json).await;
    installation.close().await;
    print(&listed?)
}

async fn listed(installation: &Installation, json: bool) -> Result<String, CommandError> {
    let ring = Arc::new(installation.key_ring().await?);
    let sealing = SealingKeyKeeper::new(Arc::clone(&ring), installation.clock());
    let keeper = installation.keeper_of(ring);
    let (report, sealing) = (keeper.report().await?, sealing.report().await?);
    let feed = installation.feed_keys().report().await?;
    match json {
        true => as_json(&report, &sealing, &feed),
        false => Ok(as_text(&report, installation.now())?
            + &feed_as_text(&feed, installation.now())?
            + &sealing_as_text(&sealing)?),
    }
}

/// How long replicas are given to hear of the new key before the old one goes at once: they ask every half second.
const REPLICAS_HEAR: Duration = Duration::from_secs(2);

async fn reseal(sealing: &SealingKeyKeeper, now: bool) -> Result<String, CommandError> {
    let mut text = String::new();
    let line = |change: &SealingChange| format!("{}\n", explain_sealing(change));
    match sealing.begin().await {
        Ok(begun) => text.push_str(&line(&begun)),
        // Going on where another process stopped.
        Err(SealingKeyError::UnderWay { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if now {
        tokio::time::sleep(REPLICAS_HEAR).await;
    }
    loop {
        let change = match now {
            true => sealing.advance_now().await?,
            false => sealing.advance().await?,
        };
        let Some(change) = change else {
            text.push_str(
                "Nothing more is due. A running service takes the old key out in time, and so does this command.\n",
            );
            return Ok(text);
        };
        text.push_str(&line(&change));
        match change {
            SealingChange::Resealed(found) if found.staged > 0 && found.resealed + found.missed == 0 => {
                text.push_str("The old key stays until the import is finished, or a day old.\n");
                return Ok(text);
            }
            SealingChange::Retired { .. } | SealingChange::Removed { .. } => return Ok(text),
            _ => {}
        }
    }
}

async fn rewrap(installation: &Installation, prepare: bool) -> Result<String, CommandError> {
    let root = installation.root_key();
    let next = root.next_path();
    let pepper_file = installation.config.pepper_file.clone();
    let mut exchange = RootKeyExchange::new(installation.store(), root, pepper_file);
    if prepare {
        exchange.prepare()?;
        return Ok(format!(
            "The next root key is in {}. Carry it to every machine that serves, beside its root key, and run\n\
             authsvc key rewrap on each.\n",
            next.display()
        ));
    }
    let mut text = String::new();
    while let Some(step) = exchange.step().await? {
        text.push_str(&match step {
            ExchangeStep::KeyMade => format!("The next root key is in {}.\n", next.display()),
            ExchangeStep::Keyset(name) => format!("Keyset {name} is under it.\n"),
            ExchangeStep::Peppers => "The peppers are under it.\n".to_owned(),
            ExchangeStep::Finished => "It is the root key now, and the old one is gone: back it up.\n".to_owned(),
        });
    }
    Ok(text)
}

fn named(name: &str) -> Result<JwsAlgorithm, CommandError> {
    JwsAlgorithm::from_name(name)
        .ok_or_else(|| format!("--algorithm {name}: RS256, PS256, ES256 or EdDSA is expected").into())
}

fn as_text(report: &KeyReport, now: OffsetDateTime) -> Result<String, CommandError> {
    let mut text = String::new();
    for key in &report.keys {
        text.push_str(&format!("{}\n", line_of(key, key.algorithm, now)?));
    }
    if let Some((at, latest)) = report.promotion {
        text.push_str(&format!(
            "The published key signs from {} on if every service has fetched it, else from {}.\n",
            at.format(&Rfc3339)?,
            latest.format(&Rfc3339)?
        ));
    } else if let Some(due) = report.rotation_due {
        text.push_str(&format!("The next key is published at {}.\n", due.format(&Rfc3339)?));
    }
    for laggard in &report.laggards {
        text.push_str(&format!(
            "{} has not fetched it; it last fetched keys at {} ({}).\n",
            laggard.service,
            laggard.fetched_at.format(&Rfc3339)?,
            distance(laggard.fetched_at, now)
        ));
    }
    Ok(text)
}

fn line_of(key: &SigningKeyEntry, what: impl fmt::Display, now: OffsetDateTime) -> Result<String, CommandError> {
    let mut line = format!("{}  {:9}  {what}", key.kid, state(key.status));
    if let Some(since) = key.usage_period.not_before() {
        line.push_str(&format!(
            "  from {} ({})",
            since.format(&Rfc3339)?,
            distance(since, now)
        ));
    }
    if let Some(end) = key.usage_period.not_after() {
        line.push_str(&format!("  until {}", end.format(&Rfc3339)?));
    }
    if let Some(until) = key.needed_until {
        line.push_str(&format!("  needed until {}", until.format(&Rfc3339)?));
    }
    Ok(line)
}

/// The keys that sign the feed of revocations.
fn feed_as_text(report: &FeedKeyReport, now: OffsetDateTime) -> Result<String, CommandError> {
    let mut text = String::new();
    for key in &report.keys {
        text.push_str(&format!("{}\n", line_of(key, "feed of revocations", now)?));
    }
    if let Some(at) = report.promotion_at {
        let at = at.format(&Rfc3339)?;
        text.push_str(&format!("The published key of the feed signs from {at} on.\n"));
    } else if let Some(due) = report.rotation_due {
        let due = due.format(&Rfc3339)?;
        text.push_str(&format!("The next key of the feed is published at {due}.\n"));
    }
    Ok(text)
}

/// The keys that seal secrets of accounts, which have no life by the calendar.
fn sealing_as_text(keys: &[SealingKeyEntry]) -> Result<String, CommandError> {
    let mut text = String::new();
    for key in keys {
        text.push_str(&format!(
            "{}  {:9}  seals secrets of accounts",
            key.id,
            sealing_state(key.status)
        ));
        if let Some(until) = key.needed_until {
            text.push_str(&format!("  kept until {}", until.format(&Rfc3339)?));
        }
        text.push('\n');
    }
    Ok(text)
}

fn sealing_state(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Primary => "sealing",
        KeyStatus::Active => "opening",
        KeyStatus::Retired => "retired",
        KeyStatus::Revoked => "revoked",
    }
}

fn as_json(report: &KeyReport, sealing: &[SealingKeyEntry], feed: &FeedKeyReport) -> Result<String, CommandError> {
    let time = |time: Option<OffsetDateTime>| time.map(|time| time.format(&Rfc3339)).transpose();
    let entry = |key: &SigningKeyEntry| -> Result<serde_json::Value, CommandError> {
        Ok(
            json!({ "kid": key.kid, "state": state(key.status), "algorithm": key.algorithm.name(),
            "not_before": time(key.usage_period.not_before())?, "not_after": time(key.usage_period.not_after())?,
            "needed_until": time(key.needed_until)? }),
        )
    };
    let keys = report.keys.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let feed_keys = feed.keys.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let mut consumers = Vec::new();
    for consumer in &report.consumers {
        let lags = report
            .laggards
            .iter()
            .any(|laggard| laggard.service == consumer.service);
        consumers.push(
            json!({ "service": consumer.service.as_str(), "fetched_at": time(Some(consumer.fetched_at))?,
            "kids": consumer.kids, "lags": lags }),
        );
    }
    let mut sealing_keys = Vec::new();
    for key in sealing {
        sealing_keys.push(json!({ "id": key.id.to_string(), "state": sealing_state(key.status),
            "kept_until": time(key.needed_until)? }));
    }
    let document = json!({ "version": report.version, "keys": keys, "consumers": consumers, "sealing": sealing_keys,
        "promotion_at": time(report.promotion.map(|(at, _)| at))?,
        "promotion_at_latest": time(report.promotion.map(|(_, latest)| latest))?,
        "rotation_due": time(report.rotation_due)?, "feed": { "keys": feed_keys,
        "promotion_at": time(feed.promotion_at)?, "rotation_due": time(feed.rotation_due)? } });
    Ok(format!("{document}\n"))
}

fn distance(then: OffsetDateTime, now: OffsetDateTime) -> String {
    let (seconds, word) = match (now - then).whole_seconds() {
        past @ 0.. => (past, "ago"),
        future => (-future, "from now"),
    };
    match seconds {
        0..120 => format!("{seconds} s {word}"),
        120..7200 => format!("{} min {word}", seconds / 60),
        7200..172_800 => format!("{} h {word}", seconds / 3600),
        _ => format!("{} days {word}", seconds / 86_400),
    }
}
