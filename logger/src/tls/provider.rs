//! The cryptography of TLS. It is passed to each configuration and never installed for the process,
//! whose other libraries may have chosen another.

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// ring, or aws-lc-rs where the feature selects it.
pub(super) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls-aws-lc-rs")]
    use rustls::crypto::aws_lc_rs::default_provider;
    #[cfg(not(feature = "tls-aws-lc-rs"))]
    use rustls::crypto::ring::default_provider;
    Arc::new(default_provider())
}
