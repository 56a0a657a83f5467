//! Encrypted streams, beside the cipher alone over the same bytes in the same chunks.
//!
//! The baseline of encryption seals chunk after chunk in place: it reads and writes nothing, copies nothing, derives no
//! key. Ours takes the message from a buffer and gives the stream to a writer that throws it away. Decryption starts
//! from a stream in memory, and its baseline has to copy each chunk, since opening destroys what it opens.

use std::hint::black_box;
use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::secret::SecretKey;
use cryptokit::stream::{CHUNK_LEN, HEADER_LEN, StreamKey};

use crate::{Baseline, Comparison, Operation};

/// What is encrypted in one run, as so many times the same MiB. Unoptimised the ring provider takes minutes for it.
const MESSAGE_MIB: usize = if cfg!(debug_assertions) { 1 } else { 1 << 10 };
/// What is decrypted in one run: this much ciphertext is kept in memory.
const STREAM_MIB: usize = if cfg!(debug_assertions) { 1 } else { 64 };
const MIB: usize = 1 << 20;

const KEY: [u8; 32] = [3; 32];
const TAG_LEN: usize = 16;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;

/// Encryption and decryption on each provider compiled in.
pub fn comparisons() -> Vec<Comparison> {
    let on = |provider| [encrypt(provider), decrypt(provider, false), decrypt(provider, true)];
    Provider::all().into_iter().flat_map(on).collect()
}

/// Seals or opens a chunk in place: number, chunk, room for or value of the tag.
type Cipher = Box<dyn FnMut(u64, &mut [u8], &mut [u8])>;

fn encrypt(provider: Provider) -> Comparison {
    let message = vec![1; MIB];
    let key = StreamKey::new_with(provider, SecretKey::from_bytes(KEY));
    let (name, mut seal) = seal(provider);
    let mut scratch = message.clone();
    let bare = move || {
        let mut tag = [0; TAG_LEN];
        for index in 0..MESSAGE_MIB * (MIB / CHUNK_LEN) {
            let at = index % (MIB / CHUNK_LEN) * CHUNK_LEN;
            seal(index as u64, &mut scratch[at..at + CHUNK_LEN], &mut tag);
        }
        black_box(tag);
    };
    let ours = move || {
        let mut writer = key.encrypt_writer(b"benches", io::sink()).expect("a sink takes all");
        for _ in 0..MESSAGE_MIB {
            writer.write_all(black_box(&message)).expect("a sink takes all");
        }
        writer.finish().expect("a sink takes all");
    };
    comparison(
        provider,
        "encrypt 1 GiB",
        MESSAGE_MIB,
        Box::new(ours),
        name,
        Box::new(bare),
    )
}

fn decrypt(provider: Provider, buffered: bool) -> Comparison {
    let key = StreamKey::new_with(provider, SecretKey::from_bytes(KEY));
    let mut writer = key.encrypt_writer(b"benches", Vec::new()).expect("a vector takes all");
    for _ in 0..STREAM_MIB {
        writer.write_all(&[1; MIB]).expect("a vector takes all");
    }
    let stream = writer.finish().expect("a vector takes all");

    // Another key and other tags, the same work: what is timed is the cipher.
    let (name, mut seal) = seal(provider);
    let (_, mut open) = open(provider);
    let mut sealed = stream.clone();
    let chunks = |sealed: &[u8]| (sealed.len() - HEADER_LEN) / SEALED_CHUNK_LEN;
    for (index, chunk) in (0..).zip(sealed[HEADER_LEN..].chunks_exact_mut(SEALED_CHUNK_LEN)) {
        let (text, tag) = chunk.split_at_mut(CHUNK_LEN);
        seal(index, text, tag);
    }
    let mut scratch = vec![0; SEALED_CHUNK_LEN];
    let bare = move || {
        for index in 0..chunks(&sealed) {
            let at = HEADER_LEN + index * SEALED_CHUNK_LEN;
            scratch.copy_from_slice(&sealed[at..at + SEALED_CHUNK_LEN]);
            let (text, tag) = scratch.split_at_mut(CHUNK_LEN);
            open(index as u64, text, tag);
            black_box(&text);
        }
    };
    let mut out = vec![0; CHUNK_LEN];
    let ours = move || {
        let mut reader = key
            .decrypt_reader(b"benches", black_box(stream.as_slice()))
            .expect("made with this key");
        if buffered {
            while let len @ 1.. = reader.fill_buf().expect("made with this key").len() {
                reader.consume(len);
            }
        } else {
            while reader.read(&mut out).expect("made with this key") > 0 {
                black_box(&out);
            }
        }
    };
    let what = if buffered {
        "decrypt 64 MiB, BufRead"
    } else {
        "decrypt 64 MiB"
    };
    comparison(provider, what, STREAM_MIB, Box::new(ours), name, Box::new(bare))
}

