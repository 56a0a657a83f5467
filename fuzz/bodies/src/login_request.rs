//! The body of `POST /v1/auth`, and the texts that such a body holds.

use authsvc::transport::http::{DecodeError, decode_login};
use authsvc_core::audit::GivenAddress;
use authsvc_core::domain::{AudienceName, EmailAddress};
use authsvc_core::service::Login;
use cryptokit::encoding::json;
use cryptokit::password::Password;
use serde_json::{Map, Value};

/// Reads the bytes as a login request, as an e-mail address and as an audience.
///
/// # Panics
///
/// When something is accepted that breaks its type's promise or has a second spelling; when a refusal, or a login that
/// is printed, repeats what was sent.
pub fn login_request(data: &[u8]) {
    let decoded = decode_login(data);
    let is_object = matches!(json::parse(data), Ok(json::Value::Object(_)));
    assert_eq!(
        !is_object,
        matches!(decoded, Err(DecodeError::Malformed)),
        "malformed is what is not one strict object"
    );
    if is_object {
        let sent: Map<String, Value> = serde_json::from_slice(data).expect("whatever is strict JSON is JSON");
        match decoded {
            Ok(login) => login_is_what_was_sent(&login, &sent),
            Err(error) => refusal_names_fields_only(&error, &sent),
        }
        nothing_sent_is_shown(&sent);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        email_addresses_have_one_form(text);
        audiences_round_trip(text);
    }
}

const FIELDS: [&str; 6] = ["audience", "binding", "email", "otp", "password", "scope"];

fn login_is_what_was_sent(login: &Login, sent: &Map<String, Value>) {
    assert!(
        sent.iter()
            .all(|(name, value)| FIELDS.contains(&name.as_str()) && value.is_string()),
        "no unknown field, no other type"
    );
    let email = sent["email"].as_str().expect("required");
    assert_eq!(login.email.as_str(), email.to_ascii_lowercase());
    email_addresses_have_one_form(email);

    let password = sent["password"].as_str().expect("required");
    assert!((1..=Password::MAX_LEN).contains(&password.len()));
    assert!(!password.chars().any(char::is_control));
    assert!((1..=Password::MAX_LEN).contains(&login.password.chars()));

    assert_eq!(
        login.otp.is_some(),
        sent.contains_key("otp"),
        "a code is never overlooked"
    );
    let audience = sent.get("audience").and_then(Value::as_str);
    assert_eq!(login.audience.as_ref().map(AudienceName::as_str), audience);
    if let Some(audience) = audience {
        assert!(audience.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fn refusal_names_fields_only(error: &DecodeError, sent: &Map<String, Value>) {
    let DecodeError::Fields { errors, address } = error else {
        panic!("an object is not malformed");
    };
    assert!(!errors.is_empty(), "a refusal says why");
    assert!(
        errors
            .iter()
            .all(|error| FIELDS.contains(&error.field) || error.field == "*")
    );
    // For the record: the address when it is one, else only its length, since people type passwords there.
    let given = sent.get("email").and_then(Value::as_str);
    assert_eq!(*address, given.map(GivenAddress::of));
    if let (Some(GivenAddress::NotAnAddress { len }), Some(given)) = (address, given) {
        assert_eq!(*len, given.len());
    }
}

/// A value that no message contains by chance, and that makes an address or an audience unacceptable by its spaces.
const CANARY: &str = " canary 5fe1a7 ";

/// Decodes the same request with a canary in it: all texts and unknown names first, then the password alone, so that
/// what is printed is sometimes a refusal and sometimes a login.
fn nothing_sent_is_shown(sent: &Map<String, Value>) {
    let everywhere = sent.iter().map(|(name, value)| {
        let name = match FIELDS.contains(&name.as_str()) {
            true => name.clone(),
            false => format!("{name}{CANARY}"),
        };
        (name, with_canary(value))
    });
    canary_is_not_shown(everywhere.collect());

    let mut in_password = sent.clone();
    if let Some(password) = in_password.get_mut("password") {
        *password = with_canary(password);
        canary_is_not_shown(in_password);
    }
}

fn with_canary(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(format!("{text}{CANARY}")),
        other => other.clone(),
    }
}

fn canary_is_not_shown(planted: Map<String, Value>) {
    let body = serde_json::to_vec(&planted).expect("a map is plain data");
    let shown = match decode_login(&body) {
        Ok(login) => format!("{login:?} {login:#?}"),
        Err(error) => format!("{error:?} {error:#?}"),
    };
    assert!(!shown.contains(CANARY.trim()), "shown: {shown}");
}

fn email_addresses_have_one_form(text: &str) {
    let Ok(address) = text.parse::<EmailAddress>() else {
        return;
    };
    let canonical = address.as_str();
    assert!((EmailAddress::MIN_LEN..=EmailAddress::MAX_LEN).contains(&canonical.len()));
    assert!(
        canonical
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()),
        "visible ASCII in lower case"
    );
    assert_eq!(canonical, text.to_ascii_lowercase(), "nothing but case is changed");
    assert_eq!(canonical.matches('@').count(), 1);
    assert!((1..=EmailAddress::MAX_LOCAL_LEN).contains(&address.local_part().len()));
    assert_eq!(address.to_string(), canonical);
    for spelling in [canonical.to_owned(), canonical.to_ascii_uppercase()] {
        assert_eq!(spelling.parse().as_ref(), Ok(&address), "spellings of one account");
    }
}

fn audiences_round_trip(text: &str) {
    if let Ok(audience) = text.parse::<AudienceName>() {
        assert_eq!(audience.as_str(), text);
        assert!((1..=AudienceName::MAX_LEN).contains(&text.len()));
    }
}
