//! Refreshing, ending and revoking: what the session operations ask and answer, and their layers.

use std::sync::Arc;

use authsvc_core::audit::Action;
use authsvc_core::domain::{Session, SessionId, UserId};
use authsvc_core::service::{AuthService, Failure, IssuedToken, LoggedOut, Refresh, RevokeToken};
use cryptokit::secret::SecretString;
use tower::util::BoxCloneSyncService;
use tower::{Layer, service_fn};

use super::layer::authenticate_user::ByUser;
use super::layer::authorize::Authorized;
use super::layer::{Concerns, DetachLayer};
use super::{Auditable, Call, Endpoint, Wrap};

/// The wish to end the session of a refresh token.
#[derive(Debug)]
pub struct Logout {
    /// The refresh token.
    pub token: SecretString,
}

/// The question which sessions a user has.
#[derive(Clone, Copy, Debug)]
pub struct ListSessions;

/// The wish to end a user's sessions.
#[derive(Clone, Copy, Debug)]
pub enum EndSessions {
    /// All of them.
    All,
    /// One, if it is the user's.
    One(SessionId),
}

/// The sessions of a user.
#[derive(Debug)]
pub struct OwnSessions {
    /// Whose they are.
    pub user_id: UserId,
    /// The one that asks.
    pub current: SessionId,
    /// All of them.
    pub sessions: Vec<Session>,
}

impl Auditable for Refresh {
    const ACTION: Action = Action::Refresh;
}

impl Auditable for Logout {
    const ACTION: Action = Action::Logout;
}

impl Auditable for ListSessions {
    const ACTION: Action = Action::ListSessions;
}

impl Auditable for EndSessions {
    const ACTION: Action = Action::EndSessions;
}

impl Auditable for RevokeToken {
    const ACTION: Action = Action::RevokeToken;
}

impl Concerns for LoggedOut {
    fn user_id(&self) -> Option<UserId> {
        self.user_id
    }
}

impl Concerns for OwnSessions {
    fn user_id(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

/// The operations.
#[derive(Clone, Debug)]
pub struct SessionEndpoints {
    /// `POST /v1/refresh`
    pub refresh: Endpoint<Refresh, IssuedToken>,
    /// `POST /v1/logout`
    pub logout: Endpoint<Logout, LoggedOut>,
    /// `GET /v1/me/sessions`
    pub list: Endpoint<ListSessions, OwnSessions>,
    /// `DELETE /v1/me/sessions` and `DELETE /v1/me/sessions/{id}`
    pub end: Endpoint<EndSessions, LoggedOut>,
    /// `POST /v1/revoke`
    pub revoke: Endpoint<RevokeToken, LoggedOut>,
}

impl SessionEndpoints {
    /// Wraps the use cases in their layers. What changes something is detached twice: from its client, and within its
    /// record from its deadline.
    pub(super) fn new(service: &Arc<AuthService>, wrap: &Wrap) -> Self {
        let refresh = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<Refresh>| {
                let service = Arc::clone(&service);
                async move { service.refresh(&call.body, &call.meta.context()).await }
            })
        };
        let logout = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<Logout>| {
                let service = Arc::clone(&service);
                async move { service.logout(&call.body.token, &call.meta.context()).await }
            })
        };
        let list = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<ByUser<ListSessions>>| {
                let service = Arc::clone(&service);
                async move {
                    let user = &call.body.user;
                    let current = service.session_of(user)?;
                    let user_id = user.user().id;
                    let sessions = service.sessions().of_user(user_id).await?;
                    Ok::<_, Failure>(OwnSessions {
                        user_id,
                        current,
                        sessions,
                    })
                }
            })
        };
        let end = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<ByUser<EndSessions>>| {
                let service = Arc::clone(&service);
                async move {
                    match call.body.request {
                        EndSessions::All => service.logout_everywhere(&call.body.user).await,
                        EndSessions::One(id) => service.end_own_session(&call.body.user, id).await,
                    }
                }
            })
        };
        let revoke = {
            let service = Arc::clone(service);
            service_fn(move |call: Call<Authorized<RevokeToken>>| {
                let service = Arc::clone(&service);
                async move { service.revoke_token(&call.body.caller, &call.body.request.token).await }
            })
        };
        Self {
            refresh: detached(wrap.by_anybody(DetachLayer.layer(refresh))),
            logout: detached(wrap.by_anybody(DetachLayer.layer(logout))),
            list: wrap.by_user(list),
            end: detached(wrap.by_user(DetachLayer.layer(end))),
            revoke: detached(wrap.by_service(DetachLayer.layer(revoke))),
        }
    }
}

fn detached<Body, Response>(operation: Endpoint<Body, Response>) -> Endpoint<Body, Response>
where
    Body: Send + 'static,
    Response: Send + 'static,
{
    BoxCloneSyncService::new(DetachLayer.layer(operation))
}
