//! Strict JSON straight into types, in one pass and without a tree in between.
//!
//! serde's derived code sees a duplicate only of the members it knows, reads a struct from an array as well, and skips
//! unknown members without looking inside. Here a deserializer stands between the text and that code and closes all
//! three, at every depth.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{CowStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{MAX_DEPTH, MAX_MEMBERS, NotStrictJson};

/// A `T` read strictly: no duplicate members at any depth, known or not; objects only where `T` has structs; nesting
/// and members of one object bounded as in [`parse`](super::parse).
///
/// For code that calls serde itself; [`from_slice`] is the short way. Enums are read from their variant's name alone.
#[derive(Debug)]
pub struct Strict<T>(
    /// The value.
    pub T,
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = Shape::Any;
        T::deserialize(Layer {
            inner: deserializer,
            depth: 0,
            shape,
        })
        .map(Self)
    }
}

/// Reads one value of type `T` and nothing after it. O(n) in the text, except for O(m²) in the members of one object,
/// of which there are at most 64.
///
/// # Errors
///
/// [`NotStrictJson`] for everything that [`parse`](super::parse) refuses, and for JSON that is not a `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, NotStrictJson> {
    serde_json::from_slice::<Strict<T>>(bytes)
        .map(|Strict(value)| value)
        .map_err(|_| NotStrictJson)
}

/// What a type asks for beyond "any value".
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    Object,
    Variant,
}

/// A deserializer around a value, or the seed of a type, `depth` arrays and objects down.
struct Layer<T> {
    inner: T,
    depth: usize,
    shape: Shape,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Layer<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Watching {
            visitor,
            depth: self.depth,
            shape: self.shape,
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_option(Watching {
            visitor,
            depth: self.depth,
            shape: self.shape,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.shape = Shape::Object;
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.shape = Shape::Variant;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

/// A type's own visitor, behind one that looks at what passes.
struct Watching<V> {
    visitor: V,
    depth: usize,
    shape: Shape,
}

impl<V> Watching<V> {
    /// The visitor, for a value that is no object.
    fn plain<E: Error>(self) -> Result<V, E> {
        match self.shape {
            Shape::Any => Ok(self.visitor),
            Shape::Object => Err(E::custom("an object is expected")),
            Shape::Variant => Err(E::custom("a name is expected")),
        }
    }

    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(self.depth + 1)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watching<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.plain()?.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.plain()?.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Layer {
            inner: deserializer,
            depth: self.depth,
            shape: self.shape,
        })
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.plain()?.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.plain()?.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.plain()?.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.plain()?.visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        if self.shape == Shape::Variant {
            return self.visitor.visit_enum(StrDeserializer::new(value));
        }
        self.plain()?.visit_str(value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        if self.shape == Shape::Variant {
            return self.visitor.visit_enum(StrDeserializer::new(value));
        }
        self.plain()?.visit_borrowed_str(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let depth = self.deeper()?;
        self.plain()?.visit_seq(WatchedItems { items, depth })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        let depth = self.deeper()?;
        if self.shape == Shape::Variant {
            return Err(A::Error::custom("a name is expected"));
        }
        self.visitor.visit_map(WatchedMembers {
            members,
            names: Vec::with_capacity(16),
            depth,
        })
    }
}

struct WatchedItems<A> {
    items: A,
    depth: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for WatchedItems<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.items.next_element_seed(Layer {
            inner: seed,
            depth: self.depth,
            shape: Shape::Any,
        })
    }
}

struct WatchedMembers<'de, A> {
    members: A,
    names: Vec<Cow<'de, str>>,
    depth: usize,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WatchedMembers<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(Name(name)) = self.members.next_key()? else {
            return Ok(None);
        };
        // As in the parser that builds a tree: bounded, so that the search stays short.
        if self.names.len() == MAX_MEMBERS || self.names.contains(&name) {
            return Err(A::Error::custom("duplicate member"));
        }
        self.names.push(name.clone());
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.members.next_value_seed(Layer {
            inner: seed,
            depth: self.depth,
            shape: Shape::Any,
        })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Layer<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Layer {
            inner: deserializer,
            depth: self.depth,
            shape: self.shape,
        })
    }
}

/// A member's name, borrowed from the text where no escape stands in the way.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::super::parse;
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        a: u64,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        kinds: Vec<Kind>,
        #[serde(default)]
        text: Option<Wrapped>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        b: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(String);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two(u8),
    }

    fn read(text: &str) -> Result<Outer, NotStrictJson> {
        from_slice(text.as_bytes())
    }

    #[test]
    fn reads_what_serde_reads() {
        let outer = read(r#"{"a":1,"inner":{"b":2},"kinds":["one","\u006fne"],"text":"\u0041","unknown":[{"c":1}]}"#);
        assert_eq!(
            outer,
            Ok(Outer {
                a: 1,
                inner: Some(Inner { b: 2.0 }),
                kinds: vec![Kind::One, Kind::One],
                text: Some(Wrapped("A".into())),
            })
        );
        assert_eq!(read(r#"{"a":1,"inner":null}"#).unwrap().inner, None);
    }

    #[test]
    fn refuses_duplicates_at_every_depth_and_arrays_for_objects() {
        assert!(read(r#"{"a":1}"#).is_ok());
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"a":1,"x":1,"x":2}"#,
            r#"{"a":1,"x":{"y":1,"y":2}}"#,
            r#"{"a":1,"x":[[{"y":1,"\u0079":2}]]}"#,
            r#"{"a":1,"inner":{"b":1,"c":1,"c":2}}"#,
            r#"{"a":1,"inner":[1]}"#,
            r#"{"a":1,"inner":1}"#,
            r#"{"a":1,"kinds":[{"two":1}]}"#,
            r#"{"a":1,"kinds":[1]}"#,
            r#"[1]"#,
            r#"{"a":1}x"#,
            r#"{"a":1.5}"#,
            r#"{"a":-1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":null}"#,
            r#"{}"#,
            "",
        ] {
            assert_eq!(read(text), Err(NotStrictJson), "{text}");
        }
        assert_ne!(Kind::One, Kind::Two(2));
    }

    #[test]
    fn bounds_depth_and_members_as_the_other_parser_does() {
        for depth in [MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(
                from_slice::<IgnoredAny>(text.as_bytes()).is_ok(),
                parse(text.as_bytes()).is_ok(),
                "{depth}"
            );
        }
        for count in [MAX_MEMBERS, MAX_MEMBERS + 1] {
            let list: Vec<_> = (0..count).map(|i| format!("\"m{i}\":0")).collect();
            let text = format!("{{{}}}", list.join(","));
            assert_eq!(from_slice::<IgnoredAny>(text.as_bytes()).is_ok(), count == MAX_MEMBERS);
        }
    }

    proptest! {
        /// Both parsers accept the same texts.
        #[test]
        fn agrees_with_the_parser_that_builds_a_tree(text in r#"[\[\]{}":,a-b01 ]{0,24}"#) {
            prop_assert_eq!(
                from_slice::<IgnoredAny>(text.as_bytes()).is_ok(),
                parse(text.as_bytes()).is_ok()
            );
        }
    }
}
