//! ring's generator in the shape the `rsa` crate asks for.

use ring::rand::{self, SecureRandom, SystemRandom};

/// A key made without randomness would be worse than no key: a failing generator ends the process.
pub(super) struct RingRng;

impl rsa::rand_core::TryRng for RingRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_le_bytes(random_array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_le_bytes(random_array()))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Self::Error> {
        SystemRandom::new()
            .fill(destination)
            .expect("the operating system gives random bytes");
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for RingRng {}

fn random_array<const N: usize>() -> [u8; N]
where
    rand::Random<[u8; N]>: Sized,
    [u8; N]: rand::RandomlyConstructable,
{
    rand::generate(&SystemRandom::new())
        .expect("the operating system gives random bytes")
        .expose()
}
