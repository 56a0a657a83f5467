//! Ciphertexts whose padding is wrong in a chosen way (RFC 8017 §7.1.1), which no library makes.

use cryptokit::encrypt::RsaEncryptionKey;
use cryptokit::hash::sha256;

const HASH_LEN: usize = 32;

/// What is wrong with the encoded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// The first byte is not zero.
    FirstByte,
    /// The digest of the label is another one.
    Label,
    /// No byte 0x01 ends the padding string.
    Separator,
}

/// Encrypts `message` with that fault, without a label.
pub(super) fn encrypt(key: &RsaEncryptionKey, message: &[u8], fault: Fault) -> Vec<u8> {
    let len = key.modulus().len();
    let mut block = vec![0; len - HASH_LEN - 1];
    block[..HASH_LEN].copy_from_slice(&sha256(if fault == Fault::Label { b"x" } else { b"" }));
    if fault != Fault::Separator {
        let start = block.len() - message.len();
        block[start - 1] = 1;
        block[start..].copy_from_slice(message);
    }
    let mut seed: [u8; HASH_LEN] = cryptokit::random::bytes();
    mask(&mut block, &seed);
    mask(&mut seed, &block);
    let first = if fault == Fault::FirstByte { 1 } else { 0 };
    let encoded = [&[first], seed.as_slice(), &block].concat();
    power_65537(&encoded, key.modulus())
}

/// MGF1 with SHA-256 (RFC 8017 §B.2.1).
fn mask(target: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in target.chunks_mut(HASH_LEN).enumerate() {
        let digest = sha256(&[seed, &(counter as u32).to_be_bytes()].concat());
        chunk.iter_mut().zip(digest).for_each(|(byte, mask)| *byte ^= mask);
    }
}

fn power_65537(base: &[u8], modulus: &[u8]) -> Vec<u8> {
    let (base, modulus) = (limbs(base), limbs(modulus));
    let mut power = base.clone();
    for _ in 0..16 {
        power = multiply(&power, &power, &modulus);
    }
    let power = multiply(&power, &base, &modulus);
    power.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

/// By doubling and adding: slow, short, and only for making inputs.
fn multiply(one: &[u64], other: &[u64], modulus: &[u64]) -> Vec<u64> {
    let mut sum = vec![0; modulus.len()];
    for bit in (0..one.len() * 64).rev() {
        let twice = sum.clone();
        add(&mut sum, &twice, modulus);
        if other[bit / 64] >> (bit % 64) & 1 == 1 {
            add(&mut sum, one, modulus);
        }
    }
    sum
}

fn add(sum: &mut [u64], more: &[u64], modulus: &[u64]) {
    let mut carry = false;
    for (limb, other) in sum.iter_mut().zip(more) {
        let (partial, first) = limb.overflowing_add(*other);
        let (total, second) = partial.overflowing_add(u64::from(carry));
        (*limb, carry) = (total, first || second);
    }
    if carry || sum.iter().rev().ge(modulus.iter().rev()) {
        let mut borrow = false;
        for (limb, other) in sum.iter_mut().zip(modulus) {
            let (partial, first) = limb.overflowing_sub(*other);
            let (total, second) = partial.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (total, first || second);
        }
    }
}

/// Little-endian limbs of a big-endian number whose length is a multiple of eight.
fn limbs(bytes: &[u8]) -> Vec<u64> {
    let limb = |chunk: &[u8]| u64::from_be_bytes(chunk.try_into().expect("a multiple of eight bytes"));
    bytes.chunks(8).rev().map(limb).collect()
}

#[cfg(test)]
mod tests {
    use cryptokit::Provider;
    use cryptokit::encrypt::RsaDecryptionKey;
    use cryptokit::sign::RsaKeySize;

    use super::*;

    #[test]
    fn what_has_no_fault_decrypts_and_what_has_one_does_not() {
        if !Provider::default().decrypts_oaep() {
            return;
        }
        let key = RsaDecryptionKey::generate(RsaKeySize::Bits2048).unwrap();
        let public = key.encryption_key().unwrap();
        let good = encrypt(&public, b"message", Fault::None);
        assert!(key.decrypt(b"", &good).unwrap().ct_eq(b"message"));
        for fault in [Fault::FirstByte, Fault::Label, Fault::Separator] {
            assert!(
                key.decrypt(b"", &encrypt(&public, b"message", fault)).is_err(),
                "{fault:?}"
            );
        }
        // The fault is in the label and nowhere else.
        assert!(key.decrypt(b"x", &encrypt(&public, b"message", Fault::Label)).is_ok());
    }
}
