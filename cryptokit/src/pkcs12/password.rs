//! A password in the two encodings that PKCS#12 has for it.

use zeroize::Zeroizing;

use crate::secret::SecretString;

/// One password, encoded for both kinds of key derivation in a file.
pub(super) struct Password<'a> {
    /// For PBES2: UTF-8, as OpenSSL, Java, NSS and GnuTLS have it.
    pub(super) utf8: &'a [u8],
    /// For RFC 7292 appendix B: big-endian UTF-16 with a terminating zero. The RFC says BMPString, which lacks characters
    /// beyond U+FFFF; other programs write them as surrogate pairs, and so does this.
    pub(super) utf16: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(password: &'a SecretString) -> Self {
        let text = password.expose_secret();
        // As long as it gets: a vector that grew would leave copies behind.
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        for unit in text.encode_utf16() {
            utf16.extend_from_slice(&unit.to_be_bytes());
        }
        utf16.extend_from_slice(&[0, 0]);
        Self {
            utf8: text.as_bytes(),
            utf16,
        }
    }

    /// What else the password may have been written as: RFC 7292 appendix B.1 gives the empty one a terminating zero,
    /// some programs give it nothing.
    pub(super) fn without_terminator(&self) -> Option<Self> {
        self.utf8.is_empty().then(|| Self {
            utf8: self.utf8,
            utf16: Zeroizing::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn passwords_are_big_endian_utf16_with_a_zero() {
        let encoded = |text: &str| Password::new(&SecretString::new(text.into())).utf16.to_vec();
        // RFC 7292 appendix B.1's example
        assert_eq!(encoded("Beavis"), hex!("0042 0065 0061 0076 0069 0073 0000"));
        assert_eq!(encoded("ä€"), hex!("00e4 20ac 0000"));
        assert_eq!(encoded("\u{1f511}"), hex!("d83d dd11 0000"));
        assert_eq!(encoded(""), hex!("0000"));
    }
}
