//! Clients of Elasticsearch: documents that they send (`POST /_bulk`), and what they ask before.

use super::BUSY;
use super::refusal::HttpRefusal;
use super::reply::{self, HttpReply};
use crate::clock::now;
use crate::decode::bulk;
use crate::decode::post_defaults::Defaults;
use crate::intake::submitter::{SubmitTerms, Submitter};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// The version whose clients are answered.
const VERSION: &str = "8.17.0";

/// The most actions in one request: each has a part of the answer.
const ACTIONS: usize = 10_000;

/// True for a request with actions.
pub(super) fn is_bulk(head: &Parts) -> bool {
    let path = head.uri.path().trim_end_matches('/');
    path.ends_with("/_bulk") && matches!(head.method, Method::POST | Method::PUT)
}

impl Submitter<'_> {
    /// Takes the documents of a request; comes back when they are in the sinks.
    pub(super) async fn take_bulk(
        &self,
        head: &Parts,
        body: &mut Incoming,
    ) -> Result<HttpReply, HttpRefusal> {
        let grant = self.admit(head)?;
        let body = self.read_body(&head.headers, body).await?;
        self.shared.stats.bytes_in.add(body.bytes.len() as u64);
        if bulk::count(&body.bytes) > ACTIONS {
            let words = format!("send at most {ACTIONS} actions at once");
            return Err(HttpRefusal::new(StatusCode::PAYLOAD_TOO_LARGE, words));
        }
        let mut defaults = Defaults::default();
        let index = head.uri.path()[1..].split_once('/').map(|(index, _)| index);
        if let Some(index) = index {
            // A name that cannot be an app's is left out.
            let _ = defaults.take("app", index);
        }
        let grant = grant.as_deref();
        let terms = SubmitTerms { defaults: &defaults, grant, limit: BUSY, partial: false };
        let received = now();
        let mut records = bulk::records(&body.bytes, received);
        let outcome = self.hand_over(&mut records, terms).await?;
        self.shared.stats.records_http.add(outcome.taken);
        drop(records);
        self.settled(BUSY).await?;
        match outcome.first {
            None => Ok(reply(&bulk::answer(&body.bytes, index, received))),
            Some(fault) => {
                let words = format!("{fault}; the {} records before it were kept", outcome.taken);
                Err(HttpRefusal::new(StatusCode::BAD_REQUEST, words))
            }
        }
    }
}

/// The answer to a question, or to a template that nobody needs here; `None` for another request.
pub(super) fn probe(head: &Parts) -> Option<HttpReply> {
    let json = head
        .headers
        .get(ACCEPT)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("json"));
    let path = head.uri.path().trim_end_matches('/');
    let name = path.split('/').nth(1).unwrap_or_default();
    let answer = match (&head.method, name) {
        (&Method::GET | &Method::HEAD, "") if json => json!({
            "name": "netlog", "cluster_name": "netlog", "cluster_uuid": "netlog",
            "version": {
                "number": VERSION, "build_flavor": "default", "lucene_version": "9.12.0",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        }),
        (&Method::GET, "_license") => json!({
            "license": {"status": "active", "uid": "netlog", "type": "basic", "mode": "basic"},
        }),
        (&Method::GET, "_xpack") => {
            json!({"features": {}, "license": {"status": "active", "type": "basic", "mode": "basic", "uid": "netlog"}})
        }
        (
            &Method::GET | &Method::HEAD | &Method::PUT,
            "_template"
            | "_index_template"
            | "_component_template"
            | "_ilm"
            | "_data_stream"
            | "_ingest",
        ) => json!({"acknowledged": true}),
        (&Method::GET, "_cluster") => {
            json!({"cluster_name": "netlog", "status": "green", "timed_out": false, "number_of_nodes": 1})
        }
        _ => return None,
    };
    Some(reply(&answer))
}

/// An answer as clients of Elasticsearch believe it.
pub(super) fn reply(value: &Value) -> HttpReply {
    let mut reply = reply::json(StatusCode::OK, value);
    let name = HeaderName::from_static("x-elastic-product");
    reply.headers_mut().insert(name, HeaderValue::from_static("Elasticsearch"));
    reply
}
