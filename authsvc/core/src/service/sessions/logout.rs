//! Ending sessions at their owner's wish.

use cryptokit::secret::SecretString;

use super::refresh::may_use;
use crate::domain::{EndReason, RefreshToken, SessionId, UserId};
use crate::service::{AuthService, AuthenticatedUser, CallContext, ErrorCode, Failure};

/// What a logout came upon. The caller is told nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoggedOut {
    /// Whose session it was, if there was one.
    pub user_id: Option<UserId>,
    /// How many sessions ended.
    pub ended: u64,
}

impl AuthService {
    /// Ends the session of a refresh token, also of a spent one. A token that is nobody's, somebody else's or has ended
    /// is no error (RFC 7009 §2.2): there is nothing left to do, and nothing to find out.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unavailable`]: the session may go on (RFC 7009 §2.2.1).
    pub async fn logout(&self, token: &SecretString, context: &CallContext) -> Result<LoggedOut, Failure> {
        let Some(presented) = RefreshToken::parse(token.expose_secret()) else {
            return Ok(LoggedOut::default());
        };
        let presenter = self.presenter(context).await?;
        let found = self.store.session_by_family(&presented.family()).await?;
        let Some(session) = found.filter(|session| may_use(session, presenter.as_ref())) else {
            return Ok(LoggedOut::default());
        };
        let ended = self.sessions.end(session.id, EndReason::Logout).await?;
        Ok(LoggedOut {
            user_id: Some(session.user_id),
            ended: ended.into(),
        })
    }

    /// Ends all sessions of the user who asks, the one that asks included.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unavailable`]: they go on.
    pub async fn logout_everywhere(&self, user: &AuthenticatedUser) -> Result<LoggedOut, Failure> {
        let user_id = user.user().id;
        let ended = self
            .sessions
            .end_all(user_id, None, EndReason::LogoutEverywhere)
            .await?;
        Ok(LoggedOut {
            user_id: Some(user_id),
            ended,
        })
    }

    /// Ends one session of the user who asks. Another user's is like one that does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unavailable`]: it goes on.
    pub async fn end_own_session(&self, user: &AuthenticatedUser, id: SessionId) -> Result<LoggedOut, Failure> {
        let user_id = user.user().id;
        let found = self.store.session_by_id(id).await?;
        let ended = match found {
            Some(session) if session.user_id == user_id => self.sessions.end(id, EndReason::Logout).await?,
            _ => false,
        };
        Ok(LoggedOut {
            user_id: Some(user_id),
            ended: ended.into(),
        })
    }

    /// The session that the asking user's token belongs to.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] for a token without one.
    pub fn session_of(&self, user: &AuthenticatedUser) -> Result<SessionId, Failure> {
        let sid = user.claims().sid.as_deref().and_then(|sid| sid.parse().ok());
        sid.ok_or_else(|| Failure::new(ErrorCode::InvalidToken, crate::audit::reasons::token::CLAIMS))
    }
}
