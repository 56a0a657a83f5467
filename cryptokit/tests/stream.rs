//! Streams from outside: what is written is read again, in every way and by another implementation, and what anybody
//! has changed on the way is refused.
//!
//! The other implementation is the `cobblestone` crate, by the author of the specification. Known answers are tested
//! inside the library, where a salt can be given.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use cryptokit::Provider;
use cryptokit::aead::{AeadKey, AssociatedData};
use cryptokit::keyset::{KeyId, Keyset, RootKey};
use cryptokit::secret::SecretKey;
use cryptokit::stream::{
    CHUNK_LEN, DecryptReader, HEADER_LEN, KEYSET_HEADER_LEN, StreamError, StreamKey, message_len, sealed_len,
};
use proptest::prelude::*;

const SEALED_CHUNK_LEN: usize = CHUNK_LEN + 16;
const CONTEXT: &[u8] = b"context";
const SECRET: [u8; 32] = [7; 32];

fn key_on(provider: Provider) -> StreamKey {
    StreamKey::new_with(provider, SecretKey::from_bytes(SECRET))
}

fn key() -> StreamKey {
    key_on(Provider::default())
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

fn encrypt(message: &[u8]) -> Vec<u8> {
    let mut writer = key().encrypt_writer(CONTEXT, Vec::new()).unwrap();
    writer.write_all(message).unwrap();
    writer.finish().unwrap()
}

/// What is released, and why no more is.
fn decrypt(stream: &[u8]) -> (Vec<u8>, Option<StreamError>) {
    let mut message = Vec::new();
    let read = key()
        .decrypt_reader(CONTEXT, stream)
        .and_then(|mut reader| reader.read_to_end(&mut message));
    (message, read.err().map(|error| StreamError::of(&error).unwrap()))
}

/// All ways of reading a stream refuse it, and none releases anything but a beginning of `truth`.
fn assert_refused(stream: &[u8], truth: &[u8], what: &str) -> StreamError {
    let (released, error) = decrypt(stream);
    let error = error.unwrap_or_else(|| panic!("{what}: accepted"));
    assert!(
        truth.starts_with(&released),
        "{what}: released what was not in the message"
    );

    let mut sought = Vec::new();
    let seeking = key()
        .decrypt_seek(CONTEXT, Cursor::new(stream))
        .and_then(|mut reader| reader.read_to_end(&mut sought));
    assert!(seeking.is_err(), "{what}: accepted by the seeking reader");
    assert!(truth.starts_with(&sought), "{what}");

    for workers in [0, 1] {
        let mut written = Vec::new();
        let refused = key().decrypt(CONTEXT, stream, &mut written, workers).unwrap_err();
        assert_eq!(StreamError::of(&refused), Some(error), "{what}");
        assert_eq!(written, released, "{what}");
    }
    error
}

#[test]
fn every_length_around_a_chunk_has_one_form_and_is_read_again() {
    for provider in Provider::all() {
        let key = key_on(provider);
        for len in [
            0,
            1,
            CHUNK_LEN - 1,
            CHUNK_LEN,
            CHUNK_LEN + 1,
            4 * CHUNK_LEN,
            5 * CHUNK_LEN - 1,
        ] {
            let message = message(len);
            let mut stream = Vec::new();
            key.encrypt_reader(CONTEXT, message.as_slice())
                .read_to_end(&mut stream)
                .unwrap();
            assert_eq!(Some(stream.len() as u64), sealed_len(len as u64), "{len}");
            assert_eq!(message_len(stream.len() as u64), Some(len as u64), "{len}");
            assert_eq!(decrypt(&stream), (message, None), "{provider:?} {len}");
        }
    }
}

#[test]
fn the_other_implementation_reads_ours_and_we_read_its() {
    let theirs = cobblestone::Key256::from_bytes(&SECRET);
    for len in [0, 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN + 77] {
        let message = message(len);
        let read = cobblestone::decrypt(&theirs, CONTEXT, &encrypt(&message)).unwrap();
        assert!(read == message, "{len}");
        let stream = cobblestone::encrypt(&theirs, CONTEXT, &message).unwrap();
        assert_eq!(decrypt(&stream), (message, None), "{len}");
    }
}

#[test]
fn no_two_streams_of_one_message_are_alike() {
    let (one, two) = (encrypt(b"message"), encrypt(b"message"));
    assert_ne!(one[..24], two[..24], "salts differ");
    assert_ne!(one[HEADER_LEN..], two[HEADER_LEN..], "and with them keys and nonces");
}

#[test]
fn every_altered_bit_of_a_short_stream_is_refused() {
    let stream = encrypt(b"message");
    for index in 0..stream.len() {
        for bit in 0..8 {
            let mut altered = stream.clone();
            altered[index] ^= 1 << bit;
            let error = assert_refused(&altered, b"", &format!("bit {bit} of byte {index}"));
            let expected = if index < HEADER_LEN {
                StreamError::Key
            } else {
                StreamError::Altered { chunk: 0 }
            };
            assert_eq!(error, expected);
        }
    }
}

#[test]
fn every_cut_of_a_short_stream_is_refused() {
    let stream = encrypt(b"message");
    for len in 0..stream.len() {
        let error = assert_refused(&stream[..len], b"", &format!("cut to {len}"));
        let expected = if len < HEADER_LEN + 16 {
            StreamError::Truncated
        } else {
            StreamError::Altered { chunk: 0 }
        };
        assert_eq!(error, expected, "cut to {len}");
    }
}

#[test]
fn a_long_stream_cut_anywhere_near_a_chunk_is_refused() {
    let truth = message(2 * CHUNK_LEN + 5);
    let stream = encrypt(&truth);
    for chunk in 0..=2 {
        let end = HEADER_LEN + chunk * SEALED_CHUNK_LEN;
        for len in end.saturating_sub(17)..(end + 18).min(stream.len()) {
            assert_refused(&stream[..len], &truth, &format!("cut to {len}"));
        }
    }
    let first_only = &stream[..HEADER_LEN + SEALED_CHUNK_LEN];
    assert_eq!(
        assert_refused(first_only, &truth, "first chunk only"),
        StreamError::Truncated
    );
    assert_eq!(
        decrypt(first_only).0,
        truth[..CHUNK_LEN],
        "what was good had been released"
    );
}

#[test]
fn a_message_of_whole_chunks_needs_its_empty_last_one() {
    let truth = message(CHUNK_LEN);
    let stream = encrypt(&truth);
    assert_eq!(stream.len(), HEADER_LEN + SEALED_CHUNK_LEN + 16);
    let cut = &stream[..HEADER_LEN + SEALED_CHUNK_LEN];
    assert_eq!(
        assert_refused(cut, &truth, "without the empty chunk"),
        StreamError::Truncated
    );
}

#[test]
fn chunks_that_moved_came_twice_were_left_out_or_added_are_refused() {
    let truth = message(3 * CHUNK_LEN + 100);
    let stream = encrypt(&truth);
    let other = encrypt(&truth);
    let parts = |stream: &[u8]| -> Vec<Vec<u8>> {
        let chunks = stream[HEADER_LEN..].chunks(SEALED_CHUNK_LEN).map(<[u8]>::to_vec);
        std::iter::once(stream[..HEADER_LEN].to_vec()).chain(chunks).collect()
    };
    let (good, foreign) = (parts(&stream), parts(&other));
    let altered = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut parts = good.clone();
        change(&mut parts);
        parts.concat()
    };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Vec<Vec<u8>>));
    let changes: [Change<'_>; 12] = [
        ("two chunks swapped", &|parts| parts.swap(1, 2)),
        ("a chunk twice", &|parts| parts.insert(2, good[2].clone())),
        ("the first chunk left out", &|parts| drop(parts.remove(1))),
        ("a middle chunk left out", &|parts| drop(parts.remove(2))),
        ("the last chunk left out", &|parts| drop(parts.pop())),
        ("the last chunk first", &|parts| parts.rotate_right(1)),
        ("the last chunk twice", &|parts| parts.push(good[4].clone())),
        ("another stream's chunk", &|parts| parts[2] = foreign[2].clone()),
        ("another stream's last chunk", &|parts| parts[4] = foreign[4].clone()),
        ("another stream's header", &|parts| parts[0] = foreign[0].clone()),
        ("another stream behind it", &|parts| parts.push(other.clone())),
        ("zeros behind it", &|parts| parts.push(vec![0; 16])),
    ];
    for (what, change) in changes {
        assert_refused(&altered(change), &truth, what);
    }
    assert_eq!(decrypt(&altered(&|_| {})), (truth.clone(), None), "unchanged");
}

