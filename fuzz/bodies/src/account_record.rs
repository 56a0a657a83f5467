//! Stored rows of accounts, registrations and sessions, as somebody may have left them who writes to the database.

use std::sync::LazyLock;

use authsvc_core::domain::{EmailAddress, Place, RecordFault, Roles, Scopes, SealedField, User, UserId, UserRecord};
use cryptokit::aead::AeadKey;
use cryptokit::keyset::Keyset;
use cryptokit::password::{HashBinding, SealedHash};
use time::OffsetDateTime;

static KEYS: LazyLock<Keyset<AeadKey>> = LazyLock::new(|| Keyset::new("fuzz", AeadKey::generate()));

/// Takes lines of the bytes for the columns of an account: address, roles, scopes, hash, seal.
///
/// # Panics
///
/// When anything that was not sealed with the key opens, is sealed anew, or is taken for good.
pub fn account_record(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (email, roles, scopes, hash, seal) = (line(), line(), line(), line(), line());
    nothing_opens(hash);
    nothing_opens(seal);
    let (Ok(email), Ok(roles), Ok(scopes)) = (
        email.parse::<EmailAddress>(),
        roles.parse::<Roles>(),
        scopes.parse::<Scopes>(),
    ) else {
        return;
    };
    assert_eq!(
        roles.to_string().parse::<Roles>().as_ref(),
        Ok(&roles),
        "what is written is read"
    );
    assert_eq!(scopes.to_string().parse::<Scopes>().as_ref(), Ok(&scopes));
    let hash = SealedHash::from_stored(hash.to_owned());
    let mut user = User::new(UserId::generate(), email, hash, OffsetDateTime::UNIX_EPOCH);
    user.roles = roles;
    user.scopes = scopes;
    let written = UserRecord::from_stored(user.clone(), Some(seal.to_owned()), None);
    assert_eq!(written.check(&KEYS), Err(RecordFault::Altered));
    assert!(
        matches!(written.reseal(&KEYS), Ok(Err(RecordFault::Altered))),
        "nobody vouches for it"
    );
    // The same row as this program writes it is good, and with another's seal it is not.
    let sealed = UserRecord::seal(user.clone(), &KEYS).expect("few messages");
    assert_eq!(sealed.check(&KEYS), Ok(()));
    let mut other = user;
    other.id = UserId::generate();
    let moved = UserRecord::from_stored(other, sealed.seal_text().map(str::to_owned), None);
    assert_eq!(moved.check(&KEYS), Err(RecordFault::Altered));
}

fn nothing_opens(text: &str) {
    let user_id = UserId::generate();
    let place = Place {
        column: "second_factors.secret",
        user_id,
    };
    let field = SealedField::from_stored(text.to_owned());
    assert!(field.open(&KEYS, place).is_err() && field.reseal(&KEYS, place).is_err());
    let binding = HashBinding {
        column: "users.password_hash",
        user_id: &user_id.to_string(),
    };
    let hash = SealedHash::from_stored(text.to_owned());
    assert!(hash.open(&KEYS, binding).is_err() && hash.reseal(&KEYS, binding).is_err());
}
