//! Text from outside, made safe to print: nothing in it moves the cursor, changes colours, hides, or turns the order of
//! what stands beside it.

use std::fmt::Write as _;

/// Longest text from outside that is printed whole, in characters.
pub const MAX_PRINTED: usize = 1000;

/// The text with everything that is not plainly visible as `\u{…}` and with its backslashes doubled, cut after
/// [`MAX_PRINTED`] characters with a note.
///
/// ```
/// use certgen::printable::printable;
///
/// assert_eq!(printable("Größe 1"), "Größe 1");
/// assert_eq!(printable("\u{1b}[2J\u{202e}"), "\\u{1b}[2J\\u{202e}");
/// ```
pub fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    let mut characters = text.chars();
    for character in characters.by_ref().take(MAX_PRINTED) {
        match character {
            '\\' => printed.push_str("\\\\"),
            _ if is_plain(character) => printed.push(character),
            _ => printed.extend(character.escape_unicode()),
        }
    }
    let cut = characters.count();
    if cut > 0 {
        let _ = write!(printed, "… ({cut} more characters)");
    }
    printed
}

/// A JSON document with every character that is not plainly visible as `\uXXXX`: the same document, and safe to print.
///
/// ```
/// use certgen::printable::printable_json;
///
/// let value = serde_json::json!({"subject": "a\u{202e}b\u{9b}"});
/// let printed = printable_json(&value);
/// assert_eq!(printed, r#"{"subject":"a\u202eb\u009b"}"#);
/// assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
/// ```
pub fn printable_json(value: &serde_json::Value) -> String {
    let json = value.to_string();
    let mut printed = String::with_capacity(json.len());
    for character in json.chars() {
        if is_plain(character) {
            printed.push(character);
        } else {
            push_json_escape(&mut printed, character);
        }
    }
    printed
}

/// A report of several lines with what steers a terminal or is not seen as `\u{…}`: the last look at what is printed,
/// which paths and the words of other programs have come into unescaped. What [`printable`] has made stays as it is.
///
/// ```
/// use certgen::printable::printable_lines;
///
/// assert_eq!(printable_lines("§ 1 …\n`\u{1b}[2J`\n"), "§ 1 …\n`\\u{1b}[2J`\n");
/// ```
pub fn printable_lines(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => printed.push(character),
            _ if steers_or_hides(character) => printed.extend(character.escape_unicode()),
            _ => printed.push(character),
        }
    }
    printed
}

/// As [`printable_lines`], of a JSON document that is text already.
pub(crate) fn printable_json_text(json: &str) -> String {
    let mut printed = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && steers_or_hides(character) {
            push_json_escape(&mut printed, character);
        } else {
            printed.push(character);
        }
    }
    printed
}

fn push_json_escape(json: &mut String, character: char) {
    // Outside strings JSON is ASCII, so that this one stands in a string (RFC 8259 §7).
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = write!(json, "\\u{unit:04x}");
    }
}

/// Controls, and what Unicode lets turn the order of text, join, or stand for nothing.
fn steers_or_hides(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether everybody sees that it is there, and it changes nothing beside it.
fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        // The fillers of Hangul are letters that nobody sees.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => false,
        _ => character.is_alphanumeric(),
    }
}

/// Octets as hexadecimal with colons, as `openssl` writes them; cut after 256 octets with a note.
pub(crate) fn colon_hex(bytes: &[u8]) -> String {
    const MAX: usize = 256;
    let mut text = String::with_capacity(3 * bytes.len().min(MAX));
    for (index, byte) in bytes.iter().take(MAX).enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02X}");
    }
    if bytes.len() > MAX {
        let _ = write!(text, "… ({} more octets)", bytes.len() - MAX);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let text = "a\u{1b}]0;x\u{7}\r\n\t\u{7f}\u{9b}2J\u{200b}\u{202e}\u{2066}\u{feff}\u{e0041}\u{3164}b";
        let printed = printable(text);
        assert!(printed.chars().all(is_plain), "{printed}");
        assert!(printed.starts_with('a') && printed.ends_with('b'));
        assert_eq!(printable("\\u{41}"), "\\\\u{41}", "no text looks like an escape");
    }

    #[test]
    fn a_report_keeps_its_lines_and_signs() {
        let report = "§ 1 … “é” ┬─\n\ta, b\\c\n";
        assert_eq!(printable_lines(report), report);
        let hostile = "a\u{1b}]0;x\u{7}\r\u{7f}\u{9b}2J\u{200b}\u{202e}\u{2066}\u{feff}\u{e0041}\u{3164}b";
        assert!(printable_lines(hostile).chars().all(is_plain));
        let json = serde_json::json!({"file": hostile}).to_string();
        let printed = printable_json_text(&json);
        assert!(printed.chars().all(is_plain), "{printed}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&printed).unwrap()["file"],
            hostile
        );
    }

    #[test]
    fn long_text_is_cut_with_a_note() {
        let printed = printable(&"ä".repeat(MAX_PRINTED + 7));
        assert!(printed.ends_with("ä… (7 more characters)"), "{printed}");
        assert!(colon_hex(&[0; 300]).ends_with("00… (44 more octets)"));
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({"\u{1b}": ["\u{1f512}\u{7f}\"\\", "ü", 1]});
        let printed = printable_json(&value);
        assert!(printed.chars().all(is_plain), "{printed}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
    }
}
