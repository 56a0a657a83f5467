//! The service's own keys.

use super::kind;
use crate::audit::ReasonKind;

/// The signing key may not sign at this time.
pub const SIGNING_KEY_ENDED: &ReasonKind = &kind(
    "signing_key_ended",
    "sys_key_fail",
    "the signing key may not be used at this time, so no token is issued",
    "Compare the clock with the end that authsvc key list shows. A running service replaces the key by itself; authsvc key rotate --now does it at once.",
);

/// The database has not said for too long which keys are good.
pub const KEYS_UNPOLLED: &ReasonKind = &kind(
    "keys_unpolled",
    "sys_key_fail",
    "the database has not said for too long which keys may sign, so no token is issued",
    "Look at the database: /readyz on the ops port says what it answers.",
);

/// A keyset in the database does not open.
pub const KEYSET_UNREADABLE: &ReasonKind = &kind(
    "keyset_unreadable",
    "sys_key_fail",
    "a keyset in the database does not open, so the keys that were there before stay in use",
    "If the root key was exchanged, give this replica the new one. Otherwise find out who wrote to the table keysets, and restore it.",
);

/// A keyset in the database is older than one that was seen.
pub const KEYSET_ROLLED_BACK: &ReasonKind = &kind(
    "keyset_rolled_back",
    "sys_key_fail",
    "somebody put an older keyset back, so the keys that were there before stay in use",
    "After a restore from a backup restart the service and revoke the keys again that were revoked since. Otherwise find out who wrote to the database.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[SIGNING_KEY_ENDED, KEYS_UNPOLLED, KEYSET_UNREADABLE, KEYSET_ROLLED_BACK];
