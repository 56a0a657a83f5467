//! The inventory read: what was issued, revoked and listed, and by whom.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use super::event::{AuthorityKind, AuthorityRecord, CrlRecord, Event, IssuedRecord, LineError, RevokedRecord};
use super::layout;

/// What the events of a home add up to.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    authorities: Vec<AuthorityRecord>,
    issued: Vec<IssuedRecord>,
    /// Where in `issued` a serial number is.
    by_serial: HashMap<String, usize>,
    revoked: BTreeMap<String, RevokedRecord>,
    /// The newest by key identifier of the authority.
    revocation_lists: BTreeMap<String, CrlRecord>,
}

/// A line that is not an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {source}")]
pub struct InventoryError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub source: LineError,
}

impl Inventory {
    /// Reads whole lines. Whether the last one is whole, `split_torn` says.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] names the first line that is not an event; no input makes it panic.
    pub fn parse(text: &[u8]) -> Result<Self, InventoryError> {
        let mut inventory = Self::default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        if text.is_empty() {
            return Ok(inventory);
        }
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line_number = index + 1;
            let event = Event::from_line(line).map_err(|source| InventoryError {
                line: line_number,
                source,
            })?;
            inventory.apply(event);
        }
        Ok(inventory)
    }

    /// Takes one more event into account.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Authority(record) => self.authorities.push(record),
            Event::Issued(record) => {
                self.by_serial.insert(record.serial.clone(), self.issued.len());
                self.issued.push(record);
            }
            Event::Revoked(record) => {
                self.revoked.insert(record.serial.clone(), record);
            }
            Event::Reinstated(record) => {
                self.revoked.remove(&record.serial);
            }
            Event::Crl(record) => {
                self.revocation_lists.insert(record.issuer_key_id.clone(), record);
            }
            Event::Moved(record) => {
                for authority in &mut self.authorities {
                    if authority.sha256 == record.sha256 {
                        authority.name.clone_from(&record.name);
                    }
                }
            }
        }
    }

    /// Every certificate of an authority, retired ones too, in the order in which they were made.
    pub fn authorities(&self) -> impl Iterator<Item = &AuthorityRecord> {
        self.authorities.iter()
    }

    /// The certificates of authorities that are in use: all but the retired.
    pub fn authorities_in_use(&self) -> impl Iterator<Item = &AuthorityRecord> {
        self.authorities()
            .filter(|authority| !layout::is_retired(&authority.name))
    }

    /// What relying parties are told to trust, newest first: one, or two while roots are exchanged.
    pub fn roots(&self) -> impl Iterator<Item = &AuthorityRecord> {
        self.authorities
            .iter()
            .rev()
            .filter(|authority| authority.kind == AuthorityKind::Root && !layout::is_retired(&authority.name))
    }

    /// The authority whose files are called so now.
    pub fn authority(&self, name: &str) -> Option<&AuthorityRecord> {
        self.authorities.iter().rev().find(|authority| authority.name == name)
    }

    /// The authority with this key identifier; its own certificate, not one that another root signed for it.
    pub fn authority_by_key_id(&self, key_id: &str) -> Option<&AuthorityRecord> {
        self.authorities
            .iter()
            .rev()
            .find(|authority| authority.key_id == key_id && authority.kind != AuthorityKind::Cross)
    }

    /// Certificates that lead to the key of this root from other roots.
    pub fn crosses_of<'a>(&'a self, root_key_id: &'a str) -> impl Iterator<Item = &'a AuthorityRecord> {
        self.authorities_in_use()
            .filter(move |authority| authority.kind == AuthorityKind::Cross && authority.key_id == root_key_id)
    }

    /// Every certificate issued to services, oldest first.
    pub fn issued(&self) -> &[IssuedRecord] {
        &self.issued
    }

    /// The certificate with this serial number, in lower-case hexadecimal.
    pub fn by_serial(&self, serial: &str) -> Option<&IssuedRecord> {
        self.by_serial.get(serial).map(|&index| &self.issued[index])
    }

    /// Whether a serial number was ever given out, to a service or to an authority.
    pub fn knows_serial(&self, serial: &str) -> bool {
        self.by_serial.contains_key(serial) || self.authorities.iter().any(|authority| authority.serial == serial)
    }

    /// A service's newest certificate that is not revoked. Whether it is still valid is another question.
    pub fn service(&self, name: &str) -> Option<&IssuedRecord> {
        self.issued
            .iter()
            .rev()
            .find(|record| record.service.as_deref() == Some(name) && !self.revoked.contains_key(&record.serial))
    }

    /// Every service with its newest certificate, as [`Self::service`] has it, in the order of their names.
    pub fn services(&self) -> BTreeMap<&str, &IssuedRecord> {
        self.issued
            .iter()
            .filter(|record| !self.revoked.contains_key(&record.serial))
            .filter_map(|record| Some((record.service.as_deref()?, record)))
            .collect()
    }

    /// Whether a service of this name ever had a certificate: then its directory is ours.
    pub fn knows_service(&self, name: &str) -> bool {
        self.issued.iter().any(|record| record.service.as_deref() == Some(name))
    }

    /// Certificates that relying parties accept at this time: neither revoked nor expired. A service may have several,
    /// as when one was renewed and the old one is still presented somewhere.
    pub fn living(&self, now: OffsetDateTime) -> impl Iterator<Item = &IssuedRecord> {
        self.issued
            .iter()
            .filter(move |record| record.not_after >= now && !self.revoked.contains_key(&record.serial))
    }

    /// What is revoked, in the order of the serial numbers.
    pub fn revoked(&self) -> impl Iterator<Item = &RevokedRecord> {
        self.revoked.values()
    }

    /// The revocation of this serial number, if there is one.
    pub fn revocation(&self, serial: &str) -> Option<&RevokedRecord> {
        self.revoked.get(serial)
    }

    /// The newest revocation list of the authority with this key identifier.
    pub fn revocation_list(&self, key_id: &str) -> Option<&CrlRecord> {
        self.revocation_lists.get(key_id)
    }

    /// The number of that list, in hexadecimal; the next one is greater.
    pub fn crl_number(&self, key_id: &str) -> Option<&str> {
        self.revocation_list(key_id).map(|record| record.number.as_str())
    }
}

