//! Verifying access tokens: everything that can be wrong is refused, each cause with its name.

use std::ops::Deref;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation};
use time::OffsetDateTime;

use super::claims::AccessTokenClaims;
use super::keys::VerificationKeys;
use super::{ACCESS_TOKEN_TYPE, MAX_TOKEN_LEN};
use crate::encoding::{base64url, json};

/// A value that came out of a verified token. Only [`TokenVerifier::verify`] makes one.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Gives the value up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

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
    /// `alg` is not RS256.
    #[error("token algorithm is not RS256")]
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

/// Verifies tokens of one issuer. The algorithm is fixed here, not by the token.
#[derive(Debug)]
pub struct TokenVerifier {
    issuer: String,
    leeway: Duration,
    validation: Validation,
}

impl TokenVerifier {
    /// Most clock difference that may be forgiven.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Accepts tokens of `issuer`, compared byte by byte. A leeway above [`Self::MAX_LEEWAY`] is cut to it.
    pub fn new(issuer: &str, leeway: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        // Its checks of claims skip what is absent and read the system clock; all of them are done below instead.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self {
            issuer: issuer.to_owned(),
            leeway: leeway.min(Self::MAX_LEEWAY),
            validation,
        }
    }

    /// Verifies a token against `keys` for any of `audiences` at the time `now`.
    ///
    /// One RSA public-key operation, and none at all for a token that is refused for its form, algorithm, type or
    /// key. Claims are not looked at before the signature is good.
    ///
    /// # Errors
    ///
    /// [`TokenError`], naming the first thing that is wrong in the order of its variants.
    pub fn verify(
        &self,
        token: &str,
        keys: &VerificationKeys,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, TokenError> {
        let unverified = Unverified::parse(token)?;
        let key = keys.get(&unverified.kid).ok_or(TokenError::UnknownKey)?;
        let data =
            jsonwebtoken::decode::<AccessTokenClaims>(token, &key.decoding_key, &self.validation).map_err(|error| {
                match error.kind() {
                    jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
                    _ => TokenError::Claims,
                }
            })?;
        // RFC 7519 §4: duplicate claim names must be refused; serde only sees those of the names it knows.
        json::parse(&unverified.payload).map_err(|_| TokenError::Claims)?;
        self.check_claims(&data.claims, audiences, now)?;
        Ok(Verified(data.claims))
    }

    fn check_claims(
        &self,
        claims: &AccessTokenClaims,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        if !claims.aud.intersects(audiences) {
            return Err(TokenError::Audience);
        }
        let now = u64::try_from(now.unix_timestamp()).map_err(|_| TokenError::NotYetValid)?;
        let leeway = self.leeway.as_secs();
        // RFC 7519 §4.1.4: the current time must be before `exp`.
        if now >= claims.exp.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        if claims.nbf > now + leeway || claims.iat > now + leeway {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

/// A token whose form is right and whose signature nobody has looked at.
struct Unverified {
    kid: String,
    payload: Vec<u8>,
}

impl Unverified {
    fn parse(token: &str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::TooLong);
        }
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let decode = |part: &str| base64url::decode(part).map_err(|_| TokenError::Malformed);
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        let kid = parse_header(&header)?;
        // Checked after the header, so that `alg: none` is named as what it is.
        if signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(Self { kid, payload })
    }
}

fn parse_header(header: &[u8]) -> Result<String, TokenError> {
    let Ok(json::Value::Object(members)) = json::parse(header) else {
        return Err(TokenError::Header);
    };
    let (mut algorithm, mut token_type, mut kid) = (None, None, None);
    for (name, value) in members {
        let slot = match name.as_str() {
            "alg" => &mut algorithm,
            "typ" => &mut token_type,
            "kid" => &mut kid,
            _ => return Err(TokenError::Header),
        };
        let json::Value::String(text) = value else {
            return Err(TokenError::Header);
        };
        *slot = Some(text);
    }
    let (Some(algorithm), Some(token_type), Some(kid)) = (algorithm, token_type, kid) else {
        return Err(TokenError::Header);
    };
    // RFC 8725 §3.1: compared exactly; `none`, `None` and `RS256 ` are all something else.
    if *algorithm != "RS256" {
        return Err(TokenError::Algorithm);
    }
    if *token_type != ACCESS_TOKEN_TYPE {
        return Err(TokenError::Type);
    }
    Ok(kid.to_string())
}
