//! Refresh tokens and sessions.

use super::kind;
use crate::audit::ReasonKind;

/// The text is not a refresh token.
pub const MALFORMED: &ReasonKind = &kind(
    "refresh_token_malformed",
    "authn_refresh_fail",
    "the text is not a refresh token",
    "Correct the client: it sends something else as a refresh token.",
);

/// No session has this refresh token.
pub const UNKNOWN: &ReasonKind = &kind(
    "refresh_token_unknown",
    "authn_refresh_fail",
    "no session has this refresh token",
    "Nothing for a single one: its session ended long ago. Many from one source are guessing, which is hopeless: limit the source.",
);

/// The session's row is not as this program wrote it.
pub const ALTERED: &ReasonKind = &kind(
    "altered_session",
    "authn_refresh_fail",
    "the session is not as this program began it: its account, holder, audience or scope was changed in the database, or an older program began it",
    "Right after an upgrade: authsvc db seal vouches for the sessions that the older program began. Otherwise find out who wrote to the database.",
);

/// The refresh token belongs to another client.
pub const FOREIGN_CLIENT: &ReasonKind = &kind(
    "refresh_token_foreign",
    "authn_refresh_fail",
    "the refresh token belongs to another client",
    "Ask how this client came by it: a refresh token has left its owner. authsvc user disable and enable end all sessions of the account.",
);

/// The session has ended.
pub const ENDED: &ReasonKind = &kind(
    "session_ended",
    "authn_refresh_fail",
    "the session has ended",
    "Nothing: the user has to log in again. The record of its end says why.",
);

/// The session has run out.
pub const EXPIRED: &ReasonKind = &kind(
    "session_expired",
    "authn_refresh_fail",
    "the session was not used for too long, or has reached its greatest age",
    "Nothing: the user has to log in again. sessions.idle_ttl_seconds and sessions.absolute_ttl_seconds say when.",
);

/// The account is gone or disabled.
pub const DISABLED_USER: &ReasonKind = &kind(
    "session_of_disabled_user",
    "authn_refresh_fail",
    "the session's account is gone, altered or disabled; the session has ended",
    "Nothing: expected once after an account is disabled or deleted.",
);

/// A spent refresh token came again.
pub const REUSED: &ReasonKind = &kind(
    "refresh_token_reused",
    "authn_token_reuse",
    "a spent refresh token came again; all tokens of its session have ended",
    "Somebody has a copy of it: its owner, whose client keeps it badly, or a thief. Warn the owner and look at both sources.",
);

/// Too many others used the same token at once.
pub const CONTENDED: &ReasonKind = &kind(
    "refresh_contended",
    "excess_load",
    "the session changed again and again while it was refreshed",
    "Nothing for a single one. Often: a client refreshes in parallel without end.",
);

/// More than was granted was asked for.
pub const NOT_GRANTED: &ReasonKind = &kind(
    "refresh_not_granted",
    "input_validation_fail",
    "a scope or audience was asked for that the login did not give",
    "Correct the client: a refresh can narrow what the login gave and not widen it (RFC 6749 §6).",
);

/// The account changed while its login was under way.
pub const ACCOUNT_CHANGED: &ReasonKind = &kind(
    "account_changed",
    "authn_login_fail",
    "the account was disabled, its sessions ended or it got a second factor while the login was under way",
    "Nothing: the next login decides anew.",
);

/// The token was revoked.
pub const REVOKED: &ReasonKind = &kind(
    "token_revoked",
    "authn_token_refused",
    "the token was revoked, or its session has ended",
    "Nothing for a single one. Many long after a session ended: ask who still uses its tokens.",
);

/// What is revoked is not known well enough.
pub const REVOCATIONS_STALE: &ReasonKind = &kind(
    "revocations_stale",
    "sys_fail",
    "what is revoked could not be read for more than two seconds, so no token can be called good",
    "Look at the database: /readyz on the ops port says what it answers. Validation goes on by itself when it is back.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    MALFORMED,
    UNKNOWN,
    ALTERED,
    FOREIGN_CLIENT,
    ENDED,
    EXPIRED,
    DISABLED_USER,
    REUSED,
    CONTENDED,
    NOT_GRANTED,
    ACCOUNT_CHANGED,
    REVOKED,
    REVOCATIONS_STALE,
];
