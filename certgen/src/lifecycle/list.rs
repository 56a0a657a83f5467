//! The next revocation list of an authority: what was on the one before, what was revoked since, and a greater number.

use std::collections::HashSet;

use cryptokit::x509::{
    Certificate, CertificateAuthority, CrlNumber, IssueError, RevocationList, RevocationListError,
    RevocationListRequest, RevocationReason, RevokedCertificate,
};
use time::{Duration, OffsetDateTime};

use super::error::LifecycleError;
use crate::home::{AuthorityKind, CrlRecord, Event, HomeView, RevokedRecord, Transaction};
use crate::text::hex;

/// A run reads the clock when it begins. While it waits for the home or for a passphrase, another may make a list that is
/// younger, by no more than this unless the clock is wrong.
const OLDEST_NOW: Duration = Duration::minutes(1);

/// How long the list of an issuing authority is good for, unless asked otherwise.
pub const LIFETIME: Duration = Duration::days(30);
/// How long a root's is: its key is best kept elsewhere, and seldom brought back.
pub const ROOT_LIFETIME: Duration = Duration::days(365);
/// The longest that may be asked for.
pub const MAX_LIFETIME: Duration = Duration::days(3_653);

/// Every list concatenated: what OpenSSL and nginx read.
pub const ALL_LISTS: &str = "crl.pem";

/// PEM file of an authority's list.
pub fn pem_of(authority: &str) -> String {
    format!("{authority}.crl.pem")
}

/// DER file of an authority's list.
pub fn der_of(authority: &str) -> String {
    format!("{authority}.crl.der")
}

/// An authority's next list, which is in no file yet.
#[derive(Clone, Debug)]
pub struct NextList {
    /// The authority.
    pub authority: String,
    /// The list, verified with the authority's certificate.
    pub list: RevocationList,
    /// What its user should know.
    pub notices: Vec<String>,
}

/// Makes the next list of an authority.
///
/// It has what the list before it had and what the inventory says, also where one of the two was put back from an old
/// copy; what `newly` says besides; and no longer what had expired before the list before it was made (RFC 5280 §3.3).
///
/// # Errors
///
/// [`LifecycleError::ClockBehind`]; [`LifecycleError::List`] with what cryptokit says, an expired authority among it.
pub fn next(
    home: &HomeView,
    name: &str,
    authority: &CertificateAuthority,
    newly: &[RevokedRecord],
    lifetime: Option<Duration>,
    now: OffsetDateTime,
) -> Result<NextList, LifecycleError> {
    let certificate = authority.certificate();
    let key_id = certificate.subject_key_identifier().map(hex).unwrap_or_default();
    let failed = |source| LifecycleError::List {
        authority: name.to_owned(),
        source,
    };
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if now < not_before || now > not_after {
        return Err(failed(IssueError::IssuerNotValid { not_before, not_after }));
    }
    let mut notices = Vec::new();
    let previous = previous(home, name, certificate, &mut notices)?;
    let recorded = home.inventory().revocation_list(&key_id);
    let last_update = previous
        .as_ref()
        .map(RevocationList::this_update)
        .max(recorded.map(|record| record.this_update));
    if let Some(last_update) = last_update.filter(|last| *last > now + OLDEST_NOW) {
        return Err(LifecycleError::ClockBehind {
            authority: name.to_owned(),
            last_update,
            now,
        });
    }
    let now = last_update.map_or(now, |last| last.max(now));
    let default = if certificate.names_itself_as_issuer() {
        ROOT_LIFETIME
    } else {
        LIFETIME
    };
    let next_update = (now + lifetime.unwrap_or(default)).min(certificate.not_after());
    let request = match &previous {
        Some(previous) => RevocationListRequest::after(previous, now, next_update),
        None => Ok(RevocationListRequest::first(now, next_update)),
    };
    let mut request = request.map_err(|error| failed(error.into()))?;
    if let Some(recorded) = recorded {
        let number = number_of(recorded)
            .and_then(CrlNumber::next)
            .ok_or(RevocationListError::Number);
        let number = number.map_err(|error| failed(error.into()))?.max(request.number());
        request = request.with_number(number).map_err(|error| failed(error.into()))?;
    }
    let expiries = Expiries { home, key_id: &key_id };
    let mut listed: HashSet<Vec<u8>> = request.entries().iter().map(|entry| entry.serial.clone()).collect();
    for record in home
        .inventory()
        .revoked()
        .chain(newly)
        .filter(|record| record.issuer_key_id == key_id)
    {
        let entry = entry_of(record).ok_or_else(|| LifecycleError::Record {
            serial: record.serial.clone(),
        })?;
        let was_listed_to_the_end = recorded.is_some_and(|recorded| recorded.this_update >= record.time)
            && expiries
                .of(&entry.serial)
                .zip(last_update)
                .is_some_and(|(end, last)| end < last);
        if !was_listed_to_the_end && listed.insert(entry.serial.clone()) {
            request.revoke(entry).map_err(|error| failed(error.into()))?;
        }
    }
    if let Some(previous) = &previous {
        for entry in previous.revoked() {
            let end = expiries.of(&entry.serial);
            if let Some(end) = end.filter(|end| *end < previous.this_update()) {
                request
                    .remove(&entry.serial, end)
                    .map_err(|error| failed(error.into()))?;
            }
        }
    }
    let list = authority.issue_revocation_list(&request).map_err(failed)?;
    Ok(NextList {
        authority: name.to_owned(),
        list,
        notices,
    })
}

