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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_every_other_way_to_write_a_value() {
        assert_eq!(decode("AQ").as_deref(), Ok(&[1][..]));
        for text in ["AQ==", "AQ=", "AR", "A", " AQ", "AQ\n", "A+8", "A/8", "AQ.", "ÄQ"] {
            assert_eq!(decode(text), Err(NotBase64Url), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn accepts_canonical_text_only(text in "[A-Za-z0-9_-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
