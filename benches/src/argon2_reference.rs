//! Argon2id through the pool, beside the reference C library in a process of its own.
//!
//! C is called by nobody here: the program (`argon2-reference.c`) computes one hash for each byte it is sent and answers
//! with the tag. That takes some microseconds more than the hash, in 10 milliseconds.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cryptokit::password::{Argon2Backend, PasswordHasher};

use crate::argon2id::{Login, NEVER_UNDER, bare_fresh};
use crate::{Baseline, Comparison};

/// What the program hashes with.
const SALT: [u8; 16] = [9; 16];

/// Both backends, a permit taken and given back for each hash, beside the program at `reference`.
///
/// # Errors
///
/// The program cannot be started, or computes something else.
///
/// # Panics
///
/// Not here, but a comparison does while it runs when the program ends.
pub fn comparisons(reference: &Path) -> io::Result<Vec<Comparison>> {
    [
        (
            "argon2id 19 MiB, SIMD: verify, own permit",
            Argon2Backend::Simd,
            Some(1.0),
        ),
        ("argon2id 19 MiB: verify, own permit", Argon2Backend::Portable, None),
    ]
    .into_iter()
    .map(|(what, backend, bar)| {
        let login = Login::new(backend);
        let mut reference = Reference::start(reference)?;
        Ok(Comparison {
            what: what.into(),
            bytes: 0,
            never_under: NEVER_UNDER,
            ours: Box::new(move || login.verify(&mut login.permit())),
            baselines: vec![Baseline {
                name: "reference C, -O3 -mavx2",
                bar,
                run: Box::new(move || reference.hash().expect("it answered before")),
            }],
        })
    })
    .collect()
}

struct Reference {
    process: Child,
    /// Closing it ends the program.
    ask: Option<ChildStdin>,
    answer: ChildStdout,
    expected: [u8; PasswordHasher::TAG_LEN],
}

impl Reference {
    fn start(program: &Path) -> io::Result<Self> {
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut reference = Self {
            ask: process.stdin.take(),
            answer: process.stdout.take().expect("piped"),
            process,
            expected: bare_fresh(&SALT),
        };
        reference.hash()?;
        Ok(reference)
    }

    fn hash(&mut self) -> io::Result<()> {
        self.ask.as_mut().expect("open until dropped").write_all(b".")?;
        let mut tag = [0; PasswordHasher::TAG_LEN];
        self.answer.read_exact(&mut tag)?;
        if tag == self.expected {
            Ok(())
        } else {
            Err(io::Error::other("the reference program computed another hash"))
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.ask = None;
        let _ = self.process.wait();
    }
}
