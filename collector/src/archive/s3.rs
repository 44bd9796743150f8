//! The store behind a URL, as the usual variables of AWS describe it.

use super::error::ArchiveError;
use super::http_client::ArchiveConnector;
use super::target::ArchiveTarget;
use crate::tls::ForwardTls;
use hyper::Uri;
use object_store::aws::AmazonS3Builder;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use std::env;
use std::ffi::OsStr;
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
    for (name, value) in env::vars_os().filter(|(name, _)| is_url(name)) {
        check_url(&value).ok_or_else(|| ArchiveError::Url(name.to_string_lossy().into_owned()))?;
    }
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(&target.bucket)
        .with_allow_http(true)
        .with_retry(RETRY)
        .with_http_connector(ArchiveConnector::new(config))
        .build();
    let store = store.map_err(|error| ArchiveError::Variables(Box::new(error)))?;
    Ok(Arc::new(store))
}

/// True for `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3` and the like.
fn is_url(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("AWS_ENDPOINT"))
}

/// `None` if it is not a URL of HTTP with a host. The library would take it for one.
fn check_url(value: &OsStr) -> Option<()> {
    let text = value.to_str()?;
    let uri: Uri = text.parse().ok()?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    uri.host().filter(|host| !host.is_empty() && !rest.is_empty()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_of_http() {
        for (url, fits) in [
            ("https://s3.example.com", true),
            ("http://127.0.0.1:9000/", true),
            ("http://[::1]:9000", true),
            ("localhost:9000", false),
            ("s3.example.com", false),
            ("ftp://x", false),
            ("http://", false),
            ("http://a b", false),
            ("", false),
        ] {
            assert_eq!(check_url(url.as_ref()).is_some(), fits, "{url}");
        }
        assert!(is_url("AWS_ENDPOINT_URL_S3".as_ref()) && !is_url("AWS_REGION".as_ref()));
    }
}
