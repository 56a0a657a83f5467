//! `POST /v1/auth`: from an address and a password to an access token.

use std::sync::Arc;

use cryptokit::password::{HashBinding, Password, SealedHash, StoredHash, Verdict};
use cryptokit::secret::SecretString;
use time::OffsetDateTime;

use super::access_token::SignedToken;
use super::defence::Factor;
use super::hash_shape;
use super::hashing::HashingError;
use super::users::PASSWORD_HASH_COLUMN;
use super::{AuthService, CallContext, ErrorCode, Failure};
use crate::audit::{Reason, reasons};
use crate::domain::{
    AudienceName, EmailAddress, LoginMethods, OneTimePassword, Scopes, Session, SessionId, User, UserId, UserRecord,
};

/// A login, well formed and not yet checked.
#[derive(Debug)]
pub struct Login {
    /// The account's name.
    pub email: EmailAddress,
    /// What is said to be its password.
    pub password: Password,
    /// The second factor, if one was given.
    pub otp: Option<OneTimePassword>,
    /// Whom the token is for, if not for the default audience.
    pub audience: Option<AudienceName>,
    /// What the token is to allow; all that the account may, if nothing is named.
    pub scope: Option<Scopes>,
    /// Whether the token is for the holder of the client's certificate only (RFC 8705 §3).
    pub bind: bool,
}

/// The token that a login asks for.
struct Wanted {
    audience: Option<AudienceName>,
    scope: Option<Scopes>,
    bind: bool,
}

/// A fresh token.
#[derive(Debug)]
pub struct IssuedToken {
    /// The compact JWS.
    pub token: SecretString,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// Whose it is.
    pub user_id: UserId,
    /// With which the next one is issued.
    pub refresh_token: SecretString,
    /// The session that both belong to.
    pub session_id: SessionId,
    /// What the access token allows, if anything.
    pub scope: Option<String>,
    /// A recovery code was used up for it: how many the account has left. For the record.
    pub recovery_codes_left: Option<usize>,
}

impl IssuedToken {
    pub(super) fn of(signed: SignedToken, refresh_token: SecretString, session: &Session) -> Self {
        let SignedToken {
            token,
            issued_at,
            expires_at,
            scope,
        } = signed;
        Self {
            token,
            issued_at,
            expires_at,
            user_id: session.user_id,
            refresh_token,
            session_id: session.id,
            scope,
            recovery_codes_left: None,
        }
    }
}

impl AuthService {
    /// Checks the credentials and issues a token.
    ///
    /// An unknown account, a wrong password and a disabled account cost one Argon2 run each and differ in the
    /// failure's reason only. Whether the account has a second factor is looked up with every account alike, and matters only
    /// after its password was right: what comes before does not depend on it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::TooManyRequests`] before anything is computed; [`ErrorCode::InvalidCredentials`];
    /// [`ErrorCode::OtpRequired`] and [`ErrorCode::InvalidOtp`]; [`ErrorCode::InvalidField`] for an audience that no service has, once the
    /// credentials are good; [`ErrorCode::Overloaded`] and [`ErrorCode::Unavailable`].
    pub async fn authenticate(&self, login: Login, context: &CallContext) -> Result<IssuedToken, Failure> {
        let Login {
            email,
            password,
            otp,
            audience,
            scope,
            bind,
        } = login;
        if bind && context.peer.is_none() {
            let failure = Failure::new(ErrorCode::InvalidField, reasons::login::NOTHING_TO_BIND_TO);
            return Err(failure
                .with_field("binding", "needs a client certificate: log in on the internal listener")
                .with_address(&email));
        }
        self.hasher
            .admit()
            .map_err(|error| hashing_failure(&error).with_address(&email))?;
        // Before anything is computed or looked up.
        let reservation = self
            .defence
            .reserve(&email, context.source, Factor::Password)
            .await
            .map_err(|error| Failure::from(error).with_address(&email))?;
        let wanted = Wanted { audience, scope, bind };
        let result = self.check_and_issue(&email, password, otp, wanted, context).await;
        match &result {
            Ok(_) => reservation.succeeded(),
            Err(failure) => match failure.code {
                ErrorCode::InvalidCredentials => reservation.failed(),
                // The password was right, but this is no login, and a hash was computed for it: whoever knows the
                // password of an account with a second factor gets no more of them than whoever guesses. The login that
                // an honest client makes next forgives it.
                ErrorCode::OtpRequired | ErrorCode::TooManyRequests => reservation.failed(),
                // The password was right and what else was wrong has a budget of its own, or it was not looked at.
                _ => reservation.unused(),
            },
        }
        result
    }

