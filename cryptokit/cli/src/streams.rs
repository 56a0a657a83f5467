//! Where bytes come from and go to: a file or a pipe, with progress for a person who waits.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use private_files::{Existing, NewFile};

use crate::cli::OutputArgs;
use crate::error::Error;

/// Inputs shorter than this are done before anybody could read a progress line.
const PROGRESS_FROM_BYTES: u64 = 64 * 1024 * 1024;

/// An open input and its progress.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    /// For errors.
    name: String,
    is_file: bool,
    progress: ProgressBar,
}

/// Whether two paths lead to one file that exists.
fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether that names standard input.
pub(crate) fn is_stdin(path: Option<&Path>) -> bool {
    path.is_none_or(|path| path == Path::new("-"))
}

/// Refuses to take two things from standard input, of which the first would swallow the second.
pub(crate) fn refuse_stdin_twice(first: &str, second: &str) -> Error {
    Error::input(
        "standard input",
        format!("it cannot be both {first} and {second}"),
        "give one of them in a file",
    )
}

impl Input {
    /// Opens a file, or standard input when there is none or it is `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self {
                reader: Box::new(io::stdin()),
                name: "standard input".to_owned(),
                is_file: false,
                progress: progress(None),
            });
        };
        let failed = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self {
            progress: progress(metadata.is_file().then_some(metadata.len())),
            is_file: metadata.is_file(),
            name: path.display().to_string(),
            reader: Box::new(file),
        })
    }

    /// Threads worth having beside those that read and write. From a pipe, what has come should go on at once.
    pub(crate) fn workers(&self) -> usize {
        usize::from(self.is_file)
    }

    /// Reads all of it, as text of at most `max_len` bytes.
    pub(crate) fn text(self, max_len: usize) -> Result<String, Error> {
        let unusable = {
            let name = self.name.clone();
            move |why| Error::input(name, why, "give the right file")
        };
        let mut bytes = Vec::new();
        let mut reader = BufReader::new(self).take(max_len as u64 + 1);
        reader.read_to_end(&mut bytes).map_err(Error::ReadInput)?;
        if bytes.len() > max_len {
            return Err(unusable("it is too long"));
        }
        String::from_utf8(bytes).map_err(|_| unusable("it is not text"))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        self.progress.inc(len as u64);
        if len == 0 {
            self.progress.finish_and_clear();
        }
        Ok(len)
    }
}

/// On standard error, when that is a terminal and the input is long or of unknown length.
fn progress(len: Option<u64>) -> ProgressBar {
    let bar = match len {
        Some(len) if len < PROGRESS_FROM_BYTES => return ProgressBar::hidden(),
        Some(len) => {
            ProgressBar::new(len).with_style(style("{bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left"))
        }
        None => ProgressBar::no_length().with_style(style("{bytes}, {binary_bytes_per_sec}")),
    };
    // Without a terminal nothing is drawn. A person who types the input needs no counter.
    if len.is_none() && io::stdin().is_terminal() {
        return ProgressBar::hidden();
    }
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant")
}

/// Where a result goes: a file that is there when it is whole, or standard output.
pub(crate) enum Output {
    /// A pipe or a terminal.
    Stdout(io::Stdout),
    /// A file, private because what was secret is in it.
    File(NewFile),
}

impl Output {
    /// Opens a file that must not exist unless `force`, or standard output when there is none or it is `-`. The files of
    /// `needed` are not replaced: what was encrypted under a key is lost with it.
    pub(crate) fn create(args: &OutputArgs, needed: &[&Path]) -> Result<Self, Error> {
        match args.output.as_deref().filter(|path| *path != Path::new("-")) {
            None => Ok(Self::Stdout(io::stdout())),
            Some(path) => {
                let existing = if args.force { Existing::Replace } else { Existing::Keep };
                if args.force && needed.iter().any(|key| is_same_file(path, key)) {
                    let why = "it is a key that this needs";
                    return Err(Error::input(path.display().to_string(), why, "choose another name"));
                }
                Ok(Self::File(NewFile::begin(path, existing)?))
            }
        }
    }

    /// Refuses to write to a terminal what no person can read.
    pub(crate) fn refuse_terminal(&self) -> Result<(), Error> {
        match self {
            Self::Stdout(stdout) if stdout.is_terminal() => Err(Error::input(
                "standard output",
                "it is a terminal, and the output is binary",
                "use --output FILE or a pipe",
            )),
            _ => Ok(()),
        }
    }

    /// Puts the file into place. What a pipe got, it has.
    pub(crate) fn commit(self) -> Result<(), Error> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush().map_err(Error::Output),
            Self::File(file) => Ok(file.commit()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(file) => file.write(bytes),
        };
        written.map_err(WriteFailure::mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
        };
        flushed.map_err(WriteFailure::mark)
    }
}

/// An error of an output. Where bytes are copied, it comes out of the same call as an error of the input.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct WriteFailure(io::Error);

impl WriteFailure {
    fn mark(error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        io::Error::new(error.kind(), Self(error))
    }
}

/// Prints one line of a result.
pub(crate) fn print(line: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").map_err(Error::Output)
}
