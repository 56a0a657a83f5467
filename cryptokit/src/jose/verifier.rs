//! Verifying access tokens: everything that can be wrong is refused, each cause with its name.

use std::ops::Deref;
use std::time::Duration;

use time::OffsetDateTime;

use super::algorithm::JwsAlgorithm;
use super::claims::AccessTokenClaims;
use super::compact::Compact;
use super::error::TokenError;
use super::keys::VerificationKeys;
use super::signature_cache::SignatureCache;
use super::{ACCESS_TOKEN_TYPE, MAX_TOKEN_LEN};

/// An access token whose form is right and whose signature nobody has looked at.
///
/// It says which key would have to have signed it, which is all that may be known before the signature is good: there
/// is no way to its claims except through [`TokenVerifier::verify_parsed`].
///
/// ```compile_fail,E0599
/// let token = cryptokit::jose::Unverified::parse("e30.e30.AA")?;
/// let claims = token.claims();
/// # Ok::<(), cryptokit::jose::TokenError>(())
/// ```
#[derive(Debug)]
pub struct Unverified<'t>(Compact<'t>);

impl<'t> Unverified<'t> {
    /// Reads the form and the header. No cryptography; O(n) in the token, one small allocation.
    ///
    /// # Errors
    ///
    /// [`TokenError::TooLong`], [`TokenError::Malformed`], [`TokenError::Header`], [`TokenError::Algorithm`] and
    /// [`TokenError::Type`].
    pub fn parse(token: &'t str) -> Result<Self, TokenError> {
        Compact::parse(token, MAX_TOKEN_LEN, ACCESS_TOKEN_TYPE).map(Self)
    }

    /// The key that the token names. An outsider's text: look it up and do nothing else with it.
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The algorithm that the token names, which counts for nothing unless it is the key's.
    pub fn algorithm(&self) -> JwsAlgorithm {
        self.0.algorithm
    }
}

/// A value that came out of a verified token. Only [`TokenVerifier`] makes one.
///
/// ```compile_fail,E0423
/// let forged = cryptokit::jose::Verified("claims");
/// ```
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

/// Verifies access tokens of one issuer. The algorithm is that of the key, whatever the token says.
#[derive(Debug)]
pub struct TokenVerifier {
    issuer: String,
    leeway: Duration,
}

impl TokenVerifier {
    /// Most clock difference that may be forgiven.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Accepts tokens of `issuer`, compared byte by byte. A leeway above [`Self::MAX_LEEWAY`] is cut to it.
    pub fn new(issuer: &str, leeway: Duration) -> Self {
        Self {
            issuer: issuer.to_owned(),
            leeway: leeway.min(Self::MAX_LEEWAY),
        }
    }

    /// Verifies a token against `keys` for any of `audiences` at the time `now`.
    ///
    /// One public-key operation, and none at all for a token that is refused for its form, algorithm, type or key.
    /// Claims are not looked at before the signature is good, and are read once.
    ///
    /// # Errors
    ///
    /// [`TokenError`], naming the first thing that is wrong in the order of its variants, except that an algorithm
    /// which is not the key's is found when the key is known.
    pub fn verify(
        &self,
        token: &str,
        keys: &VerificationKeys,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, TokenError> {
        self.verify_parsed(&Unverified::parse(token)?, keys, audiences, now)
    }

    /// As [`Self::verify`], without the public-key operation for a token whose signature `cache` knows to be good under
    /// exactly these keys. One SHA-256 of the token more where it does not.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_cached(
        &self,
        token: &str,
        keys: &VerificationKeys,
        cache: &SignatureCache,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, TokenError> {
        let Unverified(compact) = Unverified::parse(token)?;
        let key = keys.get(&compact.kid).ok_or(TokenError::UnknownKey)?;
        let digest = SignatureCache::digest(keys.generation(), compact.text);
        if !cache.holds(&digest) {
            compact.verify_signature(key)?;
            cache.insert(digest);
        }
        let claims = compact.read_verified()?;
        self.check_claims(&claims, audiences, now)?;
        Ok(Verified(claims))
    }

    /// As [`Self::verify`], for a token whose `kid` had to be known first.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`], from [`TokenError::UnknownKey`] on.
    pub fn verify_parsed(
        &self,
        token: &Unverified<'_>,
        keys: &VerificationKeys,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, TokenError> {
        let key = keys.get(token.kid()).ok_or(TokenError::UnknownKey)?;
        let claims = token.0.verify(key)?;
        self.check_claims(&claims, audiences, now)?;
        Ok(Verified(claims))
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
        if claims.nbf.is_some_and(|nbf| nbf > now + leeway) || claims.iat > now + leeway {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}
