//! Encrypted streams: header, chunks, the end, and every way of reading them.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::iter;

use cryptokit::Provider;
use cryptokit::aead::AssociatedData;
use cryptokit::keyset::{KeyId, Keyset};
use cryptokit::secret::SecretKey;
use cryptokit::stream::{CHUNK_LEN, KEYSET_HEADER_LEN, StreamError, StreamKey, message_len, sealed_len};

/// Reads the bytes as a stream, as the chunks of a stream whose header is good, and under a keyset; then encrypts them and
/// changes the result in one place that they choose.
///
/// # Panics
///
/// When a stream is accepted that nobody made; when anything is released that was not in the message; when two ways of
/// reading disagree; when what was encrypted is not read again.
pub fn encrypted_stream(data: &[u8]) {
    for provider in Provider::all() {
        let key = StreamKey::new_with(provider, SecretKey::from_bytes(SECRET));
        read_in_every_way(&key, data);
        read_in_every_way(&key, &[&HEADER, data].concat());
        keyset_refuses(provider, data);
        encrypted_it_is_read_again(&key, data);
    }
}

const SECRET: [u8; 32] = [0x5e; 32];
const CONTEXT: &[u8] = b"fuzz";

/// Salt and commitment of the one stream under this key that the seeds hold, so that the fuzzer gets past them.
const HEADER: [u8; 56] = *include_bytes!("encrypted_stream.header");

/// The message of that stream: a chunk and a bit.
const GENUINE_LEN: usize = CHUNK_LEN + 100;

fn genuine_message() -> impl Iterator<Item = u8> {
    (0..GENUINE_LEN).map(|index| (index % 251) as u8)
}

fn read_in_every_way(key: &StreamKey, stream: &[u8]) {
    let mut released = Vec::new();
    let front_to_back = key
        .decrypt_reader(CONTEXT, stream)
        .and_then(|mut reader| reader.read_to_end(&mut released));
    assert!(
        iter::zip(&released, genuine_message()).all(|(released, genuine)| *released == genuine),
        "released what was in no message"
    );
    assert!(released.len() <= GENUINE_LEN);
    let error = front_to_back.as_ref().err().map(cause);
    if error.is_none() {
        assert_eq!(released.len(), GENUINE_LEN, "a beginning taken for the whole");
        assert_eq!(message_len(stream.len() as u64), Some(GENUINE_LEN as u64));
    }

    let mut sought = Vec::new();
    let seeking = key.decrypt_seek(CONTEXT, Cursor::new(stream)).and_then(|mut reader| {
        let len = reader.message_len();
        assert_eq!(Some(len), message_len(stream.len() as u64));
        reader.seek(SeekFrom::End(0))?;
        assert_eq!(reader.read(&mut [0; 1])?, 0, "nothing behind the end");
        reader.seek(SeekFrom::Start(0))?;
        reader.read_to_end(&mut sought)
    });
    assert_eq!(seeking.is_ok(), error.is_none(), "two ways of reading agree");
    assert!(released.starts_with(&sought), "and release the same");

    for workers in [0, 1] {
        let mut whole = Vec::new();
        let read = key.decrypt(CONTEXT, stream, &mut whole, workers);
        assert_eq!(read.as_ref().err().map(cause), error);
        assert!(whole == released);
    }
}

fn keyset_refuses(provider: Provider, data: &[u8]) {
    let id = KeyId::from_bytes(*b"fuzz key");
    let keyset = Keyset::with_id("fuzz", id, StreamKey::new_with(provider, SecretKey::from_bytes(SECRET)));
    let about = AssociatedData::new("fuzz");
    let named = [&[2][..], id.as_bytes(), data].concat();
    for stream in [data, &named] {
        let refused = keyset.decrypt_reader(&about, stream).expect_err("nobody made it");
        let short = stream.len() < KEYSET_HEADER_LEN + HEADER.len();
        match cause(&refused) {
            StreamError::Truncated => assert!(short),
            StreamError::Key => assert!(stream.len() >= KEYSET_HEADER_LEN),
            other => panic!("refused at its header for {other}"),
        }
    }
}

fn encrypted_it_is_read_again(key: &StreamKey, data: &[u8]) {
    let mut writer = key.encrypt_writer(CONTEXT, Vec::new()).expect("a vector takes all");
    // The first byte says in what pieces.
    for piece in data.chunks(1 + data.first().map_or(0, |byte| usize::from(*byte) * 97)) {
        writer.write_all(piece).expect("a vector takes all");
    }
    let mut stream = writer.finish().expect("a vector takes all");
    assert_eq!(Some(stream.len() as u64), sealed_len(data.len() as u64));
    let read = |stream: &[u8]| {
        let mut message = Vec::new();
        let end = key.decrypt_reader(CONTEXT, stream)?.read_to_end(&mut message);
        end.map(|_| message)
    };
    assert!(read(&stream).is_ok_and(|message| message == data), "read again");

    // Two more bytes say where it is changed, and how.
    let at = data
        .get(..3)
        .map_or(0, |bytes| usize::from(bytes[1]) << 8 | usize::from(bytes[2]))
        % stream.len();
    match data.last() {
        Some(change) if change % 3 == 0 => stream.truncate(at),
        Some(change) if change % 3 == 1 => stream.push(*change),
        _ => stream[at] ^= 1,
    }
    assert!(read(&stream).is_err(), "changed and accepted");
}

fn cause(error: &std::io::Error) -> StreamError {
    StreamError::of(error).expect("a slice in memory never fails")
}
