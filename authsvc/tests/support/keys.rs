//! Signing keys of the service in this process.

use std::sync::Arc;

use authsvc::key_upkeep::BlockingKeyMaker;
use authsvc_core::service::KeyKeeper;
use authsvc_core::service::key_schedule::KeyPolicy;
use cryptokit::jose::JwsAlgorithm;
use cryptokit::sign::RsaKeySize;

use super::in_process::Service;

/// Has the service sign with a new key of that algorithm; the old ones go on verifying.
pub(crate) async fn sign_with(service: &Service, algorithm: JwsAlgorithm) {
    let policy = KeyPolicy {
        rotation_period: None,
        algorithm,
        rsa_key_size: RsaKeySize::Bits2048,
    };
    let (maker, clock) = (Arc::new(BlockingKeyMaker), Arc::clone(&service.clock) as _);
    let keeper = KeyKeeper::new(Arc::clone(&service.keys), maker, clock, policy);
    keeper.replace_now(None).await.unwrap();
}
