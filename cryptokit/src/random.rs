//! The only door to the operating system's random generator.

use crate::provider::Provider;

/// Fills `destination` with random bytes.
///
/// # Panics
///
/// When the operating system's generator fails. Nothing that this crate makes is safe without it, and a caller that
/// carried on with what it has would be the bug this panic prevents.
pub fn fill(provider: Provider, destination: &mut [u8]) {
    provider
        .backend()
        .fill_random(destination)
        .expect("the operating system gives random bytes");
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
