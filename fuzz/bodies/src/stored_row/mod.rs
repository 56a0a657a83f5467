//! Rows of every table that is decoded, as somebody may have left them who writes to the database.

mod row;

use std::sync::LazyLock;

use authsvc::storage::backup::Value;
use authsvc::storage::rows::{self, revocation_columns};
use authsvc_core::domain::{
    Place, RecordFault, SealedField, SealedRow, Service, Session, SessionHolder, SessionId, User, UserId, UserRecord,
};
use cryptokit::aead::{AeadError, AeadKey};
use cryptokit::keyset::Keyset;
use cryptokit::password::{HashBinding, SealedHash};
use time::OffsetDateTime;

use row::{StoredRow, bytes, number, optional, text, time, value};

/// Takes the first line for the table and each that follows for a column: `-` is `NULL`, `#` a number, `?` a flag, `'` a
/// text and `x` bytes in hexadecimal. In a text, `\n` is a line feed.
///
/// # Panics
///
/// When a row is taken for anything but what is written as the same row; when what was not sealed with the key opens or is
/// sealed anew; when a seal does not open over its own row, or opens after it was altered or moved.
pub fn stored_row(data: &[u8]) {
    let _ = taken(data);
}

/// `None` when the row was refused.
fn taken(data: &[u8]) -> Option<()> {
    let mut lines = std::str::from_utf8(data).ok()?.split('\n');
    let table = lines.next()?;
    let values = lines.map(value).collect::<Option<Vec<_>>>()?;
    let (columns, body): (_, fn(&StoredRow) -> Option<()>) = match table {
        "users" => (USERS, user),
        "password_resets" => (PASSWORD_RESETS, password_reset),
        "services" => (SERVICES, service),
        "sessions" => (SESSIONS, session),
        "second_factors" => (SECOND_FACTORS, second_factor),
        "pending_second_factors" => (PENDING_SECOND_FACTORS, pending_second_factor),
        "recovery_codes" => (RECOVERY_CODES, recovery_code),
        "key_consumers" => (KEY_CONSUMERS, key_consumer),
        "revocations" => (REVOCATIONS, revocation),
        "revocation_feed" => (REVOCATION_FEED, revocation_feed),
        _ => return None,
    };
    body(&StoredRow::new(columns, values))
}

static KEYS: LazyLock<Keyset<AeadKey>> = LazyLock::new(|| Keyset::new("fuzz", AeadKey::generate()));

const USERS: &str = "id email password_hash roles scopes disabled second_factor factor_stored session_epoch created_at imported_as seal";

fn user(row: &StoredRow) -> Option<()> {
    let record = rows::user(row).ok()?;
    let user = record.unverified().clone();
    row.says([
        text(&user.id),
        text(&user.email),
        text(&user.password_hash.as_str()),
        text(&user.roles),
        text(&user.scopes),
        Value::Boolean(user.disabled),
        Value::Boolean(user.second_factor),
        Value::Boolean(user.factor_stored),
        number(user.session_epoch),
        time(user.created_at),
        optional(record.shape_text()),
        optional(record.seal_text()),
    ]);
    let fault = fault(record.seal_text());
    assert_eq!(record.check(&KEYS), Err(fault));
    assert!(matches!(record.reseal(&KEYS), Ok(Err(found)) if found == fault));
    let binding = HashBinding {
        column: "users.password_hash",
        user_id: &user.id.to_string(),
    };
    let hash: &SealedHash = &user.password_hash;
    assert!(hash.open(&KEYS, binding).is_err() && hash.reseal(&KEYS, binding).is_err());

    let sealed = UserRecord::seal(user, &KEYS).expect("few messages");
    let seal = sealed.seal_text().expect("it was sealed above");
    let reads = |row: StoredRow| rows::user(&row).expect("only the seal is another").check(&KEYS);
    assert_eq!(reads(row.with_seal(seal)), Ok(()), "it is read as it was sealed");
    assert_eq!(reads(row.with_seal(&altered(seal))), Err(RecordFault::Altered));
    let mut moved: User = sealed.unverified().clone();
    moved.id = UserId::generate();
    let moved = UserRecord::from_stored(moved, Some(seal.to_owned()), None);
    assert_eq!(moved.check(&KEYS), Err(RecordFault::Altered));
    Some(())
}

const PASSWORD_RESETS: &str = "user_id token_sha256 expires_at seal";

fn password_reset(row: &StoredRow) -> Option<()> {
    let reset = rows::password_reset(row).ok()?;
    row.says([
        text(&reset.user_id),
        bytes(&reset.token_sha256),
        time(reset.expires_at),
        text(&reset.seal),
    ]);
    Some(())
}

