//! Properties of the bodies of HTTP requests.

use super::posted;
use crate::decode::otlp::{JsonRecords, ProtobufRecords};
use crate::decode::{bulk as elastic, loki as push, post, splunk};

/// Checks that the records of any OTLP request, in protobuf or in JSON, are canonical.
pub fn otlp(bytes: &[u8]) {
    posted(Box::new(ProtobufRecords::new(bytes, 0)), bytes.len());
    if let Some(records) = JsonRecords::new(bytes, 0) {
        posted(Box::new(records), bytes.len());
    }
}

/// Checks that the records of any push of Loki, in JSON or in protobuf, are canonical.
pub fn loki(bytes: &[u8]) {
    posted(push::protobuf(bytes, 0), bytes.len());
    if let Some(records) = push::json(bytes, 0) {
        posted(records, bytes.len());
    }
}

/// Checks that the records of any bulk request of Elasticsearch are canonical, and each action that
/// can be read has an answer.
pub fn bulk(bytes: &[u8]) {
    posted(elastic::records(bytes, 0), bytes.len());
    let answers = elastic::answer(bytes, None, 0)["items"].as_array().map_or(0, Vec::len);
    let faults = elastic::count(bytes) - answers;
    assert!(faults <= 1, "{faults} actions have no answer");
}

/// Checks that the records of any other body are canonical: text, JSON, events of Splunk and of Seq.
pub fn bodies(bytes: &[u8]) {
    posted(post::text_records(bytes, 0), bytes.len());
    posted(post::json_records(bytes, 0), 2 * bytes.len());
    posted(post::seq_records(bytes, 0), 2 * bytes.len());
    posted(splunk::events(bytes, 0), 2 * bytes.len());
}
