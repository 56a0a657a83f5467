//! The bodies of `POST /v1/refresh`, `/v1/logout` and `/v1/revoke`, and the refresh tokens that such bodies hold.

use authsvc::transport::http::{DecodeError, decode_logout, decode_refresh, decode_revoke};
use authsvc_core::domain::{AudienceName, RefreshToken};
use cryptokit::secret::SecretString;
use serde_json::{Map, Value};

/// Shorter texts are in any message by chance.
const TELLING: usize = 16;

/// Reads the bytes as each request about a session, and as a refresh token.
///
/// # Panics
///
/// When a refresh token has a second spelling, a field is accepted that is unknown, of another type or changed on the way,
/// or a refusal or a request that is printed repeats a token.
pub fn session_request(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        refresh_tokens_have_one_spelling(text);
    }
    let sent: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    let refresh = decode_refresh(data);
    let token = refresh.as_ref().ok().map(|refresh| &refresh.token);
    check(&refresh, token, &sent, &["refresh_token", "scope", "audience"]);
    if let Ok(refresh) = &refresh {
        let said = |name: &str| sent.get(name).and_then(Value::as_str);
        assert_eq!(refresh.scope.as_deref(), said("scope"));
        assert_eq!(refresh.audience.as_ref().map(AudienceName::as_str), said("audience"));
    }
    let logout = decode_logout(data);
    let token = logout.as_ref().ok().map(|logout| &logout.token);
    check(&logout, token, &sent, &["refresh_token"]);
    let revoke = decode_revoke(data);
    let token = revoke.as_ref().ok().map(|revoke| &revoke.token);
    check(&revoke, token, &sent, &["token", "token_type_hint"]);
}

/// The first of `fields` is the token.
fn check<T: std::fmt::Debug>(
    decoded: &Result<T, DecodeError>,
    token: Option<&SecretString>,
    sent: &Map<String, Value>,
    fields: &[&str],
) {
    let given = sent.get(fields[0]).and_then(Value::as_str);
    match decoded {
        Ok(_) => {
            assert!(
                sent.iter()
                    .all(|(name, value)| fields.contains(&name.as_str()) && value.is_string()),
                "no unknown field, no other type"
            );
            assert_eq!(
                token.map(SecretString::expose_secret),
                given,
                "the token as it was sent"
            );
            assert!(given.is_some_and(|given| !given.chars().any(char::is_control)));
        }
        Err(DecodeError::Fields { errors, address }) => {
            assert!(address.is_none() && !errors.is_empty());
            assert!(
                errors
                    .iter()
                    .all(|error| fields.contains(&error.field) || error.field == "*")
            );
        }
        Err(DecodeError::Malformed) => {}
    }
    let said_elsewhere = |given: &str| {
        let others = sent.iter().filter(|(name, _)| *name != fields[0]);
        others
            .filter_map(|(_, value)| value.as_str())
            .any(|text| text.contains(given))
    };
    if let Some(given) = given.filter(|given| given.len() >= TELLING && !said_elsewhere(given)) {
        let shown = format!("{decoded:?} {decoded:#?}");
        assert!(!shown.contains(given), "shown: {shown}");
    }
}

fn refresh_tokens_have_one_spelling(text: &str) {
    if let Some(token) = RefreshToken::parse(text) {
        assert_eq!(token.to_text().expose_secret(), text);
        let again = RefreshToken::parse(token.to_text().expose_secret()).expect("what is given out is taken");
        assert_eq!((again.family(), again.digest()), (token.family(), token.digest()));
    }
}
