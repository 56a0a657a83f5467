//! Text from the database or a file on its way to a terminal.

/// What steers a terminal or is not seen becomes an escape. Whoever can write to the database or a file could otherwise hide
/// what this program says of it.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_nothing_steers_or_hides() {
        let hostile = "a\u{1b}[8m\r\n\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}b";
        let shown = visible(hostile);
        assert_eq!(shown, r"a\u{1b}[8m\r\n\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}b");
        let plain = r#"{"a":"it's \u001b, Zoë"}"#;
        assert_eq!(visible(plain), plain);
    }
}
