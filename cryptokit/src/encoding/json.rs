//! JSON (RFC 8259) with what that standard leaves open closed: no duplicate members, bounded depth, nothing trailing.
//!
//! Two parsers that disagree on a duplicate member disagree on a credential; RFC 8725 and RFC 7515 §4 ask for refusal.

mod typed;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

pub use typed::{Strict, from_slice};

use crate::secret::SecretString;

/// Deepest nesting accepted: an object inside an object has depth 2.
pub const MAX_DEPTH: usize = 8;

/// The text is not one JSON value without duplicates, within the depth bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON value without duplicate members")]
pub struct NotStrictJson;

/// A parsed value whose strings are wiped on drop, since requests carry passwords and tokens.
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number; kept as a double because no request needs more.
    Number(f64),
    /// A string.
    String(SecretString),
    /// An array.
    Array(Vec<Self>),
    /// An object's members in their order; names are unique.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The text of a string. Of one that is a secret, to be handled as such: keep the borrow short.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.expose_secret()),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Number(_) => "Number",
            Self::String(_) => "String([redacted])",
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
        })
    }
}

/// Parses one value. O(n) time and space, except for O(m²) in the members of one object, which the callers' size
/// caps keep small.
///
/// # Errors
///
/// [`NotStrictJson`] for malformed text, invalid UTF-8, duplicate members, trailing bytes or nesting deeper than
/// [`MAX_DEPTH`].
pub fn parse(bytes: &[u8]) -> Result<Value, NotStrictJson> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Tree { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(|_| NotStrictJson)?;
    deserializer.end().map_err(|_| NotStrictJson)?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Tree {
    depth: usize,
}

impl Tree {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(SecretString::new(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(SecretString::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            // More members than any request or token has; keeps the search below from growing with hostile input.
            if members.len() == MAX_MEMBERS || members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("duplicate member"));
            }
            members.push((name, map.next_value_seed(inner)?));
        }
        Ok(Value::Object(members))
    }
}

const MAX_MEMBERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_two_parsers_could_read_differently() {
        for text in [
            "",
            "{",
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"[{"a":1,"\u0061":2}]"#,
            r#"{"a":1} "#.trim_end().to_owned().as_str().trim_end_matches('}'),
            r#"{"a":1}x"#,
            r#"{"a":1}{"a":1}"#,
            r#"{'a':1}"#,
            r#"{"a":01}"#,
            r#"{"a":1e400}"#,
            r#"{"a":1,}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":"\ud800"}"#,
            "\u{feff}{}",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
        assert!(parse(b"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00").is_err(), "UTF-16");
    }

    #[test]
    fn bounds_depth_and_members() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());

        let members = |count: usize| {
            let list: Vec<_> = (0..count).map(|i| format!("\"m{i}\":0")).collect();
            format!("{{{}}}", list.join(","))
        };
        assert!(parse(members(MAX_MEMBERS).as_bytes()).is_ok());
        assert!(parse(members(MAX_MEMBERS + 1).as_bytes()).is_err());
    }

    #[test]
    fn reads_an_object_in_order() {
        let Ok(Value::Object(members)) = parse(br#" {"email":"a@b","n":[1,null,true]} "#) else {
            panic!("an object");
        };
        assert_eq!(members[0].0, "email");
        assert_eq!(members[0].1.as_str(), Some("a@b"));
        assert!(matches!(&members[1].1, Value::Array(items) if items.len() == 3));
    }
}
