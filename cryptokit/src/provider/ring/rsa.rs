//! RSASSA-PKCS1-v1_5 and RSASSA-PSS on ring, and key generation by `rsa`, which ring lacks.
//!
//! `rsa` signs nothing: RUSTSEC-2023-0071 is a timing leak in private-key operations that a network peer can provoke.
//! It makes keys and checks the numbers of those that are read, neither of which a peer can provoke.

use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaParameters, RsaPublicKeyComponents,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, PrivateKeyInfoRef};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::random::RingRng;
use crate::provider::{RsaScheme, RsaSigner, SignatureVerifier, Unspecified};

pub(super) fn generate_pkcs8(bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    if !matches!(bits, 2048 | 3072 | 4096) {
        return Err(Unspecified);
    }
    let key = RsaPrivateKey::new(&mut RingRng, bits).map_err(|_| Unspecified)?;
    let document = key.to_pkcs8_der().map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}

pub(super) fn signer(scheme: RsaScheme, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
    checked(pkcs8)?;
    let key = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?;
    let encoding: &dyn RsaEncoding = match scheme {
        RsaScheme::Pkcs1Sha256 => &RSA_PKCS1_SHA256,
        // Its salt is as long as the hash, which RFC 7518 §3.5 asks for.
        RsaScheme::PssSha256 => &RSA_PSS_SHA256,
    };
    Ok(Box::new(Signer { key, encoding }))
}

pub(super) fn verifier(scheme: RsaScheme, n: &[u8], e: &[u8]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
    let parameters = match scheme {
        RsaScheme::Pkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        RsaScheme::PssSha256 => &RSA_PSS_2048_8192_SHA256,
    };
    Ok(Box::new(Verifier {
        components: RsaPublicKeyComponents {
            n: n.to_vec(),
            e: e.to_vec(),
        },
        parameters,
    }))
}

/// Reads a key all of whose numbers belong together, as AWS-LC asks for too.
///
/// ring does not look at `d`. `rsa` does, but makes dP, dQ and qInv itself, whatever the file says: they must come out the
/// same. Takes milliseconds; a key is read once.
pub(super) fn checked(pkcs8: &[u8]) -> Result<RsaPrivateKey, Unspecified> {
    let read = RsaPrivateKey::from_pkcs8_der(pkcs8).map_err(|_| Unspecified)?;
    let written = read.to_pkcs1_der().map_err(|_| Unspecified)?;
    let file = PrivateKeyInfoRef::try_from(pkcs8).map_err(|_| Unspecified)?;
    let same: bool = written.as_bytes().ct_eq(file.private_key.as_bytes()).into();
    same.then_some(read).ok_or(Unspecified)
}

struct Signer {
    key: RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
}

impl RsaSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(self.encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Unspecified)?;
        Ok(signature)
    }

    fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        let components = RsaPublicKeyComponents::<Vec<u8>>::from(self.key.public());
        (components.n, components.e)
    }
}

/// ring has no parsed form of an RSA public key: it checks the components at each use.
struct Verifier {
    components: RsaPublicKeyComponents<Vec<u8>>,
    parameters: &'static RsaParameters,
}

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.components
            .verify(self.parameters, message, signature)
            .map_err(|_| Unspecified)
    }
}
