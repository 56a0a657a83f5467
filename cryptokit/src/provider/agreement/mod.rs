//! The backends agree with each other: what one makes, every other reads, and what is deterministic is the same bytes.
//! Where a pure-Rust crate does the same, it is asked too, so that a build with one provider has a second opinion.
//!
//! In the crate, because a backend is not public.

mod aead;
mod digest;
#[cfg(any(feature = "aws-lc", feature = "ring-oaep-decrypt"))]
mod oaep;
mod rsa;
mod rsa_private_key;
mod signature;

use super::Provider;

#[test]
fn a_provider_that_does_not_decrypt_takes_no_key() {
    for provider in Provider::all() {
        let pkcs8 = provider.backend().generate_rsa_pkcs8(2048).unwrap();
        let taken = provider.backend().oaep_decrypter(&pkcs8).is_ok();
        assert_eq!(taken, provider.decrypts_oaep(), "{provider:?}");
        let expected = provider.name() == "aws-lc" || cfg!(feature = "ring-oaep-decrypt");
        assert_eq!(provider.decrypts_oaep(), expected, "{provider:?}");
    }
}
