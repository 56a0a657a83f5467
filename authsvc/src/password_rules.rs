//! The rules for new passwords, off the threads that serve requests, and the file of breached ones.
//!
//! The file holds SHA-1 digests in hexadecimal, one a line, in ascending order, each with `:` and a number behind it or
//! without: the form in which Have I Been Pwned gives its list out. A look is a binary search: some thirty reads of 4 KiB
//! for a file of 40 GB, and no memory to speak of. The file may be replaced by another while the service runs, by
//! renaming; it is opened for each look.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use authsvc_core::service::{BreachedPasswords, PasswordContext, PasswordPolicy, PasswordRefusal, PasswordRules};
use cryptokit::hash::sha1_for_display;
use cryptokit::password::Password;

use crate::config::Config;

/// The service's own name.
const NAME: &str = "authsvc";
/// Digits of a digest.
const DIGEST_LEN: usize = 40;
/// Longest line: a digest, a colon, twenty digits, CR and LF.
const MAX_LINE: usize = 64;
/// Lines that are looked at when the service starts.
const SAMPLES: u64 = 64;

/// The rules of an installation.
///
/// # Errors
///
/// What is wrong with the file of breached passwords.
pub fn rules(config: &Config) -> Result<Arc<dyn PasswordRules>, BreachedFileError> {
    let mut policy = PasswordPolicy::default().with_service(NAME, &config.tokens.issuer);
    if let Some(file) = &config.passwords.breached_file {
        policy = policy.with_breached(Arc::new(BreachedFile::open(file)?));
    }
    Ok(Arc::new(OffThread(Arc::new(policy))))
}

/// Asks elsewhere: the estimate can take tens of milliseconds, and the file is read.
struct OffThread(Arc<PasswordPolicy>);

#[async_trait]
impl PasswordRules for OffThread {
    async fn check(&self, password: Arc<Password>, context: PasswordContext) -> Result<(), PasswordRefusal> {
        let policy = Arc::clone(&self.0);
        let judged = tokio::task::spawn_blocking(move || policy.judge(&password, &context)).await;
        judged.unwrap_or_else(|panicked| Err(PasswordRefusal::List(io::Error::other(panicked.to_string()))))
    }
}

/// A file of breached passwords.
#[derive(Clone, Debug)]
pub struct BreachedFile(PathBuf);

/// Why a file of breached passwords is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreachedFileError {
    /// It cannot be read.
    #[error("passwords.breached_file {path:?} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not such a list.
    #[error(
        "passwords.breached_file {path:?} is not a list of SHA-1 digests in ascending order, at byte {offset}\n\
         help: one digest of 40 hexadecimal digits a line, with :NUMBER behind it or without"
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// Where the line begins that is none.
        offset: u64,
    },
}

impl BreachedFile {
    /// Opens a list and looks at some of its lines.
    ///
    /// # Errors
    ///
    /// [`BreachedFileError`].
    pub fn open(path: &Path) -> Result<Self, BreachedFileError> {
        let failed = |source| BreachedFileError::Read {
            path: path.to_owned(),
            source,
        };
        let wrong = |offset| BreachedFileError::Form {
            path: path.to_owned(),
            offset,
        };
        let mut list = List::open(path).map_err(failed)?;
        if list.len == 0 {
            return Err(wrong(0));
        }
        let mut before: Option<[u8; DIGEST_LEN]> = None;
        for sample in 0..SAMPLES {
            let at = list.len / SAMPLES * sample;
            let Some(line) = list.line_at(at).map_err(failed)? else {
                continue;
            };
            let digest = line.digest.ok_or_else(|| wrong(line.start))?;
            if before.is_some_and(|before| before > digest) {
                return Err(wrong(line.start));
            }
            before = Some(digest);
        }
        Ok(Self(path.to_owned()))
    }

    fn holds(&self, digest: &[u8; DIGEST_LEN]) -> io::Result<bool> {
        let mut list = List::open(&self.0)?;
        let (mut low, mut high) = (0, list.len);
        while low < high {
            let middle = low.midpoint(high);
            let Some(line) = list.line_at(middle)? else { break };
            let found = line
                .digest
                .ok_or_else(|| io::Error::other(format!("no digest at byte {}", line.start)))?;
            match found.cmp(digest) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => low = line.end,
                Ordering::Greater => high = line.start,
            }
        }
        Ok(false)
    }
}

impl BreachedPasswords for BreachedFile {
    fn contains(&self, password: &Password) -> io::Result<bool> {
        // SHA-1 is what the published list is keyed by. Nothing is protected by it.
        let digest = sha1_for_display(password.expose_secret().as_bytes());
        let mut digits = [0; DIGEST_LEN];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(digest) {
            pair[0] = digit(byte >> 4);
            pair[1] = digit(byte & 15);
        }
        self.holds(&digits)
    }
}

