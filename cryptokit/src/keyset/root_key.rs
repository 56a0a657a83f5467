//! The key that seals keysets.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::entry::{KeyMaterial, KeyStatus};
use super::error::KeysetError;
use super::id::KeyId;
use super::lifecycle::Keyset;
use super::schema::{SCHEMA_VERSION, SealedKeyset, StoredKey, StoredKeyset, Version};
use crate::aead::AeadKey;
use crate::encoding::base64url;
use crate::secret::SecretKey;

/// The key that wraps keysets and does nothing else. It lives outside the database.
pub struct RootKey {
    keyset: Keyset<AeadKey>,
    secret: SecretKey,
}

/// The text form starts with this, so that secret scanners recognise a leaked one.
const ROOT_KEY_PREFIX: &str = "cryptokit-root-key-1:";

/// The text is not a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a root key: one line `{ROOT_KEY_PREFIX}` and 43 characters of base64url are expected")]
pub struct InvalidRootKey;

impl RootKey {
    /// Makes a root key.
    pub fn generate() -> Self {
        Self::from_secret(SecretKey::generate())
    }

    fn from_secret(secret: SecretKey) -> Self {
        // The root key's id says nothing: which root key sealed a set is known from where it is kept.
        let id = KeyId::from_bytes([0; KeyId::LEN]);
        let key = AeadKey::new(SecretKey::from_bytes(*secret.expose_secret()));
        Self {
            keyset: Keyset::with_id("root", id, key),
            secret,
        }
    }

    /// Reads the text form; white space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidRootKey`] when it is anything else.
    pub fn from_text(text: &str) -> Result<Self, InvalidRootKey> {
        let encoded = text.trim().strip_prefix(ROOT_KEY_PREFIX).ok_or(InvalidRootKey)?;
        let bytes = Zeroizing::new(base64url::decode(encoded).map_err(|_| InvalidRootKey)?);
        let mut key: [u8; SecretKey::LEN] = bytes.as_slice().try_into().map_err(|_| InvalidRootKey)?;
        let secret = SecretKey::from_bytes(key);
        key.zeroize();
        Ok(Self::from_secret(secret))
    }

