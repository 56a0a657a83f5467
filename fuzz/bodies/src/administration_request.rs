//! The bodies of `/v1/admin`.

use std::time::Duration;

use authsvc::transport::http::{DecodeError, admin_requests as read};
use authsvc_core::domain::{ServiceName, UserId};
use authsvc_core::service::administration::{Change, Question};
use serde_json::{Map, Value};

const USER: &str = "00000000-0000-4000-8000-000000000000";

/// Reads the bytes as each request of an administrator.
///
/// # Panics
///
/// When a number or a list is accepted outside its bounds, an unknown field is accepted, or a refusal names a field that
/// was not asked for.
pub fn administration_request(data: &[u8]) {
    let user: UserId = USER.parse().expect("an id");
    let name: ServiceName = "orders".parse().expect("a name");
    let sent: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    for (decoded, fields) in [
        (read::decode_user_search(data), &["email", "after", "limit"][..]),
        (read::decode_session_search(data), &["after", "limit"][..]),
        (
            read::decode_audit_search(data),
            &[
                "id", "account", "source", "reason", "event", "since", "until", "after", "limit",
            ][..],
        ),
        (read::decode_audit_top(data), &["since", "count"][..]),
    ] {
        if let Some(question) = checked(decoded, &sent, fields) {
            pages_are_bounded(&question);
        }
    }
    let identity = ["san", "issuer_spki_sha256"];
    for (decoded, fields) in [
        (
            read::decode_new_user(data),
            &["email", "roles", "scopes", "expires_in"][..],
        ),
        (read::decode_grants(data, user, None), &["roles", "scopes"][..]),
        (read::decode_reset_link(data, user), &["expires_in"][..]),
        (read::decode_revocation(data), &["jti", "user_id", "issued_before"][..]),
        (
            read::decode_new_service(data),
            &["name", "san", "issuer_spki_sha256", "audiences", "scopes", "admin"][..],
        ),
        (read::decode_add_identity(data, name.clone()), &identity[..]),
        (read::decode_remove_identity(data, name), &identity[..]),
        (read::decode_rotate(data), &["algorithm", "now"][..]),
        (read::decode_promote(data, "kid".to_owned()), &["force"][..]),
        (read::decode_revoke_key(data, "kid".to_owned()), &["reason"][..]),
        (read::decode_rotate_feed_key(data), &["now"][..]),
        (read::decode_revoke_feed_keys(data), &["kid", "reason"][..]),
    ] {
        if let Some(change) = checked(decoded, &sent, fields) {
            changes_are_bounded(&change);
        }
    }
}

fn checked<T>(decoded: Result<T, DecodeError>, sent: &Map<String, Value>, fields: &[&str]) -> Option<T> {
    match decoded {
        Ok(decoded) => {
            assert!(
                sent.keys().all(|name| fields.contains(&name.as_str())),
                "no unknown field"
            );
            Some(decoded)
        }
        Err(DecodeError::Fields { errors, .. }) => {
            assert!(!errors.is_empty());
            let known = |field: &str| fields.contains(&field) || field == "*";
            assert!(errors.iter().all(|error| known(error.field)));
            None
        }
        Err(DecodeError::Malformed) => None,
    }
}

fn pages_are_bounded(question: &Question) {
    let (Question::Users { size, .. }
    | Question::Sessions { size, .. }
    | Question::Audit { size, .. }
    | Question::AuditTop { count: size, .. }) = question
    else {
        return;
    };
    assert!((1..=500).contains(&size.get()));
}

fn changes_are_bounded(change: &Change) {
    match change {
        Change::AddUser {
            password, grants, link, ..
        } => {
            assert!(password.is_none() && grants.roles.len() <= 64 && grants.scopes.len() <= 64);
            link.iter().for_each(link_is_bounded);
        }
        Change::MakeResetLink { lifetime, .. } => link_is_bounded(lifetime),
        Change::RevokeToken { jti } => assert!((1..=128).contains(&jti.len())),
        Change::AddService(service) => assert!(service.audiences.len() <= 64 && service.scopes.len() <= 64),
        Change::RevokeKey { reason, .. } => assert!((1..=500).contains(&reason.as_str().len())),
        Change::RevokeFeedKeys { kid, reason } => {
            assert!((1..=500).contains(&reason.as_str().len()));
            assert!(kid.iter().all(|kid| (1..=64).contains(&kid.len())));
        }
        _ => {}
    }
    assert!(!change.name().is_empty());
}

fn link_is_bounded(lifetime: &Duration) {
    assert!((60..=604_800).contains(&lifetime.as_secs()));
}