#[test]
fn another_key_or_context_gives_nothing() {
    let stream = encrypt(b"message");
    let other_key = StreamKey::generate().decrypt_reader(CONTEXT, stream.as_slice());
    assert_eq!(StreamError::of(&other_key.unwrap_err()), Some(StreamError::Key));
    for context in [&b""[..], b"contex", b"context\0", b"Context"] {
        let refused = key().decrypt_reader(context, stream.as_slice()).unwrap_err();
        assert_eq!(StreamError::of(&refused), Some(StreamError::Key));
    }
}

#[test]
fn nothing_of_an_altered_chunk_is_released_and_later_reads_are_refused_alike() {
    let truth = message(3 * CHUNK_LEN);
    for provider in Provider::all() {
        let mut stream = encrypt(&truth);
        stream[HEADER_LEN + SEALED_CHUNK_LEN + 9_000] ^= 1;
        let key = key_on(provider);
        let mut reader = key.decrypt_reader(CONTEXT, stream.as_slice()).unwrap();
        let mut first = vec![0; CHUNK_LEN];
        reader.read_exact(&mut first).unwrap();
        assert!(first == truth[..CHUNK_LEN]);

        let altered = Some(StreamError::Altered { chunk: 1 });
        let mut buffer = [0xaa; 100];
        for _ in 0..3 {
            assert_eq!(StreamError::of(&reader.read(&mut buffer).unwrap_err()), altered);
            assert_eq!(StreamError::of(&reader.fill_buf().unwrap_err()), altered);
        }
        assert_eq!(buffer, [0xaa; 100], "not a byte");

        // The end is good, so there is a reader. It gives chunk 2, refuses chunk 1, and from then on everything.
        let mut seeking = key.decrypt_seek(CONTEXT, Cursor::new(&stream)).unwrap();
        seeking.seek(SeekFrom::Start(2 * CHUNK_LEN as u64)).unwrap();
        seeking.read_exact(&mut buffer).unwrap();
        seeking.seek(SeekFrom::Start(CHUNK_LEN as u64)).unwrap();
        assert_eq!(StreamError::of(&seeking.read(&mut buffer).unwrap_err()), altered);
        seeking.seek(SeekFrom::Start(0)).unwrap();
        assert_eq!(StreamError::of(&seeking.read(&mut buffer).unwrap_err()), altered);
    }
}

