//! The bodies of `POST /v1/me/otp` and its neighbours, and the codes that such bodies hold.

use authsvc::transport::http::{DecodeError, decode_begin_otp, decode_confirm_otp, decode_disable_otp};
use authsvc_core::domain::{OneTimePassword, RecoveryCode};
use serde_json::{Map, Value};

use crate::shown::is_shown;

/// Reads the bytes as each request about a second factor, and as a code.
///
/// # Panics
///
/// When a code is accepted in a second spelling that is not one of those intended, a field of another kind is accepted,
/// or a refusal or a request that is printed repeats what was sent.
pub fn second_factor_request(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        codes_have_their_form(text);
    }
    let sent: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    // Shorter ones are in any text by chance.
    if sent
        .get("otp")
        .and_then(Value::as_str)
        .is_some_and(|otp| otp.len() >= 6)
    {
        assert!(!is_shown(&sent, "otp", |request| format!(
            "{:?}",
            decode_begin_otp(request)
        )));
        assert!(!is_shown(&sent, "otp", |request| format!(
            "{:?}",
            decode_confirm_otp(request)
        )));
        assert!(!is_shown(&sent, "otp", |request| format!(
            "{:?}",
            decode_disable_otp(request)
        )));
    }
    accepted_is_what_was_sent(decode_begin_otp(data), &sent, &["password", "qr"], &["password"]);
    accepted_is_what_was_sent(decode_confirm_otp(data), &sent, &["otp"], &["otp"]);
    accepted_is_what_was_sent(
        decode_disable_otp(data),
        &sent,
        &["otp", "password"],
        &["otp", "password"],
    );
}

fn accepted_is_what_was_sent<T>(
    decoded: Result<T, DecodeError>,
    sent: &Map<String, Value>,
    fields: &[&str],
    required: &[&str],
) {
    match decoded {
        Ok(_) => {
            assert!(
                sent.keys().all(|name| fields.contains(&name.as_str())),
                "no unknown field"
            );
            assert!(required.iter().all(|name| sent[*name].is_string()));
            if fields.contains(&"otp") {
                let otp = sent["otp"].as_str().expect("required");
                assert!(OneTimePassword::parse(otp).is_ok());
            }
            assert!(
                sent.get("qr")
                    .is_none_or(|kind| kind == "svg" || !fields.contains(&"qr"))
            );
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

fn codes_have_their_form(text: &str) {
    match OneTimePassword::parse(text) {
        Ok(OneTimePassword::Code(code)) => {
            assert_eq!(code.expose_secret(), text, "one spelling");
            assert!(text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()));
        }
        Ok(OneTimePassword::Recovery(code)) => {
            let shown = code.to_text();
            let undashed = |text: &str| text.replace('-', "").to_ascii_uppercase();
            assert_eq!(
                undashed(shown.expose_secret()),
                undashed(text),
                "nothing but case and dashes"
            );
            assert!([16, 19].contains(&text.len()) && text.is_ascii());
            let again = RecoveryCode::parse(shown.expose_secret()).expect("what is shown is read");
            assert!(again.digest().ct_eq(code.digest().expose_secret()));
        }
        Err(_) => assert!(text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit())),
    }
}
