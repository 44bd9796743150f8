//! The reasons why a segment is not archived, or no archive can be set up.

use crate::tls::TlsError;
use std::error::Error;
use std::io;

/// Error of the setup of an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The `AWS_` variables do not fit together.
    #[error("invalid AWS_ variables")]
    Variables(#[source] Box<dyn Error + Send + Sync>),
    /// The address of the store is malformed.
    #[error("invalid {0}: expected https://HOST or http://HOST:PORT")]
    Url(String),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] TlsError),
}

/// Error of one attempt to archive a segment.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    /// The segment cannot be read.
    #[error("{0}")]
    Segment(#[from] io::Error),
    /// The store does not answer, or refuses.
    #[error("{}", words(.0))]
    Store(#[from] object_store::Error),
    /// There are other objects of all names that the segment could have.
    #[error("{0} exists with other content")]
    Taken(String),
}

impl From<UploadError> for io::Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Segment(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

/// The cause of `error`, without times and counts of attempts: a failure that goes on has to read
/// the same each time.
fn words(error: &object_store::Error) -> String {
    let text = error.to_string();
    // An answer of S3 in XML has a code and a message, and ids that are new each time.
    if let Some(code) = element(&text, "Code") {
        return match element(&text, "Message") {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        };
    }
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let cause = cause.to_string();
    let status = cause.rsplit_once("status code: ").map_or(&*cause, |(_, status)| status);
    status.trim_end_matches([':', ' ']).to_owned()
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> String {
        words(&object_store::Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn a_failure_reads_the_same_each_time() {
        let xml = "Error performing PUT http://s3/a in 1.2s - Server returned non-2xx status code: \
                   403 Forbidden: <?xml?><Error><Code>SignatureDoesNotMatch</Code>\
                   <Message>The request signature does not match</Message><RequestId>7</RequestId>";
        assert_eq!(generic(xml), "SignatureDoesNotMatch: The request signature does not match");
        let bare = "Server returned non-2xx status code: 503 Service Unavailable: ";
        assert_eq!(generic(bare), "503 Service Unavailable");
        assert_eq!(generic("connection refused"), "connection refused");
    }
}
