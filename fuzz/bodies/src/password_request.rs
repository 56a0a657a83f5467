//! The bodies of `POST /v1/me/password` and `POST /v1/password-reset`.

use authsvc::transport::http::{DecodeError, decode_change_password, decode_set_password};
use serde_json::{Map, Value};

/// Reads the bytes as each of the two.
///
/// # Panics
///
/// When a field is overlooked or of another kind, or when a request or a refusal that is printed repeats what was sent.
pub fn password_request(data: &[u8]) {
    let sent: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    accepted_is_what_was_sent(decode_change_password(data), &sent, &["new_password", "password"]);
    accepted_is_what_was_sent(decode_set_password(data), &sent, &["new_password", "token"]);
    if let Ok(request) = decode_set_password(data) {
        assert_eq!(sent["token"].as_str(), Some(request.token.expose_secret()));
        // In bytes, as every limit is.
        assert_eq!(request.token.expose_secret().len(), 43);
    }
}

fn accepted_is_what_was_sent<T: std::fmt::Debug>(
    decoded: Result<T, DecodeError>,
    sent: &Map<String, Value>,
    fields: &[&str],
) {
    let shown = format!("{decoded:?}");
    for secret in sent.values().filter_map(Value::as_str) {
        // Shorter ones are in any text by chance.
        assert!(secret.len() < 16 || !shown.contains(secret), "shown: {shown}");
    }
    match decoded {
        Ok(_) => {
            assert!(
                sent.keys().all(|name| fields.contains(&name.as_str())),
                "no unknown field"
            );
            for name in fields {
                let text = sent[*name].as_str().expect("required, and a text");
                assert!((1..=1024).contains(&text.len()) && !text.chars().any(char::is_control));
            }
        }
        Err(DecodeError::Fields { errors, .. }) => assert!(
            !errors.is_empty()
                && errors
                    .iter()
                    .all(|error| fields.contains(&error.field) || error.field == "*")
        ),
        Err(DecodeError::Malformed) => {}
    }
}