    async fn check_and_issue(
        &self,
        email: &EmailAddress,
        password: Password,
        otp: Option<OneTimePassword>,
        wanted: Wanted,
        context: &CallContext,
    ) -> Result<IssuedToken, Failure> {
        let found = self
            .store
            .user_by_email(email)
            .await
            .map_err(|error| Failure::from(error).with_address(email))?;
        let user_id = found.as_ref().map(|record| record.unverified().id);
        let user = self
            .check_password(email, found, Arc::new(password))
            .await
            .map_err(|failure| failure.with_address(email).with_user(user_id))?;
        let proved = self
            .step_up(&user, otp.as_ref(), context)
            .await
            .map_err(|failure| failure.with_address(email).with_user(user_id))?;
        let issued = self.first_tokens(&user, wanted, proved.methods, context).await;
        // On record in either case: the code is used up.
        match issued {
            Ok(issued) => Ok(IssuedToken {
                recovery_codes_left: proved.recovery_codes_left,
                ..issued
            }),
            Err(mut failure) => {
                failure.who.recovery_codes_left = proved.recovery_codes_left;
                Err(failure.with_address(email).with_user(user_id))
            }
        }
    }

    async fn first_tokens(
        &self,
        user: &User,
        wanted: Wanted,
        methods: LoginMethods,
        context: &CallContext,
    ) -> Result<IssuedToken, Failure> {
        let audience = self.audience(wanted.audience).await?;
        let scope = granted(user, wanted.scope.as_ref())?;
        self.begin_session(user, context, methods, audience, &scope, wanted.bind)
            .await
    }

    async fn check_password(
        &self,
        email: &EmailAddress,
        found: Option<UserRecord>,
        password: Arc<Password>,
    ) -> Result<User, Failure> {
        let Some(record) = found else {
            return Err(self
                .refuse_after_decoy(email, password, reasons::login::UNKNOWN_USER)
                .await);
        };
        let user = match self.keys.unseal(|keys| record.clone().open(keys)).await {
            Ok(user) => user,
            Err(altered) => {
                let reason = Reason::new(reasons::login::ALTERED_RECORD, altered.to_string());
                return Err(self.refuse_after_decoy(email, password, reason).await);
            }
        };
        self.verify_password(user, password).await
    }

    /// Whether it is the account's password, and the account may be used. One Argon2 run, whatever comes of it.
    pub(super) async fn verify_password(&self, user: User, password: Arc<Password>) -> Result<User, Failure> {
        let id = user.id.to_string();
        let opened = self
            .keys
            .unseal(|keys| user.password_hash.open(keys, binding(&id)))
            .await;
        let stored = match opened {
            Ok(stored) => stored,
            Err(error) => {
                let reason = Reason::new(reasons::login::UNUSABLE_HASH, error.to_string());
                return Err(self.refuse_after_decoy(&user.email, password, reason).await);
            }
        };
        match self.hasher.verify(Arc::clone(&password), stored).await {
            Err(HashingError::Hash(error)) => {
                let reason = Reason::new(reasons::login::UNUSABLE_HASH, error.to_string());
                Err(self.refuse_after_decoy(&user.email, password, reason).await)
            }
            Err(error) => Err(hashing_failure(&error)),
            Ok(_) if user.disabled => Err(invalid_credentials(reasons::login::DISABLED_USER)),
            Ok(Verdict { ok: false, .. }) => Err(invalid_credentials(reasons::login::WRONG_PASSWORD)),
            Ok(Verdict { needs_rehash, .. }) => {
                if needs_rehash {
                    self.rehash(&user, password).await;
                }
                Ok(user)
            }
        }
    }

