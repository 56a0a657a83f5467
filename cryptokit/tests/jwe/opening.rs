//! Opening: by whom, with which key, and one error for the rest.

use cryptokit::encoding::base64url;
use cryptokit::jwe::{JweDecrypter, JweEncrypter, JweError, Recipient};
use cryptokit::keyset::Keyset;

use crate::support::*;

#[test]
fn each_provider_opens_what_each_made_in_both_serializations() {
    for sealing in cryptokit::Provider::all() {
        for opening in decrypting() {
            for plaintext in [b"".as_slice(), b"x", &[0; 100_000]] {
                let encrypter = encrypter(sealing, Alice).content_type("text/plain").unwrap();
                let decrypter = decrypter(opening, Alice).require_commitment();
                let compact = decrypter
                    .decrypt_compact(&encrypter.encrypt_compact(plaintext).unwrap())
                    .unwrap();
                let json = decrypter
                    .decrypt_json(&encrypter.encrypt_json(plaintext).unwrap())
                    .unwrap();
                for opened in [compact, json] {
                    assert!(opened.plaintext.ct_eq(plaintext));
                    assert_eq!(opened.kid, encryption_key(sealing, Alice).thumbprint());
                    assert_eq!(opened.cty.as_deref(), Some("text/plain"));
                    assert!(opened.committed);
                }
            }
        }
    }
}

#[test]
fn each_of_several_recipients_opens_and_nobody_else_does() {
    for provider in decrypting() {
        let message = encrypter(provider, Alice)
            .and(to(provider, Carol))
            .encrypt_json(b"for two")
            .unwrap();
        for who in [Alice, Carol] {
            let opened = decrypter(provider, who).decrypt_json(&message).unwrap();
            assert_eq!(opened.plaintext.expose_secret(), b"for two");
        }
        assert_eq!(
            decrypter(provider, Bob).decrypt_json(&message).unwrap_err(),
            JweError::Open
        );
    }
}

#[test]
fn the_number_of_recipients_is_bounded_and_no_two_share_an_id() {
    let provider = cryptokit::Provider::default();
    let named = |index: usize| Recipient::with_key_id(&index.to_string(), encryption_key(provider, Alice)).unwrap();
    let to_many = |count| {
        (1..count).fold(JweEncrypter::new(named(0)), |encrypter, index| {
            encrypter.and(named(index))
        })
    };
    assert!(to_many(32).encrypt_json(b"").is_ok());
    assert_eq!(to_many(33).encrypt_json(b""), Err(JweError::Recipients { count: 33 }));
    assert_eq!(to_many(2).encrypt_compact(b""), Err(JweError::Recipients { count: 2 }));
    let twice = JweEncrypter::new(named(1)).and(named(1));
    assert_eq!(twice.encrypt_json(b""), Err(JweError::Recipients { count: 2 }));
}

#[test]
fn a_retired_key_opens_and_a_revoked_one_does_not() {
    for provider in decrypting() {
        let mut keys = Keyset::new("mail", decryption_key(provider, Alice));
        let old = keys.primary().0;
        let new = keys.add(decryption_key(provider, Bob));
        keys.promote(new).unwrap();
        keys.retire(old).unwrap();
        let to_old = encrypter(provider, Alice).encrypt_compact(b"old").unwrap();
        let to_new = encrypter(provider, Bob).encrypt_compact(b"new").unwrap();
        let decrypter = JweDecrypter::new(keys);
        assert!(decrypter.decrypt_compact(&to_old).is_ok());
        assert!(decrypter.decrypt_compact(&to_new).is_ok());

        let mut keys = Keyset::new("mail", decryption_key(provider, Alice));
        let old = keys.primary().0;
        let new = keys.add(decryption_key(provider, Bob));
        keys.promote(new).unwrap();
        keys.revoke(old).unwrap();
        let decrypter = JweDecrypter::new(keys);
        assert_eq!(decrypter.decrypt_compact(&to_old).unwrap_err(), JweError::Open);
        assert!(decrypter.decrypt_compact(&to_new).is_ok());
    }
}

#[test]
fn a_key_known_by_another_id_is_found_by_that_id_only_when_told() {
    for provider in decrypting() {
        let recipient = Recipient::with_key_id("mail-2026", encryption_key(provider, Alice)).unwrap();
        let message = JweEncrypter::new(recipient).encrypt_compact(b"m").unwrap();
        let keys = Keyset::new("mail", decryption_key(provider, Alice));
        let id = keys.primary().0;
        let decrypter = JweDecrypter::new(keys);
        assert_eq!(decrypter.decrypt_compact(&message).unwrap_err(), JweError::Open);
        assert!(decrypter.also_named(id, "mail-2026").decrypt_compact(&message).is_ok());
    }
}

