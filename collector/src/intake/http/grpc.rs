//! OTLP over gRPC: a request is one message behind five bytes, and its outcome is in the trailers of
//! the answer.

use super::BUSY;
use super::body;
use super::export_outcome::ExportOutcome;
use super::refusal::HttpRefusal;
use super::reply::HttpReply;
use super::reply_body::ReplyBody;
use super::routes::{BodyFormat, PostRoute};
use crate::decode::post_defaults::Defaults;
use crate::intake::submitter::Submitter;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

/// The one method that there is.
const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Bytes in front of a message: a flag that it is compressed, and its length.
const PREFIX: usize = 5;

/// The codes of gRPC that are answered.
const OK: u8 = 0;
const INVALID_ARGUMENT: u8 = 3;
const PERMISSION_DENIED: u8 = 7;
const UNIMPLEMENTED: u8 = 12;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;

/// True for a request of gRPC.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

impl Submitter<'_> {
    /// Answers a call once its records are in the sinks.
    pub(super) async fn answer_call(&self, head: &Parts, body: &mut Incoming) -> HttpReply {
        let stats = &self.shared.stats;
        stats.http_requests.add(1);
        match self.take_call(head, body).await {
            Ok(outcome) => reply(OK, "", message(&outcome.protobuf())),
            Err(refusal) => {
                stats.http_requests_refused.add(1);
                let words = &refusal.words;
                let peer = self.peer;
                self.shared.stderr.debug(format_args!("refused a call of {peer}: {words}"));
                reply(code(refusal.status), words, Bytes::new())
            }
        }
    }

    async fn take_call(
        &self,
        head: &Parts,
        incoming: &mut Incoming,
    ) -> Result<ExportOutcome, HttpRefusal> {
        if head.method != Method::POST || head.uri.path() != EXPORT {
            let words = format!("nothing at {}: logs go to {EXPORT}", head.uri.path());
            return Err(HttpRefusal::new(StatusCode::NOT_FOUND, words));
        }
        let grant = self.admit(head)?;
        let limits = &self.shared.limits;
        let bodies = limits.bodies.share(self.peer);
        let mut body = body::collect(incoming, limits.max_body + PREFIX, &bodies).await?;
        self.shared.stats.bytes_in.add(body.bytes.len() as u64);
        let compressed = is_compressed(&body.bytes)?;
        body.bytes.drain(..PREFIX);
        if compressed {
            let declared = head.headers.get("grpc-encoding").and_then(|kind| kind.to_str().ok());
            body.unpack(declared.unwrap_or("?"), limits.max_body, &bodies).await?;
        }
        let defaults = Defaults::default();
        let route = PostRoute { protocol: BodyFormat::OtlpProtobuf, defaults };
        let outcome = self.submit(&route, &head.headers, &body, grant.as_deref()).await?;
        drop(body);
        self.settled(BUSY).await?;
        ExportOutcome::new(outcome)
    }
}

/// A message behind its prefix.
fn message(message: &[u8]) -> Bytes {
    let len = message.len() as u32;
    [&[0][..], &len.to_be_bytes(), message].concat().into()
}

/// Reads what stands in front of the message that a body has to be.
fn is_compressed(body: &[u8]) -> Result<bool, HttpRefusal> {
    let Some((&[flag @ (0 | 1), a, b, c, d], message)) = body.split_first_chunk() else {
        return Err(malformed());
    };
    match usize::try_from(u32::from_be_bytes([a, b, c, d])) {
        Ok(len) if len == message.len() => Ok(flag == 1),
        _ => Err(malformed()),
    }
}

fn malformed() -> HttpRefusal {
    HttpRefusal::new(StatusCode::BAD_REQUEST, "the body is not one message of gRPC")
}

/// The code for the refusal of a request. A body that is too large gets one that is never retried.
fn code(status: StatusCode) -> u8 {
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => UNAVAILABLE,
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::NOT_FOUND | StatusCode::UNSUPPORTED_MEDIA_TYPE => UNIMPLEMENTED,
        _ => INVALID_ARGUMENT,
    }
}

fn reply(code: u8, words: &str, message: Bytes) -> HttpReply {
    let mut trailers = HeaderMap::new();
    trailers.insert(HeaderName::from_static("grpc-status"), u16::from(code).into());
    if !words.is_empty()
        && let Ok(words) = HeaderValue::from_str(&percent_encoded(words))
    {
        trailers.insert(HeaderName::from_static("grpc-message"), words);
    }
    let mut reply = Response::new(ReplyBody::new(message).with_trailers(trailers));
    let kind = HeaderValue::from_static("application/grpc");
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    reply
}

/// Text as `grpc-message` carries it.
fn percent_encoded(words: &str) -> String {
    let encode = |byte: u8| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    words.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_message_and_nothing_else() {
        assert_eq!(is_compressed(b"\0\0\0\0\x02ab"), Ok(false));
        assert_eq!(is_compressed(b"\x01\0\0\0\x01a"), Ok(true));
        for bad in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x02a", b"\0\0\0\0\x01ab", b"\x02\0\0\0\0"] {
            assert_eq!(is_compressed(bad), Err(malformed()), "{bad:?}");
        }
    }

    #[test]
    fn words_of_a_refusal_are_printable() {
        assert_eq!(percent_encoded("100 % of \u{fc}"), "100 %25 of %C3%BC");
        assert_eq!(code(StatusCode::SERVICE_UNAVAILABLE), UNAVAILABLE);
        assert_eq!(code(StatusCode::PAYLOAD_TOO_LARGE), INVALID_ARGUMENT);
    }
}
