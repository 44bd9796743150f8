//! The store behind a URL, as the usual variables of AWS describe it.

use super::error::ArchiveError;
use super::http_client::ArchiveConnector;
use super::target::ArchiveTarget;
use crate::tls::ForwardTls;
use object_store::aws::AmazonS3Builder;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use std::env;
use std::sync::Arc;
use std::time::Duration;

/// Variable of the file of CAs that the store's certificate may be issued by.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The rest is up to the pauses between attempts, which are reported.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    },
    max_retries: 2,
    retry_timeout: Duration::from_secs(30),
};

/// Opens the store with credentials, region and endpoint from the environment.
///
/// # Errors
///
/// When the variables contradict each other, or the file of CAs cannot be read.
pub(crate) fn open(target: &ArchiveTarget) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    let forward_ca = env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()).map(Into::into);
    let tls = ForwardTls { forward_ca, ..ForwardTls::default() };
    let config = tls.config().map_err(ArchiveError::Tls)?;
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(&target.bucket)
        .with_allow_http(true)
        .with_retry(RETRY)
        .with_http_connector(ArchiveConnector::new(config))
        .build();
    let store = store.map_err(|error| ArchiveError::Variables(Box::new(error)))?;
    Ok(Arc::new(store))
}
