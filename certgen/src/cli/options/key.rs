//! Kinds of keys.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use cryptokit::x509::KeyKind;

/// The name of a kind of key.
pub(crate) fn key_kind() -> impl TypedValueParser<Value = KeyKind> {
    PossibleValuesParser::new(KeyKind::ALL.map(KeyKind::name))
        .map(|text| text.parse().expect("no other value is possible"))
}
