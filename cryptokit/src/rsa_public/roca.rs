//! The mark of RSA keys made by Infineon's library between 2012 and 2017 (CVE-2017-15361, "ROCA"), which can be
//! factored: Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, §4.1.
//!
//! Its primes have the form k·M + (65537^a mod M), M being the product of the first primes. So modulo each of these
//! primes, the modulus is a power of 65537. For a modulus made otherwise all of them agree about once in 2^27.

/// The odd primes up to 167 modulo which 65537 does not generate everything, as in the authors' own detection tool.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether the modulus, big-endian, bears the mark.
pub(super) fn has_fingerprint(n: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let residue = n.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        is_power_of_65537(residue, prime)
    })
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * (65537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 65537 to the given power, big-endian: itself such a number, modulo whatever prime.
    fn power_of_65537(exponent: usize) -> Vec<u8> {
        let mut value = vec![1];
        for _ in 0..exponent {
            // value + (value << 16)
            let shifted = [&value[..], &[0, 0]].concat();
            let mut carry = 0;
            let mut sum: Vec<u8> = (0..shifted.len())
                .rev()
                .map(|index| {
                    let low = if index >= 2 { value[index - 2] } else { 0 };
                    let digit = u16::from(shifted[index]) + u16::from(low) + carry;
                    carry = digit >> 8;
                    digit as u8
                })
                .collect();
            sum.push(carry as u8);
            sum.reverse();
            value = sum;
        }
        let zeros = value.iter().take_while(|byte| **byte == 0).count();
        value.split_off(zeros)
    }

    #[test]
    fn finds_the_mark_and_only_the_mark() {
        let marked = power_of_65537(128);
        assert_eq!(marked.len(), 257);
        assert!(has_fingerprint(&marked));
        assert!(has_fingerprint(&power_of_65537(200)));
        for index in 0..marked.len() {
            let mut altered = marked.clone();
            altered[index] ^= 0x10;
            assert!(!has_fingerprint(&altered), "byte {index}");
        }
    }

    #[test]
    fn a_marked_modulus_is_no_key() {
        let modulus = power_of_65537(128);
        let signing = crate::sign::RsaVerifyingKey::from_components(&modulus, &[1, 0, 1]);
        assert_eq!(signing.unwrap_err(), crate::sign::SignError::InvalidPublicKey);
        let encrypting = crate::encrypt::RsaEncryptionKey::from_components(&modulus, &[1, 0, 1]);
        assert_eq!(encrypting.unwrap_err(), crate::encrypt::EncryptError::InvalidPublicKey);
    }
}
