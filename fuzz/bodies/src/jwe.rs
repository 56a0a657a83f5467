//! Encrypted messages, compact and in the general JSON form.

use std::sync::LazyLock;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::encrypt::RsaDecryptionKey;
use cryptokit::jwe::{Inspection, JweDecrypter, JweError, MAX_RECIPIENTS, MAX_TEXT_LEN, Serialization, inspect};
use cryptokit::keyset::Keyset;
use cryptokit::sign::RsaKeySize;

/// Reads the bytes as a compact message, and as header and ciphertext of one: the first line is the header and the rest
/// the ciphertext, so that the fuzzer need not discover base64 to reach what is inside.
///
/// # Panics
///
/// When a message opens, since whoever wrote the bytes does not know the key; when one fails with anything but the one
/// error; when a form is accepted that `serde_json` reads otherwise.
pub fn jwe_compact(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        does_not_open(text, Serialization::Compact);
    }
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, rest) = data.split_at(end);
    let message = [
        base64url::encode(header),
        base64url::encode(&[1; 256]),
        base64url::encode(&[2; 12]),
        base64url::encode(rest.get(1..).unwrap_or_default()),
        base64url::encode(&[3; 16]),
    ]
    .join(".");
    does_not_open(&message, Serialization::Compact);
}

/// Reads the bytes as a message in the general JSON form, and as the protected header of one.
///
/// # Panics
///
/// As [`jwe_compact`].
pub fn jwe_json(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        does_not_open(text, Serialization::GeneralJson);
    }
    let message = format!(
        r#"{{"protected":"{}","recipients":[{{"header":{{"kid":"{KEY_ID}"}},"encrypted_key":"{}"}}],"iv":"{}","ciphertext":"","tag":"{}"}}"#,
        base64url::encode(data),
        base64url::encode(&[1; 256]),
        base64url::encode(&[2; 12]),
        base64url::encode(&[3; 16]),
    );
    does_not_open(&message, Serialization::GeneralJson);
}

/// The `kid` by which the seeds name the key.
const KEY_ID: &str = "seed";

/// A key that is nowhere written down. `None` where the provider does not decrypt.
static DECRYPTER: LazyLock<Option<JweDecrypter>> = LazyLock::new(|| {
    if !Provider::default().decrypts_oaep() {
        return None;
    }
    let key = RsaDecryptionKey::generate(RsaKeySize::Bits2048).expect("the backend makes a key");
    let keys = Keyset::new("fuzz", key);
    let id = keys.primary().0;
    Some(JweDecrypter::new(keys).also_named(id, KEY_ID))
});

fn does_not_open(message: &str, expected: Serialization) {
    if let Ok(found) = inspect(message) {
        assert!(message.len() <= MAX_TEXT_LEN);
        if found.serialization == expected {
            says_what_serde_json_says(message, &found);
        }
    }
    if let Some(decrypter) = &*DECRYPTER {
        let opened = match expected {
            Serialization::Compact => decrypter.decrypt_compact(message),
            Serialization::GeneralJson => decrypter.decrypt_json(message),
        };
        assert_eq!(opened.err(), Some(JweError::Open), "nobody encrypted it");
    }
}

fn says_what_serde_json_says(message: &str, found: &Inspection) {
    let (protected, recipients) = match found.serialization {
        Serialization::Compact => (message.split('.').next().unwrap_or_default().to_owned(), Vec::new()),
        Serialization::GeneralJson => {
            let value: serde_json::Value = serde_json::from_str(message).expect("JSON, or it would be refused");
            let protected = value["protected"].as_str().expect("a string").to_owned();
            (protected, value["recipients"].as_array().expect("an array").clone())
        }
    };
    let header = base64url::decode(&protected).expect("base64url");
    let header: serde_json::Map<_, _> = serde_json::from_slice(&header).expect("an object");
    assert_eq!(header["enc"], "A256GCM");
    assert_eq!(header.get("typ").and_then(|typ| typ.as_str()), found.typ.as_deref());
    assert_eq!(header.get("cty").and_then(|cty| cty.as_str()), found.cty.as_deref());
    for refused in ["zip", "crit", "epk", "p2c", "jku", "jwk", "x5u"] {
        assert!(!header.contains_key(refused));
        assert!(
            recipients
                .iter()
                .all(|recipient| recipient["header"].get(refused).is_none())
        );
    }
    assert!((1..=MAX_RECIPIENTS).contains(&found.kids.len()));
    if found.serialization == Serialization::Compact {
        assert_eq!(header["alg"], "RSA-OAEP-256");
        assert_eq!(header.get("kid").and_then(|kid| kid.as_str()), found.kids[0].as_deref());
    } else {
        assert_eq!(recipients.len(), found.kids.len());
    }
}