/// Puts lists into a transaction: two files for each, one with those of all authorities, and the records.
///
/// # Errors
///
/// As [`Transaction::public`].
pub fn stage(changes: &mut Transaction<'_>, lists: &[NextList], now: OffsetDateTime) -> Result<(), LifecycleError> {
    let mut all = String::new();
    let mut names: Vec<String> = Vec::new();
    for record in changes
        .home()
        .inventory()
        .authorities()
        .filter(|one| one.kind != AuthorityKind::Cross)
    {
        if !names.contains(&record.name) {
            names.push(record.name.clone());
        }
    }
    // One that is made by the same changes is not in the inventory yet.
    for made in lists {
        if !names.contains(&made.authority) {
            names.push(made.authority.clone());
        }
    }
    for name in names {
        if let Some(made) = lists.iter().find(|made| made.authority == name) {
            all.push_str(&made.list.to_pem());
        } else if let Some(der) = read(changes.home(), &der_of(&name))? {
            // What cannot be read now will be reported when it is its authority's turn.
            all.extend(RevocationList::from_der(&der).map(|list| list.to_pem()));
        }
    }
    for made in lists {
        changes.public(&pem_of(&made.authority), made.list.to_pem().as_bytes())?;
        changes.public(&der_of(&made.authority), made.list.der())?;
        changes.record(Event::Crl(record_of(&made.list, now)));
    }
    changes.public(ALL_LISTS, all.as_bytes())?;
    Ok(())
}

/// The list that is in place, if there is one that the authority signed. Without it the inventory says what was on it.
fn previous(
    home: &HomeView,
    name: &str,
    certificate: &Certificate,
    notices: &mut Vec<String>,
) -> Result<Option<RevocationList>, LifecycleError> {
    let file = der_of(name);
    let Some(der) = read(home, &file)? else {
        return Ok(None);
    };
    let read = RevocationList::from_der(&der).and_then(|list| {
        list.verify(certificate, list.this_update())?;
        Ok(list)
    });
    match read {
        Ok(list) => Ok(Some(list)),
        Err(error) => {
            notices.push(format!(
                "{file} was not this authority's list ({error}); the inventory says what was on it"
            ));
            Ok(None)
        }
    }
}

fn read(home: &HomeView, file: &str) -> Result<Option<Vec<u8>>, LifecycleError> {
    Ok(home.read_file_up_to(file, RevocationList::MAX_DER_BYTES as u64)?)
}

/// When certificates end, by their serial numbers.
struct Expiries<'a> {
    home: &'a HomeView,
    key_id: &'a str,
}

impl Expiries<'_> {
    fn of(&self, serial: &[u8]) -> Option<OffsetDateTime> {
        let serial = hex(serial);
        let inventory = self.home.inventory();
        let authority = || {
            let mut authorities = inventory.authorities();
            authorities.find(|one| one.serial == serial && one.issuer_key_id == self.key_id)
        };
        inventory
            .by_serial(&serial)
            .map(|record| record.not_after)
            .or_else(|| authority().map(|record| record.not_after))
    }
}

fn entry_of(record: &RevokedRecord) -> Option<RevokedCertificate> {
    let reason = RevocationReason::ALL
        .into_iter()
        .find(|reason| reason.name() == record.reason);
    Some(RevokedCertificate {
        serial: unhex(&record.serial)?,
        revocation_date: record.time,
        reason: reason?,
        invalidity_date: record.invalidity_date,
    })
}

fn record_of(list: &RevocationList, now: OffsetDateTime) -> CrlRecord {
    CrlRecord {
        time: now,
        issuer_key_id: list.authority_key_identifier().map(hex).unwrap_or_default(),
        number: list
            .number()
            .map(|number| hex(&number.to_be_bytes()))
            .unwrap_or_default(),
        this_update: list.this_update(),
        next_update: list.next_update().unwrap_or(list.this_update()),
        sha256: hex(&cryptokit::hash::sha256(list.der())),
    }
}

/// Numbers grow by one from 1, so that 64 bits hold every one of ours.
fn number_of(record: &CrlRecord) -> Option<CrlNumber> {
    u64::from_str_radix(&record.number, 16).ok().map(CrlNumber::from)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    text.len().is_multiple_of(2).then(|| bytes.collect()).flatten()
}