    /// Where there is no hash to compute, an equal one is computed, so that the difference cannot be timed: of a shape
    /// that accounts have, as often as they have it.
    async fn refuse_after_decoy(
        &self,
        email: &EmailAddress,
        password: Arc<Password>,
        reason: impl Into<Reason>,
    ) -> Failure {
        let computed = match self.decoy_for(email) {
            None => self.hasher.verify_decoy(password).await,
            Some(shape) => match self.hasher.verify(Arc::clone(&password), shape).await {
                Ok(_) => Ok(()),
                // Not verified under this configuration: an account with such a hash gets the same.
                Err(HashingError::Hash(_)) => self.hasher.verify_decoy(password).await,
                Err(error) => Err(error),
            },
        };
        match computed {
            Ok(()) => invalid_credentials(reason),
            Err(error) => hashing_failure(&error),
        }
    }

    /// Brings a hash up to the current policy. A login that was right stays right when this does not work out: the
    /// next one tries again.
    async fn rehash(&self, user: &User, password: Arc<Password>) {
        let Ok(stored) = self.hasher.hash(password).await else {
            return;
        };
        let Ok(sealed) = self.seal_hash(&stored, user.id) else {
            return;
        };
        let shape = hash_shape::of_own(&stored);
        let _ = self
            .store
            .replace_password_hash(user.id, &user.password_hash, &sealed, shape.as_deref())
            .await;
    }

    fn seal_hash(&self, stored: &StoredHash, user_id: UserId) -> Result<SealedHash, cryptokit::aead::AeadError> {
        SealedHash::seal(&self.keys.sealing().keys, stored, binding(&user_id.to_string()))
    }

    async fn audience(&self, asked: Option<AudienceName>) -> Result<AudienceName, Failure> {
        let Some(audience) = asked else {
            return self.policy.default_audience.clone().ok_or_else(|| {
                Failure::new(ErrorCode::InvalidField, reasons::login::NO_AUDIENCE)
                    .with_field("audience", "is required: no default audience is configured")
            });
        };
        if audience.is_own() || self.store.audience_exists(&audience).await? {
            Ok(audience)
        } else {
            Err(Failure::new(ErrorCode::InvalidField, reasons::login::UNKNOWN_AUDIENCE)
                .with_field("audience", "is not the audience of a registered service"))
        }
    }
}

/// Of what was asked for, what the account may. RFC 6749 §3.3: less than was asked for may be granted, and the answer says
/// what; a token that would allow nothing of it is not issued.
fn granted(user: &User, asked: Option<&Scopes>) -> Result<Scopes, Failure> {
    let Some(asked) = asked else {
        return Ok(user.scopes.clone());
    };
    let granted = asked.intersection(&user.scopes);
    if granted.is_empty() {
        return Err(Failure::new(ErrorCode::InvalidField, reasons::login::SCOPE_NOT_GRANTED)
            .with_field("scope", "holds nothing that the account may"));
    }
    Ok(granted)
}

fn binding(user_id: &str) -> HashBinding<'_> {
    HashBinding {
        column: PASSWORD_HASH_COLUMN,
        user_id,
    }
}

fn invalid_credentials(reason: impl Into<Reason>) -> Failure {
    Failure::new(ErrorCode::InvalidCredentials, reason)
}

pub(super) fn hashing_failure(error: &HashingError) -> Failure {
    match error {
        HashingError::Overloaded { retry_after } => {
            Failure::new(ErrorCode::Overloaded, reasons::system::HASHING_OVERLOADED).with_retry_after(*retry_after)
        }
        other => Failure::new(
            ErrorCode::Internal,
            Reason::new(reasons::system::INTERNAL, other.to_string()),
        ),
    }
}
