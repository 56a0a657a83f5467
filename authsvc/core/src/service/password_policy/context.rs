//! Words that anybody would try first for an account: its address and the service's names (NIST SP 800-63B-4 §3.1.1.2).

use super::{MIN_PASSWORD_CHARS, MIN_PASSWORD_CHARS_WITH_SECOND_FACTOR};
use crate::domain::{EmailAddress, User};

/// Shorter words are left out: almost everything contains them.
const MIN_WORD: usize = 3;

/// What a new password is compared with on behalf of its account.
#[derive(Clone, Debug)]
pub struct PasswordContext {
    words: Vec<String>,
    second_factor: bool,
}

impl PasswordContext {
    /// For an account of that address, with or without a second factor.
    pub fn new(email: &EmailAddress, second_factor: bool) -> Self {
        Self {
            words: words_of(email.as_str()).collect(),
            second_factor,
        }
    }

    /// For an account.
    pub fn of(user: &User) -> Self {
        Self::new(&user.email, user.second_factor)
    }

    pub(super) fn min_chars(&self) -> usize {
        if self.second_factor {
            MIN_PASSWORD_CHARS_WITH_SECOND_FACTOR
        } else {
            MIN_PASSWORD_CHARS
        }
    }

    pub(super) fn second_factor(&self) -> bool {
        self.second_factor
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }
}

/// The runs of letters in a name, in lower case.
pub(super) fn words_of(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().count() >= MIN_WORD && *word != "https")
        .map(str::to_lowercase)
}

/// Whether the letters of the password, in order, are some of the words joined: digits and signs in between do not help.
/// O(letters × words).
pub(super) fn is_made_of(password: &str, words: &[&str]) -> bool {
    let letters: String = password
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    if letters.is_empty() {
        return false;
    }
    // Whether the letters up to here are made of words.
    let mut reached = vec![false; letters.len() + 1];
    reached[0] = true;
    for at in 0..letters.len() {
        if reached[at] {
            for word in words {
                if letters.as_bytes()[at..].starts_with(word.as_bytes()) {
                    reached[at + word.len()] = true;
                }
            }
        }
    }
    reached[letters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters() {
        let words: Vec<String> = words_of("Alice.Smith+x7@mail.Example.co").collect();
        assert_eq!(words, ["alice", "smith", "mail", "example"]);
        assert_eq!(
            words_of("https://auth.example/").collect::<Vec<_>>(),
            ["auth", "example"]
        );
    }

    #[test]
    fn only_what_is_nothing_but_words_is_made_of_them() {
        let words = ["alice", "smith", "ali", "ice"];
        for text in ["alice", "Al1ice", "ALICE-smith-99", "smithalice!", "aliice"] {
            assert!(is_made_of(text, &words), "{text}");
        }
        for text in ["", "1234", "alicex", "xalice", "alic", "alice in wonderland"] {
            assert!(!is_made_of(text, &words), "{text}");
        }
        assert!(!is_made_of("alice", &[]));
        assert!(is_made_of(&"alice".repeat(200), &words), "in bounded time");
    }
}
