//! Sign, then encrypt.

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jwe::{JweDecrypter, JweEncrypter, JweError, Recipient, SignedDecrypter, SignedEncrypter, SignedError};
use cryptokit::keyset::Keyset;

use crate::support::*;

fn from(provider: Provider, sender: Who, recipient: Who) -> SignedEncrypter {
    SignedEncrypter::new(signing_key(provider, sender), encrypter(provider, recipient)).unwrap()
}

fn trusting(provider: Provider, recipient: Who, sender: Who) -> SignedDecrypter {
    SignedDecrypter::new(decrypter(provider, recipient)).trust(signing_key(provider, sender).verifying_key().unwrap())
}

#[test]
fn the_recipient_learns_the_sender_in_both_serializations() {
    for provider in decrypting() {
        let sealer = from(provider, Carol, Alice);
        let opener = trusting(provider, Alice, Carol);
        let compact = opener
            .decrypt_compact(&sealer.encrypt_compact(b"signed").unwrap())
            .unwrap();
        let json = opener.decrypt_json(&sealer.encrypt_json(b"signed").unwrap()).unwrap();
        for opened in [compact, json] {
            assert_eq!(opened.message.expose_secret(), b"signed");
            assert_eq!(opened.sender, encryption_key(provider, Carol).thumbprint());
            assert_eq!(opened.recipient, encryption_key(provider, Alice).thumbprint());
        }
    }
}

#[test]
fn a_recipient_known_by_another_id_opens_what_was_signed_for_it() {
    for provider in decrypting() {
        let recipient = Recipient::with_key_id("mail-2026", encryption_key(provider, Alice)).unwrap();
        let sealer = SignedEncrypter::new(signing_key(provider, Carol), JweEncrypter::new(recipient)).unwrap();
        let keys = Keyset::new("mail", decryption_key(provider, Alice));
        let id = keys.primary().0;
        let opener = SignedDecrypter::new(JweDecrypter::new(keys).also_named(id, "mail-2026"))
            .trust(signing_key(provider, Carol).verifying_key().unwrap());
        let opened = opener.decrypt_compact(&sealer.encrypt_compact(b"m").unwrap()).unwrap();
        assert_eq!(opened.recipient, encryption_key(provider, Alice).thumbprint());

        // Bob cannot take Alice's place by being called what she is called.
        let impostor = Recipient::with_key_id("mail-2026", encryption_key(provider, Bob)).unwrap();
        let to_bob = SignedEncrypter::new(signing_key(provider, Carol), JweEncrypter::new(impostor)).unwrap();
        let keys = Keyset::new("mail", decryption_key(provider, Bob));
        let id = keys.primary().0;
        let bob = JweDecrypter::new(keys).also_named(id, "mail-2026");
        let inner = bob
            .decrypt_compact(&to_bob.encrypt_compact(b"m").unwrap())
            .unwrap()
            .plaintext;
        let anew = Recipient::with_key_id("mail-2026", encryption_key(provider, Alice)).unwrap();
        let forwarded = JweEncrypter::new(anew).content_type("JOSE").unwrap();
        let forwarded = forwarded.encrypt_compact(inner.expose_secret()).unwrap();
        assert_eq!(
            opener.decrypt_compact(&forwarded).unwrap_err(),
            SignedError::NotAuthentic
        );
    }
}

#[test]
fn a_signed_message_encrypted_anew_to_somebody_else_is_refused() {
    // Surreptitious forwarding: Alice got it from Carol, and passes it to Bob as if Carol had written to him.
    for provider in decrypting() {
        let to_alice = from(provider, Carol, Alice).encrypt_compact(b"I love you").unwrap();
        let inner = decrypter(provider, Alice).decrypt_compact(&to_alice).unwrap().plaintext;
        let forwarded = encrypter(provider, Bob)
            .content_type("JOSE")
            .unwrap()
            .encrypt_compact(inner.expose_secret())
            .unwrap();
        // Bob opens it, and would verify the signature.
        assert!(decrypter(provider, Bob).decrypt_compact(&forwarded).is_ok());
        assert_eq!(
            trusting(provider, Bob, Carol).decrypt_compact(&forwarded).unwrap_err(),
            SignedError::NotAuthentic
        );
    }
}

#[test]
fn unknown_senders_unsigned_and_altered_messages_are_refused_alike() {
    for provider in decrypting() {
        let opener = trusting(provider, Alice, Carol);
        let sealed = from(provider, Carol, Alice).encrypt_compact(b"m").unwrap();
        let inner = decrypter(provider, Alice).decrypt_compact(&sealed).unwrap().plaintext;
        let inner = std::str::from_utf8(inner.expose_secret()).unwrap();
        let parts: Vec<_> = inner.split('.').collect();
        let header = String::from_utf8(base64url::decode(parts[0]).unwrap()).unwrap();
        let with_header = |header: &str| format!("{}.{}.{}", base64url::encode(header.as_bytes()), parts[1], parts[2]);
        let signed_anew = |header: &str| {
            let text = format!("{}.{}", base64url::encode(header.as_bytes()), parts[1]);
            let signature = signing_key(provider, Carol).sign(text.as_bytes()).unwrap();
            format!("{text}.{}", base64url::encode(&signature))
        };
        assert!(
            opener.decrypt_compact(&wrap(provider, &signed_anew(&header))).is_ok(),
            "the control"
        );
        let from_bob = from(provider, Bob, Alice).encrypt_compact(b"m").unwrap();
        assert_eq!(
            opener.decrypt_compact(&from_bob).unwrap_err(),
            SignedError::NotAuthentic
        );
        for text in [
            String::new(),
            "m".to_owned(),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], base64url::encode(b"n"), parts[2]),
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            with_header(&header.replace("RS256", "none")),
            signed_anew(&header.replace("RS256", "none")),
            signed_anew(&header.replace("RS256", "HS256")),
            signed_anew(&header.replace("cryptokit-signed", "at+jwt")),
            signed_anew(&header.replace(r#"{"alg""#, r#"{"crit":["x"],"alg""#)),
            signed_anew(&header.replace(r#"{"alg""#, r#"{"alg":"RS256","alg""#)),
            signed_anew(&header.replace(&encryption_key(provider, Alice).thumbprint(), "somebody")),
            signed_anew(&header.replace(r#","recipients":"#, r#","x":"#)),
        ] {
            let error = opener.decrypt_compact(&wrap(provider, &text)).unwrap_err();
            assert_eq!(error, SignedError::NotAuthentic, "{text}");
        }
        let outer = opener.decrypt_compact(&encrypter(provider, Alice).encrypt_compact(b"m").unwrap());
        assert_eq!(outer.unwrap_err(), SignedError::Envelope(JweError::Open), "no `cty`");
    }
}

fn wrap(provider: Provider, text: &str) -> String {
    let encrypter = encrypter(provider, Alice).content_type("JOSE").unwrap();
    encrypter.encrypt_compact(text.as_bytes()).unwrap()
}

#[test]
fn a_token_inside_is_marked_as_rfc_7519_section_5_2_asks() {
    for provider in decrypting() {
        let encrypter = encrypter(provider, Alice).content_type("JWT").unwrap();
        let message = encrypter.encrypt_compact(b"header.payload.signature").unwrap();
        let decrypter: JweDecrypter = decrypter(provider, Alice).require_content_type("JWT");
        assert!(decrypter.decrypt_compact(&message).is_ok());
    }
}
