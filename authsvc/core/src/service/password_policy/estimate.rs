//! How many guesses a password takes, by zxcvbn.

use zeroize::Zeroizing;
use zxcvbn::Score;

/// Characters that are looked at at once. The estimate takes time that grows much faster than its input: 0.5 s for a
/// hundred characters chosen for it, some 30 ms for this many (`docs/adr/0031-new-passwords.md`).
const WINDOW: usize = 32;

/// Guesses that a password must take: 10⁸ (zxcvbn's score of 3) where it is all there is, 10⁶ beside a second factor.
/// Eight random characters, which are enough there, are taken for 10⁸ at most.
const LEAST: Score = Score::Three;
const LEAST_WITH_SECOND_FACTOR: Score = Score::Two;

/// Whether an attacker would come upon it early.
///
/// Of a long password the first and the last part are looked at: one that holds is enough, since what stands beside it
/// makes nothing easier.
pub(super) fn is_guessable(password: &str, words: &[&str], second_factor: bool) -> bool {
    let least = if second_factor { LEAST_WITH_SECOND_FACTOR } else { LEAST };
    // What zxcvbn copies of its input is freed, not wiped; what is copied here is wiped.
    let chars = Zeroizing::new(password.chars().collect::<Vec<char>>());
    let holds = |part: &[char]| {
        let text = Zeroizing::new(part.iter().collect::<String>());
        zxcvbn::zxcvbn(&text, words).score() >= least
    };
    let first = &chars[..chars.len().min(WINDOW)];
    let last = &chars[chars.len().saturating_sub(WINDOW)..];
    !holds(first) && (chars.len() <= WINDOW || !holds(last))
}
