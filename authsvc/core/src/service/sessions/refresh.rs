//! `POST /v1/refresh`: from a refresh token to an access token, and what happens when it comes twice.
//!
//! The token of a registered service is bound to it and stays. Any other is good for one use, decided by a compare and
//! swap on the session's generation. A client whose answer was lost may ask again; anybody else's use of a spent token
//! ends the session. `docs/adr/0024-sessions.md` says who "the same client" is.

use cryptokit::secret::SecretString;
use time::{Duration, OffsetDateTime};

use super::RETRY_WINDOW;
use crate::audit::{Reason, ReasonKind, reasons};
use crate::domain::{
    AudienceName, ClientPrint, EndReason, RefreshToken, SealedRow, Session, SessionHolder, SpentToken, TokenDigest,
    User,
};
use crate::service::{AuthService, AuthorizedCaller, CallContext, ErrorCode, Failure, IssuedToken};
use crate::storage::Rotation;

/// Rounds in which the session may change under the request. Each that is lost was won by another use of the token.
const ROUNDS: usize = 8;
/// How far the clocks of replicas may differ for a retry to be one.
const MAX_SKEW: Duration = Duration::seconds(60);

/// A wish for a fresh access token.
#[derive(Debug)]
pub struct Refresh {
    /// The refresh token, as it was sent.
    pub token: SecretString,
    /// Scopes separated by spaces, if not all that the login gave.
    pub scope: Option<String>,
    /// The audience, if it is named again.
    pub audience: Option<AudienceName>,
}

impl AuthService {
    /// Issues an access token for the session of a refresh token, and the token's successor.
    ///
    /// Runs to its end whatever becomes of the caller: the transport must not drop it halfway, or a thief could hang up
    /// before the session is ended.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] for every token that is not good, whatever is wrong with it;
    /// [`ErrorCode::InvalidField`] for a scope or audience that the login did not give, which spends nothing;
    /// [`ErrorCode::Unavailable`] and [`ErrorCode::Overloaded`], after which the token may be tried again.
    pub async fn refresh(&self, refresh: &Refresh, context: &CallContext) -> Result<IssuedToken, Failure> {
        let presented =
            RefreshToken::parse(refresh.token.expose_secret()).ok_or_else(|| refused(reasons::session::MALFORMED))?;
        let presenter = self.presenter(context).await?;
        for _ in 0..ROUNDS {
            let session = self
                .store
                .session_by_family(&presented.family())
                .await?
                .ok_or_else(|| refused(reasons::session::UNKNOWN))?;
            if let Err(fault) = self.keys.unseal(|keys| session.check_seal(keys)).await {
                // Not ended, and nobody named: whoever wrote the row chose the account in it.
                return Err(refused(Reason::new(reasons::session::ALTERED, fault.to_string())));
            }
            let attempt = Attempt {
                service: self,
                context,
                refresh,
                presented: &presented,
                session: &session,
                client: ClientPrint::of(context.user_agent.as_deref()),
                now: self.clock.now(),
            };
            let done = attempt
                .run(presenter.as_ref())
                .await
                .map_err(|failure| failure.with_user(Some(session.user_id)))?;
            if let Some(issued) = done {
                return Ok(issued);
            }
        }
        Err(Failure::new(ErrorCode::Overloaded, reasons::session::CONTENDED))
    }

