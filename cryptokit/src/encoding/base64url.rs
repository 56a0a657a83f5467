//! Base64url without padding (RFC 4648 §5, RFC 7515 §2), canonical form only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not canonical unpadded base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical unpadded base64url")]
pub struct NotBase64Url;

/// Encodes without padding. Allocates 4/3 of the input.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes.
///
/// # Errors
///
/// [`NotBase64Url`] for padding, white space, characters outside the alphabet, impossible lengths, and for
/// non-zero trailing bits, which would let one value be written in several ways (RFC 4648 §3.5).
pub fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}

/// Whether [`decode`] would accept the text. O(n), no allocation.
pub fn is_canonical(text: &str) -> bool {
    let bytes = text.as_bytes();
    // RFC 4648 §3.5: the bits of the last character that encode nothing are zero.
    let spare_bits = match bytes.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    let last = bytes.last().map_or(0, |last| VALUES[usize::from(*last)]);
    // No branch per character: one that is not of the alphabet leaves its mark in the high bit.
    let seen = bytes.iter().fold(0, |seen, byte| seen | VALUES[usize::from(*byte)]);
    seen < NO_CHARACTER && last & spare_bits == 0
}

const NO_CHARACTER: u8 = 0x80;

/// The value of each character of the alphabet (RFC 4648 table 2).
const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [NO_CHARACTER; 256];
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_every_other_way_to_write_a_value() {
        assert_eq!(decode("AQ").as_deref(), Ok(&[1][..]));
        for text in ["AQ==", "AQ=", "AR", "A", " AQ", "AQ\n", "A+8", "A/8", "AQ.", "ÄQ"] {
            assert_eq!(decode(text), Err(NotBase64Url), "{text:?}");
            assert!(!is_canonical(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn judges_as_it_decodes(short in "[A-Za-z0-9_-]{0,5}", any in ".{0,6}") {
            for text in [short, any] {
                prop_assert_eq!(is_canonical(&text), decode(&text).is_ok(), "{:?}", text);
            }
        }

        #[test]
        fn accepts_canonical_text_only(text in "[A-Za-z0-9_-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