#[test]
fn a_message_without_a_key_id_is_for_the_only_key() {
    for provider in decrypting() {
        let message = encrypter(provider, Alice).encrypt_json(b"m").unwrap();
        let kid = format!(
            r#""header":{{"kid":"{}"}},"#,
            encryption_key(provider, Alice).thumbprint()
        );
        let unnamed = message.replace(&kid, "");
        assert_ne!(unnamed, message);
        assert!(decrypter(provider, Alice).decrypt_json(&unnamed).is_ok());

        let mut keys = Keyset::new("two", decryption_key(provider, Alice));
        keys.add(decryption_key(provider, Bob));
        assert_eq!(
            JweDecrypter::new(keys).decrypt_json(&unnamed).unwrap_err(),
            JweError::Open
        );
    }
}

#[test]
fn parts_swapped_between_two_messages_do_not_open() {
    for provider in decrypting() {
        let encrypter = encrypter(provider, Alice);
        let decrypter = decrypter(provider, Alice);
        let first = encrypter.encrypt_compact(b"pay 1").unwrap();
        let second = encrypter.encrypt_compact(b"pay 2").unwrap();
        for index in 0..5 {
            let mixed = with_part(&first, index, &parts(&second)[index]);
            assert_eq!(
                decrypter.decrypt_compact(&mixed).unwrap_err(),
                JweError::Open,
                "part {index}"
            );
        }
        // The wrapped key together with the header that commits to it, the rest of the other message.
        let mixed = with_part(&with_part(&first, 1, &parts(&second)[1]), 0, &parts(&second)[0]);
        assert_eq!(decrypter.decrypt_compact(&mixed).unwrap_err(), JweError::Open);
    }
}

#[test]
fn every_altered_character_is_refused() {
    let Some(&provider) = decrypting().first() else { return };
    let message = encrypter(provider, Alice).encrypt_compact(b"message").unwrap();
    let decrypter = decrypter(provider, Alice);
    // Every one of header, nonce, ciphertext and tag; of the wrapped key, which costs a private operation, each 16th.
    let key = parts(&message)[0].len()..parts(&message)[0].len() + parts(&message)[1].len();
    for index in (0..message.len()).filter(|index| !key.contains(index) || index % 16 == 0) {
        let mut altered = message.clone().into_bytes();
        altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(
            decrypter.decrypt_compact(&altered).unwrap_err(),
            JweError::Open,
            "character {index}"
        );
        assert!(decrypter.decrypt_compact(&message[..index]).is_err());
    }
}

#[test]
fn every_failure_is_the_same_error_to_the_last_byte() {
    for provider in decrypting() {
        let message = encrypter(provider, Alice).encrypt_compact(b"m").unwrap();
        let decrypter = decrypter(provider, Alice);
        let wrap = |key: &[u8]| base64url::encode(&encryption_key(provider, Alice).encrypt(b"", key).unwrap());
        let labelled = encryption_key(provider, Alice).encrypt(b"label", &[0; 32]).unwrap();
        let to_bob = encrypter(provider, Bob).encrypt_compact(b"m").unwrap();
        let failing = [
            ("a content key of 16 bytes", with_part(&message, 1, &wrap(&[0; 16]))),
            ("a content key of 33 bytes", with_part(&message, 1, &wrap(&[0; 33]))),
            ("an empty content key", with_part(&message, 1, &wrap(&[]))),
            ("another content key", with_part(&message, 1, &wrap(&[0; 32]))),
            ("a label", with_part(&message, 1, &base64url::encode(&labelled))),
            ("a key wrapped for another", with_part(&message, 1, &parts(&to_bob)[1])),
            (
                "not wrapped at all",
                with_part(&message, 1, &base64url::encode(&[0xff; 256])),
            ),
            (
                "a longer wrapped key",
                with_part(&message, 1, &base64url::encode(&[1; 384])),
            ),
            ("an altered tag", with_part(&message, 4, &base64url::encode(&[0; 16]))),
            ("an altered nonce", with_part(&message, 2, &base64url::encode(&[0; 12]))),
            ("for another recipient", to_bob),
            ("not a message", "not a message".to_owned()),
        ];
        for (what, message) in failing {
            let error = decrypter.decrypt_compact(&message).unwrap_err();
            assert_eq!(error, JweError::Open, "{what}");
            assert_eq!(format!("{error} {error:?}"), "message does not open Open", "{what}");
            assert!(std::error::Error::source(&error).is_none(), "{what}");
        }
    }
}

