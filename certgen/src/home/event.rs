//! What the inventory records: one event is one line of JSON.

use cryptokit::encoding::json;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::layout;

/// Version of the lines, their member `v`.
const VERSION: u64 = 1;
/// Longest line read, in bytes. The longest written has some 100 names of 250 bytes.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// Something that happened to the authority. Byte strings are lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// An authority was made, or taken over by its new key.
    Authority(AuthorityRecord),
    /// A certificate was issued to somebody who is no authority.
    Issued(IssuedRecord),
    /// A certificate was revoked; whichever authority issued it lists it from its next revocation list on.
    Revoked(RevokedRecord),
    /// A revoked certificate is good again: only one on hold can be.
    Reinstated(ReinstatedRecord),
    /// A revocation list was signed.
    Crl(CrlRecord),
    /// An authority's files were renamed.
    Moved(MovedRecord),
}

/// An authority, or a second certificate for one that another authority signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// What its files are called, without `.pem`: `root`, `intermediate`, …
    pub name: String,
    /// Which of the kinds it is.
    pub kind: AuthorityKind,
    /// Key identifier of the authority that signed it; its own for a root.
    pub issuer_key_id: String,
    /// Serial number.
    pub serial: String,
    /// Subject, for people.
    pub subject: String,
    /// First second of its validity.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last second of its validity.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// Its subject key identifier: what tells the keys of one name apart.
    pub key_id: String,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// Kind of key, such as `ECDSA P-256`.
    pub key: String,
}

impl AuthorityRecord {
    /// Whether services get their certificates from it.
    pub fn issues(&self) -> bool {
        self.kind == AuthorityKind::Issuing && !layout::is_retired(&self.name) && !layout::is_outgoing(&self.name)
    }
}

/// The kinds of authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthorityKind {
    /// Signed by itself, trusted by the services.
    Root,
    /// Signed by a root; signs what services present.
    Issuing,
    /// A root's key once more, signed by another root: leads those who trust only that one to this key.
    Cross,
}

/// A certificate of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// Serial number, unique in the inventory.
    pub serial: String,
    /// What the issuing authority was called then.
    pub issuer: String,
    /// Its key identifier.
    pub issuer_key_id: String,
    /// The service, whose directory holds it; `None` for one that was signed for a request and given away.
    pub service: Option<String>,
    /// Name of its profile: `server`, `client` or `peer`.
    pub profile: String,
    /// Subject, for people.
    pub subject: String,
    /// Its names, as [`cryptokit::x509::SubjectAlternativeName`] writes them.
    pub names: Vec<String>,
    /// First second of its validity.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last second of its validity.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// Kind of key, such as `ECDSA P-256`.
    pub key: String,
    /// The lifetime that was asked for, which a renewal asks for again: the issuer's end may have cut it.
    pub lifetime_seconds: i64,
    /// Serial number of the certificate that it takes the place of.
    pub replaces: Option<String>,
}

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// Serial number of the certificate.
    pub serial: String,
    /// Key identifier of the authority that issued it and lists it.
    pub issuer_key_id: String,
    /// Why, as [`cryptokit::x509::RevocationReason::name`] has it.
    pub reason: String,
    /// Since when the key is thought to be known to others.
    #[serde(with = "rfc3339::option")]
    pub invalidity_date: Option<OffsetDateTime>,
}

/// The end of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReinstatedRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// Serial number of the certificate.
    pub serial: String,
}

/// A revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// Key identifier of the authority that signed it.
    pub issuer_key_id: String,
    /// Its number: big-endian, at most 20 octets.
    pub number: String,
    /// The time that it states.
    #[serde(with = "rfc3339")]
    pub this_update: OffsetDateTime,
    /// When the next one is due.
    #[serde(with = "rfc3339")]
    pub next_update: OffsetDateTime,
    /// SHA-256 of its DER.
    pub sha256: String,
}

/// An authority that goes by another name from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedRecord {
    /// When.
    #[serde(with = "rfc3339")]
    pub time: OffsetDateTime,
    /// SHA-256 of the certificate whose files they are.
    pub sha256: String,
    /// What its files are called now, without `.pem`. Below `retired/` nothing is issued by it any more.
    pub name: String,
}

