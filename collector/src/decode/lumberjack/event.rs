//! Events of Lumberjack: the JSON of Beats, and the names and values of version 1.

use crate::decode::json_fields::claim;
use crate::decode::owned_record::json_record;
use crate::decode::post_line::line_record;
use crate::decode::shown_bytes::shown;
use netlog_wire::{Record, members};
use serde_json::{Map, Value};

/// An event, and its number within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LumberjackEvent<'a> {
    pub(crate) number: u32,
    pub(super) body: EventBody<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventBody<'a> {
    Json(&'a [u8]),
    /// Names and values, each behind its length.
    Fields(&'a [u8]),
}

impl LumberjackEvent<'_> {
    /// The record that this is; one without a time gets `received`, in microseconds since 1970.
    pub(crate) fn into_record(self, received: i64) -> Record<'static> {
        let json = match self.body {
            EventBody::Json(json) => json_record(json, received).ok_or(json),
            EventBody::Fields(fields) => {
                json_record(object(fields).as_bytes(), received).ok_or(fields)
            }
        };
        match json {
            Ok(record) => with_beat(record),
            Err(bytes) => line_record(bytes, received),
        }
    }
}

/// Leaves out the members that Beats add for Logstash only, but the name of the Beat is the app if
/// nothing else is.
fn with_beat(mut record: Record<'static>) -> Record<'static> {
    let Some(at) = record.kv.iter().position(|(key, _)| key == "@metadata") else { return record };
    let (_, metadata) = record.kv.remove(at);
    if record.claims.app.is_none() {
        let members = members(metadata.as_bytes()).unwrap_or_default();
        let beat = members.into_iter().find(|(key, _)| key == "beat");
        let beat = beat.and_then(|(_, value)| value.text());
        record.claims.app = beat.and_then(|beat| claim(&beat).map(str::to_owned));
    }
    record
}

/// Names and values as a JSON object. What logstash-forwarder calls `line` is the message.
fn object(mut fields: &[u8]) -> String {
    let mut object = Map::new();
    while let Some((name, rest)) = block(fields)
        && let Some((value, rest)) = block(rest)
    {
        fields = rest;
        let name = if name == b"line" { b"message" } else { name };
        let [name, value] = [name, value].map(|bytes| shown(bytes, "\\").0);
        object.insert(name, Value::String(value));
    }
    Value::Object(object).to_string()
}

/// The bytes behind their length, and the rest.
fn block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(body: EventBody<'_>) -> String {
        let mut out = Vec::new();
        let record = LumberjackEvent { number: 1, body }.into_record(7_000_000);
        record.encode(&record.claims, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_of_filebeat_is_read_by_its_names() {
        let json = br#"{"@timestamp":"2026-11-22T18:42:23.123Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.17.0"},"log":{"offset":7,"file":{"path":"/var/log/shop.log"}},"message":"late","host":{"name":"web1"},"agent":{"type":"filebeat"}}"#;
        let record = shown_as(EventBody::Json(json));
        let start = r#"{"app":"filebeat","host":"web1","time":"2026-11-22T18:42:23.123000Z","level":"INFO","msg":"late","kv":{"#;
        assert!(record.starts_with(start), "{record}");
        assert!(record.contains("/var/log/shop.log"), "{record}");
        assert!(!record.contains("@metadata"), "{record}");
        let named = br#"{"@metadata":{"beat":"filebeat"},"service":{"name":"shop"},"message":"m"}"#;
        assert!(shown_as(EventBody::Json(named)).starts_with(r#"{"app":"shop","#));
    }

    #[test]
    fn an_event_of_version_1_is_its_line_with_what_else_is_known_of_it() {
        let fields =
            b"\0\0\0\x04line\0\0\0\x04late\0\0\0\x04host\0\0\0\x04web1\0\0\0\x06offset\0\0\0\x017";
        let expected = r#"{"host":"web1","time":"1970-01-01T00:00:07.000000Z","level":"INFO","msg":"late","kv":{"offset":"7"}}"#;
        assert_eq!(shown_as(EventBody::Fields(fields)), expected);
    }

    #[test]
    fn what_is_not_json_is_kept_as_text() {
        let record = shown_as(EventBody::Json(b"ERROR caf\xe9 \x00"));
        assert!(record.contains(r#""level":"ERROR","msg":"ERROR caf\\xe9 "#), "{record}");
        assert!(record.contains(r#""invalid_utf8":1"#), "{record}");
    }
}
