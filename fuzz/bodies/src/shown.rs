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
    let mut other = sent.clone();
    other.insert(field.to_owned(), ANOTHER.into());
    let mut none = sent.clone();
    none.remove(field);
    printed(sent).contains(text) && ![other, none].iter().any(|request| printed(request).contains(text))
}
