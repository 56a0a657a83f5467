//! The rustls cryptography that matches a provider.

use std::sync::Arc;

use super::Provider;

impl Provider {
    /// The rustls provider of the same backend, to pass to `builder_with_provider`.
    ///
    /// On AWS-LC the hybrid post-quantum exchange X25519MLKEM768 comes first; ring has none.
    pub fn tls(self) -> Arc<rustls::crypto::CryptoProvider> {
        Arc::new(self.backend().tls())
    }
}
