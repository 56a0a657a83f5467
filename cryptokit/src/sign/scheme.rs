//! What a signature scheme supplies, so that keys of all schemes have one shape.

use std::fmt;

use super::SignError;
use crate::provider::{Provider, SignatureVerifier, Unspecified};

/// A parsed private key's only use.
pub(super) type SignFn = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, Unspecified> + Send + Sync>;

/// A signature scheme with all its parameters. Implemented by the schemes of [`sign`](super) and by nothing else.
pub trait Scheme: Sealed {}

impl<S: Sealed> Scheme for S {}

/// Lives in a private module: nobody else can implement it.
pub trait Sealed: 'static {
    /// The public key.
    type Public: Clone + fmt::Debug + PartialEq + Eq + Send + Sync;

    /// The scheme's name in `Debug`.
    const NAME: &'static str;
}

/// How the scheme reaches the backend.
pub(super) trait Backed: Sealed {
    fn signer(provider: Provider, pkcs8: &[u8]) -> Result<(SignFn, Self::Public), Unspecified>;

    fn verifier(provider: Provider, public: &Self::Public) -> Result<Box<dyn SignatureVerifier>, Unspecified>;

    /// Whether the public key is one that this crate works with.
    fn check(public: &Self::Public) -> Result<(), SignError>;
}