const SERVICES: &str = "name identities audiences scopes admin created_at seal";

fn service(row: &StoredRow) -> Option<()> {
    let service = rows::service(row).ok()?;
    let identities: Vec<String> = service
        .identities
        .iter()
        .map(|identity| {
            let issuer: String = identity
                .issuer_spki_sha256
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect();
            format!("{issuer} {}", identity.subject_alternative_name)
        })
        .collect();
    let joined = |names: Vec<&str>, separator| (!names.is_empty()).then(|| names.join(separator));
    row.says([
        text(&service.name),
        optional(joined(identities.iter().map(String::as_str).collect(), "\n").as_deref()),
        optional(joined(service.audiences.iter().map(|name| name.as_str()).collect(), " ").as_deref()),
        optional(joined(service.scopes.iter().map(|name| name.as_str()).collect(), " ").as_deref()),
        Value::Boolean(service.admin),
        time(service.created_at),
        optional(service.seal.as_deref()),
    ]);
    sealed_row(row, &service, |row| rows::service(row).ok());
    let seal = Some(service.new_seal(&KEYS).expect("few messages"));
    let administrator = Service {
        admin: !service.admin,
        seal,
        ..service
    };
    assert_eq!(administrator.check_seal(&KEYS), Err(RecordFault::Altered));
    Some(())
}

const SESSIONS: &str = "id user_id issuer_spki_sha256 san client_id family generation current spent successor retry_end \
                        spent_by audience scope bind_tokens amr created_at last_used_at idle_end absolute_end source \
                        user_agent ended_at end_reason seal";

fn session(row: &StoredRow) -> Option<()> {
    let session = rows::session(row).ok()?;
    let identity = match &session.holder {
        SessionHolder::Bearer => None,
        SessionHolder::Service(identity) => Some(identity),
    };
    let spent = session.spent.as_ref();
    row.says([
        text(&session.id),
        text(&session.user_id),
        identity.map_or(Value::Null, |identity| bytes(&identity.issuer_spki_sha256)),
        identity.map_or(Value::Null, |identity| text(&identity.subject_alternative_name)),
        text(&session.client_id),
        bytes(&session.family.0),
        number(session.generation),
        bytes(&session.current.0),
        spent.map_or(Value::Null, |spent| bytes(&spent.digest.0)),
        spent
            .and_then(|spent| spent.successor.as_deref())
            .map_or(Value::Null, bytes),
        spent.map_or(Value::Null, |spent| time(spent.retry_end)),
        spent.map_or(Value::Null, |spent| bytes(&spent.client.0)),
        text(&session.audience),
        optional(session.scope.as_deref()),
        Value::Boolean(session.bind_tokens),
        text(&session.amr.join(" ")),
        time(session.created_at),
        time(session.last_used_at),
        time(session.idle_end),
        time(session.absolute_end),
        optional(session.source.as_deref()),
        optional(session.user_agent.as_deref()),
        session.ended.map_or(Value::Null, |(at, _)| time(at)),
        session.ended.map_or(Value::Null, |(_, why)| text(&why)),
        optional(session.seal.as_deref()),
    ]);
    assert!(session.ended.is_none() || !session.is_alive(OffsetDateTime::UNIX_EPOCH));
    sealed_row(row, &session, |row| rows::session(row).ok());
    let seal = Some(session.new_seal(&KEYS).expect("few messages"));
    let others = [
        Session {
            id: SessionId::generate(),
            seal: seal.clone(),
            ..session.clone()
        },
        Session {
            user_id: UserId::generate(),
            seal,
            ..session
        },
    ];
    for other in others {
        assert_eq!(other.check_seal(&KEYS), Err(RecordFault::Altered));
    }
    Some(())
}

const SECOND_FACTORS: &str = "id user_id secret last_step enabled_at";

fn second_factor(row: &StoredRow) -> Option<()> {
    let factor = rows::second_factor(row).ok()?;
    row.says([
        text(&factor.id),
        text(&factor.user_id),
        text(&factor.secret.as_str()),
        number(factor.last_step),
        time(factor.enabled_at),
    ]);
    sealed_field(&factor.secret, "second_factors.secret", factor.user_id);
    Some(())
}

const PENDING_SECOND_FACTORS: &str = "user_id secret expires_at";

fn pending_second_factor(row: &StoredRow) -> Option<()> {
    let pending = rows::pending_second_factor(row).ok()?;
    row.says([
        text(&pending.user_id),
        text(&pending.secret.as_str()),
        time(pending.expires_at),
    ]);
    sealed_field(&pending.secret, "second_factors.secret", pending.user_id);
    Some(())
}

