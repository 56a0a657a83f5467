//! Signatures on certificates, requests and revocation lists (RFC 5280 §4.1.1.2): verified with the backend's
//! algorithms, the algorithm being the key's and the document's at once.

use super::der::{OID, Reader, oid_text};
use super::public_key;
use crate::provider::Provider;

/// Why a signature is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignatureFailure {
    /// No algorithm here fits both the key and the signature: SHA-1, RSA-PSS, other curves, keys that are no such key.
    Unsupported {
        /// The signature's algorithm.
        oid: String,
    },
    /// The signature is not the key's over this message.
    Bad,
}

/// Verifies with the key of a DER SubjectPublicKeyInfo. `algorithm` is the contents of the signature's
/// AlgorithmIdentifier.
pub(super) fn verify(spki: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureFailure> {
    let unsupported = || SignatureFailure::Unsupported {
        oid: oid_text(Reader::new(algorithm).contents(OID).unwrap_or_default()),
    };
    let (key_algorithm, key) = public_key::split(spki).map_err(|_| unsupported())?;
    let mut fitting = Provider::default()
        .backend()
        .certificate_signature_algorithms()
        .iter()
        .filter(|candidate| {
            candidate.signature_alg_id().as_ref() == algorithm
                && candidate.public_key_alg_id().as_ref() == key_algorithm
        })
        .peekable();
    if fitting.peek().is_none() {
        return Err(unsupported());
    }
    if fitting.any(|candidate| candidate.verify_signature(key, message, signature).is_ok()) {
        Ok(())
    } else {
        Err(SignatureFailure::Bad)
    }
}
