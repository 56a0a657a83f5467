//! The checks, from what is on disk to what is in the database. What depends on a check that failed is left out: its
//! error would be the same one again.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use authsvc_core::audit::chain::Record;
use authsvc_core::audit::reasons::audit_log::{AUDIT_FILE_FAILING, AUDIT_GAP, AUDIT_LOST};
use authsvc_core::service::KeyReport;
use authsvc_core::storage::AuditQuery;
use cryptokit::keyset::KeyStatus;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use super::super::installation::Installation;
use super::super::{CommandError, system_clock};
use super::{Finding, one_line};
use crate::cli::ConfigArgs;
use crate::config::{Config, Database};
use crate::secret_files::RootKeyFile;
use crate::storage;
use crate::transport::live_tls::{Ends, LiveTls};

/// A database that takes longer for one row is too far away for logins.
const SLOW: std::time::Duration = std::time::Duration::from_millis(100);
/// A revocation list that ends sooner is forgotten by somebody: without it no client is let in.
const LIST_MARGIN: Duration = Duration::days(2);
/// Less free space in bytes than this fills up within a bad day.
const LITTLE_SPACE: u64 = 1 << 30;
const NO_SPACE: u64 = 64 << 20;
/// Chains looked at, the newest.
const CHAINS: usize = 16;

pub(super) async fn all(config: &Config, args: &ConfigArgs) -> Vec<Finding> {
    let now = system_clock().now();
    let mut findings = vec![secrets(config)];
    findings.extend(certificates(config, now));
    for (name, address) in [
        ("port public", config.public.address),
        ("port internal", config.internal.address),
        ("port ops", config.ops_address),
    ] {
        findings.push(port(name, address));
    }
    findings.extend(disk(config));
    let (schema, usable) = schema(config).await;
    findings.push(schema);
    if usable {
        findings.extend(inside(args, now).await);
    }
    findings
}

/// Modes are checked by whoever reads the files.
fn secrets(config: &Config) -> Finding {
    let root_key = RootKeyFile::new(config.root_key_file.clone());
    match root_key.read_peppers(&config.pepper_file) {
        Ok(_) => Finding::ok(
            "secrets",
            "the root key opens the peppers, and nobody else can read either",
        ),
        Err(error) => Finding::fail(
            "secrets",
            one_line(&error),
            "put back the files of this installation, or tighten their modes (chmod go= FILE)",
        ),
    }
}

fn certificates(config: &Config, now: OffsetDateTime) -> Vec<Finding> {
    match LiveTls::load(&config.public, &config.internal, &system_clock()) {
        Ok(tls) => ends(&tls.ends(), now),
        Err(error) => vec![Finding::fail(
            "certificates",
            one_line(&error),
            "certgen verify says what is wrong with a certificate, certgen renew makes another one",
        )],
    }
}

fn ends(ends: &Ends, now: OffsetDateTime) -> Vec<Finding> {
    let first = ends.public_certificate.min(ends.internal_certificate);
    let says = format!("the first certificate ends in {}", days(first - now));
    let mut findings = vec![if now < ends.renewal_due {
        Finding::ok("certificates", says)
    } else {
        Finding::warn(
            "certificates",
            says,
            "renew it (certgen renew); it is read without a restart",
        )
    }];
    if let Some(end) = ends.revocation_lists {
        let says = format!("the first list ends in {}", days(end - now));
        let next = "make a new list (certgen crl); it is read without a restart";
        findings.push(if end <= now {
            Finding::fail("crl", "a list has ended: no client of its CA is let in", next)
        } else if end - now < LIST_MARGIN {
            Finding::warn("crl", says, next)
        } else {
            Finding::ok("crl", says)
        });
    }
    findings
}

/// Free or taken are both well: what matters is that the address is this machine's and may be used.
fn port(name: &'static str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(name, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::ok(
            name,
            format!("{address} is served; authsvc smoke says whether by this service"),
        ),
        Err(error) => Finding::fail(
            name,
            format!("{address} cannot be listened on: {error}"),
            "choose an address of this machine, and a port above 1023 or the right to use a lower one",
        ),
    }
}

fn disk(config: &Config) -> Vec<Finding> {
    let mut places: Vec<&Path> = vec![config.root_key_file.as_path()];
    if let Database::Sqlite(file) = &config.database.database {
        places.push(file);
    }
    if let Some(file) = &config.audit.file {
        places.push(file);
    }
    let mut folders: Vec<&Path> = places.iter().filter_map(|file| file.parent()).collect();
    folders.sort();
    folders.dedup();
    folders.into_iter().map(space).collect()
}

fn space(folder: &Path) -> Finding {
    let place = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let next = "make room, or shorten audit.rows_keep_days; what cannot be recorded is not done";
    match rustix::fs::statvfs(place) {
        Err(error) => Finding::fail("disk", format!("{}: {error}", place.display()), "look for the folder"),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let says = format!("{} MiB free in {}", free >> 20, place.display());
            match free {
                0..NO_SPACE => Finding::fail("disk", says, next),
                NO_SPACE..LITTLE_SPACE => Finding::warn("disk", says, next),
                _ => Finding::ok("disk", says),
            }
        }
    }
}

