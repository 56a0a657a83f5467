//! Refresh tokens: what a client holds, and what can be computed of it.

use std::fmt;

use cryptokit::Provider;
use cryptokit::aead::{AeadError, AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::hash;
use cryptokit::keyset::{KeyId, Keyset};
use cryptokit::random;
use cryptokit::secret::{SecretBytes, SecretKey, SecretString};

use super::session::{SessionId, TokenDigest};

/// An opaque refresh token: `asr1_` and 48 random bytes in base64url.
///
/// The first 16 bytes are the same in all tokens of a family, the other 32 are of one generation. So a token that was
/// spent long ago is still known for one of its family's, without a row for each, and nobody who has not held one can
/// make it look as if it was used again: the `sid` in access tokens does not help.
pub struct RefreshToken(SecretBytes);

const PREFIX: &str = "asr1_";
const FAMILY_LEN: usize = 16;
const LEN: usize = FAMILY_LEN + 32;
/// In front of the token in the hash that gives a key: no digest of a token begins like this.
const SEALING_LABEL: &[u8] = b"authsvc refresh successor key\0";

impl RefreshToken {
    /// Length of the text.
    pub const TEXT_LEN: usize = PREFIX.len() + LEN * 4 / 3;

    /// The first token of a new family.
    pub fn generate() -> Self {
        Self(SecretBytes::new(random::bytes::<LEN>().to_vec()))
    }

    /// A fresh token of the same family.
    pub fn successor(&self) -> Self {
        let mut bytes = self.family_part().to_vec();
        bytes.reserve_exact(LEN - FAMILY_LEN);
        bytes.extend_from_slice(&random::bytes::<{ LEN - FAMILY_LEN }>());
        Self(SecretBytes::new(bytes))
    }

    /// Reads the one form there is.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        // Before decoding: what is longer is not even allocated for.
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let bytes = SecretBytes::new(base64url::decode(encoded).ok()?);
        (bytes.expose_secret().len() == LEN).then_some(Self(bytes))
    }

    /// The text.
    pub fn to_text(&self) -> SecretString {
        SecretString::new(format!("{PREFIX}{}", base64url::encode(self.0.expose_secret())))
    }

    /// What is kept of the family.
    pub fn family(&self) -> TokenDigest {
        TokenDigest(hash::sha256(self.family_part()))
    }

    /// What is kept of this token.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(hash::sha256(self.0.expose_secret()))
    }

    /// Seals a successor under a key that only this token gives, for this place.
    ///
    /// # Errors
    ///
    /// What sealing fails with: never at this length.
    pub fn seal_successor(&self, successor: &Self, session: SessionId, generation: u64) -> Result<Vec<u8>, AeadError> {
        self.sealing_key()
            .seal(successor.0.expose_secret(), &place(session, generation))
    }

    /// Opens what [`Self::seal_successor`] sealed.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`] with another token, session or generation, or when it was altered.
    pub fn open_successor(&self, sealed: &[u8], session: SessionId, generation: u64) -> Result<Self, AeadError> {
        let opened = self.sealing_key().open(sealed, &place(session, generation))?;
        if opened.expose_secret().len() != LEN {
            return Err(AeadError::Open);
        }
        Ok(Self(opened))
    }

    fn family_part(&self) -> &[u8] {
        &self.0.expose_secret()[..FAMILY_LEN]
    }

    /// One-step key derivation (NIST SP 800-56C §4, option 1) from a uniform 256-bit secret.
    fn sealing_key(&self) -> Keyset<AeadKey> {
        let key = hash::sha256_with(Provider::default(), &[SEALING_LABEL, self.0.expose_secret()]);
        Keyset::with_id(
            "refresh-successor",
            KeyId::from_bytes([0; KeyId::LEN]),
            AeadKey::new(SecretKey::from_bytes(key)),
        )
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

fn place(session: SessionId, generation: u64) -> AssociatedData {
    AssociatedData::new("authsvc refresh successor")
        .with(session.as_bytes())
        .with(&generation.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let token = RefreshToken::generate();
        let text = token.to_text();
        let text = text.expose_secret();
        assert_eq!(text.len(), RefreshToken::TEXT_LEN);
        assert_eq!(RefreshToken::parse(text).unwrap().digest(), token.digest());
        let padded = format!("{text}=");
        let spaced = format!(" {text}");
        let short = &text[..text.len() - 1];
        let standard = format!("{PREFIX}{}", "+".repeat(64));
        let other = text.replacen("asr1_", "asr2_", 1);
        let upper = text.replacen("asr1_", "ASR1_", 1);
        for wrong in [
            "",
            "asr1_",
            short,
            &padded,
            &spaced,
            &standard,
            &other,
            &upper,
            &text[5..],
        ] {
            assert!(RefreshToken::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_successor_is_of_the_same_family_and_another_token() {
        let token = RefreshToken::generate();
        let successor = token.successor();
        assert_eq!(token.family(), successor.family());
        assert_ne!(token.digest(), successor.digest());
        assert_ne!(token.family(), RefreshToken::generate().family());
        assert_ne!(token.family(), token.digest());
    }

    #[test]
    fn only_the_spent_token_opens_its_successor_and_only_in_its_place() {
        let (token, session) = (RefreshToken::generate(), SessionId::generate());
        let successor = token.successor();
        let sealed = token.seal_successor(&successor, session, 7).unwrap();
        let opened = token.open_successor(&sealed, session, 7).unwrap();
        assert_eq!(opened.digest(), successor.digest());
        assert!(token.open_successor(&sealed, session, 8).is_err());
        assert!(token.open_successor(&sealed, SessionId::generate(), 7).is_err());
        assert!(successor.open_successor(&sealed, session, 7).is_err());
        let mut altered = sealed.clone();
        altered[20] ^= 1;
        assert!(token.open_successor(&altered, session, 7).is_err());
    }

    #[test]
    fn no_token_shows_itself() {
        let token = RefreshToken::generate();
        assert_eq!(format!("{token:?}"), "RefreshToken([redacted])");
    }
}
