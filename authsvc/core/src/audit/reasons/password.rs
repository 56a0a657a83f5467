//! Passwords that were not changed.

use super::kind;
use crate::audit::ReasonKind;

/// The link's token is unknown, used, expired, replaced, or of an account that cannot be used.
pub const RESET_REFUSED: &ReasonKind = &kind(
    "reset_refused",
    "authn_password_change_fail",
    "the link cannot be used",
    "Nothing for a single one: make another link with authsvc user reset-password --link. Many from one source are guessing, which cannot succeed.",
);

/// The new password is not good enough.
pub const NEW_PASSWORD_REFUSED: &ReasonKind = &kind(
    "new_password_refused",
    "authn_password_change_fail",
    "the new password is not good enough",
    "Nothing: the answer says what is wrong with it.",
);

/// The account has another password since the old one was checked.
pub const CHANGED_MEANWHILE: &ReasonKind = &kind(
    "password_changed_meanwhile",
    "authn_password_change_fail",
    "the account was changed while its password was being changed",
    "Nothing for a single one. Ask the account's owner whether both changes were theirs.",
);

/// The file of breached passwords cannot be read.
pub const BREACHED_FILE: &ReasonKind = &kind(
    "breached_file_unreadable",
    "sys_fail",
    "the file of breached passwords cannot be read",
    "Put passwords.breached_file back where the settings name it; until then no password is changed.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[RESET_REFUSED, NEW_PASSWORD_REFUSED, CHANGED_MEANWHILE, BREACHED_FILE];