#[test]
fn seeking_past_the_end_is_safe_because_the_end_was_checked() {
    let truth = message(2 * CHUNK_LEN + 10);
    let stream = encrypt(&truth);
    let mut reader = key().decrypt_seek(CONTEXT, Cursor::new(&stream)).unwrap();
    assert_eq!(reader.message_len(), truth.len() as u64);

    let mut rest = Vec::new();
    assert_eq!(reader.seek(SeekFrom::End(-12)).unwrap(), truth.len() as u64 - 12);
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, truth[truth.len() - 12..]);
    for to in [
        SeekFrom::End(0),
        SeekFrom::End(5),
        SeekFrom::Start(u64::MAX),
        SeekFrom::Current(0),
    ] {
        reader.seek(to).unwrap();
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0, "{to:?}");
    }
    for (from, to) in [
        (0, SeekFrom::Current(-1)),
        (0, SeekFrom::End(i64::MIN)),
        (u64::MAX, SeekFrom::Current(1)),
    ] {
        reader.seek(SeekFrom::Start(from)).unwrap();
        assert_eq!(
            reader.seek(to).unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{to:?}"
        );
        assert_eq!(reader.stream_position().unwrap(), from, "a refused seek moves nothing");
    }
    reader.seek(SeekFrom::Start(0)).unwrap();
    rest.clear();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == truth);

    // Cut so that the length is one that a message may have: only the last chunk tells.
    let cut = &stream[..stream.len() - 3];
    assert!(message_len(cut.len() as u64).is_some());
    let refused = key().decrypt_seek(CONTEXT, Cursor::new(cut)).unwrap_err();
    assert_eq!(StreamError::of(&refused), Some(StreamError::Altered { chunk: 2 }));
}

#[test]
fn a_file_that_shrinks_under_its_reader_is_refused() {
    let end = Rc::new(Cell::new(u64::MAX));
    let file = Shrinking {
        inner: Cursor::new(encrypt(&message(3 * CHUNK_LEN))),
        end: Rc::clone(&end),
    };
    let mut reader = key().decrypt_seek(CONTEXT, file).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    end.set((HEADER_LEN + SEALED_CHUNK_LEN + 5) as u64);
    let refused = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(StreamError::of(&refused), Some(StreamError::Truncated));
}

struct Shrinking {
    inner: Cursor<Vec<u8>>,
    end: Rc<Cell<u64>>,
}

