//! The only door to the operating system's random generator.

use crate::provider::{Provider, Unspecified};

/// Fills `destination` with random bytes.
///
/// # Panics
///
/// When the operating system's generator fails. Nothing that this crate makes is safe without it, and a caller that
/// carried on with what it has would be the bug this panic prevents.
pub fn fill(provider: Provider, destination: &mut [u8]) {
    filled(provider.backend().fill_random(destination));
}

fn filled(outcome: Result<(), Unspecified>) {
    outcome.expect("the operating system gives random bytes");
}

/// `N` random bytes from the default provider.
///
/// # Panics
///
/// As [`fill`].
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(Provider::default(), &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "the operating system gives random bytes"]
    fn fault_a_failing_generator_leaves_an_empty_salt() {
        // The founding documents' helper returned "" here, and the hash was made without a salt.
        filled(Err(Unspecified));
    }
}
