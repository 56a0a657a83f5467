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
        self.verifier.verify(
            token.expose_secret(),
            &keys.keys.verification,
            audiences,
            self.clock.now(),
        )
    }
}