const RECOVERY_CODES: &str = "id digest";

fn recovery_code(row: &StoredRow) -> Option<()> {
    let code = rows::recovery_code(row).ok()?;
    row.says([text(&code.id), text(&code.digest.as_str())]);
    sealed_field(&code.digest, "recovery_codes.digest", UserId::generate());
    Some(())
}

const KEY_CONSUMERS: &str = "service fetched_at kids";

fn key_consumer(row: &StoredRow) -> Option<()> {
    let consumer = rows::key_consumer(row).ok()?;
    row.says([
        text(&consumer.service),
        time(consumer.fetched_at),
        text(&consumer.kids.join(" ")),
    ]);
    Some(())
}

const REVOCATIONS: &str = "number kind name before exp";

fn revocation(row: &StoredRow) -> Option<()> {
    let numbered = rows::revocation(row).ok()?;
    let (kind, name, before) = revocation_columns(&numbered.revocation);
    row.says([
        number(numbered.number),
        text(&kind),
        text(&name),
        number(before),
        number(numbered.revocation.exp()),
    ]);
    assert_eq!(numbered.revocation.check(), Ok(()));
    Some(())
}

const REVOCATION_FEED: &str = "position issued_at number";

fn revocation_feed(row: &StoredRow) -> Option<()> {
    let head = rows::feed_head(row).ok()?;
    // JSON has more than one spelling.
    let position = serde_json::to_string(&head.position).expect("plain data");
    let written = StoredRow::new(
        REVOCATION_FEED,
        vec![Value::Text(position), number(head.issued_at), number(head.number)],
    );
    assert_eq!(rows::feed_head(&written).ok(), Some(head));
    Some(())
}

/// A seal of unknown origin does not open; one of this row does, until it is altered.
fn sealed_row<R: SealedRow>(row: &StoredRow, read: &R, decode: impl Fn(&StoredRow) -> Option<R>) {
    let fault = fault(read.seal_text());
    assert_eq!(read.check_seal(&KEYS), Err(fault));
    let resealed = match fault {
        RecordFault::Unsealed => Ok(None),
        RecordFault::Altered => Err(AeadError::Open),
    };
    assert_eq!(read.reseal(&KEYS), resealed, "nobody vouches for it");

    let seal = read.new_seal(&KEYS).expect("few messages");
    let check = |seal: &str| {
        let read = decode(&row.with_seal(seal)).expect("only the seal is another");
        read.check_seal(&KEYS)
    };
    assert_eq!(check(&seal), Ok(()), "it is read as it was sealed");
    assert_eq!(check(&altered(&seal)), Err(RecordFault::Altered));
}

fn sealed_field(field: &SealedField, column: &'static str, user_id: UserId) {
    let place = Place { column, user_id };
    assert!(field.open(&KEYS, place).is_err() && field.reseal(&KEYS, place).is_err());
    let sealed = SealedField::seal(&KEYS, field.as_str().as_bytes(), place).expect("few messages");
    let stored = |text: &str| SealedField::from_stored(text.to_owned());
    let opened = stored(sealed.as_str()).open(&KEYS, place).expect("it was sealed above");
    assert_eq!(opened.expose_secret(), field.as_str().as_bytes());
    assert!(stored(&altered(sealed.as_str())).open(&KEYS, place).is_err());
    let elsewhere = Place {
        user_id: UserId::generate(),
        ..place
    };
    assert!(sealed.open(&KEYS, elsewhere).is_err());
}

fn fault(seal: Option<&str>) -> RecordFault {
    match seal {
        None => RecordFault::Unsealed,
        Some(_) => RecordFault::Altered,
    }
}

/// The text with another character in its middle.
fn altered(text: &str) -> String {
    let middle = text.len() / 2;
    let other = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &text[..middle], &text[middle + 1..])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Were a good row refused, nothing would be tested with it.
    #[test]
    fn good_seeds_are_taken_and_the_others_refused() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/stored_row");
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if taken(&fs::read(&path).unwrap()).is_some() {
                found.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
        let good = [
            "feed",
            "key-consumer",
            "password-reset",
            "pending-second-factor",
            "recovery-code",
            "recovery-code-long-seal",
            "revocation-all",
            "revocation-family",
            "revocation-subject",
            "revocation-token",
            "second-factor",
            "service",
            "service-without-anything",
            "session",
            "session-bound",
            "session-ended",
            "user",
            "user-imported-unsealed",
        ];
        assert_eq!(found, BTreeSet::from(good.map(str::to_owned)));
    }
}
