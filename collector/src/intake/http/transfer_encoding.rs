//! The one encoding that a request's body may have on its way: chunks. Of another, servers do not agree
//! where the body ends, and so whose request follows.

use super::refusal::HttpRefusal;
use hyper::StatusCode;
use hyper::header::{HeaderMap, TRANSFER_ENCODING};

/// True for a body in chunks, and for one whose length is known.
pub(super) fn is_known(headers: &HeaderMap) -> bool {
    let mut declared = headers.get_all(TRANSFER_ENCODING).iter();
    let first =
        declared.next().is_none_or(|first| first.as_bytes().eq_ignore_ascii_case(b"chunked"));
    first && declared.next().is_none()
}

/// The answer to other bodies (RFC 9112, section 6.1).
pub(super) fn unknown() -> HttpRefusal {
    let words = "unknown Transfer-Encoding: use chunked, or Content-Length";
    HttpRefusal::new(StatusCode::NOT_IMPLEMENTED, words)
}
