//! JSON in visible ASCII: no byte of a record steers a terminal, reorders text or ends a line.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;

/// One line of JSON, without its end.
pub(super) fn to_line(value: &Value) -> String {
    let mut line = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Ascii);
    value
        .serialize(&mut serializer)
        .expect("a value has no keys but text, and memory takes every byte");
    String::from_utf8(line).expect("only ASCII was written")
}

/// Compact, with everything escaped that is not visible ASCII.
#[derive(Clone, Copy)]
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            if matches!(character, ' '..='~') {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a1_every_text_survives_and_only_visible_ascii_is_written() {
        for text in [
            "plain",
            "",
            "\r\n{\"event\":\"forged\"}\",\"chain\":{\"id\":\"",
            "\u{1b}[2J\u{9b}31m\u{7f}\0\u{8}",
            "\u{202e}\u{2066}\u{200f}\u{feff}",
            "über 😀 \u{10ffff}\u{e000}",
            "\\u0041 \\\\ \"",
            "\u{2028}\u{2029}\u{85}",
        ] {
            let value = json!({ text: [text, { "deeper": text }] });
            let line = to_line(&value);
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
    }
}
