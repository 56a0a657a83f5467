//! PEM (RFC 7468) as it is found: blocks between other text, with headers, with lines of any length.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// A block of a PEM text.
pub(super) struct Block {
    /// What stands between `-----BEGIN ` and `-----`; not safe to print.
    pub(super) label: String,
    /// Number of its first line, from 1.
    pub(super) line: usize,
    /// The cipher of a key that is encrypted by headers.
    pub(super) cipher: Option<String>,
    /// Wiped on drop, for it may be a key.
    pub(super) contents: Result<Zeroizing<Vec<u8>>, &'static str>,
}

/// The blocks of a text.
pub(super) struct Pem {
    pub(super) blocks: Vec<Block>,
    /// How many lines with text stand outside of them.
    pub(super) other_lines: usize,
}

/// Reads the blocks of a text; `None` when it has none.
pub(super) fn read(text: &[u8]) -> Option<Pem> {
    let mut pem = Pem {
        blocks: Vec::new(),
        other_lines: 0,
    };
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        match label(line, b"-----BEGIN ") {
            Some(label) => pem
                .blocks
                .push(block(label, index + 1, lines.by_ref().map(|(_, line)| line))),
            None => pem.other_lines += usize::from(!line.is_empty()),
        }
    }
    (!pem.blocks.is_empty()).then_some(pem)
}

/// Base64 of a whole text, with white space anywhere.
pub(super) fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
    characters.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    // A buffer that never grows: growing would leave a key behind in freed memory.
    let mut decoded = Zeroizing::new(vec![0; characters.len() / 4 * 3 + 3]);
    let length = LENIENT.decode_slice(characters.as_slice(), &mut decoded).ok()?;
    decoded.truncate(length);
    Some(decoded)
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn label<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(begin)?.strip_suffix(b"-----")
}

fn block<'a>(label_text: &[u8], line: usize, lines: impl Iterator<Item = &'a [u8]>) -> Block {
    let mut body = Zeroizing::new(Vec::new());
    let mut cipher = None;
    let mut is_finished = false;
    for text in lines {
        if label(text, b"-----END ").is_some() {
            is_finished = true;
            break;
        }
        match text.strip_prefix(b"DEK-Info:") {
            Some(information) => {
                let name = information.split(|byte| *byte == b',').next().unwrap_or_default();
                cipher = Some(String::from_utf8_lossy(name.trim_ascii()).into_owned());
            }
            // RFC 1421 §4.6: other headers say nothing that is shown.
            None if text.contains(&b':') => {}
            None => body.extend_from_slice(text),
        }
    }
    let contents = match (is_finished, base64(&body)) {
        (false, _) => Err("the block has no END line"),
        (true, None) => Err("the block is not base64"),
        (true, Some(contents)) => Ok(contents),
    };
    Block {
        label: String::from_utf8_lossy(label_text).into_owned(),
        line,
        cipher,
        contents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = b"\xef\xbb\xbfSubject: x\r\n\r\n-----BEGIN A-----\r\n AQ\r\n ID \r\n-----END A-----\nmore\n-----BEGIN B-----\nDEK-Info: AES-256-CBC,00\n\nAQ==\n-----END B-----";
        let pem = read(text).unwrap();
        assert_eq!(pem.other_lines, 2);
        let found: Vec<_> = pem
            .blocks
            .iter()
            .map(|block| (block.label.as_str(), block.line))
            .collect();
        assert_eq!(found, [("A", 3), ("B", 8)]);
        assert_eq!(pem.blocks[0].contents.as_ref().unwrap().as_slice(), [1, 2, 3]);
        assert_eq!(pem.blocks[1].cipher.as_deref(), Some("AES-256-CBC"));
    }

    #[test]
    fn damage_is_said() {
        let error = |text: &str| read(text.as_bytes()).unwrap().blocks.remove(0).contents.unwrap_err();
        assert_eq!(error("-----BEGIN A-----\nAQID"), "the block has no END line");
        assert_eq!(
            error("-----BEGIN A-----\n?\n-----END A-----"),
            "the block is not base64"
        );
        assert!(read(b"nothing").is_none());
    }
}
