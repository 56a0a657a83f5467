//! What a sealed message or stream is bound to.

use std::fmt;

/// What a sealed message or stream is bound to: a purpose and fields, each with its length, so that no two different
/// lists encode alike.
#[derive(Clone, PartialEq, Eq)]
pub struct AssociatedData(Vec<u8>);

impl AssociatedData {
    /// Starts with a purpose: one constant per use, such as `authsvc password hash`.
    pub fn new(purpose: &str) -> Self {
        Self(Vec::new()).with(purpose.as_bytes())
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AssociatedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssociatedData({} bytes)", self.0.len())
    }
}
