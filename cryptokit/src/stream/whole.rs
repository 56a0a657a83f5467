//! A whole stream from a reader to a writer, on several cores if asked to.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use zeroize::Zeroizing;

use super::batch::Batch;
use super::chunk::{Chunks, SEALED_CHUNK_LEN, TAG_LEN};
use super::key::Start;
use super::{CHUNK_LEN, StreamError, StreamKey};

/// Most workers that are started, whatever is asked for.
pub const MAX_WORKERS: usize = 16;

/// Chunks that are read, worked on and written together: 256 KiB.
const BATCH_CHUNKS: usize = 16;
/// Batches of each worker: one that it works on, one that waits.
const BATCHES_PER_WORKER: usize = 2;
/// Batches on top of those: one that is being read, one that is being written. Without them reading and writing wait for
/// each other.
const BATCHES_AT_THE_ENDS: usize = 2;

impl StreamKey {
    /// Encrypts all of `reader` to `writer` and returns the length of the message in bytes.
    ///
    /// The calling thread writes, one more reads, and `workers` threads encrypt meanwhile. With 0 the calling thread does
    /// everything, which serves best where input comes slowly: what is read is then written before more is waited for.
    /// From file to file one worker is worth having, more only where encryption is slower than reading and writing.
    /// Above [`MAX_WORKERS`] none are added. Works in batches of 256 KiB and holds one; with workers, two for each and two
    /// more.
    ///
    /// # Errors
    ///
    /// Those of `reader` and `writer`, that of starting a thread, [`StreamError::TooLong`]. What has been written is
    /// then of no use.
    ///
    /// # Panics
    ///
    /// When the operating system's generator fails; see [`random::fill`](crate::random::fill).
    pub fn encrypt<R: Read + Send, W: Write>(
        &self,
        context: &[u8],
        reader: R,
        writer: W,
        workers: usize,
    ) -> io::Result<u64> {
        encrypt(self.start(&[], context), reader, writer, workers)
    }

    /// Decrypts all of `reader` to `writer` and returns the length of the message in bytes.
    ///
    /// Chunks are written when they have been checked, in order, before the end of the stream has been: after an error,
    /// what was written is a true beginning of the message and nothing more, and belongs thrown away. Threads and
    /// memory are as with [`Self::encrypt`].
    ///
    /// # Errors
    ///
    /// Those of `reader` and `writer`, that of starting a thread; [`StreamError::Key`], [`StreamError::Altered`],
    /// [`StreamError::Truncated`], [`StreamError::TooLong`].
    pub fn decrypt<R: Read + Send, W: Write>(
        &self,
        context: &[u8],
        mut reader: R,
        writer: W,
        workers: usize,
    ) -> io::Result<u64> {
        let chunks = self.read_header(context, &mut reader)?;
        decrypt(&chunks, reader, writer, workers)
    }
}

pub(super) fn encrypt<R: Read + Send, W: Write>(
    start: Start,
    mut reader: R,
    mut writer: W,
    workers: usize,
) -> io::Result<u64> {
    writer.write_all(&start.header)?;
    let mut len = 0;
    pump(
        workers,
        || Sealing {
            batch: Batch::new(BATCH_CHUNKS),
            last: false,
            sealed: Ok(0),
        },
        |sealing| {
            sealing.batch.clear();
            sealing.last = !sealing.batch.fill_from_reader(&mut reader)?;
            Ok(!sealing.last)
        },
        |sealing, first| {
            sealing.sealed = if sealing.last {
                sealing.batch.seal_last(&start.chunks, first)
            } else {
                let whole = sealing.batch.seal_whole(&start.chunks, first);
                whole.map(|chunks| chunks * SEALED_CHUNK_LEN)
            };
        },
        |sealing| {
            len += sealing.batch.filled() as u64;
            writer.write_all(sealing.batch.sealed(sealing.sealed?))
        },
    )?;
    writer.flush()?;
    Ok(len)
}

/// A batch on its way through encryption.
struct Sealing {
    batch: Batch,
    last: bool,
    /// How much of it is to be written.
    sealed: Result<usize, StreamError>,
}

pub(super) fn decrypt<R: Read + Send, W: Write>(
    chunks: &Chunks,
    mut reader: R,
    mut writer: W,
    workers: usize,
) -> io::Result<u64> {
    let mut len = 0;
    pump(
        workers,
        || Opening {
            bytes: Zeroizing::new(vec![0; BATCH_CHUNKS * SEALED_CHUNK_LEN]),
            filled: 0,
            message_len: 0,
            end: Ok(()),
        },
        |opening| opening.fill(&mut reader),
        |opening, first| opening.open(chunks, first),
        |opening| {
            for chunk in opening.message() {
                writer.write_all(chunk)?;
                len += chunk.len() as u64;
            }
            Ok(opening.end?)
        },
    )?;
    writer.flush()?;
    Ok(len)
}

/// A batch on its way through decryption.
struct Opening {
    bytes: Zeroizing<Vec<u8>>,
    /// Bytes of ciphertext in it. Less than its length in the last batch, and in no other.
    filled: usize,
    /// Bytes of the message in it that have been checked.
    message_len: usize,
    end: Result<(), StreamError>,
}

