//! Keysets at rest: the sealed form, and what is inside a seal.

use cryptokit::aead::{AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::keyset::{KeyId, KeyMaterial, KeyStatus, Keyset, RootKey};
use cryptokit::secret::SecretKey;

const NAME: &str = "hashes";

/// The inside of a keyset: were it not opened, nothing here would be tested.
const ONE_KEY: &str = concat!(
    r#"{"keys":[{"id":"0101010101010101","status":"primary","algorithm":"A256GCM","#,
    r#""material":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]}"#
);

/// Opens the bytes as a sealed keyset, and seals them as the inside of one, of each version, and opens that.
///
/// The seal is made here from its description in `docs/formats.md`, not by the code that is tested.
///
/// # Panics
///
/// When a well-formed keyset is not opened; when a keyset is opened that has not exactly one primary, or an id twice, or that does not survive being sealed and
/// opened again.
pub fn keyset_json(data: &[u8]) {
    let root = RootKey::from_text("cryptokit-root-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        .expect("the text form of the bytes 0 to 31");
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(keyset) = root.open::<AeadKey>(NAME, text)
    {
        keyset_keeps_its_promises(&root, &keyset);
    }
    assert!(
        root.open::<AeadKey>(NAME, &sealed(2, "aead", ONE_KEY.as_bytes()))
            .is_ok()
    );
    for (version, purpose) in [(1, "aead-aes-256-gcm"), (2, "aead")] {
        if let Ok(keyset) = root.open::<AeadKey>(NAME, &sealed(version, purpose, data)) {
            keyset_keeps_its_promises(&root, &keyset);
        }
    }
}

fn sealed(version: u32, purpose: &str, inside: &[u8]) -> String {
    let key = AeadKey::new(SecretKey::from_bytes(std::array::from_fn(|index| index as u8)));
    let bound = AssociatedData::new("cryptokit keyset")
        .with(&version.to_be_bytes())
        .with(purpose.as_bytes())
        .with(NAME.as_bytes());
    let sealed = Keyset::with_id("root", KeyId::from_bytes([0; 8]), key)
        .seal(inside, &bound)
        .expect("an input is short");
    format!(
        r#"{{"version":{version},"name":"{NAME}","purpose":"{purpose}","sealed":"{}"}}"#,
        base64url::encode(&sealed)
    )
}

fn keyset_keeps_its_promises(root: &RootKey, keyset: &Keyset<AeadKey>) {
    let primaries = keyset
        .entries()
        .iter()
        .filter(|entry| entry.status == KeyStatus::Primary);
    assert_eq!(primaries.count(), 1, "exactly one primary");
    let mut ids: Vec<_> = keyset.entries().iter().map(|entry| entry.id).collect();
    ids.extend(keyset.pruned());
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is given once");

    let json = root.seal(keyset).expect("what was opened is sealed");
    let again: Keyset<AeadKey> = root.open(NAME, &json).expect("what was sealed is opened");
    assert_eq!(again.pruned(), keyset.pruned());
    assert_eq!(again.entries().len(), keyset.entries().len());
    for (before, after) in keyset.entries().iter().zip(again.entries()) {
        assert_eq!(
            (before.id, before.status, before.usage_period, before.needed_until),
            (after.id, after.status, after.usage_period, after.needed_until)
        );
        assert_eq!(before.key.algorithm(), after.key.algorithm());
        assert!(before.key.to_bytes().ct_eq(after.key.to_bytes().expose_secret()));
    }
}
