//! The signing keys, as administrators see and change them.

use authsvc_core::audit::Note;
use authsvc_core::domain::ServiceName;
use authsvc_core::service::administration::Change;
use authsvc_core::service::{FeedKeyReport, KeyChange, KeyReport, Patience, SigningKeyEntry};
use cryptokit::jose::JwsAlgorithm;
use serde::Serialize;
use utoipa::ToSchema;

use super::moment;
use crate::key_upkeep::{explain, state};
use crate::transport::http::dto::DecodeError;
use crate::transport::http::json_object::{Fields, Text};

/// `POST /v1/admin/keys`
#[derive(ToSchema)]
pub(in crate::transport::http) struct RotateRequest {
    /// RS256, PS256, ES256 or EdDSA; the configured algorithm if absent.
    #[schema(value_type = Option<String>, max_length = 8)]
    algorithm: Option<JwsAlgorithm>,
    /// Whether it signs at once: services that verify by themselves refuse its tokens until they fetch the keys again.
    now: Option<bool>,
}

/// From a body to a new key. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_rotate(body: &[u8]) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let name = fields.text("algorithm");
    let algorithm = name.as_ref().and_then(|name| JwsAlgorithm::from_name(name.as_str()));
    if name.is_some() && algorithm.is_none() {
        fields.refuse("algorithm", "must be RS256, PS256, ES256 or EdDSA");
    }
    let request = RotateRequest {
        algorithm,
        now: fields.flag("now"),
    };
    fields.done()?;
    Ok(Change::RotateKey {
        algorithm: request.algorithm,
        now: request.now.unwrap_or_default(),
    })
}

/// `POST /v1/admin/keys/{kid}/promote`
#[derive(ToSchema)]
pub(in crate::transport::http) struct PromoteRequest {
    /// Whether not to wait for time or services.
    force: Option<bool>,
}

/// From a body to a promotion. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_promote(body: &[u8], kid: String) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = PromoteRequest {
        force: fields.flag("force"),
    };
    fields.done()?;
    let patience = match request.force {
        Some(true) => Patience::None,
        _ => Patience::Wait,
    };
    Ok(Change::PromoteKey { kid, patience })
}

/// `POST /v1/admin/keys/{kid}/revoke`
#[derive(ToSchema)]
pub(in crate::transport::http) struct RevokeKeyRequest {
    /// Why, for the audit log.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 500)]
    reason: Option<Text>,
}

/// From a body to the end of a key. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_revoke_key(body: &[u8], kid: String) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let reason = fields.text("reason");
    let request = RevokeKeyRequest {
        reason: fields.require("reason", reason),
    };
    if request.reason.as_ref().is_some_and(|reason| !is_reason(reason)) {
        fields.refuse("reason", "must have 1 to 500 bytes");
    }
    fields.done()?;
    let reason = request.reason.ok_or(DecodeError::Malformed)?;
    Ok(Change::RevokeKey {
        kid,
        reason: Note::new(reason.as_str()),
    })
}

/// `POST /v1/admin/feed-keys`
#[derive(ToSchema)]
pub(in crate::transport::http) struct RotateFeedKeyRequest {
    /// Whether it signs at once: services that follow the feed fetch it when they meet it.
    now: Option<bool>,
}

/// From a body to a new key of the feed. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_rotate_feed_key(body: &[u8]) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let request = RotateFeedKeyRequest {
        now: fields.flag("now"),
    };
    fields.done()?;
    let now = request.now.unwrap_or_default();
    Ok(Change::RotateFeedKey { now })
}

/// `POST /v1/admin/feed-keys/revoke`
#[derive(ToSchema)]
pub(in crate::transport::http) struct RevokeFeedKeysRequest {
    /// The kid of one, or its beginning; every key of the feed if absent.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    kid: Option<Text>,
    /// Why, for the audit log.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 500)]
    reason: Option<Text>,
}

/// From a body to the end of keys of the feed. Never panics, whatever the bytes.
///
/// # Errors
///
/// [`DecodeError`].
pub fn decode_revoke_feed_keys(body: &[u8]) -> Result<Change, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let reason = fields.text("reason");
    let request = RevokeFeedKeysRequest {
        kid: fields.text("kid"),
        reason: fields.require("reason", reason),
    };
    if request.kid.as_ref().is_some_and(|kid| !may_be_kid(kid.as_str())) {
        fields.refuse("kid", "must be 1 to 64 characters of base64url");
    }
    if request.reason.as_ref().is_some_and(|reason| !is_reason(reason)) {
        fields.refuse("reason", "must have 1 to 500 bytes");
    }
    fields.done()?;
    let reason = request.reason.ok_or(DecodeError::Malformed)?;
    Ok(Change::RevokeFeedKeys {
        kid: request.kid.map(|kid| kid.as_str().to_owned()),
        reason: Note::new(reason.as_str()),
    })
}

