//! Makes many keys at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use cryptokit::sign::SignError;
use cryptokit::x509::{CertificateKey, KeyKind};

/// Makes a key of each of these kinds, in their order, and calls `made` after each. Where RSA keys are among them all
/// processors are used: one of 4096 bits takes a second or several.
///
/// # Errors
///
/// [`SignError::Backend`] when the backend fails.
pub fn generate(kinds: &[KeyKind], made: &(dyn Fn() + Sync)) -> Result<Vec<CertificateKey>, SignError> {
    let one = |kind: &KeyKind| {
        let key = CertificateKey::generate(*kind);
        made();
        key
    };
    let slow = kinds.iter().filter(|kind| matches!(kind, KeyKind::Rsa(_))).count();
    // A thread costs more than any other key.
    let threads = thread::available_parallelism().map_or(1, usize::from).min(slow);
    if threads <= 1 {
        return kinds.iter().map(one).collect();
    }
    let next = AtomicUsize::new(0);
    let keys = Mutex::new(Vec::with_capacity(kinds.len()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, kind)) = take(kinds, &next) {
                    let key = one(kind);
                    keys.lock().unwrap_or_else(PoisonError::into_inner).push((index, key));
                }
            });
        }
    });
    let mut keys = keys.into_inner().unwrap_or_else(PoisonError::into_inner);
    keys.sort_by_key(|(index, _)| *index);
    keys.into_iter().map(|(_, key)| key).collect()
}

fn take<'a>(kinds: &'a [KeyKind], next: &AtomicUsize) -> Option<(usize, &'a KeyKind)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    kinds.get(index).map(|kind| (index, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptokit::sign::RsaKeySize;
    use cryptokit::x509::KeyAlgorithm;

    #[test]
    fn keys_come_in_the_order_of_their_kinds_and_each_is_told() {
        let rsa = KeyKind::Rsa(RsaKeySize::Bits2048);
        for kinds in [
            vec![],
            vec![KeyKind::P256, KeyKind::Ed25519],
            vec![rsa, KeyKind::P384, rsa, KeyKind::P256, rsa],
        ] {
            let told = AtomicUsize::new(0);
            let keys = generate(&kinds, &|| {
                told.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
            assert_eq!(told.into_inner(), kinds.len());
            let algorithms: Vec<_> = keys.iter().map(CertificateKey::algorithm).collect();
            let expected: Vec<_> = kinds
                .iter()
                .map(|kind| match kind {
                    KeyKind::P256 => KeyAlgorithm::EcdsaP256,
                    KeyKind::P384 => KeyAlgorithm::EcdsaP384,
                    KeyKind::Ed25519 => KeyAlgorithm::Ed25519,
                    _ => KeyAlgorithm::Rsa { modulus_bits: 2048 },
                })
                .collect();
            assert_eq!(algorithms, expected);
        }
    }
}
