//! Tokens that are not good.

use super::kind;
use cryptokit::jose::TokenError;

use crate::audit::ReasonKind;

/// The request carries no token.
pub const NONE: &ReasonKind = &kind(
    "no_token",
    "authn_token_refused",
    "the request carries no bearer token",
    "Correct the client: this route takes an access token in the Authorization header.",
);

/// The token has expired.
pub const EXPIRED: &ReasonKind = &kind(
    "token_expired",
    "authn_token_refused",
    "the token has expired",
    "Nothing: the caller's user has to log in again.",
);

/// The token is not valid yet.
pub const NOT_YET_VALID: &ReasonKind = &kind(
    "token_not_yet_valid",
    "authn_token_refused",
    "the token is not valid yet",
    "Compare the clocks of the machines.",
);

/// The token is for another audience.
pub const AUDIENCE: &ReasonKind = &kind(
    "token_audience",
    "authn_token_refused",
    "the token is for another audience",
    "The service asked about a token for somebody else: correct its audiences, or ask why it holds the token.",
);

/// The token is bound to another certificate than its bearer's.
pub const BINDING_MISMATCH: &ReasonKind = &kind(
    "token_binding_mismatch",
    "authn_token_refused",
    "the token is bound to another certificate than the one its bearer presented",
    "The token may be stolen: ask the bearer's owner. After a renewal it is expected until the bearer has a new token.",
);

/// The token is bound to a certificate and the service that asks named none.
pub const BINDING_NOT_SHOWN: &ReasonKind = &kind(
    "token_binding_not_shown",
    "authn_token_refused",
    "the token is bound to a certificate, and the service that asks named none as its bearer's",
    "The token may be stolen, or the service has to send client_certificate_sha256 from its TLS layer.",
);

/// The token is bound to no certificate where one is required.
pub const NOT_BOUND: &ReasonKind = &kind(
    "token_not_bound",
    "authn_token_refused",
    "the service takes only tokens that are bound to a certificate, and this one is not",
    "Have the bearer log in over mTLS with \"binding\": \"x5t#S256\".",
);

/// The token lacks a scope that the service requires.
pub const SCOPE: &ReasonKind = &kind(
    "token_scope",
    "authz_fail",
    "the token is good, but lacks a scope that the service requires, or that the service may not be told of",
    "If it should have it: give the scope to the account, or register the service with --scope.",
);

/// The token's account is gone or disabled.
pub const DISABLED_USER: &ReasonKind = &kind(
    "token_of_disabled_user",
    "authn_token_refused",
    "the token's account is gone or disabled",
    "Nothing: expected while the last tokens of a disabled account live.",
);

/// The token names a key that is not known.
pub const UNKNOWN_KEY: &ReasonKind = &kind(
    "token_unknown_key",
    "authn_token_refused",
    "the token names a key that is not known",
    "A token of another installation or a revoked key. Many of them: someone is trying forged tokens.",
);

/// The token is of another issuer.
pub const ISSUER: &ReasonKind = &kind(
    "token_issuer",
    "authn_token_refused",
    "the token is of another issuer",
    "The issuer setting was changed, or two installations share a database: set it back.",
);

/// The signature is not good.
pub const SIGNATURE: &ReasonKind = &kind(
    "token_signature",
    "authn_token_refused",
    "the signature is not good",
    "Someone altered or forged a token: look at what else this source did.",
);

/// The algorithm is not the key's.
pub const ALGORITHM: &ReasonKind = &kind(
    "token_algorithm",
    "authn_token_refused",
    "the algorithm is not the key's",
    "Someone altered or forged a token: look at what else this source did.",
);

/// The token is not an access token.
pub const TYPE: &ReasonKind = &kind(
    "token_type",
    "authn_token_refused",
    "the token is not an access token",
    "A service sends another kind of token by mistake, or someone forged one: look at what else this source did.",
);

/// The header is not acceptable.
pub const HEADER: &ReasonKind = &kind(
    "token_header",
    "authn_token_refused",
    "the header is not acceptable",
    "Someone altered or forged a token: look at what else this source did.",
);

/// The claims are not acceptable.
pub const CLAIMS: &ReasonKind = &kind(
    "token_claims",
    "authn_token_refused",
    "the claims are not acceptable",
    "Somebody else has the signing key, or it is a defect: keep this line and report it.",
);

/// The text is not a token.
pub const MALFORMED: &ReasonKind = &kind(
    "token_malformed",
    "authn_token_refused",
    "the text is not a token",
    "Correct the service: it sends something else as a token.",
);

/// The text is too long for a token.
pub const TOO_LONG: &ReasonKind = &kind(
    "token_too_long",
    "authn_token_refused",
    "the text is too long for a token",
    "Correct the service: it sends something else as a token.",
);

/// The token is refused.
pub const REFUSED: &ReasonKind = &kind(
    "token_refused",
    "authn_token_refused",
    "the token is refused",
    "A defect: keep this line and report it.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    NONE,
    EXPIRED,
    NOT_YET_VALID,
    AUDIENCE,
    BINDING_MISMATCH,
    BINDING_NOT_SHOWN,
    NOT_BOUND,
    SCOPE,
    DISABLED_USER,
    UNKNOWN_KEY,
    ISSUER,
    SIGNATURE,
    ALGORITHM,
    TYPE,
    HEADER,
    CLAIMS,
    MALFORMED,
    TOO_LONG,
    REFUSED,
];

/// The kind that says why a token did not verify.
pub fn of(error: &TokenError) -> &'static ReasonKind {
    match error {
        TokenError::TooLong => TOO_LONG,
        TokenError::Malformed => MALFORMED,
        TokenError::Header => HEADER,
        TokenError::Algorithm => ALGORITHM,
        TokenError::Type => TYPE,
        TokenError::UnknownKey => UNKNOWN_KEY,
        TokenError::Signature => SIGNATURE,
        TokenError::Claims => CLAIMS,
        TokenError::Issuer => ISSUER,
        TokenError::Audience => AUDIENCE,
        TokenError::Expired => EXPIRED,
        TokenError::NotYetValid => NOT_YET_VALID,
        _ => REFUSED,
    }
}