/// What the schema is, and whether the database may be opened: opening one that lacks migrations would apply them.
async fn schema(config: &Config) -> (Finding, bool) {
    let begun = Instant::now();
    let status = match storage::schema_status(&config.database).await {
        Ok(status) => status,
        Err(error) => {
            let next = "see that it runs and that this machine may use it; docs/database.md";
            return (Finding::fail("database", one_line(&error), next), false);
        }
    };
    let took = begun.elapsed();
    let says = format!(
        "{} migrations, reached in {} ms",
        status.applied.len(),
        took.as_millis()
    );
    if !status.pending.is_empty() {
        let says = format!("{says}; {} are missing", status.pending.len());
        return (
            Finding::warn("database", says, "authsvc db migrate, or start the service"),
            false,
        );
    }
    let read_only = status.mode.is_some_and(|mode| mode.read_only);
    let finding = if read_only {
        Finding::warn(
            "database",
            format!("{says}; it is in read-only mode"),
            "authsvc db read-only off, once what it was for is done",
        )
    } else {
        near_enough(took, says)
    };
    (finding, true)
}

fn near_enough(took: std::time::Duration, says: String) -> Finding {
    if took > SLOW {
        Finding::warn(
            "database",
            says,
            "bring the database nearer, or see what it is busy with",
        )
    } else {
        Finding::ok("database", says)
    }
}

async fn inside(args: &ConfigArgs, now: OffsetDateTime) -> Vec<Finding> {
    let installation = match Installation::open(args).await {
        Ok(installation) => installation,
        Err(error) => {
            let next = "see that it runs and that this machine may use it; docs/database.md";
            return vec![Finding::fail("database", one_line(error.as_ref()), next)];
        }
    };
    let mut findings = vec![match report(&installation).await {
        Ok(report) => keys(&report, now),
        Err(error) => Finding::fail(
            "keys",
            one_line(error.as_ref()),
            "put back the root key with which this database was made, or a backup of both",
        ),
    }];
    findings.push(match audit(&installation, now).await {
        Ok(finding) => finding,
        Err(error) => Finding::fail("audit", one_line(error.as_ref()), "authsvc audit verify"),
    });
    installation.close().await;
    findings
}

async fn report(installation: &Installation) -> Result<KeyReport, CommandError> {
    Ok(installation.keeper().await?.report().await?)
}

fn keys(report: &KeyReport, now: OffsetDateTime) -> Finding {
    let Some(primary) = report.keys.iter().find(|key| key.status == KeyStatus::Primary) else {
        return Finding::fail("keys", "no key signs", "authsvc key rotate --now");
    };
    let since = match primary.usage_period.not_before() {
        Some(since) => format!("the signing key is {} old", days(now - since)),
        None => "the signing key has not signed yet".to_owned(),
    };
    if !primary.usage_period.contains(now) {
        return Finding::fail(
            "keys",
            "the signing key has ended",
            "start the service, which replaces it, or authsvc key rotate --now",
        );
    }
    match (report.laggards.len(), report.promotion) {
        (lagging @ 1.., Some((_, latest))) => Finding::warn(
            "keys",
            format!(
                "{since}; {lagging} services have not fetched the next one, which signs at {} all the same",
                latest.format(&Rfc3339).unwrap_or_default()
            ),
            "authsvc key list names them: have them fetch the key set",
        ),
        _ => Finding::ok("keys", format!("{since}, and the root key opens it")),
    }
}

/// The ends of the newest chains, and whether the log had to complain of late. The whole of it is for
/// `authsvc audit verify`.
async fn audit(installation: &Installation, now: OffsetDateTime) -> Result<Finding, CommandError> {
    let store = installation.store();
    let chains = store.audit_chains().await?;
    let mut newest = None;
    for chain in chains.iter().rev().take(CHAINS) {
        let Some(row) = store.last_audit_row(chain.id).await? else {
            continue;
        };
        let whole = Record::parse(row.line.as_bytes()).is_ok_and(|record| record.computed == record.hash);
        if !whole {
            return Ok(Finding::fail(
                "audit",
                format!("the last record of chain {} was altered", chain.id),
                "authsvc audit verify, and find out who can write to the database",
            ));
        }
        newest = newest.max(Some(row.facts.time));
    }
    for complaint in [AUDIT_LOST, AUDIT_GAP, AUDIT_FILE_FAILING] {
        let query = AuditQuery {
            reason: Some(complaint.code.to_owned()),
            since: Some(now - Duration::DAY),
            ..AuditQuery::default()
        };
        if !store.search_audit(&query, None, 1).await?.is_empty() {
            return Ok(Finding::warn(
                "audit",
                format!("within a day {}", complaint.description),
                &format!("authsvc audit search --reason {} --since 1d", complaint.code),
            ));
        }
    }
    Ok(match newest {
        None => Finding::ok("audit", "no record yet"),
        Some(time) => Finding::ok(
            "audit",
            format!(
                "{} chains, the last record of {}",
                chains.len(),
                time.format(&Rfc3339).unwrap_or_default()
            ),
        ),
    })
}

fn days(length: Duration) -> String {
    match length.whole_days() {
        0 => format!("{} h", length.whole_hours()),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_database_that_takes_more_than_a_tenth_of_a_second_is_too_far_away() {
        for (milliseconds, expected) in [(0, State::Ok), (100, State::Ok), (101, State::Warn)] {
            let took = std::time::Duration::from_millis(milliseconds);
            let finding = near_enough(took, "reached".to_owned());
            assert_eq!((finding.check, finding.state), ("database", expected), "{milliseconds}");
        }
    }
}
