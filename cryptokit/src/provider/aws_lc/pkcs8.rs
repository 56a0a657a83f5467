//! What AWS-LC does not check of a PKCS#8 file.

use crate::provider::Unspecified;

/// AWS-LC reads the first structure and leaves alone what follows. ring refuses such a file, and so do we: two files that
/// differ are not one key.
pub(super) fn ends_with_its_structure(pkcs8: &[u8]) -> Result<&[u8], Unspecified> {
    // X.690 §8.1.3, §10.1: a definite length in its shortest form.
    let (len, content) = match *pkcs8 {
        [0x30, len @ 0..=0x7f, ref content @ ..] => (usize::from(len), content),
        [0x30, 0x81, len @ 0x80..=0xff, ref content @ ..] => (usize::from(len), content),
        [0x30, 0x82, high @ 1..=0xff, low, ref content @ ..] => (usize::from(high) << 8 | usize::from(low), content),
        _ => return Err(Unspecified),
    };
    (content.len() == len).then_some(pkcs8).ok_or(Unspecified)
}
