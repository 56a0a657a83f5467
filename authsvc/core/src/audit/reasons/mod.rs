//! The catalogue of reasons, one area a file. `docs/events.md` describes each for operators.

pub mod admin;
pub mod audit_log;
pub mod caller;
pub mod defence;
pub mod key;
pub mod login;
pub mod password;
pub mod request;
pub mod second_factor;
pub mod session;
pub mod system;
pub mod token;

use super::ReasonKind;

/// Every kind there is.
pub fn all() -> impl Iterator<Item = &'static ReasonKind> {
    [
        admin::ALL,
        audit_log::ALL,
        caller::ALL,
        defence::ALL,
        key::ALL,
        login::ALL,
        password::ALL,
        request::ALL,
        second_factor::ALL,
        session::ALL,
        system::ALL,
        token::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

const fn kind(code: &'static str, event: &'static str, description: &'static str, advice: &'static str) -> ReasonKind {
    ReasonKind {
        code,
        event,
        description,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::all;

    #[test]
    fn codes_are_unique_and_rows_are_whole() {
        let mut codes = HashSet::new();
        for kind in all() {
            assert!(codes.insert(kind.code), "{} is there twice", kind.code);
            assert!(
                kind.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{}",
                kind.code
            );
            assert!(kind.advice.ends_with('.') && kind.advice.len() > 20, "{}", kind.code);
        }
    }

    #[test]
    fn every_kind_is_documented_under_its_event() {
        let page = include_str!("../../../../../docs/events.md");
        for kind in all() {
            let sections = page.split("\n### ").skip(1);
            let documented = sections
                .filter(|section| section.starts_with(&format!("`{}`", kind.event)))
                .any(|section| section.contains(&format!("\n| `{}` |", kind.code)));
            assert!(
                documented,
                "docs/events.md has no row {} under {}",
                kind.code, kind.event
            );
        }
    }
}
