//! `seal` and `open`: a stream of any length under a keyset of our own.

use std::io;

use cryptokit::aead::AssociatedData;
use cryptokit::stream::{StreamError, StreamKey};

use crate::cli::SealArgs;
use crate::error::Error;
use crate::keyset_file;
use crate::streams::{Input, Output};

/// Tells these streams from whatever else a program seals under the same keyset.
const PURPOSE: &str = "cryptokit seal";

/// Encrypts.
pub(crate) fn seal(args: &SealArgs) -> Result<(), Error> {
    let keyset = keyset_file::open::<StreamKey>(&args.keyset)?;
    let input = Input::open(args.input.as_deref())?;
    let mut output = Output::create(&args.output, &[&args.keyset.file, &args.keyset.root_key])?;
    output.refuse_terminal()?;
    let workers = input.workers();
    keyset
        .encrypt(&about(args), input, &mut output, workers)
        .map_err(failure)?;
    output.commit()
}

/// Decrypts.
pub(crate) fn open(args: &SealArgs) -> Result<(), Error> {
    let keyset = keyset_file::open::<StreamKey>(&args.keyset)?;
    let input = Input::open(args.input.as_deref())?;
    let mut output = Output::create(&args.output, &[&args.keyset.file, &args.keyset.root_key])?;
    let workers = input.workers();
    keyset
        .decrypt(&about(args), input, &mut output, workers)
        .map_err(failure)?;
    output.commit()
}

fn about(args: &SealArgs) -> AssociatedData {
    AssociatedData::new(PURPOSE).with(args.context.as_bytes())
}

/// What to do with bytes that came to harm on their way.
pub(super) const ANOTHER_COPY: &str = "get another copy of it; nothing of this one is to be relied upon";

/// Sorts out whose fault it was.
pub(super) fn failure(error: io::Error) -> Error {
    match StreamError::of(&error) {
        Some(StreamError::TooLong) => Error::input("the input", StreamError::TooLong, "split it"),
        Some(StreamError::Key) => Error::does_not_open(
            StreamError::Key,
            "check that keyset, key and context are those it was made with, and that the file is not another",
        ),
        Some(cause) => Error::does_not_open(cause, ANOTHER_COPY),
        None => Error::from_copying(error),
    }
}
