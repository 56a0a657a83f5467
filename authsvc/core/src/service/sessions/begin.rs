//! Beginning a session: from an account that has proved itself to its first tokens.

use crate::audit::{Reason, reasons};
use crate::domain::{
    AudienceName, EndReason, LoginMethods, RefreshToken, Scopes, SealedRow, Session, SessionHolder, SessionId, User,
};
use crate::service::{AuthService, CallContext, ErrorCode, Failure, IssuedToken};
use crate::storage::Begun;

/// The `client_id` of tokens from the first party's own login.
const FIRST_PARTY_CLIENT_ID: &str = "authsvc";
/// Most of what a client calls itself that is kept for people.
const MAX_USER_AGENT: usize = 120;

impl AuthService {
    /// Begins a session for a user who proved to be it by `methods`, and issues its first tokens.
    ///
    /// `user` is what was read before the proof was checked: if all its sessions were ended since, or it was disabled,
    /// no session begins. With `bind`, its access tokens are good with the certificate only over which they were issued
    /// (RFC 8705 §3); the context has one then.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidCredentials`] when the account changed; [`ErrorCode::Unavailable`].
    pub(in crate::service) async fn begin_session(
        &self,
        user: &User,
        context: &CallContext,
        methods: LoginMethods,
        audience: AudienceName,
        scope: &Scopes,
        bind: bool,
    ) -> Result<IssuedToken, Failure> {
        let (holder, client_id) = match self.presenter(context).await? {
            None => (SessionHolder::Bearer, FIRST_PARTY_CLIENT_ID.to_owned()),
            Some(caller) => (
                SessionHolder::Service(caller.identity().clone()),
                caller.name().to_string(),
            ),
        };
        let token = RefreshToken::generate();
        let now = self.clock.now();
        let absolute_end = now + self.sessions.policy.absolute_ttl;
        let mut session = Session {
            id: SessionId::generate(),
            user_id: user.id,
            holder,
            client_id,
            family: token.family(),
            generation: 0,
            current: token.digest(),
            spent: None,
            audience,
            scope: (!scope.is_empty()).then(|| scope.to_string()),
            bind_tokens: bind,
            amr: methods.amr(),
            created_at: now,
            last_used_at: now,
            idle_end: self.sessions.idle_end(now, absolute_end),
            absolute_end,
            source: context.source.map(|source| source.to_string()),
            user_agent: context.user_agent.as_deref().map(for_people),
            ended: None,
            seal: None,
        };
        let seal = session.new_seal(&self.keys.sealing().keys);
        session.seal = Some(seal.map_err(|error| {
            let reason = Reason::new(reasons::system::INTERNAL, error.to_string());
            Failure::new(ErrorCode::Internal, reason)
        })?);
        let signed = self.sign_access_token(user, &session, session.scope.as_deref(), context)?;
        let begun = self
            .store
            .begin_session(
                &session,
                user.session_epoch,
                self.sessions.policy.most_per_user,
                &self.sessions.ending(EndReason::Displaced),
            )
            .await?;
        match begun {
            Begun::AccountChanged => Err(Failure::new(
                ErrorCode::InvalidCredentials,
                reasons::session::ACCOUNT_CHANGED,
            )),
            Begun::Begun { displaced } => {
                if !displaced.is_empty() {
                    self.sessions.follow().await;
                }
                Ok(IssuedToken::of(signed, token.to_text(), &session))
            }
        }
    }
}

/// Printable ASCII, cut.
fn for_people(user_agent: &str) -> String {
    user_agent
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(MAX_USER_AGENT)
        .collect()
}
