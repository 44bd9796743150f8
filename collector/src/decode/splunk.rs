//! SplunkEvents of Splunk's HTTP Event Collector.

use super::json_fields::claim;
use super::owned_record::json_record;
use super::post::value_len;
use super::post_line::line_record;
use super::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter, each};
use super::time;
use netlog_wire::{JsonValue, Member, Record, elements, members};

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
    let mut record = match event.json().starts_with('{') {
        true => json_record(event.json().as_bytes(), received)
            .ok_or_else(|| format!("event {at}: the line is not a json object"))?,
        false => text_record(event, received),
    };
    let time = get("time").and_then(|time| match time.text() {
        Some(text) => time::epoch(text.trim()),
        None => time::epoch(time.json()),
    });
    record.time = time.unwrap_or(record.time);
    let host =
        get("host").and_then(JsonValue::text).and_then(|host| claim(&host).map(str::to_owned));
    record.claims.host = host.or(record.claims.host);
    for (key, value) in members {
        match &*key {
            "event" | "time" | "host" => {}
            "fields" => {
                let fields = value.members().unwrap_or_default();
                record.kv.extend(fields.into_iter().map(|(key, value)| (key, value.compact())));
            }
            _ => record.kv.push((key, value.compact())),
        }
    }
    Ok(record)
}

/// An event that is a text, or any other value.
fn text_record(event: JsonValue<'_>, received: i64) -> Record<'_> {
    match event.text() {
        Some(std::borrow::Cow::Borrowed(text)) => line_record(text.as_bytes(), received),
        Some(text) => {
            let level =
                super::level_guess::guess(text.as_bytes()).unwrap_or(netlog_wire::Level::Info);
            Record::new(received, level, text)
        }
        None => Record::new(received, netlog_wire::Level::Info, event.compact()),
    }
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
    fn an_event_without_an_event_is_a_fault_that_names_it() {
        assert_eq!(
            shown(r#"{"event":1}{"a":1}{"#)[1..],
            ["event 1 has no \"event\"", "event 2 is not a JSON object"]
        );
    }
}
