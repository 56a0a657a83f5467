//! What a new password may be. What is asked of a password at login is only that it is the right one.
//!
//! NIST SP 800-63B-4 §3.1.1.2: a length, a block list that the whole password is compared with, and no rules about what
//! it is made of. On top of it an estimate of how many guesses it takes (zxcvbn), and if there is one, a file of
//! passwords that are known from breaches.

mod common;
mod context;
mod estimate;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cryptokit::password::Password;

pub use context::PasswordContext;

/// Shortest new password in characters where it is the only factor (NIST SP 800-63B-4 §3.1.1.2).
pub const MIN_PASSWORD_CHARS: usize = 15;
/// Shortest new password in characters of an account with a second factor.
pub const MIN_PASSWORD_CHARS_WITH_SECOND_FACTOR: usize = 8;

/// Why a password is not good enough to be a new one. Nothing of the password is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitPassword {
    /// Too short.
    #[error("password has {chars} characters; at least {required} are required")]
    TooShort {
        /// Its length.
        chars: usize,
        /// The least.
        required: usize,
    },
    /// It is one of the most common ones.
    #[error("password is one of the most common ones")]
    Common,
    /// It is made of the account's or the service's name and nothing else.
    #[error("password is made of the account's address or the service's name")]
    Expected,
    /// It takes too few guesses.
    #[error("password is easy to guess; longer, or words that do not belong together, is better")]
    Guessable,
    /// It is in the file of breached passwords.
    #[error("password is known from a breach elsewhere")]
    Breached,
}

impl UnfitPassword {
    /// What a client is told of the field.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TooShort { required, .. } if required == MIN_PASSWORD_CHARS => "must have at least 15 characters",
            Self::TooShort { .. } => "must have at least 8 characters",
            Self::Common => "is one of the most common passwords",
            Self::Expected => "must not be made of the address or the service's name",
            Self::Guessable => "is too easy to guess: make it longer or less regular",
            Self::Breached => "is known from a breach elsewhere: choose another",
        }
    }
}

