//! Tests with chosen content keys: a ciphertext that opens under two of them, and the commitment that refuses it; one that
//! is longer than a key.

use super::{JweDecrypter, JweError};
use crate::encoding::base64url;
use crate::encrypt::RsaDecryptionKey;
use crate::jwe::content::ContentKey;
use crate::jwe::header::Protected;
use crate::keyset::Keyset;
use crate::provider::Provider;
use crate::secret::SecretBytes;
use crate::sign::RsaKeySize;

const NONCE: [u8; 12] = [3; 12];

fn decrypting() -> Option<Provider> {
    Provider::all().into_iter().find(|provider| provider.decrypts_oaep())
}

fn key(provider: Provider) -> RsaDecryptionKey {
    RsaDecryptionKey::generate_with(provider, RsaKeySize::Bits2048).unwrap()
}

/// A key of its own for the decrypter, which takes it.
fn decrypter(provider: Provider, key: &RsaDecryptionKey) -> JweDecrypter {
    let copy = SecretBytes::new(key.pkcs8().expose_secret().to_vec());
    JweDecrypter::new(Keyset::new(
        "test",
        RsaDecryptionKey::from_pkcs8_with(provider, copy).unwrap(),
    ))
}

/// The general form with chosen content keys; the one ciphertext is as given.
fn message(to: &[(&RsaDecryptionKey, &[u8])], protected: &str, ciphertext: &[u8], tag: &[u8]) -> String {
    let recipients: Vec<_> = to
        .iter()
        .map(|(key, content_key)| {
            let wrapped = key.encryption_key().unwrap().encrypt(b"", content_key).unwrap();
            let (kid, wrapped) = (key.thumbprint(), base64url::encode(&wrapped));
            format!(r#"{{"header":{{"kid":"{kid}"}},"encrypted_key":"{wrapped}"}}"#)
        })
        .collect();
    let (nonce, ciphertext, tag) = (
        base64url::encode(&NONCE),
        base64url::encode(ciphertext),
        base64url::encode(tag),
    );
    let recipients = recipients.join(",");
    format!(
        r#"{{"protected":"{protected}","recipients":[{recipients}],"iv":"{nonce}","ciphertext":"{ciphertext}","tag":"{tag}"}}"#
    )
}

/// RFC 7518 §5.3: A256GCM takes 32 bytes. What begins with the right ones is another key, not one to be cut.
#[test]
fn a_content_key_with_more_behind_it_does_not_open() {
    let Some(provider) = decrypting() else { return };
    let (recipient, content_key) = (key(provider), [7; 32]);
    let protected = Protected::encode(None, None, None, None);
    let mut sealed = *b"the plan";
    let gcm = provider.backend().aes_gcm(&content_key).unwrap();
    let tag = gcm.seal(NONCE, protected.as_bytes(), &mut sealed).unwrap();
    let longer = [&content_key[..], &[0]].concat();
    for (wrapped, opens) in [(&content_key[..], true), (&longer, false), (&content_key[..31], false)] {
        let message = message(&[(&recipient, wrapped)], &protected, &sealed, &tag);
        let opened = decrypter(provider, &recipient).decrypt_json(&message);
        assert_eq!(opened.is_ok(), opens, "{} bytes", wrapped.len());
    }
}

#[test]
fn one_ciphertext_for_two_content_keys_opens_without_a_commitment_and_never_with_one() {
    let Some(provider) = decrypting() else { return };
    let (alice, bob) = (key(provider), key(provider));
    let keys = [[1; 32], [2; 32]];
    let commitments = keys.map(|content_key| {
        let mut committed = ContentKey::generate(provider);
        committed.replace_if(&content_key, 1.into());
        committed.commitment(provider)
    });

    for (commitment, opens) in [
        (None, [true, true]),
        (Some(commitments[0]), [true, false]),
        (Some(commitments[1]), [false, true]),
    ] {
        let protected = Protected::encode(None, None, None, commitment.as_ref());
        let (ciphertext, tag) = for_two_keys(provider, &keys, protected.as_bytes());
        let message = message(&[(&alice, &keys[0]), (&bob, &keys[1])], &protected, &ciphertext, &tag);
        let read = [&alice, &bob].map(|key| {
            decrypter(provider, key)
                .decrypt_json(&message)
                .map(|opened| opened.plaintext)
        });
        assert_eq!([read[0].is_ok(), read[1].is_ok()], opens);
        if let [Ok(one), Ok(other)] = &read {
            assert!(!one.ct_eq(other.expose_secret()), "each reads something else");
        }
        for key in [&alice, &bob] {
            let strict = decrypter(provider, key).require_commitment();
            let found = strict.decrypt_json(&message);
            assert!(commitment.is_some() || found.err() == Some(JweError::Open));
        }
    }
}

/// With key, nonce and associated data fixed, the tag is affine over GF(2) in the bits of the ciphertext: 128 equations
/// say that the tags under both keys are equal, and one block has 128 bits to satisfy them with.
fn for_two_keys(provider: Provider, keys: &[[u8; 32]; 2], authenticated: &[u8]) -> ([u8; 16], [u8; 16]) {
    let difference =
        |block: u128| tag(provider, &keys[0], authenticated, block) ^ tag(provider, &keys[1], authenticated, block);
    let constant = difference(0);
    // Rows: the image of each basis vector, beside the vector.
    let mut basis: Vec<(u128, u128)> = Vec::new();
    let (mut rest, mut block) = (constant, 0);
    for bit in 0..128 {
        let (mut image, mut vector) = (difference(1 << bit) ^ constant, 1_u128 << bit);
        for (known, combination) in &basis {
            if image & highest(*known) != 0 {
                (image, vector) = (image ^ known, vector ^ combination);
            }
        }
        if image != 0 {
            basis.push((image, vector));
        }
    }
    for (image, vector) in &basis {
        if rest & highest(*image) != 0 {
            (rest, block) = (rest ^ image, block ^ vector);
        }
    }
    assert_eq!(
        rest, 0,
        "multiplying by a sum of two squares that is not zero can be undone"
    );
    let tag = tag(provider, &keys[0], authenticated, block);
    (block.to_be_bytes(), tag.to_be_bytes())
}

fn highest(value: u128) -> u128 {
    1 << (127 - value.leading_zeros())
}

/// The tag of a ciphertext of one block.
fn tag(provider: Provider, key: &[u8; 32], authenticated: &[u8], block: u128) -> u128 {
    let gcm = provider.backend().aes_gcm(key.as_slice()).unwrap();
    let mut keystream = [0; 16];
    gcm.seal(NONCE, b"", &mut keystream).unwrap();
    let mut buffer = (block ^ u128::from_be_bytes(keystream)).to_be_bytes();
    u128::from_be_bytes(gcm.seal(NONCE, authenticated, &mut buffer).unwrap())
}