impl Read for Shrinking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.get().saturating_sub(self.inner.position());
        (&mut self.inner).take(left).read(buffer)
    }
}

impl Seek for Shrinking {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_stream_that_was_never_finished_is_refused() {
    let truth = message(5 * CHUNK_LEN);
    let mut stream = Vec::new();
    let mut writer = key().encrypt_writer(CONTEXT, &mut stream).unwrap();
    writer.write_all(&truth).unwrap();
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(
        assert_refused(&stream, &truth, "never finished"),
        StreamError::Truncated
    );
}

#[test]
fn flushing_sends_whole_chunks_and_changes_nothing() {
    let truth = message(CHUNK_LEN + 100);
    let mut writer = key().encrypt_writer(CONTEXT, Vec::new()).unwrap();
    for piece in truth.chunks(1000) {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
    }
    assert_eq!(decrypt(&writer.finish().unwrap()), (truth, None));
}

/// Fails as told, once, after as many bytes, a byte at a time.
#[derive(Debug)]
struct Stuttering<T> {
    inner: T,
    left: usize,
    error: Option<io::ErrorKind>,
}

impl<T> Stuttering<T> {
    fn step(&mut self) -> io::Result<()> {
        if self.left == 0
            && let Some(kind) = self.error.take()
        {
            return Err(kind.into());
        }
        self.left = self.left.saturating_sub(1);
        Ok(())
    }
}

impl<R: Read> Read for Stuttering<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.step()?;
        let len = buffer.len().min(7);
        self.inner.read(&mut buffer[..len])
    }
}

impl<W: Write> Write for Stuttering<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.step()?;
        self.inner.write(&data[..data.len().min(7)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[test]
fn a_reader_underneath_may_be_slow_interrupted_or_fail_for_a_while() {
    let truth = message(CHUNK_LEN + 500);
    let stream = encrypt(&truth);
    let over = |error| Stuttering {
        inner: stream.as_slice(),
        left: 1_500,
        error: Some(error),
    };

    let mut read = Vec::new();
    let mut reader = key().decrypt_reader(CONTEXT, over(io::ErrorKind::Interrupted)).unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == truth);

    read.clear();
    let mut reader = key().decrypt_reader(CONTEXT, over(io::ErrorKind::TimedOut)).unwrap();
    let failed = reader.read_to_end(&mut read).unwrap_err();
    assert_eq!(
        (failed.kind(), StreamError::of(&failed)),
        (io::ErrorKind::TimedOut, None)
    );
    reader.read_to_end(&mut read).unwrap();
    assert!(read == truth, "it goes on where it was");

    for workers in [0, 1] {
        let mut written = Vec::new();
        let failed = key().decrypt(CONTEXT, over(io::ErrorKind::TimedOut), &mut written, workers);
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let plain = Stuttering {
            inner: truth.as_slice(),
            left: 1_500,
            error: Some(io::ErrorKind::TimedOut),
        };
        let failed = key().encrypt(CONTEXT, plain, io::sink(), workers);
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    let mut sealing = key().encrypt_reader(
        CONTEXT,
        Stuttering {
            inner: truth.as_slice(),
            left: 1_500,
            error: Some(io::ErrorKind::TimedOut),
        },
    );
    let mut again = Vec::new();
    assert_eq!(
        sealing.read_to_end(&mut again).unwrap_err().kind(),
        io::ErrorKind::TimedOut
    );
    sealing.read_to_end(&mut again).unwrap();
    assert_eq!(decrypt(&again), (truth, None), "it goes on where it was");
}

#[test]
fn a_writer_that_failed_once_goes_on_failing() {
    let inner = Stuttering {
        inner: Vec::new(),
        left: 1_500,
        error: Some(io::ErrorKind::StorageFull),
    };
    let mut writer = key().encrypt_writer(CONTEXT, inner).unwrap();
    let failed = writer.write_all(&message(10 * CHUNK_LEN)).unwrap_err();
    assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    // The disk has room again, but nobody knows how much of the chunk arrived.
    for failed in [
        writer.write(b"more").unwrap_err(),
        writer.flush().unwrap_err(),
        writer.finish().unwrap_err(),
    ] {
        assert_eq!(StreamError::of(&failed), Some(StreamError::Broken));
    }
}

#[test]
fn a_failing_writer_ends_the_workers_too() {
    for workers in [0, 1, 3] {
        let full = || Stuttering {
            inner: Vec::new(),
            left: 1_500,
            error: Some(io::ErrorKind::StorageFull),
        };
        let truth = message(40 * CHUNK_LEN);
        let failed = key().encrypt(CONTEXT, truth.as_slice(), full(), workers).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull, "{workers}");
        let failed = key()
            .decrypt(CONTEXT, encrypt(&truth).as_slice(), full(), workers)
            .unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull, "{workers}");
    }
}

