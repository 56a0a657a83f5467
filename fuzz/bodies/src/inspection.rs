//! Anything that `certgen inspect` is pointed at.

use certgen::inspect::{FingerprintFormat, Inspection};
use certgen::printable::printable_json;
use time::OffsetDateTime;

/// Shows the bytes in every form, and fingerprints them.
///
/// # Panics
///
/// When something is shown that a terminal obeys, that hides, or that turns the order of its neighbours; when the JSON is
/// none; when what is shown whole and is no closed file has no fingerprint.
pub fn inspection(data: &[u8]) {
    let now = OffsetDateTime::UNIX_EPOCH;
    let found = Inspection::of("input", data, None);
    let json = serde_json::Value::Array(found.to_json(now));
    let printed = printable_json(&json);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&printed).ok().as_ref(),
        Some(&json),
        "printing changes nothing"
    );
    for text in [found.to_text(now), found.to_short(now), printed] {
        assert!(!text.is_empty(), "something is always said");
        for character in text.chars() {
            assert!(
                matches!(character, '\n' | ' '..='~' | '…' | '§') || character.is_alphanumeric(),
                "{character:?} in {text:?}"
            );
        }
    }
    match found.fingerprints(FingerprintFormat::Plain, false) {
        Ok(fingerprints) => {
            assert!(found.is_whole() && fingerprints.iter().all(|fingerprint| fingerprint.value.len() == 64));
        }
        Err(refused) => assert!(!refused.reason.chars().any(char::is_control), "{refused:?}"),
    }
}
