//! What names a certificate in a token that is bound to it.

use std::fmt;
use std::str::FromStr;

use cryptokit::encoding::base64url;
use cryptokit::x509::Certificate;

/// SHA-256 of a certificate's DER form, in text as base64url: `x5t#S256` (RFC 8705 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CertificateThumbprint([u8; 32]);

/// The text is not such a thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a thumbprint: 43 characters of base64url without padding are expected")]
pub struct InvalidThumbprint;

impl CertificateThumbprint {
    /// Length of its text form.
    pub const LEN: usize = 43;

    /// Of this certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self(certificate.sha256())
    }
}

impl FromStr for CertificateThumbprint {
    type Err = InvalidThumbprint;

    fn from_str(text: &str) -> Result<Self, InvalidThumbprint> {
        if text.len() != Self::LEN {
            return Err(InvalidThumbprint);
        }
        let bytes = base64url::decode(text).map_err(|_| InvalidThumbprint)?;
        bytes.try_into().map(Self).map_err(|_| InvalidThumbprint)
    }
}

impl fmt::Display for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_form_only() {
        let text = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
        assert_eq!(text.parse::<CertificateThumbprint>().unwrap().to_string(), text);
        for other in [
            "",
            // The last character has bits that are in no byte.
            "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v1",
            "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0=",
            "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v+",
            "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v",
            " 4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0",
        ] {
            assert_eq!(
                other.parse::<CertificateThumbprint>(),
                Err(InvalidThumbprint),
                "{other}"
            );
        }
    }
}
