//! Whether what is printed repeats what was sent.

use serde_json::{Map, Value};

/// No part of any text of ours.
const ANOTHER: &str = "0th3r v4lue 9b2e61";

/// Whether the text of a field is in what `show` prints of the request, and not there whatever the field holds: names of
/// fields and words of messages may be sent as well.
pub(crate) fn is_shown(sent: &Map<String, Value>, field: &str, show: impl Fn(&[u8]) -> String) -> bool {
    let Some(text) = sent.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return false;
    };
    let printed = |request: &Map<String, Value>| show(&serde_json::to_vec(request).expect("a map is plain data"));
    let with = |other: String| {
        let mut request = sent.clone();
        request.insert(field.to_owned(), other.into());
        request
    };
    let mut none = sent.clone();
    none.remove(field);
    // Of another length, of the same, and longer than any: what is said of a text may hang on it.
    let same = ANOTHER.chars().cycle().take(text.chars().count()).collect();
    let others = [with(ANOTHER.to_owned()), with(same), with(ANOTHER.repeat(1000)), none];
    printed(sent).contains(text) && !others.iter().any(|request| printed(request).contains(text))
}