fn digit(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble)]
}

struct List {
    file: File,
    len: u64,
}

/// A line: where it begins, where the next one does, and the digest in capitals if it holds one.
struct Line {
    start: u64,
    end: u64,
    digest: Option<[u8; DIGEST_LEN]>,
}

impl List {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    /// The line that the byte belongs to. `None` only where the file has become shorter.
    fn line_at(&mut self, offset: u64) -> io::Result<Option<Line>> {
        let window_start = offset.saturating_sub(MAX_LINE as u64);
        self.file.seek(SeekFrom::Start(window_start))?;
        let mut window = Vec::with_capacity(2 * MAX_LINE);
        (&mut self.file).take(2 * MAX_LINE as u64).read_to_end(&mut window)?;
        let within = (offset - window_start) as usize;
        if within >= window.len() {
            return Ok(None);
        }
        let begin = window[..within]
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let end = window[within..].iter().position(|&b| b == b'\n').map(|at| within + at);
        let text = &window[begin..end.unwrap_or(window.len())];
        Ok(Some(Line {
            start: window_start + begin as u64,
            end: end.map_or(window_start + window.len() as u64, |at| window_start + at as u64 + 1),
            digest: digest_of(text),
        }))
    }
}

fn digest_of(line: &[u8]) -> Option<[u8; DIGEST_LEN]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(DIGEST_LEN)?;
    let counted = match rest.split_first() {
        None => true,
        Some((b':', count)) => !count.is_empty() && count.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    let mut digest: [u8; DIGEST_LEN] = digits.try_into().ok()?;
    digest.make_ascii_uppercase();
    (counted && digest.iter().all(u8::is_ascii_hexdigit)).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str], line_end: &str, count: bool) -> tempfile::NamedTempFile {
        let mut digests: Vec<String> = words
            .iter()
            .map(|word| {
                sha1_for_display(word.as_bytes())
                    .iter()
                    .map(|byte| format!("{byte:02X}"))
                    .collect()
            })
            .collect();
        digests.sort();
        let file = tempfile::NamedTempFile::new().unwrap();
        let text: String = digests
            .iter()
            .enumerate()
            .map(|(index, digest)| match count {
                true => format!("{digest}:{}{line_end}", index * 7919),
                false => format!("{digest}{line_end}"),
            })
            .collect();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn every_password_of_a_list_is_found_and_no_other() {
        let words: Vec<String> = (0..500).map(|number| format!("word {number}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (size, line_end, count) in [
            (1, "\n", true),
            (2, "\r\n", true),
            (3, "\n", false),
            (500, "\r\n", true),
        ] {
            let file = list(&words[..size], line_end, count);
            let breached = BreachedFile::open(file.path()).unwrap();
            for word in &words[..size] {
                assert!(
                    breached.contains(&Password::new(word).unwrap()).unwrap(),
                    "{word} of {size}"
                );
            }
            for other in 500..1000 {
                let other = Password::new(&format!("word {other}")).unwrap();
                assert!(!breached.contains(&other).unwrap());
            }
        }
    }

    #[test]
    fn what_is_no_list_is_refused_when_it_is_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in [
            "",
            "\n",
            "password\n123456\n",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8;3\n",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:\n",
            "8846F7EAEE8FB117AD06BDD830B7586C\n",
            &"x".repeat(100_000),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert!(
                matches!(BreachedFile::open(file.path()), Err(BreachedFileError::Form { .. })),
                "{text:.60}"
            );
        }
        let descending: String = (0..64_u32).rev().map(|n| format!("{n:040X}\n")).collect();
        std::fs::write(file.path(), descending).unwrap();
        assert!(matches!(
            BreachedFile::open(file.path()),
            Err(BreachedFileError::Form { .. })
        ));
        assert!(matches!(
            BreachedFile::open(Path::new("/nowhere/at/all")),
            Err(BreachedFileError::Read { .. })
        ));
    }

    #[test]
    fn a_list_that_is_gone_or_damaged_later_is_an_error_and_not_a_no() {
        let file = list(&["a", "b", "c"], "\n", true);
        let breached = BreachedFile::open(file.path()).unwrap();
        let password = Password::new("correct horse").unwrap();
        std::fs::write(file.path(), "garbage".repeat(50)).unwrap();
        assert!(breached.contains(&password).is_err());
        drop(file);
        assert!(breached.contains(&password).is_err());
    }
}