#[test]
fn workers_change_neither_the_stream_nor_its_order() {
    // Past three rounds of batches for three workers, and not a multiple of anything.
    let truth = message(130 * CHUNK_LEN + 4_321);
    for workers in [0, 1, 2, 3, usize::MAX] {
        let mut stream = Vec::new();
        let len = key().encrypt(CONTEXT, truth.as_slice(), &mut stream, workers).unwrap();
        assert_eq!(len, truth.len() as u64);
        let mut read = Vec::new();
        key()
            .decrypt_reader(CONTEXT, stream.as_slice())
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == truth, "{workers}");
        read.clear();
        assert_eq!(
            key().decrypt(CONTEXT, stream.as_slice(), &mut read, workers).unwrap(),
            len
        );
        assert!(read == truth, "{workers}");

        let middle = stream.len() / 2;
        stream[middle] ^= 1;
        let (mut released, chunk) = (Vec::new(), ((middle - HEADER_LEN) / SEALED_CHUNK_LEN) as u64);
        let refused = key()
            .decrypt(CONTEXT, stream.as_slice(), &mut released, workers)
            .unwrap_err();
        assert_eq!(
            StreamError::of(&refused),
            Some(StreamError::Altered { chunk }),
            "{workers}"
        );
        assert!(
            released == truth[..chunk as usize * CHUNK_LEN],
            "{workers}: all before it, in order"
        );
    }
}

#[test]
fn under_a_keyset_a_stream_names_its_key_and_is_bound_to_the_name() {
    let about = AssociatedData::new("backup").with(b"monday");
    let mut keyset = Keyset::new("streams", StreamKey::generate());
    let seal = |keyset: &Keyset<StreamKey>| {
        let mut writer = keyset.encrypt_writer(&about, Vec::new()).unwrap();
        writer.write_all(b"message").unwrap();
        writer.finish().unwrap()
    };
    let open = |keyset: &Keyset<StreamKey>, about: &AssociatedData, stream: &[u8]| {
        let mut message = Vec::new();
        let read = keyset
            .decrypt_reader(about, stream)
            .and_then(|mut reader| reader.read_to_end(&mut message));
        let sought = keyset.decrypt_seek(about, Cursor::new(stream));
        let whole = keyset.decrypt(about, stream, io::sink(), 0);
        assert_eq!((sought.is_ok(), whole.is_ok()), (read.is_ok(), read.is_ok()));
        read.map(|_| message).map_err(|error| StreamError::of(&error).unwrap())
    };

    let old_id = keyset.primary().0;
    let old = seal(&keyset);
    assert_eq!(old.len() as u64, KEYSET_HEADER_LEN as u64 + sealed_len(7).unwrap());
    assert_eq!((old[0], &old[1..9]), (2, &old_id.as_bytes()[..]));
    let id = keyset.add(StreamKey::generate());
    keyset.promote(id).unwrap();
    let new = seal(&keyset);
    assert_eq!(
        open(&keyset, &about, &old).unwrap(),
        b"message",
        "older keys still open"
    );
    assert_eq!(open(&keyset, &about, &new).unwrap(), b"message");

    let mut swapped = old.clone();
    swapped[1..9].copy_from_slice(&new[1..9]);
    let mut versions = [old.clone(), old.clone()];
    (versions[0][0], versions[1][0]) = (1, 3);
    let mut unknown = old.clone();
    unknown[1] ^= 1;
    for altered in [swapped, unknown].iter().chain(&versions) {
        assert_eq!(open(&keyset, &about, altered), Err(StreamError::Key));
    }
    let tuesday = AssociatedData::new("backup").with(b"tuesday");
    assert_eq!(open(&keyset, &tuesday, &old), Err(StreamError::Key));
    for len in 0..KEYSET_HEADER_LEN + HEADER_LEN {
        assert_eq!(
            open(&keyset, &about, &old[..len]),
            Err(StreamError::Truncated),
            "cut to {len}"
        );
    }

    // The same bytes as the context of the key alone: the header is part of it, so this is another stream.
    let bare = keyset.primary().1.decrypt_reader(b"", &new[KEYSET_HEADER_LEN..]);
    assert_eq!(StreamError::of(&bare.unwrap_err()), Some(StreamError::Key));

    keyset.revoke(old_id).unwrap();
    assert_eq!(
        open(&keyset, &about, &old),
        Err(StreamError::Key),
        "a revoked key opens nothing"
    );
    let root = RootKey::generate();
    let kept: Keyset<StreamKey> = root.open("streams", &root.seal(&keyset).unwrap()).unwrap();
    assert_eq!(
        open(&kept, &about, &new).unwrap(),
        b"message",
        "keys survive their sealed form"
    );
}

