//! The secret of an authenticator app, and the address by which apps take it over.

use std::fmt;

use cryptokit::otp::{InvalidOtpKey, OtpCode, OtpKey};
use cryptokit::secret::SecretString;
use zeroize::Zeroizing;

use super::base32;
use super::email::EmailAddress;

/// A shared secret of 160 bits.
pub struct TotpSecret(OtpKey);

impl TotpSecret {
    /// A fresh secret.
    pub fn generate() -> Self {
        Self(OtpKey::generate())
    }

    /// Takes an opened secret.
    ///
    /// # Errors
    ///
    /// [`InvalidOtpKey`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidOtpKey> {
        OtpKey::from_bytes(bytes).map(Self)
    }

    /// The secret itself, for sealing.
    pub fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The step near `now` that the code belongs to.
    pub fn matching_step(&self, code: &OtpCode, now: u64) -> Option<u64> {
        self.0.matching_step(code, now)
    }

    /// What is typed into an app that has no camera: base32.
    pub fn to_base32(&self) -> SecretString {
        SecretString::from(base32::encode(self.0.expose_secret()))
    }

    /// What the QR code says: `otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER&algorithm=SHA1&digits=6&period=30`.
    ///
    /// Apps split the label at its first colon, whether written plain or as `%3A`, so neither part may have one; in an
    /// issuer a colon is left out, in an address it cannot be. Everything but RFC 3986's unreserved characters is
    /// percent-encoded, spaces too: several apps show a `+` as it is.
    pub fn provisioning_uri(&self, issuer: &str, account: &EmailAddress) -> SecretString {
        let issuer: String = issuer.chars().filter(|c| *c != ':').collect();
        let issuer = percent_encoded(&issuer);
        let account = percent_encoded(account.as_str());
        let secret = self.to_base32();
        let secret = secret.expose_secret();
        SecretString::from(Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        )))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret([redacted])")
    }
}

/// RFC 3986 §2.1, of everything that is not unreserved (§2.3).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(issuer: &str, account: &str) -> String {
        TotpSecret::from_bytes(b"12345678901234567890")
            .unwrap()
            .provisioning_uri(issuer, &account.parse().unwrap())
            .expose_secret()
            .to_owned()
    }

    #[test]
    fn the_address_is_what_apps_read() {
        assert_eq!(
            uri("auth.example", "alice@example.com"),
            "otpauth://totp/auth.example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=auth.example&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn no_name_steers_the_address() {
        let hostile = uri("Ex: a/b?c#d&secret=e% é", "a+b&secret=x/y'{z}@example.com");
        let (label, query) = hostile
            .strip_prefix("otpauth://totp/")
            .unwrap()
            .split_once('?')
            .unwrap();
        assert_eq!(
            label,
            "Ex%20a%2Fb%3Fc%23d%26secret%3De%25%20%C3%A9:a%2Bb%26secret%3Dx%2Fy%27%7Bz%7D%40example.com"
        );
        let names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
    }

    #[test]
    fn a_secret_is_silent() {
        assert_eq!(format!("{:?}", TotpSecret::generate()), "TotpSecret([redacted])");
        assert!(TotpSecret::from_bytes(b"short").is_err());
    }
}
