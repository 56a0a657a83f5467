//! PEM (RFC 7468), strictly: the blocks that were asked for, and nothing between them.
//!
//! A lenient reader skips what it does not understand. In a file that says whom to trust or which key to use, what was
//! skipped is the part somebody believes to be in force; here it is an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest PEM text read, in bytes.
pub const MAX_PEM_BYTES: usize = 512 * 1024;

/// Why text is not PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemSyntaxError {
    /// Longer than [`MAX_PEM_BYTES`].
    #[error("PEM text of {bytes} bytes; at most {MAX_PEM_BYTES} are read")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Text outside the blocks.
    #[error("line {line}: text outside a PEM block")]
    Garbage {
        /// Line number, from 1.
        line: usize,
    },
    /// A block without its end line.
    #[error("line {line}: this block has no end")]
    Unfinished {
        /// Line number of its first line, from 1.
        line: usize,
    },
    /// A block that starts with headers (RFC 1421 §4.6), as keys encrypted by OpenSSL's traditional method do.
    #[error("line {line}: this block has headers")]
    Headers {
        /// Line number of its first line, from 1.
        line: usize,
    },
    /// Something else than canonical base64 inside a block.
    #[error("line {line}: this block is not base64")]
    Base64 {
        /// Line number of its first line, from 1.
        line: usize,
    },
}

/// What is left of a PEM text, read block by block: first a block's label, then, if it is wanted, its contents.
///
/// White space may stand between blocks, lines may end in LF or CRLF.
#[derive(Debug)]
pub struct PemBlocks<'a> {
    rest: &'a [u8],
    /// Lines read so far.
    line: usize,
}

/// The first line of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PemLabel<'a> {
    /// What stands between `-----BEGIN ` and `-----`.
    pub text: &'a [u8],
    /// Line number, from 1.
    pub line: usize,
}

impl<'a> PemBlocks<'a> {
    /// Starts reading.
    ///
    /// # Errors
    ///
    /// [`PemSyntaxError::TooLarge`].
    pub fn new(text: &'a [u8]) -> Result<Self, PemSyntaxError> {
        if text.len() > MAX_PEM_BYTES {
            return Err(PemSyntaxError::TooLarge { bytes: text.len() });
        }
        Ok(Self::of_any_length(text))
    }

    /// Starts reading text that the caller has bounded.
    pub(crate) fn of_any_length(text: &'a [u8]) -> Self {
        Self { rest: text, line: 0 }
    }

    /// Reads the first line of the next block, or `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// [`PemSyntaxError::Garbage`] for any other line.
    pub fn next_label(&mut self) -> Result<Option<PemLabel<'a>>, PemSyntaxError> {
        let first = loop {
            match self.next_line() {
                None => return Ok(None),
                Some([]) => {}
                Some(line) => break line,
            }
        };
        let line = self.line;
        let text = first
            .strip_prefix(b"-----BEGIN ")
            .and_then(|rest| rest.strip_suffix(b"-----"))
            .ok_or(PemSyntaxError::Garbage { line })?;
        Ok(Some(PemLabel { text, line }))
    }

    /// Reads the block whose label was read last, to its end. The buffer never grows and is wiped on drop.
    ///
    /// # Errors
    ///
    /// [`PemSyntaxError::Unfinished`], [`PemSyntaxError::Headers`] and [`PemSyntaxError::Base64`].
    pub fn contents(&mut self, label: &PemLabel<'_>) -> Result<Zeroizing<Vec<u8>>, PemSyntaxError> {
        let begin = label.line;
        let end = [b"-----END ", label.text, b"-----"].concat();
        // Measured first so that the buffer never grows: growing would leave a key behind in freed memory.
        let length = self.rest.windows(5).position(|five| five == b"-----");
        let mut base64 = Zeroizing::new(Vec::with_capacity(length.unwrap_or(self.rest.len())));
        loop {
            match self.next_line() {
                Some(line) if line == end => break,
                Some(line) if line.contains(&b':') => return Err(PemSyntaxError::Headers { line: begin }),
                Some(line) if !line.starts_with(b"-----") => base64.extend_from_slice(line),
                _ => return Err(PemSyntaxError::Unfinished { line: begin }),
            }
        }
        let mut contents = Zeroizing::new(vec![0; base64.len() / 4 * 3 + 3]);
        let length = STANDARD
            .decode_slice(base64.as_slice(), &mut contents)
            .map_err(|_| PemSyntaxError::Base64 { line: begin })?;
        contents.truncate(length);
        Ok(contents)
    }

    /// The next line without the white space at its end.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self
            .rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest.get(1..).unwrap_or_default();
        self.line += 1;
        Some(line.trim_ascii_end())
    }
}

/// One block: 64 columns, LF. The text is wiped on drop, for it may hold a key.
pub fn encode(label: &str, contents: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(contents));
    let mut pem = Zeroizing::new(String::with_capacity(
        base64.len() + base64.len() / 64 + 2 * label.len() + 34,
    ));
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only_block(text: &[u8]) -> Result<(Vec<u8>, Vec<u8>), PemSyntaxError> {
        let mut blocks = PemBlocks::new(text)?;
        let label = blocks.next_label()?.expect("a block");
        let contents = blocks.contents(&label)?;
        assert_eq!(blocks.next_label()?, None);
        Ok((label.text.to_vec(), contents.to_vec()))
    }

    #[test]
    fn labels_must_match_and_headers_are_named() {
        let text = encode("A THING", b"contents");
        assert_eq!(
            only_block(text.as_bytes()),
            Ok((b"A THING".to_vec(), b"contents".to_vec()))
        );
        let crossed = text.replace("END A", "END ANOTHER");
        assert_eq!(
            only_block(crossed.as_bytes()),
            Err(PemSyntaxError::Unfinished { line: 1 })
        );
        let headers = text.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1);
        assert_eq!(only_block(headers.as_bytes()), Err(PemSyntaxError::Headers { line: 1 }));
        for garbage in ["x", "-----BEGIN A THING----", "-----BEGIN", "----- BEGIN A-----"] {
            let garbage = format!("{garbage}\n{}", *text);
            assert_eq!(only_block(garbage.as_bytes()), Err(PemSyntaxError::Garbage { line: 1 }));
        }
    }

    proptest! {
        #[test]
        fn round_trips(label in "[A-Z]([A-Z ]{0,10}[A-Z])?", contents: Vec<u8>) {
            let text = encode(&label, &contents);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(only_block(text.as_bytes()), Ok((label.into_bytes(), contents)));
        }
    }

    proptest! {
        // Every place and every byte in one case, so that few cases are enough and none hangs on luck.
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn an_altered_text_is_refused_or_means_something_else(contents: [u8; 32]) {
            let text = encode("A", &contents);
            for at in 0..text.len() {
                for to in (b'\t'..=b'~').filter(|to| text.as_bytes()[at] != *to) {
                    let mut altered = text.as_bytes().to_vec();
                    altered[at] = to;
                    let Ok(read) = PemBlocks::new(&altered).and_then(|mut blocks| {
                        let label = blocks.next_label()?.ok_or(PemSyntaxError::Garbage { line: 0 })?;
                        blocks.contents(&label)
                    }) else {
                        continue;
                    };
                    // White space before a line's end is the one thing that is not looked at, and the last line may
                    // end with the text.
                    let rest = &altered[at..];
                    let unseen = rest[0].is_ascii_whitespace() && (rest.len() == 1 || rest[1] == b'\n');
                    prop_assert!(read.as_slice() != contents || unseen, "byte {at} as {to:#04x}");
                }
            }
        }
    }
}