/// Why a password was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefusal {
    /// It is not good enough.
    #[error(transparent)]
    Unfit(#[from] UnfitPassword),
    /// The file of breached passwords could not be read. Nothing is accepted unchecked.
    #[error("the file of breached passwords cannot be read")]
    List(#[source] std::io::Error),
}

/// Passwords that are known from breaches.
pub trait BreachedPasswords: Send + Sync {
    /// Whether this one is. May read a file.
    ///
    /// # Errors
    ///
    /// What reading fails with.
    fn contains(&self, password: &Password) -> std::io::Result<bool>;
}

/// Decides whether passwords are good enough.
#[async_trait]
pub trait PasswordRules: Send + Sync {
    /// Decides about one.
    ///
    /// # Errors
    ///
    /// [`PasswordRefusal`].
    async fn check(&self, password: Arc<Password>, context: PasswordContext) -> Result<(), PasswordRefusal>;
}

/// The rules, with what they were given to compare with.
#[derive(Clone, Default)]
pub struct PasswordPolicy {
    service_words: Vec<String>,
    breached: Option<Arc<dyn BreachedPasswords>>,
}

impl PasswordPolicy {
    /// The same, with words that belong to the service: its name, and what its issuer's URL is made of.
    #[must_use]
    pub fn with_service(mut self, name: &str, issuer: &str) -> Self {
        self.service_words = context::words_of(name).chain(context::words_of(issuer)).collect();
        self
    }

    /// The same, with passwords that are known from breaches.
    #[must_use]
    pub fn with_breached(mut self, breached: Arc<dyn BreachedPasswords>) -> Self {
        self.breached = Some(breached);
        self
    }

    /// Decides about one, here and now: takes up to some 50 ms for passwords that were made to take long, and reads the
    /// file of breached passwords if there is one.
    ///
    /// # Errors
    ///
    /// [`PasswordRefusal`], for the first of the rules that the password does not meet.
    pub fn judge(&self, password: &Password, context: &PasswordContext) -> Result<(), PasswordRefusal> {
        let required = context.min_chars();
        let chars = password.chars();
        if chars < required {
            return Err(UnfitPassword::TooShort { chars, required }.into());
        }
        let text = password.expose_secret();
        if common::contains(text) {
            return Err(UnfitPassword::Common.into());
        }
        let words: Vec<&str> = self
            .service_words
            .iter()
            .chain(context.words())
            .map(String::as_str)
            .collect();
        if context::is_made_of(text, &words) {
            return Err(UnfitPassword::Expected.into());
        }
        if estimate::is_guessable(text, &words, context.second_factor()) {
            return Err(UnfitPassword::Guessable.into());
        }
        match &self.breached {
            Some(breached) if breached.contains(password).map_err(PasswordRefusal::List)? => {
                Err(UnfitPassword::Breached.into())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl PasswordRules for PasswordPolicy {
    async fn check(&self, password: Arc<Password>, context: PasswordContext) -> Result<(), PasswordRefusal> {
        self.judge(&password, &context)
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("service_words", &self.service_words)
            .field("breached", &self.breached.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str, second_factor: bool) -> Result<(), UnfitPassword> {
        let email = "alice.smith@shop.example".parse().unwrap();
        let policy = PasswordPolicy::default().with_service("authsvc", "https://auth.example:8443/tenant");
        let context = PasswordContext::new(&email, second_factor);
        match policy.judge(&Password::new(text).unwrap(), &context) {
            Ok(()) => Ok(()),
            Err(PasswordRefusal::Unfit(unfit)) => Err(unfit),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_length_depends_on_the_second_factor() {
        let short = UnfitPassword::TooShort {
            chars: 14,
            required: 15,
        };
        assert_eq!(judge("xk7 vwq pzt mrb", false), Ok(()));
        assert_eq!(judge("xk7 vwq pzt mr", false), Err(short));
        assert_eq!(judge("xk7 vwq pzt mr", true), Ok(()));
        assert_eq!(judge("xk7 vwqz", true), Ok(()));
        assert_eq!(
            judge("xk7 vwq", true),
            Err(UnfitPassword::TooShort { chars: 7, required: 8 })
        );
        // Characters, not bytes.
        assert!(matches!(
            judge("ü7ö4ä9ß2x5é1à3", false),
            Err(UnfitPassword::TooShort { chars: 14, .. })
        ));
    }

    #[test]
    fn nothing_is_asked_of_what_it_is_made_of() {
        for text in [
            "correct horse battery staple",
            "twelve purple elephants whisper",
            "ÄÖÜ ist die Reihe der Umlaute",
            "0918 2736 4554 6372 8190",
            "длинный пароль из слов без цифр",
        ] {
            assert_eq!(judge(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn common_passwords_are_refused_whole_and_in_any_case() {
        for text in [
            "password1",
            "PassWord1",
            "trustno1",
            "1qaz2wsx",
            "iloveyou",
            "sunshine1",
        ] {
            assert_eq!(judge(text, true), Err(UnfitPassword::Common), "{text}");
        }
        // As a part of something long it is no reason: the whole password is compared.
        assert_eq!(judge("password1 vwq-pzt-mrb-kxj", false), Ok(()));
    }

    #[test]
    fn names_of_the_account_and_the_service_are_refused_however_they_are_joined() {
        for text in [
            "alice.smith@shop.example",
            "AliceSmith-2026!!",
            "smith_smith_smith_1",
            "authsvc-auth-example-2026",
            "shop.example.shop.example",
            "tenant tenant tenant",
        ] {
            assert_eq!(judge(text, false), Err(UnfitPassword::Expected), "{text}");
        }
    }

    #[test]
    fn regular_and_repeated_ones_are_refused_at_any_length() {
        for text in [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabcabc",
            "passwordpasswordpassword",
            "123456789012345678901234567890",
            "qwertyqwertyqwerty",
        ] {
            assert!(judge(text, false).is_err(), "{text}");
        }
        assert!(judge(&"a".repeat(1024), false).is_err());
    }

    #[test]
    fn breached_ones_are_refused_and_an_unreadable_list_accepts_nothing() {
        struct List(bool);
        impl BreachedPasswords for List {
            fn contains(&self, _: &Password) -> std::io::Result<bool> {
                if self.0 {
                    Ok(true)
                } else {
                    Err(std::io::Error::other("gone"))
                }
            }
        }
        let email = "alice@example.com".parse().unwrap();
        let judge = |list| {
            PasswordPolicy::default().with_breached(Arc::new(list)).judge(
                &Password::new("correct horse battery staple").unwrap(),
                &PasswordContext::new(&email, false),
            )
        };
        assert!(matches!(
            judge(List(true)),
            Err(PasswordRefusal::Unfit(UnfitPassword::Breached))
        ));
        assert!(matches!(judge(List(false)), Err(PasswordRefusal::List(_))));
    }

    #[test]
    fn no_refusal_repeats_the_password() {
        for text in ["hunter2", "password1password1", "alice.smith@shop.example"] {
            let refusal = judge(text, false).unwrap_err();
            let shown = format!("{refusal} {refusal:?} {}", refusal.message());
            assert!(!shown.contains(text), "{shown}");
        }
    }
}
