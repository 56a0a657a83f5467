//! Why a token was refused.

use super::{ACCESS_TOKEN_TYPE, MAX_TOKEN_LEN};

/// Why a token was refused. For the audit log: a caller is told only that it is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_LEN`].
    #[error("token is longer than {MAX_TOKEN_LEN} bytes")]
    TooLong,
    /// Not three parts of canonical base64url.
    #[error("token is not a compact JWS")]
    Malformed,
    /// The header is not a JSON object of the strings `alg`, `typ` and `kid` and nothing else. `crit`, `jwk`, `jku`,
    /// `x5c`, `x5u`, `b64` and `zip` end here.
    #[error("token header has missing, unknown, duplicate or mistyped members")]
    Header,
    /// `alg` is not one of [`JwsAlgorithm`](super::JwsAlgorithm), or not that of the key.
    #[error("token algorithm is unknown or not the key's")]
    Algorithm,
    /// `typ` is not `at+jwt`.
    #[error("token type is not {ACCESS_TOKEN_TYPE}")]
    Type,
    /// No key of that `kid`, or it is revoked.
    #[error("token names an unknown key")]
    UnknownKey,
    /// The signature is not that key's over this text.
    #[error("token signature does not verify")]
    Signature,
    /// The payload is not the claims of an access token: a required one is missing, of the wrong type or duplicate.
    #[error("token claims are missing, duplicate or mistyped")]
    Claims,
    /// `iss` is another issuer.
    #[error("token is from another issuer")]
    Issuer,
    /// None of `aud` is accepted here.
    #[error("token is for another audience")]
    Audience,
    /// `exp` has passed.
    #[error("token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("token is not valid yet")]
    NotYetValid,
}
