//! RSA at 2048, 3072 and 4096 bits: making keys, signing and verifying, OAEP both ways, and hybrid messages.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cryptokit::Provider;
use cryptokit::encrypt::RsaDecryptionKey;
use cryptokit::jwe::{JweDecrypter, JweEncrypter, Recipient};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaPssSigningKey, RsaSigningKey};

use crate::Operation;

/// The sizes that can be made.
pub const SIZES: [RsaKeySize; 3] = [RsaKeySize::Bits2048, RsaKeySize::Bits3072, RsaKeySize::Bits4096];

/// Plaintexts of hybrid messages, in bytes.
const LENGTHS: [(usize, &str); 3] = [(64, "64 B"), (16 << 10, "16 KiB"), (1 << 20, "1 MiB")];

/// An operation with a key of one size.
pub struct Timed {
    /// Names it.
    pub what: String,
    /// Bytes handled by one run; 0 where that means nothing.
    pub bytes: u64,
    /// The work.
    pub run: Operation,
}

impl std::fmt::Debug for Timed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timed")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

/// Everything but making keys, on each provider compiled in; encryption where the provider decrypts as well.
///
/// # Panics
///
/// When the backend makes no key.
pub fn operations(size: RsaKeySize) -> Vec<Timed> {
    // Made once, on the default provider: how a key was made does not show in its use.
    let made = RsaSigningKey::generate(size).expect("the backend makes keys");
    let pkcs8 = made.pkcs8().expose_secret().to_vec();
    let of = |provider: Provider| {
        let mut all = signatures(provider, size, &pkcs8);
        if provider.decrypts_oaep() {
            all.extend(encryption(provider, size, &pkcs8));
        }
        all
    };
    Provider::all().into_iter().flat_map(of).collect()
}

fn timed(provider: Provider, size: RsaKeySize, what: &str, bytes: usize, run: impl FnMut() + 'static) -> Timed {
    Timed {
        what: format!("RSA-{} {}: {what}", size.bits(), provider.name()),
        bytes: bytes as u64,
        run: Box::new(run),
    }
}

fn signatures(provider: Provider, size: RsaKeySize, pkcs8: &[u8]) -> Vec<Timed> {
    let secret = || SecretBytes::new(pkcs8.to_vec());
    let pkcs1 = RsaSigningKey::from_pkcs8_with(provider, secret()).expect("made above");
    let pss = RsaPssSigningKey::from_pkcs8_with(provider, secret()).expect("made above");
    let (pkcs1_public, pss_public) = (
        pkcs1.verifying_key().expect("made above"),
        pss.verifying_key().expect("made above"),
    );
    let message = [7; 256];
    let signatures = [pkcs1.sign(&message), pss.sign(&message)].map(|signature| signature.expect("the backend signs"));
    let [pkcs1_signature, pss_signature] = signatures;
    vec![
        timed(provider, size, "sign RS256", 0, move || {
            black_box(pkcs1.sign(black_box(&message)).expect("the backend signs"));
        }),
        timed(provider, size, "verify RS256", 0, move || {
            pkcs1_public
                .verify(black_box(&message), black_box(&pkcs1_signature))
                .expect("signed above");
        }),
        timed(provider, size, "sign PS256", 0, move || {
            black_box(pss.sign(black_box(&message)).expect("the backend signs"));
        }),
        timed(provider, size, "verify PS256", 0, move || {
            pss_public
                .verify(black_box(&message), black_box(&pss_signature))
                .expect("signed above");
        }),
    ]
}

fn encryption(provider: Provider, size: RsaKeySize, pkcs8: &[u8]) -> Vec<Timed> {
    let key = || {
        let secret = SecretBytes::new(pkcs8.to_vec());
        RsaDecryptionKey::from_pkcs8_with(provider, secret).expect("made above")
    };
    let (private, public) = (key(), key().encryption_key().expect("made above"));
    let ciphertext = public.encrypt(b"", &[7; 32]).expect("short");
    let mut all = vec![
        timed(provider, size, "OAEP encrypt 32 B", 0, move || {
            black_box(public.encrypt(b"", black_box(&[7; 32])).expect("short"));
        }),
        timed(provider, size, "OAEP decrypt 32 B", 0, move || {
            black_box(private.decrypt(b"", black_box(&ciphertext)).expect("encrypted above"));
        }),
    ];
    for (length, name) in LENGTHS {
        let recipient = Recipient::new(key().encryption_key().expect("made above"));
        let encrypter = JweEncrypter::new(recipient);
        let decrypter = JweDecrypter::new(Keyset::new("benches", key()));
        let plaintext = vec![7; length];
        let message = encrypter.encrypt_compact(&plaintext).expect("within the limits");
        all.push(timed(
            provider,
            size,
            &format!("JWE encrypt {name}"),
            length,
            move || {
                black_box(
                    encrypter
                        .encrypt_compact(black_box(&plaintext))
                        .expect("within the limits"),
                );
            },
        ));
        all.push(timed(
            provider,
            size,
            &format!("JWE decrypt {name}"),
            length,
            move || {
                black_box(decrypter.decrypt_compact(black_box(&message)).expect("encrypted above"));
            },
        ));
    }
    all
}

/// How long making keys took, the fastest first. The time is that of a search and varies by a factor of ten: a single
/// number would say little.
///
/// # Panics
///
/// When the backend makes no key.
pub fn keygen_times(provider: Provider, size: RsaKeySize, keys: usize) -> Vec<Duration> {
    let mut times: Vec<_> = (0..keys)
        .map(|_| {
            let start = Instant::now();
            black_box(RsaSigningKey::generate_with(provider, size).expect("the backend makes keys"));
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_runs() {
        let all = operations(RsaKeySize::Bits2048);
        assert!(all.len() >= 4, "{all:?}");
        for mut timed in all {
            (timed.run)();
        }
    }
}