/// Why a line of the inventory is not an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Longer than any line of ours.
    #[error("it has {bytes} bytes; at most {MAX_LINE_BYTES} are read")]
    TooLong {
        /// The length found.
        bytes: usize,
    },
    /// Not one JSON object with each member once.
    #[error("it is not a JSON object")]
    NotJson,
    /// Of another version.
    #[error("its version is not {VERSION}")]
    Version,
    /// An unknown event, an unknown, missing or mistyped member.
    #[error("{0}")]
    Members(String),
    /// A name that is no file's, or leads elsewhere.
    #[error("`{0}` is not a name")]
    Name(String),
}

impl Event {
    /// The event as one line, its end included.
    ///
    /// # Panics
    ///
    /// For a time after the year 9999, which neither RFC 3339 nor a certificate can express.
    pub fn to_line(&self) -> String {
        let mut value = serde_json::to_value(self).expect("a record is text, numbers and times that text can express");
        value["v"] = VERSION.into();
        format!("{value}\n")
    }

    /// Reads one line without its end.
    ///
    /// # Errors
    ///
    /// [`LineError`]; no input makes it panic.
    pub fn from_line(line: &[u8]) -> Result<Self, LineError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong { bytes: line.len() });
        }
        // Refuses what two readers could understand differently, such as a member that is there twice.
        json::parse(line).map_err(|_| LineError::NotJson)?;
        let mut value: serde_json::Value = serde_json::from_slice(line).map_err(|_| LineError::NotJson)?;
        let members = value.as_object_mut().ok_or(LineError::NotJson)?;
        if members.remove("v") != Some(VERSION.into()) {
            return Err(LineError::Version);
        }
        let event: Self = serde_json::from_value(value).map_err(|error| LineError::Members(error.to_string()))?;
        let bad = event
            .names()
            .find(|name| !is_file_name(name))
            .map(|name| name.escape_debug().to_string());
        match bad {
            Some(name) => Err(LineError::Name(name)),
            None => match event.serial().filter(|serial| !is_hex(serial)) {
                Some(serial) => Err(LineError::Members(format!("{serial:?} is not a serial number"))),
                None => Ok(event),
            },
        }
    }

    fn serial(&self) -> Option<&str> {
        match self {
            Self::Authority(record) => Some(&record.serial),
            Self::Issued(record) => Some(&record.serial),
            Self::Revoked(record) => Some(&record.serial),
            Self::Reinstated(record) => Some(&record.serial),
            Self::Moved(_) | Self::Crl(_) => None,
        }
    }

    /// What becomes the name of a file or directory.
    fn names(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Authority(record) => (Some(&record.name), None),
            Self::Moved(record) => (Some(&record.name), None),
            Self::Issued(record) => (Some(&record.issuer), record.service.as_ref()),
            Self::Revoked(_) | Self::Reinstated(_) | Self::Crl(_) => (None, None),
        };
        first.into_iter().chain(second).map(String::as_str)
    }
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (1..=64).contains(&text.len()) && text.bytes().all(is_digit)
}

fn is_file_name(name: &str) -> bool {
    let in_retired = name
        .strip_prefix(layout::RETIRED)
        .and_then(|rest| rest.strip_prefix('/'));
    // A retired one's name is longer by what tells it from others of the same name.
    match in_retired.and_then(|name| name.rsplit_once('-')) {
        Some((name, end)) => layout::is_name(name) && is_hex(end),
        None => layout::is_name(in_retired.unwrap_or(name)),
    }
}