/// Whole lines, and what comes after the last of them: empty, unless a process was ended while it wrote a line.
pub(super) fn split_torn(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::event::{MovedRecord, ReinstatedRecord};

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    fn issued(serial: &str, service: &str) -> Event {
        Event::Issued(IssuedRecord {
            time: now(),
            serial: serial.to_owned(),
            issuer: "intermediate".to_owned(),
            issuer_key_id: "0b".to_owned(),
            service: Some(service.to_owned()),
            profile: "server".to_owned(),
            subject: String::new(),
            names: vec!["dns:api.example".to_owned()],
            not_before: now(),
            not_after: now() + time::Duration::days(90),
            sha256: format!("{serial}{serial}"),
            spki_sha256: "00".to_owned(),
            key: "ECDSA P-256".to_owned(),
            lifetime_seconds: 90 * 86_400,
            replaces: None,
        })
    }

    fn authority(name: &str, kind: AuthorityKind, key_id: &str) -> Event {
        Event::Authority(AuthorityRecord {
            time: now(),
            name: name.to_owned(),
            kind,
            issuer_key_id: "0a".to_owned(),
            serial: format!("f{key_id}"),
            subject: format!("CN={name}"),
            not_before: now(),
            not_after: now(),
            key_id: key_id.to_owned(),
            sha256: format!("{name}{key_id}"),
            spki_sha256: "00".to_owned(),
            key: "ECDSA P-256".to_owned(),
        })
    }

    fn revoked(serial: &str) -> Event {
        Event::Revoked(RevokedRecord {
            time: now(),
            serial: serial.to_owned(),
            issuer_key_id: "0b".to_owned(),
            reason: "superseded".to_owned(),
            invalidity_date: None,
        })
    }

    fn inventory(events: &[Event]) -> Inventory {
        let text: String = events.iter().map(Event::to_line).collect();
        Inventory::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_newest_certificate_that_is_not_revoked_is_the_services() {
        let mut events = vec![issued("01", "api"), issued("02", "api"), issued("03", "worker")];
        assert_eq!(inventory(&events).service("api").unwrap().serial, "02");
        events.push(revoked("02"));
        let read = inventory(&events);
        assert_eq!(read.service("api").unwrap().serial, "01");
        assert_eq!(read.services().len(), 2);
        assert_eq!(read.living(now()).count(), 2);
        assert_eq!(read.living(now() + time::Duration::days(91)).count(), 0);
        assert!(
            read.revocation("02").is_some() && read.knows_serial("02"),
            "it stays known"
        );
        events.push(Event::Reinstated(ReinstatedRecord {
            time: now(),
            serial: "02".to_owned(),
        }));
        assert_eq!(inventory(&events).service("api").unwrap().serial, "02");
    }

    #[test]
    fn a_name_goes_to_the_new_key_and_the_old_one_is_found_by_its_identifier() {
        let read = inventory(&[
            authority("root", AuthorityKind::Root, "0a"),
            Event::Moved(MovedRecord {
                time: now(),
                sha256: "root0a".to_owned(),
                name: "root.old".to_owned(),
            }),
            authority("root", AuthorityKind::Root, "0c"),
            authority("root.cross", AuthorityKind::Cross, "0c"),
        ]);
        assert_eq!(read.authority("root").unwrap().key_id, "0c");
        assert_eq!(read.authority_by_key_id("0a").unwrap().name, "root.old");
        assert_eq!(read.authority_by_key_id("0c").unwrap().name, "root");
        assert_eq!(
            read.roots().map(|root| root.name.as_str()).collect::<Vec<_>>(),
            ["root", "root.old"]
        );
        assert_eq!(read.crosses_of("0c").count(), 1);
        assert!(read.knows_serial("f0a"));
    }

    #[test]
    fn the_first_bad_line_is_named() {
        let text = format!(
            "{}{}nonsense\n",
            issued("01", "a").to_line(),
            issued("02", "b").to_line()
        );
        let error = Inventory::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 3: it is not a JSON object");
        assert_eq!(Inventory::parse(b"").unwrap().issued().len(), 0);
        assert_eq!(Inventory::parse(b"\n\n").unwrap_err().line, 1);
    }

    #[test]
    fn only_what_follows_the_last_line_end_is_torn() {
        assert_eq!(split_torn(b"a\nb\n"), (&b"a\nb\n"[..], &b""[..]));
        assert_eq!(split_torn(b"a\nb"), (&b"a\n"[..], &b"b"[..]));
        assert_eq!(split_torn(b"b"), (&b""[..], &b"b"[..]));
        assert_eq!(split_torn(b""), (&b""[..], &b""[..]));
    }
}