#[test]
fn a_sealed_message_is_no_stream_and_a_stream_no_sealed_message() {
    let about = AssociatedData::new("test");
    let id = KeyId::from_bytes([5; 8]);
    let messages = Keyset::with_id("test", id, AeadKey::new(SecretKey::from_bytes(SECRET)));
    let streams = Keyset::with_id("test", id, key());
    let sealed = messages.seal(&message(100), &about).unwrap();
    let refused = streams.decrypt_reader(&about, sealed.as_slice()).unwrap_err();
    assert_eq!(StreamError::of(&refused), Some(StreamError::Key));
    let stream = streams.encrypt_writer(&about, Vec::new()).unwrap().finish().unwrap();
    assert!(messages.open(&stream, &about).is_err());
}

#[test]
fn a_stream_may_stand_behind_something_else_in_its_file() {
    let truth = message(CHUNK_LEN + 3);
    let mut file = Cursor::new([b"an envelope".to_vec(), encrypt(&truth)].concat());
    file.set_position(11);
    let mut reader = key().decrypt_seek(CONTEXT, file).unwrap();
    reader.seek(SeekFrom::End(-4)).unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, truth[truth.len() - 4..]);
}

#[test]
fn nothing_that_holds_a_key_shows_it() {
    let keyset = Keyset::new("test", key());
    let reader: DecryptReader<&[u8]> = key().decrypt_reader(CONTEXT, &*encrypt(b"").leak()).unwrap();
    let shown = format!("{:?} {keyset:?} {reader:?}", key());
    assert!(!shown.contains("7, 7, 7") && !shown.contains("0707"), "{shown}");
}

proptest! {
    #[test]
    fn what_is_written_in_pieces_is_read_in_pieces(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30_000), 0..6),
        context in prop::collection::vec(any::<u8>(), 0..100),
        step in 1..40_000_usize,
    ) {
        let key = StreamKey::generate();
        let mut writer = key.encrypt_writer(&context, Vec::new()).unwrap();
        for piece in &pieces {
            writer.write_all(piece).unwrap();
        }
        let (stream, truth) = (writer.finish().unwrap(), pieces.concat());
        prop_assert_eq!(Some(stream.len() as u64), sealed_len(truth.len() as u64));

        let mut reader = key.decrypt_reader(&context, stream.as_slice()).unwrap();
        let (mut read, mut buffer) = (Vec::new(), vec![0; step]);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => break,
                len => read.extend_from_slice(&buffer[..len]),
            }
        }
        prop_assert!(read == truth);

        let mut sealing = key.encrypt_reader(&context, truth.as_slice());
        let mut again = Vec::new();
        loop {
            match sealing.read(&mut buffer).unwrap() {
                0 => break,
                len => again.extend_from_slice(&buffer[..len]),
            }
        }
        read.clear();
        key.decrypt_reader(&context, again.as_slice()).unwrap().read_to_end(&mut read).unwrap();
        prop_assert!(read == truth);
    }

    #[test]
    fn any_place_of_a_file_reads_as_it_was_written(
        len in 0..70_000_usize,
        places in prop::collection::vec((any::<prop::sample::Index>(), 0..40_000_usize), 1..6),
    ) {
        let truth = message(len);
        let mut reader = key().decrypt_seek(CONTEXT, Cursor::new(encrypt(&truth))).unwrap();
        for (at, count) in places {
            let at = at.index(len + 1);
            reader.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut part = Vec::new();
            (&mut reader).take(count as u64).read_to_end(&mut part).unwrap();
            prop_assert!(part == truth[at..len.min(at + count)]);
        }
    }

    #[test]
    fn any_one_change_of_a_long_stream_is_refused(
        len in 0..50_000_usize,
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        cut in any::<bool>(),
    ) {
        let truth = message(len);
        let mut stream = encrypt(&truth);
        let at = at.index(stream.len());
        if cut {
            stream.truncate(at);
        } else {
            stream[at] ^= flip;
        }
        assert_refused(&stream, &truth, "one change");
    }
}
