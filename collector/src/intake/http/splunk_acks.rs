//! Splunk's acknowledgement of events: ids that are given out with the answer to a request, and the
//! question for them (`POST /services/collector/ack`).

use super::refusal::HttpRefusal;
use super::reply::{self, HttpReply};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::{Map, Value, json};

/// The most ids in one question.
const IDS: usize = 10_000;

/// True for the path of the question.
pub(super) fn asks(path: &str) -> bool {
    matches!(path.trim_end_matches('/'), "/services/collector/ack" | "/services/collector/ack/1.0")
}

/// The channel that a client names, without which it wants no ids.
pub(super) fn channel(headers: &HeaderMap, query: &str) -> Option<String> {
    let header = headers.get("x-splunk-request-channel").and_then(|value| value.to_str().ok());
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let parameter = || pairs().find(|(key, _)| key == "channel").map(|(_, value)| value);
    let named = header.map(str::to_owned).or_else(|| parameter().map(Into::into));
    named.filter(|channel| !channel.trim().is_empty())
}

/// The answer to a question. An id is only given out when its records are in the sinks: each that
/// is asked for is acknowledged, also after a restart.
///
/// # Errors
///
/// When it names no channel, or no ids.
pub(super) fn answer(channel: Option<&str>, body: &[u8]) -> Result<HttpReply, HttpRefusal> {
    let bad = |words: &str| HttpRefusal::new(StatusCode::BAD_REQUEST, words);
    if channel.is_none() {
        return Err(bad("Data channel is missing"));
    }
    let question: Value = serde_json::from_slice(body).map_err(|_| bad("the body is not JSON"))?;
    let ids = question["acks"].as_array().filter(|ids| ids.len() <= IDS);
    let ids = ids.ok_or_else(|| bad("expected {\"acks\":[0,1]}"))?;
    let ids = ids.iter().filter_map(Value::as_u64);
    let acks: Map<String, Value> = ids.map(|id| (id.to_string(), true.into())).collect();
    Ok(reply::json(StatusCode::OK, &json!({"acks": acks})))
}
