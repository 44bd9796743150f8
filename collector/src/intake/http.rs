//! HTTP on the ordinary port: a connection that begins with a request, or with the preface of HTTP/2,
//! is served here. A request is answered once its records are in the sinks.

pub(super) mod body;
mod elastic;
mod export_outcome;
mod grpc;
mod http2;
mod journal;
mod preface;
mod refusal;
mod reply;
mod reply_body;
mod routes;
mod splunk_acks;
mod transfer_encoding;

use super::stream::{PeerStream, ReplayedStream};
use super::submitter::{SubmitOutcome, SubmitTerms, Submitter};
use crate::clock::now;
use crate::decode::posted::at_most;
use crate::senders::grant::Grant;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use body::{BodyError, RequestBody};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use journal::JournalUpload;
use refusal::HttpRefusal;
use reply::HttpReply;
use routes::{BodyFormat, PostRoute};
use serde_json::json;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::timeout;

/// Time for a connection to wait for its next request, and for the head of a request to come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The most bytes of a request's head, and the most headers in it.
const HEAD: usize = 32 << 10;
const HEADERS: usize = 64;

/// Time for the hub to take a request before its client has to try again.
const BUSY: Duration = Duration::from_secs(10);

/// Serves the requests of a connection that began with `opening`, until its client is done or the
/// collector is to end.
///
/// It is boxed here, so that the task of a connection which is not HTTP has no room for it.
pub(super) fn serve<'a>(
    stream: &'a mut PeerStream,
    opening: Vec<u8>,
    client: Submitter<'a>,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(serve_requests(stream, opening, client))
}

async fn serve_requests(stream: &mut PeerStream, mut opening: Vec<u8>, client: Submitter<'_>) {
    let peer = client.peer;
    let shared = client.shared;
    let speaks_http2 = tokio::select! {
        speaks = timeout(HEAD_TIMEOUT, preface::speaks_http2(stream, &mut opening)) => speaks,
        () = shared.stopped() => return,
    };
    let Ok(Ok(speaks_http2)) = speaks_http2 else { return };
    let stream = TokioIo::new(ReplayedStream::new(stream, opening));
    let ended = match speaks_http2 {
        true => http2::serve(stream, client).await,
        false => serve_one_by_one(stream, client).await,
    };
    if let Err(error) = ended {
        shared.stderr.debug(format_args!("HTTP connection from {peer} ended: {error}"));
    }
}

/// Serves HTTP/1.
async fn serve_one_by_one(
    stream: TokioIo<ReplayedStream<'_>>,
    client: Submitter<'_>,
) -> hyper::Result<()> {
    let service = service_fn(|request| {
        let client = &client;
        async move {
            let (head, mut body) = request.into_parts();
            if transfer_encoding::is_known(&head.headers) {
                return Ok::<_, Infallible>(client.answer(&head, &mut body).await);
            }
            let mut reply = client.refuse(None, transfer_encoding::unknown());
            // Another server may see the end of the body elsewhere.
            reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Ok(reply)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // Some clients send and close, and never read the answer.
            .half_close(true)
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            .serve_connection(stream, service)
    );
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = client.shared.stopped() => {
            connection.as_mut().graceful_shutdown();
            // A body without an end must not keep the collector from ending.
            timeout(BUSY, connection).await.unwrap_or(Ok(()))
        }
    }
}

/// A request's body, and the rights of the token it came with.
struct PostedBody<'a> {
    body: &'a mut Incoming,
    grant: Option<Arc<Grant>>,
}

