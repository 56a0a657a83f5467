//! Key commitment, against the attack that it is for.
//!
//! AES-GCM authenticates a message under one key and says nothing about others: whoever chooses two keys can solve for
//! a ciphertext that opens under both (Dodis, Grubbs, Ristenpart, Woodage, "Fast Message Franking: From Invisible
//! Salamanders to Encryptment", CRYPTO 2018, §4). Such a ciphertext is built here, first for AES-GCM, which opens it
//! twice, then for the chunks of two streams, which open it twice as well; the stream around them does not.

use std::io::Read;

use super::key::Derived;
use super::{StreamError, StreamKey};
use crate::aead::hazmat::{AesGcm, UniqueNonce};
use crate::provider::Provider;
use crate::secret::SecretKey;

const FOR_ALICE: [u8; 16] = *b"pay 10 to alice ";

#[test]
fn aes_gcm_opens_one_ciphertext_under_two_keys() {
    for provider in Provider::all() {
        let keys = [1, 2].map(|byte| AesGcm::new_with(provider, &[byte; 32]).unwrap());
        let nonce = [9; 12];
        let seal = |key: &AesGcm, message: &[u8]| {
            let unique = UniqueNonce::assume_unique_for_key(nonce);
            key.seal_with_nonce(unique, b"", message).unwrap()
        };
        let salamander = two_key_ciphertext(|m| seal(&keys[0], m), |m| seal(&keys[1], m));

        let opened = keys.map(|key| key.open_with_nonce(nonce, b"", &salamander).unwrap());
        assert_eq!(opened[0].expose_secret()[..16], FOR_ALICE, "{provider:?}");
        assert!(!opened[1].ct_eq(opened[0].expose_secret()), "{provider:?}");
    }
}

#[test]
fn a_stream_opens_under_the_key_that_it_commits_to_and_no_other() {
    for provider in Provider::all() {
        let keys = [1, 2].map(|byte| StreamKey::new_with(provider, SecretKey::from_bytes([byte; 32])));
        let salt = [9; 24];
        let derived = keys.each_ref().map(|key| key.derive(&salt, b"context"));
        let chunk = two_key_ciphertext(|m| seal(&derived[0], m), |m| seal(&derived[1], m));

        // Without the commitment this would be a stream for both.
        for derived in &derived {
            assert_eq!(derived.chunks.open(0, &mut chunk.clone()), Ok(32), "{provider:?}");
        }
        for (for_one, for_other) in [(0, 1), (1, 0)] {
            let stream = [&salt[..], &derived[for_one].commitment, &chunk].concat();
            let mut message = Vec::new();
            let mut reader = keys[for_one].decrypt_reader(b"context", stream.as_slice()).unwrap();
            reader.read_to_end(&mut message).unwrap();
            assert_eq!(message[..16] == FOR_ALICE, for_one == 0, "{provider:?}");

            let refused = keys[for_other].decrypt_reader(b"context", stream.as_slice());
            assert_eq!(
                StreamError::of(&refused.unwrap_err()),
                Some(StreamError::Key),
                "{provider:?}"
            );
        }
    }
}

fn seal(derived: &Derived, message: &[u8]) -> Vec<u8> {
    let mut chunk = [message, &[0; 16]].concat();
    derived.chunks.seal(0, &mut chunk).unwrap();
    chunk
}

/// Two blocks and a tag that open under two keys. Each is given as its sealing, with a fixed nonce and no associated
/// data, which is all that an attacker who has the keys needs. The first block is [`FOR_ALICE`] under the first key.
fn two_key_ciphertext(first: impl Fn(&[u8]) -> Vec<u8>, second: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let lengths = Element(2 * 128);
    let known = [Known::of(&first), Known::of(&second)];
    let c1 = Element::of(&first(&FOR_ALICE)[..16]);

    // SP 800-38D §6.4, §7.1: tag = mask ⊕ c1·h³ ⊕ c2·h² ⊕ lengths·h. Equal for both keys, so
    // c2 = (masks ⊕ c1·(h³ ⊕ h'³) ⊕ lengths·(h ⊕ h')) / (h² ⊕ h'²), where ⊕ is also minus.
    let sum = |of: fn(&Known) -> Element| of(&known[0]).plus(of(&known[1]));
    let square = |k: &Known| k.h.times(k.h);
    let cube = |k: &Known| k.h.times(k.h).times(k.h);
    let c2 = sum(|k| k.mask)
        .plus(c1.times(sum(cube)))
        .plus(lengths.times(sum(|k| k.h)))
        .times(sum(square).inverse());

    let tag = |k: &Known| {
        k.mask
            .plus(c1.times(cube(k)))
            .plus(c2.times(square(k)))
            .plus(lengths.times(k.h))
    };
    assert_eq!(tag(&known[0]).0, tag(&known[1]).0, "one tag for both");
    [c1, c2, tag(&known[0])].map(|element| element.0.to_be_bytes()).concat()
}

/// What the holder of a key knows of GCM's authentication at one nonce.
struct Known {
    /// The hash key: the block of zeros, encrypted.
    h: Element,
    /// The first counter block, encrypted.
    mask: Element,
}

impl Known {
    fn of(seal: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        // The hash of nothing is zero, which leaves the mask. The hash of one block of ciphertext that is zero is
        // lengths·h, and the plaintext of that block is the key stream.
        let mask = Element::of(&seal(&[]));
        let key_stream = seal(&[0; 16])[..16].to_vec();
        let zeros = seal(&key_stream);
        assert_eq!(zeros[..16], [0; 16]);
        let tag = Element::of(&zeros[16..]);
        Self {
            h: tag.plus(mask).times(Element(128).inverse()),
            mask,
        }
    }
}

/// GF(2¹²⁸) as GCM writes it (SP 800-38D §6.3): the first bit is the coefficient of x⁰.
#[derive(Clone, Copy)]
struct Element(u128);

impl Element {
    fn of(block: &[u8]) -> Self {
        Self(u128::from_be_bytes(block.try_into().unwrap()))
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    fn times(self, other: Self) -> Self {
        let (mut product, mut shifted) = (0, other.0);
        for bit in (0..128).rev() {
            if self.0 >> bit & 1 == 1 {
                product ^= shifted;
            }
            let carry = shifted & 1;
            shifted = shifted >> 1 ^ (carry * (0xe1 << 120));
        }
        Self(product)
    }

    /// x to the power of 2¹²⁸ − 2, which is the product of x^(2ⁱ) for i from 1 to 127.
    fn inverse(self) -> Self {
        let (mut power, mut product) = (self, Self(1 << 127));
        for _ in 1..128 {
            power = power.times(power);
            product = product.times(power);
        }
        product
    }
}

#[test]
fn the_field_has_inverses() {
    let one = 1 << 127;
    for element in [
        1,
        2,
        128,
        0xe1 << 120,
        u128::MAX,
        0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
    ] {
        assert_eq!(Element(element).times(Element(element).inverse()).0, one);
    }
}
