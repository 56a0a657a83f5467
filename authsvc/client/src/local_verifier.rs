//! Verifying tokens without asking: the issuer's keys and what it has revoked, both followed.

use std::fmt;

use cryptokit::jose::{AccessTokenClaims, Standing, TokenVerifier, Verified};
use time::OffsetDateTime;

use super::key_set::{KeySource, RemoteKeySet, VerifyError};
use super::revocations::RemoteRevocations;

/// Verifies tokens of one issuer, and honours its revocations.
///
/// What it cannot know is what an account is like by now: the issuer revokes the tokens of an account that it disables,
/// and that is what is heard here.
pub struct LocalVerifier<S> {
    keys: RemoteKeySet<S>,
    revocations: RemoteRevocations,
    verifier: TokenVerifier,
}

impl<S: KeySource> LocalVerifier<S> {
    /// Puts it together.
    pub fn new(verifier: TokenVerifier, keys: RemoteKeySet<S>, revocations: RemoteRevocations) -> Self {
        Self {
            keys,
            revocations,
            verifier,
        }
    }

    /// Verifies a token for any of `audiences` at `now`: form, key, signature, claims, time, and whether it was revoked.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Token`] and [`VerifyError::Revoked`]: answer 401. [`VerifyError::Unavailable`] and
    /// [`VerifyError::RevocationsStale`]: answer 503.
    pub async fn verify(
        &self,
        token: &str,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, VerifyError> {
        let verified = self.keys.verify(&self.verifier, token, audiences, now).await?;
        // After the signature: whoever cannot sign learns nothing of what is revoked.
        match self.revocations.check(&verified) {
            Standing::NotRevoked | Standing::AcceptedStale => Ok(verified),
            Standing::Revoked(_) => Err(VerifyError::Revoked),
            Standing::Unavailable => Err(VerifyError::RevocationsStale),
        }
    }

    /// What is revoked.
    pub fn revocations(&self) -> &RemoteRevocations {
        &self.revocations
    }
}

impl<S> fmt::Debug for LocalVerifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVerifier")
            .field("revocations", &self.revocations)
            .finish_non_exhaustive()
    }
}