fn is_reason(text: &Text) -> bool {
    (1..=Note::MAX_LEN).contains(&text.as_str().len())
}

/// Base64url, as thumbprints are (RFC 7638), and not longer than one.
pub(in crate::transport::http) fn may_be_kid(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// The signing keys and who has fetched them.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct KeysResponse {
    /// The version of the set.
    version: u64,
    /// Every key.
    keys: Vec<KeyEntry>,
    /// Every service that fetched keys of late.
    consumers: Vec<ConsumerEntry>,
    /// When the published key signs if every service has fetched it (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    promotion_at: Option<String>,
    /// When it signs in any case (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    promotion_at_latest: Option<String>,
    /// When the next key is published (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    rotation_due: Option<String>,
    /// The keys that sign the feed of revocations.
    feed: FeedKeysResponse,
}

/// The keys that sign the feed of revocations.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct FeedKeysResponse {
    /// Every key.
    keys: Vec<KeyEntry>,
    /// When the published key signs (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    promotion_at: Option<String>,
    /// When the next key is published (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    rotation_due: Option<String>,
}

/// A signing key.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct KeyEntry {
    /// Its id in what it signs.
    kid: String,
    /// `signing`, `published`, `retired` or `revoked`.
    state: &'static str,
    /// What it signs with.
    algorithm: &'static str,
    /// From when on it may sign (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    not_before: Option<String>,
    /// Until when (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    not_after: Option<String>,
    /// Until when what it signed may be needed, once it is retired (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    needed_until: Option<String>,
}

/// A service that fetches keys.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct ConsumerEntry {
    /// The service.
    service: String,
    /// When it fetched them last (RFC 3339, UTC).
    #[schema(format = "date-time")]
    fetched_at: String,
    /// Whether it lacks the published key.
    lags: bool,
}

impl KeyEntry {
    fn of_all(keys: &[SigningKeyEntry]) -> Vec<Self> {
        keys.iter()
            .map(|key| Self {
                kid: key.kid.clone(),
                state: state(key.status),
                algorithm: key.algorithm.name(),
                not_before: key.usage_period.not_before().map(moment),
                not_after: key.usage_period.not_after().map(moment),
                needed_until: key.needed_until.map(moment),
            })
            .collect()
    }
}

impl KeysResponse {
    pub(in crate::transport::http) fn new(report: &KeyReport, feed: &FeedKeyReport) -> Self {
        let lags = |name: &ServiceName| report.laggards.iter().any(|laggard| laggard.service == *name);
        Self {
            version: report.version,
            keys: KeyEntry::of_all(&report.keys),
            consumers: report
                .consumers
                .iter()
                .map(|consumer| ConsumerEntry {
                    service: consumer.service.to_string(),
                    fetched_at: moment(consumer.fetched_at),
                    lags: lags(&consumer.service),
                })
                .collect(),
            promotion_at: report.promotion.map(|(at, _)| moment(at)),
            promotion_at_latest: report.promotion.map(|(_, latest)| moment(latest)),
            rotation_due: report.rotation_due.map(moment),
            feed: FeedKeysResponse {
                keys: KeyEntry::of_all(&feed.keys),
                promotion_at: feed.promotion_at.map(moment),
                rotation_due: feed.rotation_due.map(moment),
            },
        }
    }
}

/// What was done with the keys.
#[derive(Serialize, ToSchema)]
pub(in crate::transport::http) struct KeyChangeResponse {
    /// In words.
    what: String,
    /// The keys concerned, the one that was named or made first.
    kids: Vec<String>,
}

impl KeyChangeResponse {
    pub(in crate::transport::http) fn new(change: &KeyChange) -> Self {
        let kids = match change {
            KeyChange::Begun { kid } | KeyChange::Published { kid, .. } => vec![kid.clone()],
            KeyChange::Promoted { kid, retired, .. } | KeyChange::Replaced { kid, retired } => {
                vec![kid.clone(), retired.clone()]
            }
            KeyChange::Revoked { kid, successor } => std::iter::once(kid).chain(successor).cloned().collect(),
            KeyChange::FeedRevoked { kids, successor } => kids.iter().chain([successor]).cloned().collect(),
            KeyChange::Pruned { kids } => kids.clone(),
        };
        Self {
            what: explain(change),
            kids,
        }
    }
}
