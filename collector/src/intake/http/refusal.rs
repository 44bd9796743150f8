//! Requests that are refused, and the reasons in words.

use super::body::BodyError;
use crate::intake::submitter::{HubBusy, SubmitError};
use hyper::StatusCode;

/// A request that is not fulfilled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HttpRefusal {
    pub(super) status: StatusCode,
    pub(super) words: String,
}

impl HttpRefusal {
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }

    /// The collector takes nothing now: retryable, and never 429, which some exporters take for a
    /// reason to give the batch up.
    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy: try again")
    }
}

impl From<HubBusy> for HttpRefusal {
    fn from(_: HubBusy) -> Self {
        Self::busy()
    }
}

impl From<SubmitError> for HttpRefusal {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Busy => Self::busy(),
            SubmitError::Forbidden(reason) => Self::new(StatusCode::FORBIDDEN, reason),
        }
    }
}

impl From<BodyError> for HttpRefusal {
    fn from(error: BodyError) -> Self {
        let (status, words) = match error {
            BodyError::Busy => return Self::busy(),
            BodyError::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body too large: send smaller batches, or raise --max-body",
            ),
            BodyError::Crowded => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the compressed body becomes too many records for its size",
            ),
            BodyError::Late => (StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
            BodyError::Broken => {
                (StatusCode::BAD_REQUEST, "the body was cut off, or its chunks are malformed")
            }
            BodyError::UnknownEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unknown Content-Encoding: use gzip, deflate, zstd, snappy or none",
            ),
            BodyError::Corrupt => {
                (StatusCode::BAD_REQUEST, "the body is not what its Content-Encoding says")
            }
        };
        Self::new(status, words)
    }
}
