//! Refresh, logout, revocation and the list of sessions as they travel.

use authsvc_core::domain::{AudienceName, Session};
use authsvc_core::service::{Refresh, RevokeToken};
use cryptokit::jose::MAX_TOKEN_LEN;
use cryptokit::secret::SecretString;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use validator::Validate;

use super::DecodeError;
use super::rules::{audience_name, no_control_characters, scopes};
use crate::endpoint::sessions::{Logout, OwnSessions};
use crate::transport::http::json_object::{Fields, Text};

const TOKEN_MAX: u64 = MAX_TOKEN_LEN as u64;
const AUDIENCE_MAX: u64 = AudienceName::MAX_LEN as u64;
const SCOPE_MAX: u64 = 1024;

/// `POST /v1/refresh`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct RefreshRequest {
    /// The refresh token of the last answer.
    #[validate(required, length(min = 1, max = TOKEN_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 8192)]
    refresh_token: Option<Text>,
    /// Scopes separated by spaces, none that the login did not give; all of those if absent.
    #[validate(length(min = 1, max = SCOPE_MAX), custom(function = scopes))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1024)]
    scope: Option<Text>,
    /// The audience of the login, if it is to be named.
    #[validate(length(min = 1, max = AUDIENCE_MAX), custom(function = audience_name))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "orders")]
    audience: Option<Text>,
}

/// From a body to a refresh. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_refresh(body: &[u8]) -> Result<Refresh, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = RefreshRequest {
        refresh_token: fields.text("refresh_token"),
        scope: fields.text("scope"),
        audience: fields.text("audience"),
    };
    let request = finish(fields, request)?;
    Ok(Refresh {
        token: secret(request.refresh_token)?,
        scope: request.scope.map(|text| text.as_str().to_owned()),
        audience: match request.audience {
            None => None,
            Some(text) => Some(text.as_str().parse().map_err(|_| DecodeError::Malformed)?),
        },
    })
}

/// `POST /v1/logout`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct LogoutRequest {
    /// A refresh token of the session, also one that is spent.
    #[validate(required, length(min = 1, max = TOKEN_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 8192)]
    refresh_token: Option<Text>,
}

/// From a body to a logout. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_logout(body: &[u8]) -> Result<Logout, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = LogoutRequest {
        refresh_token: fields.text("refresh_token"),
    };
    let request = finish(fields, request)?;
    Ok(Logout {
        token: secret(request.refresh_token)?,
    })
}

/// `POST /v1/revoke`
#[derive(Debug, Validate, ToSchema)]
pub(in crate::transport::http) struct RevokeRequest {
    /// An access token or a refresh token.
    #[validate(required, length(min = 1, max = TOKEN_MAX), custom(function = no_control_characters))]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 8192)]
    token: Option<Text>,
    /// What it is said to be (RFC 7009 §2.1). Not needed and not believed.
    #[validate(length(min = 1, max = 64), custom(function = no_control_characters))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "refresh_token")]
    token_type_hint: Option<Text>,
}

/// From a body to a revocation. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_revoke(body: &[u8]) -> Result<RevokeToken, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = RevokeRequest {
        token: fields.text("token"),
        token_type_hint: fields.text("token_type_hint"),
    };
    let request = finish(fields, request)?;
    Ok(RevokeToken {
        token: secret(request.token)?,
    })
}

fn finish<T: Validate>(fields: Fields, request: T) -> Result<T, DecodeError> {
    fields
        .finish(request)
        .map_err(|errors| DecodeError::Fields { errors, address: None })
}

fn secret(text: Option<Text>) -> Result<SecretString, DecodeError> {
    // Required, so that it is there once the request is valid.
    let text = text.ok_or(DecodeError::Malformed)?;
    Ok(SecretString::from(text))
}

/// The sessions of a user.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct SessionsResponse<'a> {
    /// The one used last first.
    sessions: Vec<SessionEntry<'a>>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct SessionEntry<'a> {
    /// Its id, the `sid` of its tokens.
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// Whom its tokens are for.
    audience: &'a str,
    /// The client that holds it.
    client_id: &'a str,
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
    source: Option<&'a str>,
    /// What the client called itself, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

impl<'a> From<&'a OwnSessions> for SessionsResponse<'a> {
    fn from(own: &'a OwnSessions) -> Self {
        let entry = |session: &'a Session| SessionEntry {
            id: session.id.to_string(),
            current: session.id == own.current,
            audience: session.audience.as_str(),
            client_id: &session.client_id,
            created_at: moment(session.created_at),
            last_used_at: moment(session.last_used_at),
            ends_at: moment(session.idle_end),
            source: session.source.as_deref(),
            user_agent: session.user_agent.as_deref(),
        };
        Self {
            sessions: own.sessions.iter().map(entry).collect(),
        }
    }
}

fn moment(time: OffsetDateTime) -> String {
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_taken_apart() {
        let refresh = decode_refresh(br#"{"refresh_token":"x","scope":"a b","audience":"orders"}"#).unwrap();
        assert_eq!(refresh.token.expose_secret(), "x");
        assert_eq!(refresh.scope.as_deref(), Some("a b"));
        assert_eq!(refresh.audience.unwrap().as_str(), "orders");
        assert_eq!(
            decode_logout(br#"{"refresh_token":"x"}"#)
                .unwrap()
                .token
                .expose_secret(),
            "x"
        );
        let revoke = decode_revoke(br#"{"token":"x","token_type_hint":"anything"}"#).unwrap();
        assert_eq!(revoke.token.expose_secret(), "x");
    }

    #[test]
    fn malformed_bodies_and_fields_are_refused() {
        for body in ["", "[]", "{}{}", r#"{"refresh_token":"a","refresh_token":"b"}"#] {
            assert!(
                matches!(decode_refresh(body.as_bytes()), Err(DecodeError::Malformed)),
                "{body}"
            );
            assert!(
                matches!(decode_logout(body.as_bytes()), Err(DecodeError::Malformed)),
                "{body}"
            );
        }
        let long = format!(r#"{{"refresh_token":"{}"}}"#, "x".repeat(8193));
        for body in [
            "{}",
            r#"{"refresh_token":""}"#,
            r#"{"refresh_token":1}"#,
            r#"{"refresh_token":null}"#,
            r#"{"refresh_token":"a\u0000"}"#,
            r#"{"refresh_token":"a","scope":""}"#,
            r#"{"refresh_token":"a","scope":" a"}"#,
            r#"{"refresh_token":"a","scope":"a  b"}"#,
            r#"{"refresh_token":"a","scope":"a\"b"}"#,
            r#"{"refresh_token":"a","audience":"a b"}"#,
            r#"{"refresh_token":"a","token":"b"}"#,
            &long,
        ] {
            assert!(
                matches!(decode_refresh(body.as_bytes()), Err(DecodeError::Fields { .. })),
                "{body:.60}"
            );
        }
    }
}