    /// The registered service that makes a call, if one does. Whoever else has a certificate is nobody in particular.
    pub(super) async fn presenter(&self, context: &CallContext) -> Result<Option<AuthorizedCaller>, Failure> {
        let Some(peer) = &context.peer else { return Ok(None) };
        match self.authorize_caller(peer).await {
            Ok(caller) => Ok(Some(caller)),
            Err(failure) if failure.code == ErrorCode::CallerNotAllowed => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether a session may be used by whoever presents its token. A service may move to another of its registered
/// identities while the one that it logged in with is still registered for it.
pub(super) fn may_use(session: &Session, presenter: Option<&AuthorizedCaller>) -> bool {
    match (&session.holder, presenter) {
        (SessionHolder::Bearer, None) => true,
        (SessionHolder::Service(identity), Some(caller)) => caller.has_identity(identity),
        _ => false,
    }
}

/// One look at a session.
struct Attempt<'a> {
    service: &'a AuthService,
    context: &'a CallContext,
    refresh: &'a Refresh,
    presented: &'a RefreshToken,
    session: &'a Session,
    client: ClientPrint,
    now: OffsetDateTime,
}

impl Attempt<'_> {
    /// `None` when the session changed meanwhile.
    async fn run(&self, presenter: Option<&AuthorizedCaller>) -> Result<Option<IssuedToken>, Failure> {
        let session = self.session;
        if !may_use(session, presenter) {
            // Not ended: a service that comes by another's token must not be able to log its users out.
            return Err(refused(reasons::session::FOREIGN_CLIENT));
        }
        if let Some((_, why)) = session.ended {
            return Err(refused(Reason::new(reasons::session::ENDED, why.to_string())));
        }
        if !session.is_alive(self.now) {
            return Err(refused(reasons::session::EXPIRED));
        }
        let Some(user) = self.service.live_user(session.user_id).await? else {
            self.service.sessions.end(session.id, EndReason::Disabled).await?;
            return Err(refused(reasons::session::DISABLED_USER));
        };
        let digest = self.presented.digest();
        match (&session.holder, &session.spent) {
            (SessionHolder::Service(_), _) if digest == session.current => self.go_on(&user).await,
            (SessionHolder::Service(_), _) => Err(refused(reasons::session::UNKNOWN)),
            (SessionHolder::Bearer, _) if digest == session.current => self.rotate(&user).await,
            (SessionHolder::Bearer, Some(spent)) if self.is_retry(spent, digest) => self.repeat(&user, spent).await,
            (SessionHolder::Bearer, _) => {
                // Committed before the error is made, and nothing of the error can undo it.
                self.service.sessions.end(session.id, EndReason::Reuse).await?;
                Err(refused(reasons::session::REUSED))
            }
        }
    }

    /// A bound token stays as it is.
    async fn go_on(&self, user: &User) -> Result<Option<IssuedToken>, Failure> {
        self.issue(user, self.presented, self.touch()).await
    }

    async fn rotate(&self, user: &User) -> Result<Option<IssuedToken>, Failure> {
        let (session, successor) = (self.session, self.presented.successor());
        let sealed_successor = self
            .presented
            .seal_successor(&successor, session.id, session.generation + 1)
            .map_err(|error| internal(error.to_string()))?;
        let rotation = Rotation {
            id: session.id,
            generation: session.generation,
            presented: self.presented.digest(),
            successor: successor.digest(),
            sealed_successor,
            client: self.client,
            at: self.now,
            retry_end: self.now + RETRY_WINDOW,
            idle_end: self.service.sessions.idle_end(self.now, session.absolute_end),
        };
        self.issue(user, &successor, self.service.store.rotate_session(&rotation))
            .await
    }

    /// The same successor again, for a client that did not hear the answer.
    async fn repeat(&self, user: &User, spent: &SpentToken) -> Result<Option<IssuedToken>, Failure> {
        let sealed = spent.successor.as_deref().unwrap_or_default();
        let successor = self
            .presented
            .open_successor(sealed, self.session.id, self.session.generation)
            .map_err(|error| internal(error.to_string()))?;
        self.issue(user, &successor, self.touch()).await
    }

    /// Within the time, by the same client, and the successor was not used: else it would itself be the spent one.
    fn is_retry(&self, spent: &SpentToken, digest: TokenDigest) -> bool {
        let began = spent.retry_end - RETRY_WINDOW;
        digest == spent.digest
            && self.client == spent.client
            && spent.successor.is_some()
            && self.now < spent.retry_end
            && self.now + MAX_SKEW >= began
    }

    fn touch(&self) -> impl Future<Output = Result<bool, crate::storage::StoreError>> + Send {
        let sessions = &self.service.sessions;
        let idle_end = sessions.idle_end(self.now, self.session.absolute_end);
        self.service
            .store
            .touch_session(self.session.id, self.session.generation, self.now, idle_end)
    }

    /// Signs first and writes then: what was signed for a write that did not happen is dropped.
    async fn issue(
        &self,
        user: &User,
        token: &RefreshToken,
        write: impl Future<Output = Result<bool, crate::storage::StoreError>> + Send,
    ) -> Result<Option<IssuedToken>, Failure> {
        let scope = self.scope()?;
        let signed = self
            .service
            .sign_access_token(user, self.session, scope.as_deref(), self.context)?;
        let is_written = write.await?;
        Ok(is_written.then(|| IssuedToken::of(signed, token.to_text(), self.session)))
    }

    /// RFC 6749 §6: no scope that the login did not give; left out, all of those. One audience was given, and no other
    /// can be had.
    fn scope(&self) -> Result<Option<String>, Failure> {
        let not_granted = |field| {
            Failure::new(ErrorCode::InvalidField, reasons::session::NOT_GRANTED)
                .with_field(field, "is not what the login gave")
        };
        if self
            .refresh
            .audience
            .as_ref()
            .is_some_and(|asked| *asked != self.session.audience)
        {
            return Err(not_granted("audience"));
        }
        let granted = self.session.scope.as_deref();
        let Some(asked) = self.refresh.scope.as_deref() else {
            return Ok(granted.map(str::to_owned));
        };
        let is_granted = |name: &str| granted.unwrap_or_default().split(' ').any(|granted| granted == name);
        if asked.split(' ').all(is_granted) {
            Ok(Some(asked.to_owned()))
        } else {
            Err(not_granted("scope"))
        }
    }
}

fn refused(reason: impl Into<Reason>) -> Failure {
    Failure::new(ErrorCode::InvalidToken, reason)
}

fn internal(detail: String) -> Failure {
    let kind: &'static ReasonKind = reasons::system::INTERNAL;
    Failure::new(ErrorCode::Internal, Reason::new(kind, detail))
}
