//! The keys of tokens: one type for each algorithm, and one that is any of them.

use super::algorithm::JwsAlgorithm;
use crate::keyset::{InvalidMaterial, KeyMaterial, Version1};
use crate::provider::Provider;
use crate::secret::SecretBytes;
use crate::sign::{
    Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey, Es256VerifyingKey, RsaKeySize, RsaPssSigningKey,
    RsaPssVerifyingKey, RsaSigningKey, RsaVerifyingKey, SignError,
};

/// A private key that signs tokens by the algorithm of its type.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenSigningKey {
    /// RS256.
    Rs256(RsaSigningKey),
    /// PS256.
    Ps256(RsaPssSigningKey),
    /// ES256.
    Es256(Es256SigningKey),
    /// EdDSA.
    EdDsa(Ed25519SigningKey),
}

/// A public key that verifies tokens by the algorithm of its type and no other.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenVerifyingKey {
    /// RS256.
    Rs256(RsaVerifyingKey),
    /// PS256.
    Ps256(RsaPssVerifyingKey),
    /// ES256.
    Es256(Es256VerifyingKey),
    /// EdDSA.
    EdDsa(Ed25519VerifyingKey),
}

impl TokenSigningKey {
    /// Makes a key for the algorithm with the default provider; RSA keys have 2048 bits and take 30 to 250 ms.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, SignError> {
        Ok(match algorithm {
            JwsAlgorithm::Rs256 => Self::Rs256(RsaSigningKey::generate(RsaKeySize::Bits2048)?),
            JwsAlgorithm::Ps256 => Self::Ps256(RsaPssSigningKey::generate(RsaKeySize::Bits2048)?),
            JwsAlgorithm::Es256 => Self::Es256(Es256SigningKey::generate()?),
            JwsAlgorithm::EdDsa => Self::EdDsa(Ed25519SigningKey::generate()?),
        })
    }

    /// Reads PKCS#8 DER (RFC 5958) as a key for that algorithm.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the bytes are no such key.
    pub fn from_pkcs8_with(provider: Provider, algorithm: JwsAlgorithm, pkcs8: SecretBytes) -> Result<Self, SignError> {
        Ok(match algorithm {
            JwsAlgorithm::Rs256 => Self::Rs256(RsaSigningKey::from_pkcs8_with(provider, pkcs8)?),
            JwsAlgorithm::Ps256 => Self::Ps256(RsaPssSigningKey::from_pkcs8_with(provider, pkcs8)?),
            JwsAlgorithm::Es256 => Self::Es256(Es256SigningKey::from_pkcs8_with(provider, pkcs8)?),
            JwsAlgorithm::EdDsa => Self::EdDsa(Ed25519SigningKey::from_pkcs8_with(provider, pkcs8)?),
        })
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> JwsAlgorithm {
        match self {
            Self::Rs256(_) => JwsAlgorithm::Rs256,
            Self::Ps256(_) => JwsAlgorithm::Ps256,
            Self::Es256(_) => JwsAlgorithm::Es256,
            Self::EdDsa(_) => JwsAlgorithm::EdDsa,
        }
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        match self {
            Self::Rs256(key) => key.pkcs8(),
            Self::Ps256(key) => key.pkcs8(),
            Self::Es256(key) => key.pkcs8(),
            Self::EdDsa(key) => key.pkcs8(),
        }
    }

    /// Signs a message; see the `sign` of each key.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Rs256(key) => key.sign(message),
            Self::Ps256(key) => key.sign(message),
            Self::Es256(key) => key.sign(message),
            Self::EdDsa(key) => key.sign(message),
        }
    }

    /// The public half, on the same provider.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] when the backend refuses it.
    pub fn verifying_key(&self) -> Result<TokenVerifyingKey, SignError> {
        Ok(match self {
            Self::Rs256(key) => TokenVerifyingKey::Rs256(key.verifying_key()?),
            Self::Ps256(key) => TokenVerifyingKey::Ps256(key.verifying_key()?),
            Self::Es256(key) => TokenVerifyingKey::Es256(key.verifying_key()?),
            Self::EdDsa(key) => TokenVerifyingKey::EdDsa(key.verifying_key()?),
        })
    }
}

impl TokenVerifyingKey {
    /// The key's algorithm.
    pub fn algorithm(&self) -> JwsAlgorithm {
        match self {
            Self::Rs256(_) => JwsAlgorithm::Rs256,
            Self::Ps256(_) => JwsAlgorithm::Ps256,
            Self::Es256(_) => JwsAlgorithm::Es256,
            Self::EdDsa(_) => JwsAlgorithm::EdDsa,
        }
    }

