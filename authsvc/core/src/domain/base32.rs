//! Base32 (RFC 4648 §6) as people copy it: written only, without padding.

use zeroize::Zeroizing;

/// The alphabet. It has neither 0 nor 1, so that no letter is taken for one.
pub(super) const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes whole groups of five bytes, which need no padding; a rest is the caller's mistake and is not encoded.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 5 * 8));
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for position in (0..8).rev() {
            text.push(char::from(ALPHABET[(bits >> (5 * position) & 0x1f) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // RFC 4648 §10, and the secret of RFC 6238 appendix B.
        assert_eq!(*encode(b""), "");
        assert_eq!(*encode(b"fooba"), "MZXW6YTB");
        assert_eq!(*encode(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(*encode(&[0xff; 10]), "7777777777777777");
    }
}
