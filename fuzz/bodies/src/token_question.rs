//! The body of `POST /v1/validate-token`, and the texts that such a body holds.

use authsvc::transport::http::{DecodeError, decode_validate_token};
use authsvc_core::domain::{CertificateThumbprint, Scopes};
use serde_json::{Map, Value};

use crate::shown::is_shown;

const FIELDS: [&str; 4] = ["client_certificate_sha256", "required_binding", "scope", "token"];

/// Reads the bytes as a question about a token, as a certificate's digest and as scopes.
///
/// # Panics
///
/// When a field is overlooked or made up, a digest or a set of scopes is accepted that breaks its type's promise, or the
/// token is shown.
pub fn token_question(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        texts_keep_their_form(text);
    }
    let sent: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    // Shorter ones are in any text by chance.
    if sent
        .get("token")
        .and_then(Value::as_str)
        .is_some_and(|token| token.len() >= 24)
    {
        assert!(!is_shown(&sent, "token", |request| format!(
            "{:?}",
            decode_validate_token(request)
        )));
    }
    match decode_validate_token(data) {
        Ok(question) => {
            assert!(
                sent.iter()
                    .all(|(name, value)| FIELDS.contains(&name.as_str()) && value.is_string()),
                "no unknown field, no other type"
            );
            assert_eq!(sent["token"].as_str(), Some(question.token.expose_secret()));
            assert_eq!(question.binding_required, sent.contains_key("required_binding"));
            assert_eq!(
                question.client_certificate.is_some(),
                sent.contains_key("client_certificate_sha256"),
                "a digest is never overlooked"
            );
            match sent.get("scope").and_then(Value::as_str) {
                None => assert!(question.required_scopes.is_empty()),
                Some(asked) => {
                    let required = question.required_scopes.to_string();
                    let mut names: Vec<&str> = asked.split(' ').collect();
                    names.sort_unstable();
                    names.dedup();
                    assert_eq!(
                        required.split(' ').collect::<Vec<_>>(),
                        names,
                        "all that was asked, and no more"
                    );
                }
            }
        }
        Err(DecodeError::Fields { errors, .. }) => assert!(
            !errors.is_empty()
                && errors
                    .iter()
                    .all(|error| FIELDS.contains(&error.field) || error.field == "*")
        ),
        Err(DecodeError::Malformed) => {}
    }
}

fn texts_keep_their_form(text: &str) {
    if text.parse::<CertificateThumbprint>().is_ok() {
        assert!(
            text.len() == 43 && text.is_ascii(),
            "32 bytes in base64url, no other form"
        );
    }
    if let Ok(scopes) = text.parse::<Scopes>() {
        let shown = scopes.to_string();
        assert_eq!(shown.parse::<Scopes>().as_ref(), Ok(&scopes), "what is written is read");
        assert!(
            shown.len() <= text.len(),
            "repetitions count once, and nothing is added"
        );
    }
}
