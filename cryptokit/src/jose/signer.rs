//! Issuing access tokens.

use std::fmt;

use jsonwebtoken::Header;

use super::backend::RegisteredSigner;
use super::claims::AccessTokenClaims;
use super::jwk::Jwk;
use super::key::TokenSigningKey;
use super::{ACCESS_TOKEN_TYPE, MAX_TOKEN_LEN};
use crate::secret::SecretString;
use crate::sign::SignError;

/// Signs access tokens with one key, by its algorithm.
pub struct TokenSigner {
    key: RegisteredSigner,
    header: Header,
}

/// Why a token was not issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The token would be longer than [`MAX_TOKEN_LEN`], which no verifier of ours accepts.
    #[error("token would be longer than {MAX_TOKEN_LEN} bytes")]
    TooLong,
    /// The claims are not in order: `exp` must be after `iat` and `nbf`.
    #[error("token would never be valid")]
    Times,
    /// The backend could not sign.
    #[error("the backend could not sign")]
    Sign,
}

impl TokenSigner {
    /// Takes a key; the `kid` of its tokens is its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses the key's public half.
    pub fn new(key: impl Into<TokenSigningKey>) -> Result<Self, SignError> {
        let key = key.into();
        let kid = Jwk::from_key(&key.verifying_key()?).kid().to_owned();
        let mut header = Header::new(key.algorithm().into());
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(kid);
        Ok(Self {
            key: RegisteredSigner::new(key),
            header,
        })
    }

    /// The key id.
    ///
    /// # Panics
    ///
    /// Never: the constructor sets it.
    pub fn kid(&self) -> &str {
        self.header.kid.as_deref().expect("set at construction")
    }

    /// The key.
    pub fn key(&self) -> &TokenSigningKey {
        self.key.key()
    }

    /// Signs the claims as a compact JWS. One private-key operation: 0.25 ms for RSA with 2048 bits on
    /// AWS-LC, 15 µs for ES256, 8 µs for EdDSA.
    ///
    /// # Errors
    ///
    /// [`IssueError`], with the cause.
    pub fn sign(&self, claims: &AccessTokenClaims) -> Result<SecretString, IssueError> {
        if claims.exp <= claims.iat || claims.nbf.is_some_and(|nbf| nbf >= claims.exp) {
            return Err(IssueError::Times);
        }
        let token = jsonwebtoken::encode(&self.header, claims, &self.key.encoding_key).map_err(|_| IssueError::Sign)?;
        if token.len() > MAX_TOKEN_LEN {
            return Err(IssueError::TooLong);
        }
        Ok(SecretString::new(token))
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