impl Submitter<'_> {
    async fn answer(&self, head: &Parts, body: &mut Incoming) -> HttpReply {
        let stats = &self.shared.stats;
        stats.http_requests.add(1);
        if let Some(reply) = elastic::probe(head).or_else(|| probe(head)) {
            return reply;
        }
        let query = head.uri.query().unwrap_or_default();
        if splunk_acks::asks(head.uri.path()) {
            return self.answer_acks(head, body).await;
        }
        if elastic::is_bulk(head) {
            let taken = self.take_bulk(head, body).await;
            return taken.unwrap_or_else(|refusal| self.refuse(None, refusal));
        }
        if journal::is_upload(head.uri.path(), &head.headers) {
            return self.answer_upload(head, body).await;
        }
        let route = match PostRoute::find(&head.method, head.uri.path(), query, &head.headers) {
            Ok(route) => route,
            Err(refusal) => return self.refuse(None, refusal),
        };
        let taken = match self.admit(head) {
            Ok(grant) => self.take(&route, &head.headers, PostedBody { body, grant }).await,
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok(SubmitOutcome { faults: 0, taken: 1.., .. }) if route.protocol.is_splunk() => {
                let channel = splunk_acks::channel(&head.headers, query);
                reply::splunk(channel.map(|_| self.shared.ack_ids.fetch_add(1, Relaxed)))
            }
            Ok(outcome) => reply::success(route.protocol, outcome),
            Err(refusal) => self.refuse(Some(route.protocol), refusal),
        }
    }

    /// Takes a journal that is uploaded.
    async fn answer_upload(&self, head: &Parts, body: &mut Incoming) -> HttpReply {
        let taken = match self.admit(head) {
            Ok(grant) => JournalUpload::new(self, grant, BUSY).take(&head.headers, body).await,
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok(()) => reply::typed(StatusCode::ACCEPTED, "text/plain", "OK.\n"),
            Err(refusal) => self.refuse(None, refusal),
        }
    }

    /// Answers a client of Splunk that asks which of its events are kept.
    async fn answer_acks(&self, head: &Parts, body: &mut Incoming) -> HttpReply {
        let channel = splunk_acks::channel(&head.headers, head.uri.query().unwrap_or_default());
        let answer = async {
            self.admit(head)?;
            let body = self.read_body(&head.headers, body).await?;
            splunk_acks::answer(channel.as_deref(), &body.bytes)
        };
        let answer = answer.await;
        answer.unwrap_or_else(|refusal| self.refuse(Some(BodyFormat::SplunkEvent), refusal))
    }

    fn refuse(&self, protocol: Option<BodyFormat>, refusal: HttpRefusal) -> HttpReply {
        self.shared.stats.http_requests_refused.add(1);
        let words = &refusal.words;
        self.shared.stderr.debug(format_args!("refused a request of {}: {words}", self.peer));
        reply::refused(protocol, refusal)
    }

    /// Lets in clients that show a token, where there are tokens, and no page of a browser that
    /// comes from elsewhere: it could write here whatever it likes.
    fn admit(&self, head: &Parts) -> Result<Option<Arc<Grant>>, HttpRefusal> {
        if from_another_site(head) {
            let words = "requests of web pages from another site are refused";
            return Err(HttpRefusal::new(StatusCode::FORBIDDEN, words));
        }
        let Some(tokens) = &self.shared.tokens else { return Ok(None) };
        let shown = token(&head.headers);
        if shown.is_none() && self.origin.is_verified() {
            return Ok(None);
        }
        tokens.admit(shown.as_deref()).map(Some).map_err(|stranger| {
            self.shared.stats.strangers_refused.add(1);
            HttpRefusal::new(StatusCode::UNAUTHORIZED, stranger.to_string())
        })
    }

    /// Reads a body, unpacked.
    async fn read_body(
        &self,
        headers: &HeaderMap,
        body: &mut Incoming,
    ) -> Result<RequestBody, BodyError> {
        let limits = &self.shared.limits;
        body::read(headers, body, limits.max_body, &limits.bodies.share(self.peer)).await
    }

    /// Reads a body and hands over its records; comes back when they are in the sinks.
    async fn take(
        &self,
        route: &PostRoute,
        headers: &HeaderMap,
        posted: PostedBody<'_>,
    ) -> Result<SubmitOutcome, HttpRefusal> {
        let mut body = self.read_body(headers, posted.body).await?;
        self.shared.stats.bytes_in.add(body.bytes.len() as u64);
        if matches!(route.protocol, BodyFormat::LokiProtobuf) && !body.is_snappy {
            let limits = &self.shared.limits;
            body.unpack("snappy", limits.max_body, &limits.bodies.share(self.peer)).await?;
        }
        let outcome = self.submit(route, headers, &body, posted.grant.as_deref()).await?;
        drop(body);
        self.settled(BUSY).await?;
        Ok(outcome)
    }
}

impl Submitter<'_> {
    /// Hands over the records of a body.
    async fn submit(
        &self,
        route: &PostRoute,
        headers: &HeaderMap,
        body: &RequestBody,
        grant: Option<&Grant>,
    ) -> Result<SubmitOutcome, HttpRefusal> {
        let records = route.records(&body.bytes, headers, now())?;
        let mut records = at_most(records, body.most_records);
        let partial = route.protocol.is_otlp();
        let terms = SubmitTerms { defaults: &route.defaults, grant, limit: BUSY, partial };
        let outcome = self.hand_over(&mut records, terms).await?;
        self.shared.stats.records_http.add(outcome.taken);
        Ok(outcome)
    }
}

/// Answers what clients ask before they send.
fn probe(head: &Parts) -> Option<HttpReply> {
    let path = head.uri.path().trim_end_matches('/');
    // Docker's driver for Splunk starts no container without this answer.
    if head.method == Method::OPTIONS && path.starts_with("/services/collector") {
        return Some(reply::typed(StatusCode::OK, "text/plain", ""));
    }
    if head.method != Method::GET && head.method != Method::HEAD {
        return None;
    }
    match path {
        "" => Some(reply::typed(
            StatusCode::OK,
            "text/plain",
            "netlog takes records here: POST them\n",
        )),
        "/ready" | "/healthz" => Some(reply::typed(StatusCode::OK, "text/plain", "ready\n")),
        "/services/collector/health" | "/services/collector/health/1.0" => {
            Some(reply::json(StatusCode::OK, &json!({"text": "HEC is healthy", "code": 17})))
        }
        _ => None,
    }
}

/// The token that a client shows: as a bearer (RFC 6750), as the password of Basic (RFC 7617), or in
/// the header that its protocol has for it.
fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some((scheme, value)) = text("authorization").and_then(|shown| shown.split_once(' ')) {
        return match scheme.to_ascii_lowercase().as_str() {
            "basic" => {
                let pair = BASE64_STANDARD.decode(value.trim()).ok()?;
                let pair = String::from_utf8(pair).ok()?;
                pair.split_once(':').map(|(_, password)| password.to_owned())
            }
            _ => Some(value.trim().to_owned()),
        };
    }
    ["x-seq-apikey", "x-scope-orgid", "api-key"].into_iter().find_map(text).map(str::to_owned)
}

/// True if a browser says that a page of another site sends this (Fetch Metadata; RFC 6454).
fn from_another_site(head: &Parts) -> bool {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let Some(origin) = text("origin") else { return false };
    // HTTP/2 has the host in `:authority`.
    let host = text(header::HOST.as_str()).or_else(|| head.uri.authority().map(Authority::as_str));
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    authority.is_none_or(|authority| Some(authority.as_str()) != host)
}