#[test]
fn a_content_key_has_256_bits_and_serves_once() {
    // 16 random bytes written as 32 hexadecimal digits have the length of a key and half its entropy.
    let Some(&provider) = decrypting().first() else { return };
    let (key, encrypter) = (decryption_key(provider, Alice), encrypter(provider, Alice));
    let mut content_keys = std::collections::HashSet::new();
    let mut nonces = std::collections::HashSet::new();
    let mut values = std::collections::HashSet::new();
    for _ in 0..64 {
        let message = encrypter.encrypt_compact(b"m").unwrap();
        let wrapped = base64url::decode(&parts(&message)[1]).unwrap();
        let content_key = key.decrypt(b"", &wrapped).unwrap().expose_secret().to_vec();
        assert_eq!(content_key.len(), 32);
        values.extend(content_key.iter().copied());
        assert!(content_keys.insert(content_key));
        assert!(
            nonces.insert(parts(&message)[2].clone()),
            "the nonce is in the message and fresh"
        );
    }
    // 2,048 random bytes miss a given value with probability e⁻⁸; fewer than 200 of 256 have not been seen since.
    assert!(values.len() > 200, "{} different byte values", values.len());
}

#[test]
fn types_and_associated_data_are_checked_when_asked_for() {
    for provider in decrypting() {
        let typed = encrypter(provider, Alice).message_type("mail+jwe").unwrap();
        let message = typed.encrypt_compact(b"m").unwrap();
        let open = |decrypter: JweDecrypter| decrypter.decrypt_compact(&message).map(|opened| opened.typ);
        let decrypter = || decrypter(provider, Alice);
        assert_eq!(open(decrypter()), Ok(Some("mail+jwe".to_owned())));
        assert!(open(decrypter().require_type("mail+jwe")).is_ok());
        assert_eq!(open(decrypter().require_type("other")), Err(JweError::Open));
        assert_eq!(open(decrypter().require_content_type("JWT")), Err(JweError::Open));
        assert_eq!(open(decrypter().require_associated_data(b"")), Err(JweError::Open));

        let bound = encrypter(provider, Alice).associated_data(b"row 7");
        let message = bound.encrypt_json(b"m").unwrap();
        let open = |decrypter: JweDecrypter| decrypter.decrypt_json(&message).map(|_| ());
        assert_eq!(open(decrypter().require_associated_data(b"row 7")), Ok(()));
        assert_eq!(open(decrypter().require_associated_data(b"row 8")), Err(JweError::Open));
        assert_eq!(open(decrypter()), Err(JweError::Open), "bound, and nobody checks it");
        let altered = message.replace(&base64url::encode(b"row 7"), &base64url::encode(b"row 8"));
        let decrypter = decrypter().require_associated_data(b"row 8");
        assert_eq!(decrypter.decrypt_json(&altered).unwrap_err(), JweError::Open);
        assert_eq!(bound.encrypt_compact(b"m"), Err(JweError::AssociatedData));
    }
}

#[test]
fn media_types_and_lengths_are_bounded_when_sealing() {
    let encrypter = || encrypter(cryptokit::Provider::default(), Alice);
    for text in ["", "a b", "ä", "cryptokit-file", &"x".repeat(128)] {
        assert_eq!(
            encrypter().message_type(text).unwrap_err(),
            JweError::MediaType,
            "{text}"
        );
    }
    assert_eq!(encrypter().content_type("\"\n").unwrap_err(), JweError::MediaType);
    let long = vec![0; cryptokit::jwe::MAX_PLAINTEXT_LEN + 1];
    let refused = JweError::PlaintextTooLong { len: long.len() };
    assert_eq!(encrypter().encrypt_compact(&long), Err(refused));
    assert_eq!(encrypter().encrypt_json(&long), Err(refused));
}

#[test]
fn a_message_that_nobody_could_read_is_not_made() {
    let data = vec![7; cryptokit::jwe::MAX_TEXT_LEN / 4 * 3];
    let bound = encrypter(cryptokit::Provider::default(), Alice).associated_data(&data);
    // Not `assert_eq`, which would print it.
    assert!(matches!(bound.encrypt_json(b"m"), Err(JweError::TextTooLong)));
}

#[test]
fn a_message_without_commitment_is_refused_on_request() {
    for provider in decrypting() {
        let plain = encrypter(provider, Alice).without_commitment();
        let message = plain.encrypt_compact(b"m").unwrap();
        assert!(!decrypter(provider, Alice).decrypt_compact(&message).unwrap().committed);
        let strict = decrypter(provider, Alice).require_commitment();
        assert_eq!(strict.decrypt_compact(&message).unwrap_err(), JweError::Open);
    }
}
