//! The key that seals keysets.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::entry::KeyMaterial;
use super::error::KeysetError;
use super::id::KeyId;
use super::lifecycle::Keyset;
use super::schema::{self, MAX_SEALED_BYTES, SCHEMA_VERSION, SealedKeyset, Version};
use crate::aead::{AeadError, AeadKey};
use crate::encoding::base64url;
use crate::secret::{SecretBytes, SecretKey};

/// The key that wraps keysets and does nothing else. It lives outside the database.
pub struct RootKey {
    keyset: Keyset<AeadKey>,
    secret: SecretKey,
}

/// The text form starts with this, so that secret scanners recognise a leaked one.
const ROOT_KEY_PREFIX: &str = "cryptokit-root-key-1:";

/// Far more than the line and the white space around it.
const MAX_TEXT_BYTES: usize = 1024;

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
        if text.len() > MAX_TEXT_BYTES {
            return Err(InvalidRootKey);
        }
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
    /// # Errors
    ///
    /// [`KeysetError::TooLarge`] for a set that [`Self::open`] would not read again; [`KeysetError::RootKeyExhausted`]
    /// after 2³² sealings by one process.
    ///
    /// # Panics
    ///
    /// Never: a sealed keyset is plain data.
    pub fn seal<K: KeyMaterial>(&self, keyset: &Keyset<K>) -> Result<String, KeysetError> {
        let json = schema::write(keyset);
        let sealed = self
            .keyset
            .seal(&json, &Version::current::<K>().binding(&keyset.name))
            .map_err(|error| match error {
                AeadError::KeyExhausted => KeysetError::RootKeyExhausted,
                _ => KeysetError::TooLarge,
            })?;
        let json = serde_json::to_string(&SealedKeyset {
            version: SCHEMA_VERSION,
            name: keyset.name.clone(),
            purpose: K::PURPOSE.to_owned(),
            sealed: base64url::encode(&sealed),
        })
        .expect("a sealed keyset is plain data");
        if json.len() > MAX_SEALED_BYTES {
            return Err(KeysetError::TooLarge);
        }
        Ok(json)
    }

    /// Opens what [`Self::seal`] made, for the expected name and the kind of key asked for. Costs loading every key:
    /// some 0.1 ms for an RSA key.
    ///
    /// # Errors
    ///
    /// [`KeysetError::Version`] for a later schema, [`KeysetError::TooLarge`], [`KeysetError::Open`] for everything
    /// else.
    pub fn open<K: KeyMaterial>(&self, name: &str, json: &str) -> Result<Keyset<K>, KeysetError> {
        if json.len() > MAX_SEALED_BYTES {
            return Err(KeysetError::TooLarge);
        }
        let outer: SealedKeyset = schema::strict_json(json.as_bytes())?;
        let version = Version::of::<K>(outer.version)?;
        let sealed = base64url::decode(&outer.sealed).map_err(|_| KeysetError::Open)?;
        let plain = self
            .keyset
            .open(&sealed, &version.binding(name))
            .map_err(|_| KeysetError::Open)?;
        version.read(name, plain.expose_secret())
    }

    /// Opens with this root key and seals with `new`, when the root key is changed. A keyset of an older version comes
    /// out in the current one.
    ///
    /// # Errors
    ///
    /// As [`Self::open`] and [`Self::seal`].
    pub fn rewrap<K: KeyMaterial>(&self, name: &str, json: &str, new: &Self) -> Result<String, KeysetError> {
        new.seal(&self.open::<K>(name, json)?)
    }

    /// As [`Self::rewrap`] for a keyset of a kind that the caller does not know, under `new_name` from here on. The
    /// kind is what the sealed form says and was sealed for; what is inside is carried over unread, in its version.
    ///
    /// # Errors
    ///
    /// [`KeysetError::Open`] when this root key does not open it under `name`; [`KeysetError::Version`],
    /// [`KeysetError::TooLarge`] and [`KeysetError::RootKeyExhausted`].
    ///
    /// # Panics
    ///
    /// Never: a sealed keyset is plain data.
    pub fn rewrap_any(&self, name: &str, json: &str, new: &Self, new_name: &str) -> Result<String, KeysetError> {
        let (outer, plain) = self.open_any(name, json)?;
        let bound = schema::binding(outer.version, &outer.purpose, new_name);
        let sealed = new
            .keyset
            .seal(plain.expose_secret(), &bound)
            .map_err(|error| match error {
                AeadError::KeyExhausted => KeysetError::RootKeyExhausted,
                _ => KeysetError::TooLarge,
            })?;
        let json = serde_json::to_string(&SealedKeyset {
            name: new_name.to_owned(),
            sealed: base64url::encode(&sealed),
            ..outer
        })
        .expect("a sealed keyset is plain data");
        if json.len() > MAX_SEALED_BYTES {
            return Err(KeysetError::TooLarge);
        }
        Ok(json)
    }

    /// Whether this root key sealed that keyset, of whatever kind, under that name.
    pub fn has_sealed(&self, name: &str, json: &str) -> bool {
        self.open_any(name, json).is_ok()
    }

    fn open_any(&self, name: &str, json: &str) -> Result<(SealedKeyset, SecretBytes), KeysetError> {
        if json.len() > MAX_SEALED_BYTES {
            return Err(KeysetError::TooLarge);
        }
        let outer: SealedKeyset = schema::strict_json(json.as_bytes())?;
        if outer.version > SCHEMA_VERSION {
            return Err(KeysetError::Version);
        }
        let sealed = base64url::decode(&outer.sealed).map_err(|_| KeysetError::Open)?;
        let bound = schema::binding(outer.version, &outer.purpose, name);
        let plain = self.keyset.open(&sealed, &bound).map_err(|_| KeysetError::Open)?;
        Ok((outer, plain))
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
    use crate::keyset::KeyStatus;
    use crate::password::Pepper;

    #[test]
    fn a_sealed_keyset_opens_with_its_root_key_name_and_purpose_only() {
        let root = RootKey::generate();
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let id = keyset.add(AeadKey::generate());
        keyset.promote(id).unwrap();
        let json = root.seal(&keyset).unwrap();

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
    fn a_renamed_keyset_opens_under_its_new_name_only() {
        let root = RootKey::generate();
        let mut keyset = Keyset::new("tokens#1", AeadKey::generate());
        keyset.rename("tokens#2");
        let json = root.seal(&keyset).unwrap();
        assert_eq!(root.open::<AeadKey>("tokens#2", &json).unwrap().name(), "tokens#2");
        assert_eq!(root.open::<AeadKey>("tokens#1", &json).unwrap_err(), KeysetError::Open);
    }

    #[test]
    fn renaming_the_outer_members_gains_nothing() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate())).unwrap();
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
        let json = root.seal(&hashes).unwrap();
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
            .unwrap()
            .replace("\"version\":2", "\"version\":1");
        assert_eq!(root.open::<Pepper>("peppers", &lowered).unwrap_err(), KeysetError::Open);
    }

    #[test]
    fn a_later_version_is_named_and_garbage_is_refused() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate())).unwrap();
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
    fn a_keyset_of_any_kind_and_version_moves_to_another_root_key_and_name() {
        let (old, new) = (root_of_version_1(), RootKey::generate());
        let tokens = old.seal(&Keyset::new("a", AeadKey::generate())).unwrap();
        let moved = old.rewrap_any("a", &tokens, &new, "a#1").unwrap();
        assert!(new.open::<AeadKey>("a#1", &moved).is_ok() && new.has_sealed("a#1", &moved));
        assert!(!old.has_sealed("a#1", &moved) && !new.has_sealed("a", &moved));
        assert_eq!(new.open::<Pepper>("a#1", &moved).unwrap_err(), KeysetError::Open);

        let moved = old.rewrap_any("peppers", PEPPERS_VERSION_1, &new, "peppers").unwrap();
        let peppers: Keyset<Pepper> = new.open("peppers", &moved).unwrap();
        assert_eq!(peppers.primary().0, KeyId::from_bytes([2; 8]));

        let other_kind = tokens.replace(r#""purpose":"aead""#, r#""purpose":"pepper""#);
        assert_ne!(other_kind, tokens);
        let refused = |name, json: &str| old.rewrap_any(name, json, &new, "b").unwrap_err();
        assert_eq!(refused("a", &other_kind), KeysetError::Open);
        assert_eq!(refused("b", &tokens), KeysetError::Open);
        assert_eq!(
            refused("a", &tokens.replace("\"version\":2", "\"version\":1")),
            KeysetError::Open
        );
        assert_eq!(
            refused("a", &tokens.replace("\"version\":2", "\"version\":3")),
            KeysetError::Version
        );
        assert_eq!(refused("a", "{}"), KeysetError::Open);
    }

    #[test]
    fn the_sealed_form_shows_no_key() {
        let secret = [0xab; 32];
        let keyset = Keyset::new("a", AeadKey::new(SecretKey::from_bytes(secret)));
        let json = RootKey::generate().seal(&keyset).unwrap();
        assert!(!json.contains(&base64url::encode(&secret)));
    }

    #[test]
    fn a_root_key_survives_its_text_form_and_nothing_else_is_one() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate())).unwrap();
        let text = root.to_text();
        let again = RootKey::from_text(&format!("{}\n", *text)).unwrap();
        assert!(again.open::<AeadKey>("a", &json).is_ok());

        let short = &text[..text.len() - 1];
        for other in ["", "cryptokit-root-key-1:", short, &text[1..], &format!("{}A", *text)] {
            assert_eq!(RootKey::from_text(other).unwrap_err(), InvalidRootKey, "{other:?}");
        }
        assert!(!format!("{root:?}").contains(&text[ROOT_KEY_PREFIX.len()..]));
    }

    /// Seals any text as if it were the inside of a keyset named `a`.
    fn sealed<K: KeyMaterial>(root: &RootKey, version: u32, inside: &str) -> String {
        let bound = Version::of::<K>(version).unwrap().binding("a");
        let sealed = base64url::encode(&root.keyset.seal(inside.as_bytes(), &bound).unwrap());
        format!(
            r#"{{"version":{version},"name":"a","purpose":"{}","sealed":"{sealed}"}}"#,
            K::PURPOSE
        )
    }

    /// A key with the given members behind its id, status and algorithm.
    fn key(id: u8, status: &str, more: &str) -> String {
        let material = base64url::encode(&[id; 32]);
        format!(r#"{{"id":"{id:016x}","status":"{status}","algorithm":"A256GCM"{more},"material":"{material}"}}"#)
    }

    #[test]
    fn what_is_no_keyset_is_refused_although_it_was_sealed() {
        let root = RootKey::generate();
        let primary = key(1, "primary", "");
        let keys = |keys: &[&str]| format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        let good = keys(&[&primary, &key(2, "retired", r#","needed_until":1900000000"#)]);
        let with_pruned = good.replace("]}", r#"],"pruned":["0000000000000003"]}"#);
        for inside in [&good, &with_pruned] {
            let json = sealed::<AeadKey>(&root, 2, inside);
            let again = root.seal(&root.open::<AeadKey>("a", &json).unwrap()).unwrap();
            let plain = |json: &str| {
                let outer: SealedKeyset = serde_json::from_str(json).unwrap();
                let bound = Version::current::<AeadKey>().binding("a");
                let sealed = base64url::decode(&outer.sealed).unwrap();
                root.keyset.open(&sealed, &bound).unwrap().expose_secret().to_vec()
            };
            assert_eq!(plain(&again), inside.as_bytes(), "what is read is written alike");
        }

        for inside in [
            "",
            "null",
            "[]",
            "[[]]",
            "{}",
            r#"{"keys":[]}"#,
            &keys(&[&key(1, "active", "")]),
            &keys(&[&primary, &key(2, "primary", "")]),
            &keys(&[&primary, &primary]),
            &keys(&[&primary, &key(1, "active", "")]),
            &keys(&[&key(1, "Primary", "")]),
            &keys(&[&key(1, "destroyed", "")]),
            &keys(&[&key(1, "primary", r#","note":"x""#)]),
            &keys(&[&key(1, "primary", r#","status":"primary""#)]),
            &keys(&[&key(1, "primary", r#","needed_until":1900000000"#)]),
            &keys(&[&key(1, "primary", r#","not_before":2,"not_after":1"#)]),
            &keys(&[&key(1, "primary", r#","not_before":-1"#)]),
            &keys(&[&key(1, "primary", r#","not_before":1.5"#)]),
            &keys(&[&key(1, "primary", r#","not_before":"2030-01-01T00:00:00Z""#)]),
            &keys(&[&key(1, "primary", r#","not_after":253402300800"#)]),
            &keys(&[&primary.replace("A256GCM", "A128GCM")]),
            &keys(&[&primary.replace(r#""algorithm":"A256GCM","#, "")]),
            &keys(&[&primary.replace("0000000000000001", "000000000000000A")]),
            &keys(&[&primary.replace("0000000000000001", "1")]),
            &keys(&[&primary.replace("AQEBAQ", "AQEB")]),
            &keys(&[&primary.replace("AQEBAQ", "AQEB==")]),
            &format!("{good} x"),
            &good.replace("]}", r#"],"pruned":["0000000000000002"]}"#),
            &good.replace("]}", r#"],"pruned":["0000000000000003","0000000000000003"]}"#),
            &good.replace("]}", r#"],"pruned":[3]}"#),
            &good.replace("]}", r#"],"keys":[]}"#),
            &good.replace("]}", r#"],"comment":""}"#),
            &keys(&[&format!(
                r#"["0000000000000001","primary","A256GCM","{}"]"#,
                base64url::encode(&[1; 32])
            )]),
        ] {
            let json = sealed::<AeadKey>(&root, 2, inside);
            assert_eq!(
                root.open::<AeadKey>("a", &json).unwrap_err(),
                KeysetError::Open,
                "{inside}"
            );
        }
    }

    #[test]
    fn version_1_has_none_of_the_later_members() {
        let root = RootKey::generate();
        let open = |inside: &str| root.open::<AeadKey>("a", &sealed::<AeadKey>(&root, 1, inside));
        let good = format!(
            r#"{{"keys":[{}]}}"#,
            key(1, "primary", "").replace(r#""algorithm":"A256GCM","#, "")
        );
        assert!(open(&good).is_ok());
        for later in [
            good.replace(r#","material""#, r#","algorithm":"A256GCM","material""#),
            good.replace(r#","material""#, r#","not_before":1,"material""#),
            good.replace(r#","material""#, r#","not_after":1,"material""#),
            good.replace("primary", "retired")
                .replace(r#","material""#, r#","needed_until":1,"material""#),
            good.replace("]}", r#"],"pruned":["0000000000000003"]}"#),
        ] {
            assert_ne!(later, good);
            assert_eq!(open(&later).unwrap_err(), KeysetError::Open, "{later}");
        }
    }

    #[test]
    fn the_outer_object_is_strict_and_bounded() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate())).unwrap();
        let open = |json: &str| root.open::<AeadKey>("a", json).map(|_| ());
        assert_eq!(open(&format!(" {json}\n")), Ok(()));
        for altered in [
            json.replace('{', r#"{"note":"","#),
            json.replace('{', r#"{"version":2,"#),
            json.replace('{', r#"{"sealed":"","#),
            json.replace("\"version\":2", "\"version\":\"2\""),
            json.replace("\"version\":2", "\"version\":2.0"),
            json.replace("\"version\":2", "\"version\":0"),
            json.replace("\"version\":2,", ""),
            format!("{json}{json}"),
            format!("[{json}]"),
            json.replace("\"}", "=\"}"),
            format!(
                r#"{{"version":2,"name":"a","purpose":"aead","sealed":"{}"}}"#,
                "A".repeat(10_000)
            ),
        ] {
            assert_eq!(open(&altered), Err(KeysetError::Open), "{altered:.200}");
        }
        for later in ["3", "4294967295"] {
            let later = json.replace("\"version\":2", &format!("\"version\":{later}"));
            assert_eq!(open(&later), Err(KeysetError::Version));
        }
        let padded = |len: usize| format!("{}{json}", " ".repeat(len - json.len()));
        assert_eq!(open(&padded(MAX_SEALED_BYTES)), Ok(()));
        assert_eq!(open(&padded(MAX_SEALED_BYTES + 1)), Err(KeysetError::TooLarge));
    }

    #[test]
    fn a_set_too_large_to_be_opened_again_is_not_sealed() {
        let root = RootKey::generate();
        let mut keyset = Keyset::new("a", Pepper::generate());
        while keyset.entries().len() < 4_000 {
            keyset.add(Pepper::generate());
        }
        let json = root.seal(&keyset).unwrap();
        assert_eq!(root.open::<Pepper>("a", &json).unwrap().entries().len(), 4_000);
        while keyset.entries().len() < 8_000 {
            keyset.add(Pepper::generate());
        }
        assert_eq!(root.seal(&keyset), Err(KeysetError::TooLarge));
    }

    #[test]
    fn rewrapping_changes_the_root_key_and_nothing_else() {
        let (old, new) = (root_of_version_1(), RootKey::generate());
        let json = old.rewrap::<Pepper>("peppers", PEPPERS_VERSION_1, &new).unwrap();
        let moved: Keyset<Pepper> = new.open("peppers", &json).unwrap();
        let before: Keyset<Pepper> = old.open("peppers", PEPPERS_VERSION_1).unwrap();
        for (before, after) in before.entries().iter().zip(moved.entries()) {
            assert_eq!((before.id, before.status), (after.id, after.status));
            assert!(before.key.to_bytes().ct_eq(after.key.to_bytes().expose_secret()));
        }
        assert_eq!(old.open::<Pepper>("peppers", &json).unwrap_err(), KeysetError::Open);
        assert_eq!(new.rewrap::<Pepper>("other", &json, &old), Err(KeysetError::Open));
        assert_eq!(new.rewrap::<AeadKey>("peppers", &json, &old), Err(KeysetError::Open));
    }
}