impl Opening {
    /// Reads until the batch is full (`true`) or `reader` has ended (`false`).
    fn fill(&mut self, reader: &mut impl Read) -> io::Result<bool> {
        self.filled = 0;
        while self.filled < self.bytes.len() {
            match reader.read(&mut self.bytes[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(len) => self.filled += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn open(&mut self, chunks: &Chunks, first: u64) {
        self.message_len = 0;
        self.end = self.open_all(chunks, first);
    }

    fn open_all(&mut self, chunks: &Chunks, first: u64) -> Result<(), StreamError> {
        let last = self.filled < self.bytes.len();
        for (index, chunk) in (first..).zip(self.bytes[..self.filled].chunks_mut(SEALED_CHUNK_LEN)) {
            self.message_len += chunks.open(index, chunk)?;
        }
        // The last chunk is short; one that is full, or none at all, is not the end of a stream.
        if last && self.filled.is_multiple_of(SEALED_CHUNK_LEN) {
            return Err(StreamError::Truncated);
        }
        Ok(())
    }

    /// What has been checked of the message, chunk by chunk.
    fn message(&self) -> impl Iterator<Item = &[u8]> {
        let lens = (0..self.message_len)
            .step_by(CHUNK_LEN)
            .map(|start| CHUNK_LEN.min(self.message_len - start));
        let chunks = self.bytes.chunks(CHUNK_LEN + TAG_LEN);
        chunks.zip(lens).map(|(chunk, len)| &chunk[..len])
    }
}

/// Fills batches, has them worked on, and drains them in their order, until `fill` says that one was the last.
///
/// `work` gets the number of the batch's first chunk.
fn pump<B: Send>(
    workers: usize,
    make: impl Fn() -> B,
    mut fill: impl FnMut(&mut B) -> io::Result<bool> + Send,
    work: impl Fn(&mut B, u64) + Sync,
    mut drain: impl FnMut(&B) -> io::Result<()>,
) -> io::Result<()> {
    if workers == 0 {
        let mut batch = make();
        for first in (0..).step_by(BATCH_CHUNKS) {
            let more = fill(&mut batch)?;
            work(&mut batch, first);
            drain(&batch)?;
            if !more {
                break;
            }
        }
        return Ok(());
    }

    let workers = workers.min(MAX_WORKERS);
    thread::scope(|scope| {
        // Whoever ends drops its ends of the channels, which ends its neighbours, which ends the scope.
        let mut jobs = Vec::with_capacity(workers);
        let mut finished = Vec::with_capacity(workers);
        for _ in 0..workers {
            let (job, to_do) = mpsc::sync_channel(BATCHES_PER_WORKER);
            let (done, result) = mpsc::sync_channel(BATCHES_PER_WORKER);
            let work = &work;
            thread::Builder::new().spawn_scoped(scope, move || run_worker(&to_do, &done, work))?;
            jobs.push(job);
            finished.push(result);
        }
        let (give_back, spare) = mpsc::channel();
        for _ in 0..workers * BATCHES_PER_WORKER + BATCHES_AT_THE_ENDS {
            // The other end is here still.
            give_back.send(make()).map_err(|_| stopped())?;
        }
        let reading = thread::Builder::new().spawn_scoped(scope, move || run_reader(&spare, &jobs, &mut fill))?;

        // Batches go round the workers in turn, which keeps them in order.
        for lane in finished.iter().cycle() {
            let Ok(batch) = lane.recv() else {
                break;
            };
            drain(&batch)?;
            // A reader that has come to its end needs no more of them.
            drop(give_back.send(batch));
        }
        // A worker that panicked ends the round early. The reader must not wait for batches that nobody gives back.
        drop((give_back, finished));
        reading.join().map_err(|_| stopped())?
    })
}

fn run_reader<B>(
    spare: &Receiver<B>,
    jobs: &[SyncSender<(u64, B)>],
    fill: &mut impl FnMut(&mut B) -> io::Result<bool>,
) -> io::Result<()> {
    for (first, lane) in (0..).step_by(BATCH_CHUNKS).zip(jobs.iter().cycle()) {
        let Ok(mut batch) = spare.recv() else {
            break;
        };
        let more = fill(&mut batch)?;
        if lane.send((first, batch)).is_err() || !more {
            break;
        }
    }
    Ok(())
}

fn run_worker<B>(to_do: &Receiver<(u64, B)>, done: &SyncSender<B>, work: &impl Fn(&mut B, u64)) {
    for (first, mut batch) in to_do {
        work(&mut batch, first);
        if done.send(batch).is_err() {
            return;
        }
    }
}

/// Only a thread that panicked stops before its neighbours do; the scope then goes on with that panic.
fn stopped() -> io::Error {
    io::Error::other("a thread stopped")
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_worker_that_panics_ends_the_others_and_the_reader() {
        const WORKERS: usize = 2;
        let filled = AtomicUsize::new(0);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            pump(
                WORKERS,
                || (),
                |()| {
                    filled.fetch_add(1, Ordering::SeqCst);
                    Ok(true)
                },
                |(), first| {
                    // Until the reader has used up all batches and waits for one to come back.
                    while filled.load(Ordering::SeqCst) < WORKERS * BATCHES_PER_WORKER + BATCHES_AT_THE_ENDS {
                        thread::yield_now();
                    }
                    assert_ne!(first, 0, "on purpose");
                },
                |()| Ok(()),
            )
        }));
        assert!(ended.is_err(), "the panic goes on");
    }
}