/// Times as RFC 3339 text, in UTC, to the second.
mod rfc3339 {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _, ser::Error as _};
    use time::format_description::well_known::Rfc3339;
    use time::{OffsetDateTime, UtcOffset};

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = time.replace_nanosecond(0).unwrap_or(*time);
        let text = whole.to_offset(UtcOffset::UTC).format(&Rfc3339);
        text.map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A time near either end of what can be written may have none in UTC.
        OffsetDateTime::parse(&text, &Rfc3339)
            .ok()
            .and_then(|time| time.checked_to_offset(UtcOffset::UTC))
            .filter(|time| (0..=9999).contains(&time.year()))
            .ok_or_else(|| D::Error::custom(format_args!("{text:?} is not a time")))
    }

    pub(super) mod option {
        use super::{Deserializer, OffsetDateTime, Serializer};
        use serde::{Deserialize, Serialize};

        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        struct Time(#[serde(with = "super")] OffsetDateTime);

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<OffsetDateTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            time.map(Time).serialize(serializer)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<OffsetDateTime>, D::Error> {
            Ok(Option::<Time>::deserialize(deserializer)?.map(|Time(time)| time))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked() -> Event {
        Event::Revoked(RevokedRecord {
            time: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            serial: "4a".to_owned(),
            issuer_key_id: "0b".to_owned(),
            reason: "superseded".to_owned(),
            invalidity_date: None,
        })
    }

    #[test]
    fn a_line_reads_back_as_what_was_written() {
        let line = revoked().to_line();
        assert_eq!(
            line,
            "{\"event\":\"revoked\",\"invalidity_date\":null,\"issuer_key_id\":\"0b\",\"reason\":\"superseded\",\
             \"serial\":\"4a\",\"time\":\"2027-01-15T08:00:00Z\",\"v\":1}\n"
        );
        assert_eq!(Event::from_line(line.trim_end().as_bytes()), Ok(revoked()));
    }

    #[test]
    fn what_tells_retired_authorities_apart_leads_nowhere_else() {
        for name in ["root", "retired/root-0a1b2c3d", "retired/a-b.cross-0a1b2c3d"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in [
            "retired/a-/../../x",
            "retired/../x",
            "retired/a-b/c",
            "retired/..-0a",
            "a/b",
            "..",
        ] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[test]
    fn lines_that_could_be_misunderstood_are_refused() {
        let line = revoked().to_line().trim_end().to_owned();
        for (from, to, expected) in [
            ("\"v\":1", "\"v\":2", LineError::Version),
            ("\"v\":1", "\"v\":\"1\"", LineError::Version),
            (",\"v\":1", "", LineError::Version),
            ("\"v\":1", "\"v\":1,\"v\":1", LineError::NotJson),
            (
                "\"serial\":\"4a\"",
                "\"serial\":\"4a\",\"serial\":\"4b\"",
                LineError::NotJson,
            ),
            ("}", "", LineError::NotJson),
            ("}", "}}", LineError::NotJson),
        ] {
            assert_eq!(
                Event::from_line(line.replace(from, to).as_bytes()),
                Err(expected),
                "{to}"
            );
        }
        for (from, to) in [
            ("\"revoked\"", "\"unknown\""),
            ("\"serial\":\"4a\"", "\"serial\":4"),
            ("\"serial\":\"4a\",", ""),
            ("\"v\":1", "\"v\":1,\"more\":1"),
            ("2027-01-15T08:00:00Z", "yesterday"),
            ("2027-01-15T08:00:00Z", "9999-12-31T23:59:59-23:59"),
            ("2027-01-15T08:00:00Z", "0000-01-01T00:00:00+23:59"),
            ("\"4a\"", "\"\""),
            ("\"4a\"", "\"4A\""),
            ("\"4a\"", "\"\\u001b[2J\""),
        ] {
            let read = Event::from_line(line.replace(from, to).as_bytes());
            assert!(matches!(read, Err(LineError::Members(_))), "{to}: {read:?}");
        }
        let moved = Event::Moved(MovedRecord {
            time: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            sha256: "0a".to_owned(),
            name: "retired/root-01234567".to_owned(),
        });
        let line = moved.to_line().trim_end().to_owned();
        assert_eq!(Event::from_line(line.as_bytes()), Ok(moved));
        for name in [
            "../x",
            "/etc/x",
            "a/b",
            "retired/../x",
            "retired/a/b-0",
            "retired/../a-0",
            ".lock",
            "",
            "retired/",
        ] {
            let read = Event::from_line(line.replace("retired/root-01234567", name).as_bytes());
            assert!(matches!(read, Err(LineError::Name(_))), "{name}: {read:?}");
        }
        for text in ["", "[]", "1", "null", "{}", "\u{0}"] {
            assert!(Event::from_line(text.as_bytes()).is_err(), "{text:?}");
        }
        let long = vec![b' '; MAX_LINE_BYTES + 1];
        assert!(matches!(Event::from_line(&long), Err(LineError::TooLong { .. })));
    }
}
