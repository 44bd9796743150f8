//! SplunkEvents of Splunk's HTTP Event Collector.

use super::draft::{Draft, Text};
use super::envelope::Envelope;
use super::json_fields::claim;
use super::post::value_len;
use super::post_line::LineText;
use super::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter, each};
use super::scratch::with_scratch;
use super::time::{self, Moment, Zone};
use netlog_wire::{JsonValue, Member, Record, elements, members};
use std::borrow::Cow;

/// The records of `POST /services/collector/event`: event objects one behind another, or in one
/// array.
pub(crate) fn events(body: &[u8], received: i64) -> PostedRecords<'_> {
    if body.trim_ascii_start().starts_with(b"[")
        && let Some(elements) = elements(body)
    {
        let events = elements.into_iter().enumerate();
        return each(events, move |(at, value), out| match array_event(value, at, received) {
            Ok(record) => out.record(record),
            Err(words) => Err(Fault::Rejected(words)),
        });
    }
    Box::new(SplunkEvents { rest: body, at: 0, received })
}

fn array_event(value: JsonValue<'_>, at: usize, received: i64) -> Result<Record<'_>, String> {
    let members = value.members().ok_or_else(|| format!("event {at} is not a JSON object"))?;
    event(members, at, received)
}

struct SplunkEvents<'a> {
    rest: &'a [u8],
    at: usize,
    received: i64,
}

impl RecordSource for SplunkEvents<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.is_empty() {
            return None;
        }
        let at = self.at;
        self.at += 1;
        let object = value_len(self.rest).and_then(|len| self.rest.split_at_checked(len));
        let Some((object, rest)) = object else {
            self.rest = &[];
            return Some(Err(Fault::Malformed(format!("event {at} is not a JSON object"))));
        };
        self.rest = rest;
        let record = match members(object) {
            Ok(members) => event(members, at, self.received),
            Err(error) => Err(format!("event {at}: {error}")),
        };
        Some(record.map_err(Fault::Rejected).and_then(|record| out.record(record)))
    }
}

fn event(members: Vec<Member<'_>>, at: usize, received: i64) -> Result<Record<'_>, String> {
    let get = |key: &str| members.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
    let event = get("event").ok_or_else(|| format!("event {at} has no \"event\""))?;
    let time = get("time").and_then(|time| match time.text() {
        Some(text) => time::epoch(text.trim()),
        None => time::epoch(time.json()),
    });
    let host = get("host").and_then(JsonValue::text);
    let host = host.and_then(|host| claim(&host).map(|host| Text::Plain(host.to_owned().into())));
    let envelope = Envelope {
        host,
        time: time.map(|micros| Moment { micros, zone: Zone::Known }),
        ..Envelope::default()
    };
    let mut record = record(event, &envelope, received);
    for (key, value) in members {
        match &*key {
            "event" => {}
            "time" if envelope.time.is_some() || value.json() == "null" => {}
            "host" if envelope.host.is_some() || value.json() == "null" => {}
            "fields" => {
                let fields = value.members().unwrap_or_default();
                record.kv.extend(fields.into_iter().map(|(key, value)| (key, value.compact())));
            }
            _ => record.kv.push((key, value.compact())),
        }
    }
    Ok(record)
}

/// The record of an event: an object, a text, or any other value.
fn record(event: JsonValue<'_>, envelope: &Envelope<'_>, received: i64) -> Record<'static> {
    let text = match event.text() {
        Some(text) => text,
        None => Cow::Borrowed(event.json()),
    };
    with_scratch(|scratch| {
        let mut draft = Draft::new(received);
        envelope.read(LineText::valid(&text), &mut draft, scratch);
        draft.into_record()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::posted::written::lines;

    fn shown(body: &str) -> Vec<String> {
        lines(events(body.as_bytes(), 0))
    }

    #[test]
    fn events_come_without_separators_and_keep_what_is_said_about_them() {
        let body = r#"{"time":1795372943.5,"host":"web1","source":"s","event":"[error] no","fields":{"a":1}}{"event":{"msg":"m","level":"warn"}}"#;
        let first = r#"{"host":"web1","time":"2026-11-22T18:42:23.500000Z","level":"ERROR","msg":"[error] no","kv":{"source":"s","a":1}}"#;
        let second = r#"{"time":"1970-01-01T00:00:00.000000Z","level":"WARN","msg":"m"}"#;
        assert_eq!(shown(body), [first, second]);
    }

    #[test]
    fn an_envelope_counts_more_than_its_event_whose_values_are_kept() {
        let json = r#"{"time":1795374000,"host":"hec","event":{"host":"inner","time":"2020-01-01T00:00:00Z","msg":"x"}}"#;
        let syslog =
            r#"{"time":"soon","host":"hec","event":"<11>Nov 22 19:00:00 inner shop: \"x\""}"#;
        let expected = [
            r#"{"host":"hec","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"x","kv":{"host":"inner","time":"2020-01-01T00:00:00Z"}}"#,
            r#"{"app":"shop","host":"hec","time":"1969-11-22T19:00:00.000000Z","level":"ERROR","msg":"\"x\"","kv":{"facility":"user","zone":"assumed","host":"inner","time":"soon"}}"#,
        ];
        assert_eq!(shown(&[json, syslog].concat()), expected);
    }

    #[test]
    fn an_event_without_an_event_is_a_fault_that_names_it() {
        assert_eq!(
            shown(r#"{"event":1}{"a":1}{"#)[1..],
            ["event 1 has no \"event\"", "event 2 is not a JSON object"]
        );
    }
}