fn comparison(
    provider: Provider,
    what: &str,
    mib: usize,
    ours: Operation,
    baseline: &'static str,
    run: Operation,
) -> Comparison {
    Comparison {
        what: format!("stream {}: {what}", provider.name()),
        bytes: (mib * MIB) as u64,
        never_under: Duration::ZERO,
        ours,
        baselines: vec![Baseline {
            name: baseline,
            bar: Some(0.8),
            run,
        }],
    }
}

fn seal(provider: Provider) -> (&'static str, Cipher) {
    match provider.name() {
        #[cfg(feature = "aws-lc")]
        "aws-lc" => ("aws-lc-rs, chunk by chunk", aws_lc::seal()),
        #[cfg(feature = "ring")]
        "ring" => ("aes-gcm crate, chunk by chunk", ring::seal()),
        other => unreachable!("no baseline for {other}"),
    }
}

fn open(provider: Provider) -> (&'static str, Cipher) {
    match provider.name() {
        #[cfg(feature = "aws-lc")]
        "aws-lc" => ("aws-lc-rs, chunk by chunk", aws_lc::open()),
        #[cfg(feature = "ring")]
        "ring" => ("aes-gcm crate, chunk by chunk", ring::open()),
        other => unreachable!("no baseline for {other}"),
    }
}

/// Each chunk under a nonce of its own.
fn nonce(index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&index.to_be_bytes());
    nonce
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{Cipher, KEY, nonce};

    pub(super) fn seal() -> Cipher {
        let key = key();
        Box::new(move |index, chunk, tag| {
            let nonce = Nonce::assume_unique_for_key(nonce(index));
            let sealed = key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk);
            tag.copy_from_slice(sealed.expect("within the limits").as_ref());
        })
    }

    pub(super) fn open() -> Cipher {
        let key = key();
        Box::new(move |index, chunk, tag| {
            let nonce = Nonce::assume_unique_for_key(nonce(index));
            key.open_in_place_separate_tag(nonce, Aad::empty(), tag, chunk)
                .expect("sealed with this key");
        })
    }

    fn key() -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).expect("AES-256 takes 32 bytes"))
    }
}

#[cfg(feature = "ring")]
mod ring {
    use aes_gcm::Aes256Gcm;
    use aes_gcm::aead::{AeadInOut, KeyInit};

    use super::{Cipher, KEY, nonce};

    pub(super) fn seal() -> Cipher {
        let key = Aes256Gcm::new(&KEY.into());
        Box::new(move |index, chunk, tag| {
            let sealed = key.encrypt_inout_detached(&nonce(index).into(), &[], chunk.into());
            tag.copy_from_slice(&sealed.expect("within the limits"));
        })
    }

    pub(super) fn open() -> Cipher {
        let key = Aes256Gcm::new(&KEY.into());
        Box::new(move |index, chunk, tag| {
            let tag: [u8; super::TAG_LEN] = (&*tag).try_into().expect("a tag has 16 bytes");
            key.decrypt_inout_detached(&nonce(index).into(), &[], chunk.into(), &tag.into())
                .expect("sealed with this key");
        })
    }
}
