//! Answers, each in the form that the clients of its protocol expect.

use super::export_outcome::{self, ExportOutcome};
use super::refusal::HttpRefusal;
use super::reply_body::ReplyBody;
use super::routes::BodyFormat;
use crate::intake::submitter::SubmitOutcome;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

pub(super) type HttpReply = Response<ReplyBody>;

/// Seconds for a client to wait before it tries again.
const RETRY_AFTER: &str = "2";

pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> HttpReply {
    typed(status, "application/json", format!("{value}\n"))
}

pub(super) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> HttpReply {
    let mut reply = Response::new(ReplyBody::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

const PROTOBUF: &str = "application/x-protobuf";

/// The answer to a request whose records are in the sinks.
pub(super) fn success(format: BodyFormat, outcome: SubmitOutcome) -> HttpReply {
    let SubmitOutcome { taken, faults, .. } = outcome;
    let fault = outcome.first.clone().unwrap_or_default();
    match format {
        BodyFormat::OtlpProtobuf | BodyFormat::OtlpJson => export(format, outcome),
        BodyFormat::LokiJson | BodyFormat::LokiProtobuf if faults == 0 => {
            empty(StatusCode::NO_CONTENT)
        }
        BodyFormat::LokiJson | BodyFormat::LokiProtobuf => {
            typed(StatusCode::BAD_REQUEST, "text/plain", format!("{faults} entries: {fault}\n"))
        }
        BodyFormat::Gelf => empty(StatusCode::ACCEPTED),
        BodyFormat::SplunkEvent | BodyFormat::SplunkRaw if taken == 0 && faults == 0 => {
            json(StatusCode::BAD_REQUEST, &json!({"text": "No data", "code": 5}))
        }
        BodyFormat::SplunkEvent | BodyFormat::SplunkRaw if faults == 0 => splunk(None),
        BodyFormat::SplunkEvent | BodyFormat::SplunkRaw => {
            let text = format!("Invalid data format: {fault}");
            json(StatusCode::BAD_REQUEST, &json!({"text": text, "code": 6}))
        }
        BodyFormat::Seq => json(StatusCode::CREATED, &json!({"MinimumLevelAccepted": null})),
        BodyFormat::Plain => {
            let mut value = json!({"taken": taken});
            if faults > 0 {
                value["faults"] = json!({"count": faults, "first": fault});
            }
            json(StatusCode::OK, &value)
        }
    }
}

fn export(format: BodyFormat, outcome: SubmitOutcome) -> HttpReply {
    match ExportOutcome::new(outcome) {
        Ok(outcome) if format == BodyFormat::OtlpJson => json(StatusCode::OK, &outcome.json()),
        Ok(outcome) => typed(StatusCode::OK, PROTOBUF, outcome.protobuf()),
        Err(refusal) => refused(Some(format), refusal),
    }
}

/// The answer to events of Splunk that are in the sinks, with an id to ask for them.
pub(super) fn splunk(ack_id: Option<u64>) -> HttpReply {
    let mut value = json!({"text": "Success", "code": 0});
    if let Some(id) = ack_id {
        value["ackId"] = id.into();
    }
    json(StatusCode::OK, &value)
}

fn empty(status: StatusCode) -> HttpReply {
    let mut reply = Response::new(ReplyBody::new(Bytes::new()));
    *reply.status_mut() = status;
    reply
}

/// The answer to a request that is refused.
pub(super) fn refused(format: Option<BodyFormat>, refusal: HttpRefusal) -> HttpReply {
    let HttpRefusal { status, words } = refusal;
    let mut reply = match format {
        // `google.rpc.Status`, whose code counts for nobody: exporters go by that of HTTP.
        Some(BodyFormat::OtlpProtobuf) => {
            let mut body = Vec::new();
            export_outcome::push_text(&mut body, 2, &words);
            typed(status, PROTOBUF, body)
        }
        Some(BodyFormat::OtlpJson) => json(status, &json!({"message": words})),
        Some(BodyFormat::SplunkEvent | BodyFormat::SplunkRaw) => {
            let code = if status == StatusCode::UNAUTHORIZED { 4 } else { 9 };
            json(status, &json!({"text": words, "code": code}))
        }
        Some(BodyFormat::LokiJson | BodyFormat::LokiProtobuf) => {
            typed(status, "text/plain", format!("{words}\n"))
        }
        _ => json(status, &json!({"error": words})),
    };
    let headers = reply.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"netlog\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    // The rest of a body that was not read would be taken for the next request.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply
}
