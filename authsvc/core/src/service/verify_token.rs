//! What every token goes through, whoever shows it.

use cryptokit::jose::{AccessTokenClaims, TokenError, Verified};
use cryptokit::secret::SecretString;

use super::AuthService;

impl AuthService {
    /// Verifies a token's form, signature, issuer, audience and time with the keys of the moment. Revocation and the
    /// state of its account are for the use case to check.
    ///
    /// # Errors
    ///
    /// [`TokenError`], for the audit log.
    pub(super) fn verify_token(
        &self,
        token: &SecretString,
        audiences: &[String],
    ) -> Result<Verified<AccessTokenClaims>, TokenError> {
        let keys = self.keys.tokens();
        let (token, keys, now) = (token.expose_secret(), &keys.keys.verification, self.clock.now());
        match &self.signatures {
            Some(cache) => self.verifier.verify_cached(token, keys, cache, audiences, now),
            None => self.verifier.verify(token, keys, audiences, now),
        }
    }
}
