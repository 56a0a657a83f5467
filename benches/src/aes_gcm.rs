//! AES-256-GCM sealing under a keyset, beside the backend alone.
//!
//! The baselines draw a random nonce and allocate their output as ours does; what remains is the keyset, the header and
//! its binding, and the count of messages.

use std::hint::black_box;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::aead::{AeadKey, AssociatedData};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretKey;

use crate::{Baseline, Comparison, Operation};

const SIZES: [(usize, &str); 4] = [
    (64, "64 B"),
    (1 << 10, "1 KiB"),
    (16 << 10, "16 KiB"),
    (1 << 20, "1 MiB"),
];

const KEY: [u8; 32] = [3; 32];
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// As long as what ours binds: its header, then purpose and field with their lengths.
const BOUND: [u8; 9 + 8 + PURPOSE.len() + 8 + FIELD.len()] = [5; _];
const PURPOSE: &str = "benches message";
const FIELD: &[u8] = b"4b1f6f0c-8f0a-4c39-9d61-0d6f3c1f7a52";

/// Sealing at each size on each provider compiled in.
pub fn comparisons() -> Vec<Comparison> {
    let on = |provider| SIZES.map(|(size, name)| seal(provider, size, name));
    Provider::all().into_iter().flat_map(on).collect()
}

fn seal(provider: Provider, size: usize, name: &str) -> Comparison {
    let (baseline, run) = match provider.name() {
        #[cfg(feature = "aws-lc")]
        "aws-lc" => ("aws-lc-rs seal", aws_lc(size)),
        #[cfg(feature = "ring")]
        "ring" => ("aes-gcm crate seal", ring(size)),
        other => unreachable!("no baseline for {other}"),
    };
    let keyset = Keyset::new("benches", AeadKey::new_with(provider, SecretKey::from_bytes(KEY)));
    let bound = AssociatedData::new(PURPOSE).with(FIELD);
    let message = vec![1; size];
    Comparison {
        what: format!("AES-256-GCM {}: seal {name}", provider.name()),
        bytes: size as u64,
        never_under: Duration::ZERO,
        ours: Box::new(move || {
            black_box(keyset.seal(black_box(&message), &bound).expect("within the limits"));
        }),
        baselines: vec![Baseline {
            name: baseline,
            bar: Some(0.95),
            run,
        }],
    }
}

/// nonce ‖ ciphertext ‖ tag
fn bare_seal(message: &[u8], nonce: [u8; NONCE_LEN], encrypt: impl FnOnce(&mut [u8]) -> [u8; TAG_LEN]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(NONCE_LEN + message.len() + TAG_LEN);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(message);
    let tag = encrypt(&mut sealed[NONCE_LEN..]);
    sealed.extend_from_slice(&tag);
    sealed
}

#[cfg(feature = "aws-lc")]
fn aws_lc(size: usize) -> Operation {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).expect("AES-256 takes 32 bytes"));
    let message = vec![1; size];
    Box::new(move || {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).expect("the system gives random bytes");
        black_box(bare_seal(black_box(&message), nonce, |buffer| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key
                .seal_in_place_separate_tag(nonce, Aad::from(BOUND), buffer)
                .expect("within the limits");
            tag.as_ref().try_into().expect("a tag has 16 bytes")
        }));
    })
}

#[cfg(feature = "ring")]
fn ring(size: usize) -> Operation {
    use aes_gcm::aead::{AeadInOut, KeyInit};

    let key = aes_gcm::Aes256Gcm::new(&KEY.into());
    let message = vec![1; size];
    Box::new(move || {
        // The default provider's generator, as under a keyset: with both providers in, that is not ring's.
        let nonce: [u8; NONCE_LEN] = cryptokit::random::bytes();
        black_box(bare_seal(black_box(&message), nonce, |buffer| {
            key.encrypt_inout_detached(&nonce.into(), &BOUND, buffer.into())
                .expect("within the limits")
                .into()
        }));
    })
}
