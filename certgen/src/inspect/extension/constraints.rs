//! What an authority may issue: basicConstraints and nameConstraints.

use serde_json::json;

use super::super::asn1::{BOOLEAN, Broken, INTEGER, Reader, constructed, small};
use super::super::name::general_name;
use super::Decoded;
use crate::printable::printable;

/// RFC 5280 §4.2.1.9.
pub(super) fn basic(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let ca = fields.optional(BOOLEAN)?.is_some_and(|flag| flag.contents != [0]);
    let length = fields.optional(INTEGER)?;
    let length = length.map(|length| small(length.contents)).transpose()?;
    let mut line = if ca { "an authority" } else { "not an authority" }.to_owned();
    match (length, ca) {
        (Some(0), _) => line.push_str(", path length 0: issues no further authorities"),
        (Some(length), _) => line.push_str(&format!(", path length {length}")),
        (None, true) => line.push_str(", any path length"),
        (None, false) => {}
    }
    Ok(Decoded::new(line, json!({"ca": ca, "path_length": length})))
}

/// RFC 5280 §4.2.1.10.
pub(super) fn names(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let permitted = subtrees(fields.optional(constructed(0))?.map(|list| list.inside()))?;
    let excluded = subtrees(fields.optional(constructed(1))?.map(|list| list.inside()))?;
    let line = |verb: &str, name: &String| format!("{verb} {}", printable(name));
    let lines = permitted.iter().map(|name| line("permits", name));
    let lines: Vec<_> = lines
        .chain(excluded.iter().map(|name| line("excludes", name)))
        .collect();
    Ok(Decoded {
        lines,
        json: json!({"permitted": permitted, "excluded": excluded}),
    })
}

fn subtrees(list: Option<Reader<'_>>) -> Result<Vec<String>, Broken> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let subtree = |mut fields: Reader<'_>| {
        let mut name = general_name(&fields.next()?);
        // RFC 5280 §4.2.1.10: minimum is zero and maximum absent.
        if !fields.is_empty() {
            name.push_str(" (with a minimum or maximum, which RFC 5280 forbids)");
        }
        Ok(name)
    };
    list.all()?.iter().map(|element| subtree(element.inside())).collect()
}
