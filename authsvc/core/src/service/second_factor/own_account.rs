//! `/v1/me/otp`: what the owner of an account does with its second factor.
//!
//! The bearer token alone changes nothing: it may have been stolen. Each change needs the password again, and what takes
//! an existing factor away or past, the factor too.

use std::sync::Arc;

use cryptokit::password::Password;
use cryptokit::secret::SecretString;
use time::OffsetDateTime;

use super::RecoveryCodes;
use crate::audit::reasons;
use crate::domain::{OneTimePassword, UserId};
use crate::service::{AuthService, AuthenticatedUser, CallContext, ErrorCode, Failure, MIN_PASSWORD_CHARS};

/// What the owner of an account has to see once.
#[derive(Debug)]
pub struct BegunEnrolment {
    /// Whose it is.
    pub user_id: UserId,
    /// The secret in base32, for apps without a camera.
    pub secret: SecretString,
    /// The address that the QR code holds.
    pub uri: SecretString,
    /// From when on it cannot be confirmed any more.
    pub expires_at: OffsetDateTime,
}

/// A fresh set of recovery codes.
#[derive(Debug)]
pub struct IssuedRecoveryCodes {
    /// Whose they are.
    pub user_id: UserId,
    /// The codes, to be shown once.
    pub codes: RecoveryCodes,
}

/// A second factor that is no more.
#[derive(Debug)]
pub struct FactorChanged {
    /// Whose it was.
    pub user_id: UserId,
}

impl AuthService {
    /// Begins to set up an authenticator app.
    ///
    /// # Errors
    ///
    /// `InvalidCredentials` for another password, `OtpAlreadyEnabled`, and what hashing and storing can fail with.
    pub async fn begin_second_factor(
        &self,
        owner: &AuthenticatedUser,
        password: Password,
        context: &CallContext,
    ) -> Result<BegunEnrolment, Failure> {
        let user = owner.user();
        self.reauthenticate(user, Arc::new(password), context).await?;
        let enrolment = self.second_factors().begin(user.id).await?;
        Ok(BegunEnrolment {
            user_id: user.id,
            secret: enrolment.secret.to_base32(),
            uri: enrolment.secret.provisioning_uri(self.issuer_name(), &user.email),
            expires_at: enrolment.expires_at,
        })
    }

    /// Ends the setting up with a code of the app. From then on the account needs it; its other sessions end.
    ///
    /// # Errors
    ///
    /// `InvalidOtp`, `OtpNotPending`, and what storing can fail with.
    pub async fn confirm_second_factor(
        &self,
        owner: &AuthenticatedUser,
        otp: &OneTimePassword,
        context: &CallContext,
    ) -> Result<IssuedRecoveryCodes, Failure> {
        let user = owner.user();
        let current = self.session_of(owner).ok();
        let confirmed = async { self.second_factors().confirm(user.id, otp, current).await };
        let codes = self.within_budget(user, context, confirmed).await?;
        self.sessions.follow().await;
        Ok(IssuedRecoveryCodes {
            user_id: user.id,
            codes,
        })
    }

    /// Takes the second factor away, and all recovery codes.
    ///
    /// # Errors
    ///
    /// `InvalidCredentials`, `InvalidOtp`, `OtpNotEnabled`, `InvalidField` for a password that is too short to be the only
    /// factor, and what hashing and storing can fail with.
    pub async fn disable_second_factor(
        &self,
        owner: &AuthenticatedUser,
        password: Password,
        otp: &OneTimePassword,
        context: &CallContext,
    ) -> Result<FactorChanged, Failure> {
        let user = owner.user();
        let chars = password.chars();
        self.reauthenticate(user, Arc::new(password), context).await?;
        // It may have been chosen to be one of two factors.
        if chars < MIN_PASSWORD_CHARS {
            return Err(Failure::new(
                ErrorCode::InvalidField,
                reasons::second_factor::PASSWORD_TOO_SHORT_ALONE,
            )
            .with_field("password", "is too short to be the only factor: change it first"));
        }
        self.prove_again(user, otp, context).await?;
        let current = self.session_of(owner).ok();
        self.second_factors().remove(user.id, current).await?;
        self.sessions.follow().await;
        Ok(FactorChanged { user_id: user.id })
    }

    /// Makes new recovery codes; the old ones are void.
    ///
    /// # Errors
    ///
    /// As [`disable_second_factor`](Self::disable_second_factor).
    pub async fn renew_recovery_codes(
        &self,
        owner: &AuthenticatedUser,
        password: Password,
        otp: &OneTimePassword,
        context: &CallContext,
    ) -> Result<IssuedRecoveryCodes, Failure> {
        let user = owner.user();
        self.reauthenticate(user, Arc::new(password), context).await?;
        let factor = self.prove_again(user, otp, context).await?;
        let codes = self.second_factors().renew_recovery_codes(&factor).await?;
        Ok(IssuedRecoveryCodes {
            user_id: user.id,
            codes,
        })
    }

    /// How apps call this service: the host of the issuer's URL.
    fn issuer_name(&self) -> &str {
        issuer_name(&self.policy.issuer)
    }
}

/// How apps call this service: the host of the issuer's URL.
pub fn issuer_name(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::issuer_name;

    #[test]
    fn apps_are_told_the_host() {
        for (issuer, name) in [
            ("https://auth.example", "auth.example"),
            ("https://auth.example:8443/tenant", "auth.example"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
        ] {
            assert_eq!(issuer_name(issuer), name);
        }
    }
}
