//! Links with which a password is set once: made by an operator, who never chooses a password (OWASP ASVS 6.4.6), and
//! used by whoever was given one.

use std::sync::Arc;
use std::time::Duration;

use cryptokit::aead::{AeadError, AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256;
use cryptokit::keyset::Keyset;
use cryptokit::password::Password;
use cryptokit::random;
use cryptokit::secret::SecretString;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::change_password::PasswordSet;
use super::password_policy::PasswordContext;
use super::users::{ATTEMPTS, Account, EnrolmentError, UserAdministration};
use super::{AuthService, ErrorCode, Failure};
use crate::audit::{Reason, reasons};
use crate::domain::{User, UserId, UserRecord};
use crate::storage::PasswordReset;

/// The secret of a link, for the one who was given it. Of it only the digest is stored.
#[derive(Debug)]
pub struct ResetLink {
    /// The token: 43 characters of base64url.
    pub token: SecretString,
    /// Whose password it sets.
    pub user_id: UserId,
    /// Until when.
    pub expires_at: OffsetDateTime,
}

/// `POST /v1/password-reset`
#[derive(Debug)]
pub struct SetPassword {
    /// The link's token.
    pub token: SecretString,
    /// The new password.
    pub new_password: Password,
}

/// Length of a token in characters.
pub const RESET_TOKEN_LEN: usize = 43;

impl UserAdministration {
    /// Makes a link for an account, in place of any that it has. Its password stays good until the link is used.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`] and [`EnrolmentError::Store`].
    pub async fn reset_link(
        &self,
        account: impl Into<Account>,
        lifetime: Duration,
    ) -> Result<ResetLink, EnrolmentError> {
        let user = self.open(&self.show(account).await?).await?;
        let secret = Zeroizing::new(random::bytes::<32>());
        let token = SecretString::new(base64url::encode(&*secret));
        let now = self.clock.now();
        let expires_at = (now + lifetime).truncate_to_second();
        let digest = sha256(token.expose_secret().as_bytes());
        let reset = PasswordReset {
            user_id: user.id,
            token_sha256: digest,
            expires_at,
            seal: seal(&self.keys.sealing().keys, user.id, &digest, expires_at)?,
        };
        self.store.prune_password_resets(now).await?;
        self.store.put_password_reset(&reset).await?;
        Ok(ResetLink {
            token,
            user_id: user.id,
            expires_at,
        })
    }
}

impl AuthService {
    /// Sets a password by a link, and ends every session of the account.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidField`] for the token, one answer whether it is unknown, expired, used, voided or of an
    /// account that is disabled or gone; for the new password when it is not good enough, which leaves the link usable;
    /// [`ErrorCode::Overloaded`] and [`ErrorCode::Unavailable`].
    pub async fn set_password_by_link(&self, request: SetPassword) -> Result<PasswordSet, Failure> {
        let digest = sha256(request.token.expose_secret().as_bytes());
        let password = Arc::new(request.new_password);
        for _ in 0..ATTEMPTS {
            let (record, user) = self.account_of_link(&digest).await?;
            let failed = |failure: Failure| failure.with_user(Some(user.id));
            self.accept_new_password(&password, PasswordContext::of(&user))
                .await
                .map_err(failed)?;
            let changed = self.with_password(&user, &password).await.map_err(failed)?;
            let now = self.clock.now();
            let change = self.password_change(&user, None);
            let sessions = change.sessions();
            let redeem = self
                .store
                .redeem_password_reset(&digest, now, &record, &changed, &sessions);
            if change.around(redeem).await.map_err(Failure::from).map_err(failed)? {
                self.sessions.follow().await;
                return Ok(PasswordSet { user_id: user.id });
            }
            // Somebody else used the link, or changed the account: the next look says which.
        }
        Err(refused("the account was changed again and again"))
    }

    async fn account_of_link(&self, digest: &[u8; 32]) -> Result<(UserRecord, User), Failure> {
        let Some(reset) = self.store.password_reset(digest).await? else {
            return Err(refused("no link has this token: unknown, used or replaced by another"));
        };
        let refused = |detail| refused(detail).with_user(Some(reset.user_id));
        if reset.expires_at <= self.clock.now() {
            return Err(refused("the link has expired"));
        }
        let genuine = self
            .keys
            .unseal(|keys| is_sealed(keys, &reset).then_some(()).ok_or(()))
            .await;
        if genuine.is_err() {
            return Err(refused("this program did not write the link into the database"));
        }
        let record = self.store.user_by_id(reset.user_id).await?;
        let record = record.ok_or_else(|| refused("the link's account is gone"))?;
        match self.keys.unseal(|keys| record.clone().open(keys)).await {
            Ok(user) if user.disabled => Err(refused("the link's account is disabled")),
            Ok(user) => Ok((record, user)),
            Err(altered) => {
                let mut failure = refused("");
                failure.reason = Reason::new(reasons::login::ALTERED_RECORD, altered.to_string());
                Err(failure)
            }
        }
    }
}

/// One answer for every cause.
fn refused(detail: &str) -> Failure {
    Failure::new(
        ErrorCode::InvalidField,
        Reason::new(reasons::password::RESET_REFUSED, detail.to_owned()),
    )
    .with_field("token", "is not a token that can be used: unknown, used or expired")
}

/// The seal of a token under the primary key. `None` when that key made it already.
///
/// # Errors
///
/// [`AeadError::Open`] for one that does not open, which is to be left as it is; [`AeadError::KeyExhausted`].
pub(super) fn reseal(sealing: &Keyset<AeadKey>, reset: &PasswordReset) -> Result<Option<String>, AeadError> {
    if !is_sealed(sealing, reset) {
        return Err(AeadError::Open);
    }
    if base64url::decode(&reset.seal).is_ok_and(|sealed| sealing.primary_sealed(&sealed)) {
        return Ok(None);
    }
    seal(sealing, reset.user_id, &reset.token_sha256, reset.expires_at).map(Some)
}

/// Shows that this program wrote the row: whoever else could write one would choose a password.
fn seal(
    sealing: &Keyset<AeadKey>,
    user_id: UserId,
    token_sha256: &[u8; 32],
    expires_at: OffsetDateTime,
) -> Result<String, AeadError> {
    let sealed = sealing.seal(&[], &sealed_content(user_id, token_sha256, expires_at))?;
    Ok(base64url::encode(&sealed))
}

fn is_sealed(sealing: &Keyset<AeadKey>, reset: &PasswordReset) -> bool {
    let content = sealed_content(reset.user_id, &reset.token_sha256, reset.expires_at);
    base64url::decode(&reset.seal).is_ok_and(|sealed| {
        sealing
            .open(&sealed, &content)
            .is_ok_and(|text| text.expose_secret().is_empty())
    })
}

fn sealed_content(user_id: UserId, token_sha256: &[u8; 32], expires_at: OffsetDateTime) -> AssociatedData {
    AssociatedData::new("authsvc password reset 1")
        .with(user_id.to_string().as_bytes())
        .with(token_sha256)
        .with(&expires_at.unix_timestamp().to_be_bytes())
}
