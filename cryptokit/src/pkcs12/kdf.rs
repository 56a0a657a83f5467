//! Key derivation of RFC 7292 appendix B.2: what PKCS#12 makes of a password outside PBES2.
//!
//! Weak by itself, since one iteration is one hash; here it keys the MAC, which only this derivation can, and 3DES.

use std::num::NonZeroU32;

use zeroize::Zeroizing;

use crate::provider::{Hash, Provider};

/// RFC 7292 appendix B.3: what the derived bytes are for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    EncryptionKey = 1,
    InitialisationVector = 2,
    MacKey = 3,
}

/// Fills `out`. Costs `iterations` × ⌈`out` / digest⌉ hashes: bound them before calling.
pub(super) fn derive(
    provider: Provider,
    hash: Hash,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    out: &mut [u8],
) {
    let block_len = hash.block_len();
    // B.2 steps 1 to 4: D, and I = S ‖ P, each a whole number of blocks.
    let diversifier = vec![purpose as u8; block_len];
    let mut input = Zeroizing::new(vec![
        0;
        whole_blocks(salt, block_len) + whole_blocks(password, block_len)
    ]);
    let (salts, passwords) = input.split_at_mut(whole_blocks(salt, block_len));
    repeat_into(salts, salt);
    repeat_into(passwords, password);

    let mut digest = Zeroizing::new([0; 64]);
    let mut previous = Zeroizing::new([0; 64]);
    let mut addend = Zeroizing::new(vec![0; block_len]);
    // Step 6.
    for chunk in out.chunks_mut(hash.output_len()) {
        let digest = &mut digest[..hash.output_len()];
        let previous = &mut previous[..hash.output_len()];
        provider.backend().digest(hash, &[&diversifier, &input], digest);
        for _ in 1..iterations.get() {
            previous.copy_from_slice(digest);
            provider.backend().digest(hash, &[previous], digest);
        }
        chunk.copy_from_slice(&digest[..chunk.len()]);
        // Steps 6B and 6C prepare the next round.
        repeat_into(&mut addend, digest);
        for block in input.chunks_mut(block_len) {
            add_one_more(block, &addend);
        }
    }
}

fn whole_blocks(bytes: &[u8], block_len: usize) -> usize {
    bytes.len().div_ceil(block_len) * block_len
}

fn repeat_into(destination: &mut [u8], source: &[u8]) {
    for (to, from) in destination.iter_mut().zip(source.iter().cycle()) {
        *to = *from;
    }
}

/// `block` + `addend` + 1, big-endian, modulo its size.
fn add_one_more(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (byte, added) in block.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*added) + carry;
        *byte = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::super::password::Password;
    use super::*;
    use crate::secret::SecretString;

    /// The vectors that OpenSSL (test/recipes/30-test_evp_data/evppbe_pkcs12.txt), Bouncy Castle and others share.
    #[test]
    fn known_answers_of_sha1() {
        let derived = |purpose, password: &str, salt: &[u8], iterations, length| {
            let password = SecretString::new(password.into());
            let mut out = vec![0; length];
            for provider in Provider::all() {
                let iterations = NonZeroU32::new(iterations).unwrap();
                let password = Password::new(&password);
                derive(
                    provider,
                    Hash::Sha1,
                    purpose,
                    &password.utf16,
                    salt,
                    iterations,
                    &mut out,
                );
            }
            out
        };
        let salt = hex!("0a58cf64530d823f");
        assert_eq!(
            derived(Purpose::EncryptionKey, "smeg", &salt, 1, 24),
            hex!("8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3")
        );
        assert_eq!(
            derived(Purpose::InitialisationVector, "smeg", &salt, 1, 8),
            hex!("79993dfe048d3b76")
        );
        let salt = hex!("3d83c0e4546ac140");
        assert_eq!(
            derived(Purpose::MacKey, "smeg", &salt, 1, 20),
            hex!("8d967d88f6caa9d714800ab3d48051d63f73a312")
        );
        let salt = hex!("05dec959acff72f7");
        assert_eq!(
            derived(Purpose::EncryptionKey, "queeg", &salt, 1000, 24),
            hex!("ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4")
        );
        assert_eq!(
            derived(Purpose::InitialisationVector, "queeg", &salt, 1000, 8),
            hex!("11dedad7758d4860")
        );
        let salt = hex!("263216fcc2fab31c");
        assert_eq!(
            derived(Purpose::MacKey, "queeg", &salt, 1000, 20),
            hex!("5ec4c7a80df652294c3925b6489a7ab857c83476")
        );
    }
}
