//! Sets of names: the scopes or roles of an account, and the scopes that a request asks for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::role::RoleName;
use super::scope::ScopeName;

/// Names without repetition, in order. Its text form is that of `scope` (RFC 6749 §3.3): names with one space in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSet<T>(BTreeSet<T>);

/// The scopes of an account, of a request or of a token.
pub type Scopes = NameSet<ScopeName>;

/// The roles of an account.
pub type Roles = NameSet<RoleName>;

/// The text is not a set of such names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNameSet<E> {
    /// One of the names is none. Which, is not repeated: it may be anything.
    #[error(transparent)]
    Name(E),
    /// More than [`MAX_NAMES`].
    #[error("more than {MAX_NAMES} names")]
    TooMany,
}

/// Most names in a set: what a token carries has to fit into a header.
pub const MAX_NAMES: usize = 64;

impl<T: Ord + Clone> NameSet<T> {
    /// Of these names; repetitions count once.
    ///
    /// # Errors
    ///
    /// [`InvalidNameSet::TooMany`].
    pub fn new<E>(names: impl IntoIterator<Item = T>) -> Result<Self, InvalidNameSet<E>> {
        let mut set = BTreeSet::new();
        for name in names {
            set.insert(name);
            if set.len() > MAX_NAMES {
                return Err(InvalidNameSet::TooMany);
            }
        }
        Ok(Self(set))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// Whether the name is one of them.
    pub fn contains(&self, name: &T) -> bool {
        self.0.contains(name)
    }

    /// What both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
}

impl<T> Default for NameSet<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: FromStr + Ord + Clone> FromStr for NameSet<T> {
    type Err = InvalidNameSet<T::Err>;

    /// The empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut set = BTreeSet::new();
        // RFC 6749 §3.3: single spaces, none at the ends. An empty name between two of them is refused as a name.
        for name in text.split(' ') {
            set.insert(name.parse().map_err(InvalidNameSet::Name)?);
            if set.len() > MAX_NAMES {
                return Err(InvalidNameSet::TooMany);
            }
        }
        Ok(Self(set))
    }
}

impl<T: fmt::Display> fmt::Display for NameSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            name.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_one_text_form() {
        let set: Scopes = "b a b".parse().unwrap();
        assert_eq!(set.to_string(), "a b");
        assert_eq!(set.to_string().parse::<Scopes>().unwrap(), set);
        assert_eq!("".parse::<Scopes>().unwrap().to_string(), "");
        assert!("".parse::<Roles>().unwrap().is_empty());
    }

    #[test]
    fn other_separators_and_empty_names_are_refused() {
        for text in [" ", " a", "a ", "a  b", "a\tb", "a\nb", "a,b c\"", "a\u{a0}b", "ä"] {
            assert!(text.parse::<Scopes>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_number_of_names_is_bounded_after_repetitions() {
        let names = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(names(MAX_NAMES).parse::<Scopes>().unwrap().len(), MAX_NAMES);
        assert_eq!(names(MAX_NAMES + 1).parse::<Scopes>(), Err(InvalidNameSet::TooMany));
        assert_eq!(vec!["a"; 1000].join(" ").parse::<Scopes>().unwrap().len(), 1);
    }

    #[test]
    fn an_intersection_grants_nothing_that_either_lacks() {
        let (asked, held): (Scopes, Scopes) = ("a b c".parse().unwrap(), "b c d".parse().unwrap());
        assert_eq!(asked.intersection(&held).to_string(), "b c");
        assert!(asked.intersection(&Scopes::default()).is_empty());
    }
}