    /// Verifies a signature over a message.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidSignature`], whatever is wrong with it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        match self {
            Self::Rs256(key) => key.verify(message, signature),
            Self::Ps256(key) => key.verify(message, signature),
            Self::Es256(key) => key.verify(message, signature),
            Self::EdDsa(key) => key.verify(message, signature),
        }
    }
}

macro_rules! conversions {
    ($($variant:ident: $signing:ty, $verifying:ty;)*) => {$(
        impl From<$signing> for TokenSigningKey {
            fn from(key: $signing) -> Self {
                Self::$variant(key)
            }
        }

        impl From<$verifying> for TokenVerifyingKey {
            fn from(key: $verifying) -> Self {
                Self::$variant(key)
            }
        }
    )*};
}

conversions! {
    Rs256: RsaSigningKey, RsaVerifyingKey;
    Ps256: RsaPssSigningKey, RsaPssVerifyingKey;
    Es256: Es256SigningKey, Es256VerifyingKey;
    EdDsa: Ed25519SigningKey, Ed25519VerifyingKey;
}

/// One purpose for all of them: a set may go from one algorithm to another, key by key.
impl KeyMaterial for TokenSigningKey {
    const PURPOSE: &'static str = "token-signing";
    const VERSION_1: Option<Version1> = Some(Version1 {
        purpose: "token-signing-rs256",
        algorithm: "RS256",
    });

    fn algorithm(&self) -> &'static str {
        self.algorithm().name()
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.pkcs8().expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        let algorithm = JwsAlgorithm::from_name(algorithm).ok_or(InvalidMaterial)?;
        Self::from_pkcs8_with(Provider::default(), algorithm, bytes).map_err(|_| InvalidMaterial)
    }
}

/// A set whose keys are all RS256: the same sealed form as [`TokenSigningKey`]'s, read with one algorithm only.
impl KeyMaterial for RsaSigningKey {
    const PURPOSE: &'static str = TokenSigningKey::PURPOSE;
    const VERSION_1: Option<Version1> = TokenSigningKey::VERSION_1;

    fn algorithm(&self) -> &'static str {
        JwsAlgorithm::Rs256.name()
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.pkcs8().expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        match TokenSigningKey::from_bytes(algorithm, bytes) {
            Ok(TokenSigningKey::Rs256(key)) => Ok(key),
            _ => Err(InvalidMaterial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyset::{Keyset, RootKey};

    #[test]
    fn a_keyset_holds_keys_of_every_algorithm() {
        let root = RootKey::generate();
        let [first, rest @ ..] = JwsAlgorithm::ALL;
        let mut keyset = Keyset::new("tokens", TokenSigningKey::generate(first).unwrap());
        for algorithm in rest {
            keyset.add(TokenSigningKey::generate(algorithm).unwrap());
        }
        let opened: Keyset<TokenSigningKey> = root.open("tokens", &root.seal(&keyset).unwrap()).unwrap();
        for (entry, algorithm) in opened.entries().iter().zip(JwsAlgorithm::ALL) {
            assert_eq!(entry.key.algorithm(), algorithm);
            let signature = entry.key.sign(b"m").unwrap();
            assert_eq!(entry.key.verifying_key().unwrap().verify(b"m", &signature), Ok(()));
        }
        assert!(
            root.open::<RsaSigningKey>("tokens", &root.seal(&keyset).unwrap())
                .is_err(),
            "not all of them are RS256"
        );
    }

    #[test]
    fn key_bytes_are_read_as_their_own_algorithm_only() {
        for algorithm in JwsAlgorithm::ALL {
            let key = TokenSigningKey::generate(algorithm).unwrap();
            let is_rsa = |algorithm| matches!(algorithm, JwsAlgorithm::Rs256 | JwsAlgorithm::Ps256);
            for other in JwsAlgorithm::ALL {
                for provider in Provider::all() {
                    let pkcs8 = SecretBytes::new(key.pkcs8().expose_secret().to_vec());
                    let read = TokenSigningKey::from_pkcs8_with(provider, other, pkcs8);
                    // RSA keys look the same for both: there, what makes the difference is what is said.
                    assert_eq!(
                        read.is_ok(),
                        algorithm == other || is_rsa(algorithm) && is_rsa(other),
                        "{provider:?}: {algorithm} as {other}"
                    );
                }
            }
        }
    }
}