    /// The text form, one line without its end.
    pub fn to_text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(base64url::encode(self.secret.expose_secret()));
        Zeroizing::new(format!("{ROOT_KEY_PREFIX}{}", *encoded))
    }

    /// Seals a keyset as JSON, bound to its name and purpose.
    ///
    /// # Panics
    ///
    /// Never within a process's life: it would take 2³² sealings under one root key.
    pub fn seal<K: KeyMaterial>(&self, keyset: &Keyset<K>) -> String {
        let plain = StoredKeyset {
            keys: keyset
                .entries
                .iter()
                .map(|entry| StoredKey {
                    id: entry.id.to_string(),
                    status: entry.status,
                    algorithm: Some(entry.key.algorithm().to_owned()),
                    material: base64url::encode(entry.key.to_bytes().expose_secret()),
                })
                .collect(),
        };
        let json = Zeroizing::new(serde_json::to_vec(&plain).expect("a keyset is plain data"));
        let sealed = self
            .keyset
            .seal(&json, &Version::current::<K>().binding(&keyset.name))
            .expect("a keyset is far below the message limits");
        serde_json::to_string(&SealedKeyset {
            version: SCHEMA_VERSION,
            name: keyset.name.clone(),
            purpose: K::PURPOSE.to_owned(),
            sealed: base64url::encode(&sealed),
        })
        .expect("a sealed keyset is plain data")
    }

    /// Opens what [`Self::seal`] made, for the expected name and the kind of key asked for.
    ///
    /// # Errors
    ///
    /// [`KeysetError::Version`] for a later schema, [`KeysetError::Open`] for everything else.
    pub fn open<K: KeyMaterial>(&self, name: &str, json: &str) -> Result<Keyset<K>, KeysetError> {
        let outer: SealedKeyset = serde_json::from_str(json).map_err(|_| KeysetError::Open)?;
        let version = Version::of::<K>(outer.version)?;
        let sealed = base64url::decode(&outer.sealed).map_err(|_| KeysetError::Open)?;
        let plain = self
            .keyset
            .open(&sealed, &version.binding(name))
            .map_err(|_| KeysetError::Open)?;
        let stored: StoredKeyset = serde_json::from_slice(plain.expose_secret()).map_err(|_| KeysetError::Open)?;
        let entries = stored
            .keys
            .iter()
            .map(|key| version.read_entry(key))
            .collect::<Result<Vec<_>, _>>()?;
        let primaries = entries
            .iter()
            .filter(|entry| entry.status == KeyStatus::Primary)
            .count();
        if primaries != 1 {
            return Err(KeysetError::Open);
        }
        Ok(Keyset {
            name: name.to_owned(),
            entries,
        })
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Pepper;

    #[test]
    fn a_sealed_keyset_opens_with_its_root_key_name_and_purpose_only() {
        let root = RootKey::generate();
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let id = keyset.add(AeadKey::generate());
        keyset.promote(id).unwrap();
        let json = root.seal(&keyset);

        let opened: Keyset<AeadKey> = root.open("hashes", &json).unwrap();
        assert_eq!(opened.primary().0, id);
        assert_eq!(opened.entries().len(), 2);
        let (original, read) = (keyset.primary().1.to_bytes(), opened.primary().1.to_bytes());
        assert!(original.ct_eq(read.expose_secret()));

        assert_eq!(root.open::<AeadKey>("other", &json).unwrap_err(), KeysetError::Open);
        assert_eq!(root.open::<Pepper>("hashes", &json).unwrap_err(), KeysetError::Open);
        assert_eq!(
            RootKey::generate().open::<AeadKey>("hashes", &json).unwrap_err(),
            KeysetError::Open
        );
    }

    #[test]
    fn renaming_the_outer_members_gains_nothing() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let renamed = json.replace("\"name\":\"a\"", "\"name\":\"b\"");
        assert_ne!(json, renamed);
        assert_eq!(root.open::<AeadKey>("b", &renamed).unwrap_err(), KeysetError::Open);
    }

    /// Sealed by this library when it wrote version 1, under the root key of the bytes 0 to 31.
    const PEPPERS_VERSION_1: &str = concat!(
        r#"{"version":1,"name":"peppers","purpose":"pepper","sealed":""#,
        "AQAAAAAAAAAAQ9GQtET_yrHH8QYp7lOlGGGte5fu0Yi2buoQO-U9zumFY1H-MQSvvnz5k4TDsmrN9W8ttc6tBDYPrMgebrSOULCYOQK-5KuZlKZK",
        "1IYud_nwJC_dUfPNfTm1FQqgBrigcaiOIy3XF2zLbKav2aMbmdeq6pY3ZYbo62aKW7qoNdp0jBT0E3AFKQ1SKoPXjmVdhapsrKi93pGEo7BgWJ2T",
        "SGLorofqjdmBFjJk5emOXB2dJTHZqbbEw09bzNuZ6B7J23NkaUEUuypX3fpUeojD6ez-mazJLuvF9FAi-VJbcxxG_Lg2tlN1oVfeGs7mT0_HKRE",
        r#""}"#
    );
    const HASHES_VERSION_1: &str = concat!(
        r#"{"version":1,"name":"hashes","purpose":"aead-aes-256-gcm","sealed":""#,
        "AQAAAAAAAAAAufBQ8qi4qrqr27dR501IhvDlUDT8Jb5U00G0up5Dt7an-cmPerMtQ4lK2eWkzSJ2CNige-9eGRUp00qUl8k7I4GziXC4XCGlNl5S",
        "tOBO_r7C8765W_HEroLOW6Clhbx--HDSGOrMT1REeAeH78GRRC_wIE_27nTFMQ2q5ZB4k3JHGtRYRbfJx6agl74",
        r#""}"#
    );

    fn root_of_version_1() -> RootKey {
        RootKey::from_text("cryptokit-root-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
    }

    #[test]
    fn keysets_of_version_1_are_opened_and_written_as_the_current_one() {
        let root = root_of_version_1();
        let peppers: Keyset<Pepper> = root.open("peppers", PEPPERS_VERSION_1).unwrap();
        let (id, primary) = peppers.primary();
        assert_eq!(id, KeyId::from_bytes([2; 8]));
        assert!(primary.to_bytes().ct_eq(&[0x22; 32]));
        assert_eq!(peppers.entries()[0].id, KeyId::from_bytes([1; 8]));
        assert_eq!(peppers.entries()[0].status, KeyStatus::Retired);
        assert!(peppers.entries()[0].key.to_bytes().ct_eq(&[0x11; 32]));

        let hashes: Keyset<AeadKey> = root.open("hashes", HASHES_VERSION_1).unwrap();
        assert!(hashes.primary().1.to_bytes().ct_eq(&[0x33; 32]));
        let json = root.seal(&hashes);
        assert!(json.starts_with(r#"{"version":2,"#), "{json}");
        assert!(root.open::<AeadKey>("hashes", &json).is_ok());
    }

    #[test]
    fn version_1_is_no_way_around_name_purpose_or_version() {
        let root = root_of_version_1();
        assert_eq!(
            root.open::<Pepper>("hashes", HASHES_VERSION_1).unwrap_err(),
            KeysetError::Open
        );
        assert_eq!(
            root.open::<Pepper>("other", PEPPERS_VERSION_1).unwrap_err(),
            KeysetError::Open
        );
        let raised = PEPPERS_VERSION_1.replace("\"version\":1", "\"version\":2");
        assert_eq!(root.open::<Pepper>("peppers", &raised).unwrap_err(), KeysetError::Open);
        let lowered = root
            .seal(&Keyset::new("peppers", Pepper::generate()))
            .replace("\"version\":2", "\"version\":1");
        assert_eq!(root.open::<Pepper>("peppers", &lowered).unwrap_err(), KeysetError::Open);
    }

    #[test]
    fn a_later_version_is_named_and_garbage_is_refused() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let later = json.replace("\"version\":2", "\"version\":3");
        assert_eq!(root.open::<AeadKey>("a", &later).unwrap_err(), KeysetError::Version);
        for garbage in ["", "{}", "null", "[]", &json[1..], &json.replace("sealed", "seal")] {
            assert_eq!(
                root.open::<AeadKey>("a", garbage).unwrap_err(),
                KeysetError::Open,
                "{garbage}"
            );
        }
    }

    #[test]
    fn the_sealed_form_shows_no_key() {
        let secret = [0xab; 32];
        let keyset = Keyset::new("a", AeadKey::new(SecretKey::from_bytes(secret)));
        let json = RootKey::generate().seal(&keyset);
        assert!(!json.contains(&base64url::encode(&secret)));
    }

    #[test]
    fn a_root_key_survives_its_text_form_and_nothing_else_is_one() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let text = root.to_text();
        let again = RootKey::from_text(&format!("{}\n", *text)).unwrap();
        assert!(again.open::<AeadKey>("a", &json).is_ok());

        let short = &text[..text.len() - 1];
        for other in ["", "cryptokit-root-key-1:", short, &text[1..], &format!("{}A", *text)] {
            assert_eq!(RootKey::from_text(other).unwrap_err(), InvalidRootKey, "{other:?}");
        }
        assert!(!format!("{root:?}").contains(&text[ROOT_KEY_PREFIX.len()..]));
    }
}
