//! Sessions and revocations, as administrators see and order them.

use authsvc_core::domain::{Moment, PageSize, Session, SessionId, UserId};
use authsvc_core::service::Account;
use authsvc_core::service::administration::{Change, Question};
use serde::Serialize;
use utoipa::ToSchema;

use super::{moment, page_size};
use crate::transport::http::dto::DecodeError;
use crate::transport::http::json_object::Fields;

/// Longest `jti` that is revoked.
const MAX_JTI: usize = 128;

/// `POST /v1/admin/sessions/search`
#[derive(ToSchema)]
pub(in crate::transport::http) struct SessionSearchRequest {
    /// Go on after the page that gave this as `next`.
    #[schema(value_type = Option<String>, min_length = 36, max_length = 36)]
    after: Option<SessionId>,
    /// How many; 100 if absent.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 500, default = 100)]
    limit: PageSize,
}

/// From a body to a page of sessions. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_session_search(body: &[u8]) -> Result<Question, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = SessionSearchRequest {
        after: fields.parsed("after", "must be what a page gave as next"),
        limit: page_size(&mut fields, "limit"),
    };
    fields.done()?;
    Ok(Question::Sessions {
        after: request.after,
        size: request.limit,
    })
}

/// `POST /v1/admin/revocations`: exactly one of the three.
#[derive(ToSchema)]
pub(in crate::transport::http) struct RevocationRequest {
    /// The token of this `jti`.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    jti: Option<Jti>,
    /// All tokens of the account of this id, which may be gone; its sessions end.
    #[schema(value_type = Option<String>, min_length = 36, max_length = 36)]
    user_id: Option<UserId>,
    /// All tokens issued and sessions begun before this moment: RFC 3339, or so long ago, such as `30m`.
    #[schema(value_type = Option<String>, max_length = 64, example = "2027-01-15T08:00:00Z")]
    issued_before: Option<Moment>,
}

/// From a body to a revocation. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_revocation(body: &[u8]) -> Result<Change, DecodeError> {
    const ONE: &str = "exactly one of jti, user_id and issued_before is expected";
    let mut fields = Fields::parse(body)?;
    let request = RevocationRequest {
        jti: fields.parsed("jti", "must be 1 to 128 visible ASCII characters"),
        user_id: fields.parsed("user_id", "must be the id of an account"),
        issued_before: fields.parsed("issued_before", "must be a time, or how long ago"),
    };
    let change = match (request.jti, request.user_id, request.issued_before) {
        (Some(Jti(jti)), None, None) => Some(Change::RevokeToken { jti }),
        (None, Some(id), None) => Some(Change::RevokeTokensOf(Account::Id(id))),
        (None, None, Some(moment)) => Some(Change::RevokeIssuedBefore(moment)),
        _ => {
            fields.refuse("*", ONE);
            None
        }
    };
    fields.done()?;
    change.ok_or(DecodeError::Malformed)
}

/// The id of a token.
struct Jti(String);

impl std::str::FromStr for Jti {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = (1..=MAX_JTI).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// A page of sessions.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct AdminSessionsResponse {
    /// Those that live.
    sessions: Vec<AdminSession>,
    /// To be sent as `after`; absent when this was the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct AdminSession {
    /// Its id, the `sid` of its tokens.
    id: String,
    /// Whose it is.
    user_id: String,
    /// Whom its tokens are for.
    audience: String,
    /// The client that holds it.
    client_id: String,
    /// When the user logged in (RFC 3339, UTC).
    #[schema(format = "date-time")]
    created_at: String,
    /// When it was last used (RFC 3339, UTC).
    #[schema(format = "date-time")]
    last_used_at: String,
    /// When it ends unless it is used before (RFC 3339, UTC).
    #[schema(format = "date-time")]
    ends_at: String,
    /// Where the login came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl AdminSessionsResponse {
    pub(in crate::transport::http) fn new(sessions: &[Session], next: Option<SessionId>) -> Self {
        let entry = |session: &Session| AdminSession {
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            audience: session.audience.as_str().to_owned(),
            client_id: session.client_id.clone(),
            created_at: moment(session.created_at),
            last_used_at: moment(session.last_used_at),
            ends_at: moment(session.idle_end.min(session.absolute_end)),
            source: session.source.clone(),
        };
        Self {
            sessions: sessions.iter().map(entry).collect(),
            next: next.map(|id| id.to_string()),
        }
    }
}

/// What came of ending sessions.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct EndedResponse {
    /// How many ended.
    pub(in crate::transport::http) sessions_ended: u64,
}
