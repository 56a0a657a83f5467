//! The second factor when it is asked for: at a login, and again before it is changed.

use super::{Accepted, SecondFactorError, SecondFactors};
use crate::audit::reasons;
use crate::domain::{LoginMethods, OneTimePassword, SecondFactor, User};
use crate::service::defence::Factor;
use crate::service::{AuthService, CallContext, ErrorCode, Failure};

/// What a login proved.
pub(in crate::service) struct SteppedUp {
    /// By which methods.
    pub(in crate::service) methods: LoginMethods,
    /// A recovery code was used up for it: how many the account has left.
    pub(in crate::service) recovery_codes_left: Option<usize>,
}

impl AuthService {
    /// Asks for the account's second factor, once its password was right.
    ///
    /// An account that had none when it was looked up costs nothing more. A code that it does not need is ignored: a client
    /// may send one that its user has just disabled.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::OtpRequired`] where there is a factor and no code came; [`ErrorCode::TooManyRequests`] when its own
    /// budget is used up; [`ErrorCode::InvalidOtp`] for a code that is wrong or spent; [`ErrorCode::Unavailable`].
    pub(in crate::service) async fn step_up(
        &self,
        user: &User,
        otp: Option<&OneTimePassword>,
        context: &CallContext,
    ) -> Result<SteppedUp, Failure> {
        let none = SteppedUp {
            methods: LoginMethods::Password,
            recovery_codes_left: None,
        };
        // One that is enrolled meanwhile ends all sessions of the account, and with them the wish to begin this one.
        if !user.second_factor && !user.factor_stored {
            return Ok(none);
        }
        let factor = match self.second_factors().of(user).await {
            Ok(None) => return Ok(none),
            Ok(Some(factor)) => Ok(factor),
            // Without a code the answer is as with a good factor.
            Err(SecondFactorError::Unusable) => Err(SecondFactorError::Unusable),
            Err(error) => return Err(error.into()),
        };
        let Some(otp) = otp else {
            return Err(Failure::new(
                ErrorCode::OtpRequired,
                reasons::second_factor::MISSING_CODE,
            ));
        };
        let recovery_codes_left = match self.accept(user, &factor?, otp, context).await? {
            Accepted::Code => None,
            Accepted::RecoveryCode { left } => Some(left),
        };
        Ok(SteppedUp {
            methods: LoginMethods::PasswordAndOtp,
            recovery_codes_left,
        })
    }

    /// Has the owner of an account prove the second factor again.
    pub(super) async fn prove_again(
        &self,
        user: &User,
        otp: &OneTimePassword,
        context: &CallContext,
    ) -> Result<SecondFactor, Failure> {
        let found = self.second_factors().of(user).await?;
        let factor = found.ok_or(SecondFactorError::NotEnabled)?;
        self.accept(user, &factor, otp, context).await?;
        Ok(factor)
    }

    async fn accept(
        &self,
        user: &User,
        factor: &SecondFactor,
        otp: &OneTimePassword,
        context: &CallContext,
    ) -> Result<Accepted, Failure> {
        let accepted = async { self.second_factors().accept(factor, otp).await };
        self.within_budget(user, context, accepted).await
    }

    /// Guesses at codes have a budget of their own, which guesses at passwords do not use up, and which is taken before
    /// a code is looked at.
    pub(super) async fn within_budget<T>(
        &self,
        user: &User,
        context: &CallContext,
        attempt: impl Future<Output = Result<T, SecondFactorError>>,
    ) -> Result<T, Failure> {
        let reservation = self
            .defence
            .reserve(&user.email, context.source, Factor::SecondFactor)
            .await?;
        let result = attempt.await;
        match &result {
            Ok(_) => reservation.succeeded(),
            Err(error) if error.is_guess() => reservation.failed(),
            Err(_) => reservation.unused(),
        }
        Ok(result?)
    }

    pub(in crate::service) fn second_factors(&self) -> SecondFactors<'_> {
        SecondFactors::new(self.store.as_ref(), &self.keys, self.clock.now())
    }
}
