//! Bodies of HTTP requests that hold lines of text or JSON objects.

use super::json_fields::claim;
use super::owned_record::json_record;
use super::post_line::{write_json, write_line};
use super::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter, each};
use netlog_wire::{JsonValue, Record, elements, members, push_json};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One line as the only record of a message.
pub(crate) fn line_records(line: &[u8], received: i64) -> PostedRecords<'_> {
    each(std::iter::once(line), move |line, out| write_line(line, received, out))
}

/// The lines of a text, each a record; empty ones are none.
pub(crate) fn text_records(body: &[u8], received: i64) -> PostedRecords<'_> {
    let lines = body.split(|&byte| byte == b'\n' || byte == 0);
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    each(lines, move |line, out| write_line(line, received, out))
}

/// JSON objects one behind another, or in one array, whose strings are lines. A line that does not
/// begin with an object is a record of text, and a fault that names it.
pub(crate) fn json_records(body: &[u8], received: i64) -> PostedRecords<'_> {
    if body.trim_ascii_start().starts_with(b"[")
        && let Some(elements) = elements(body)
    {
        return each(elements.into_iter().enumerate(), move |(at, element), out| {
            if let Some(text) = element.text() {
                return write_line(text.as_bytes(), received, out);
            }
            let posted = write_json(element.json().as_bytes(), received, out, |_| {});
            posted.unwrap_or_else(|| {
                Err(Fault::Rejected(format!("element {at} is not a JSON object")))
            })
        });
    }
    Box::new(JsonObjects { rest: body, line: 1, received, by_line: false, text: None })
}

/// Events of Seq: CLEF, one object a line, or the older `{"Events":[…]}`.
pub(crate) fn seq_records(body: &[u8], received: i64) -> PostedRecords<'_> {
    let events = members(body).ok().and_then(|members| {
        let (_, events) = members.into_iter().find(|(key, _)| key == "Events")?;
        elements(events.json().as_bytes())
    });
    let Some(events) = events else { return json_records(body, received) };
    each(events.into_iter().enumerate(), move |(at, event), out| match seq_event(event, received) {
        Some(record) => out.record(record),
        None => Err(Fault::Rejected(format!("event {at} is not a JSON object"))),
    })
}

/// The record of an event: its properties stand among its members, which are read as in any other
/// object.
fn seq_event(event: JsonValue<'_>, received: i64) -> Option<Record<'_>> {
    let mut properties = Vec::new();
    let mut object = Vec::new();
    for (key, value) in event.members()? {
        if key == "Properties"
            && let Some(members) = value.members()
        {
            properties = members;
            continue;
        }
        object.extend_from_slice(if object.is_empty() { b"{\"" } else { b",\"" });
        push_json(&mut object, &key);
        object.extend_from_slice(b"\":");
        object.extend_from_slice(value.json().as_bytes());
    }
    if object.is_empty() {
        object.push(b'{');
    }
    object.push(b'}');
    let mut record = json_record(&object, received)?;
    for (key, value) in properties {
        take_property(&mut record, key, value);
    }
    Some(record)
}

/// Puts a property of an event where it says who sends, or under `kv`.
fn take_property<'a>(record: &mut Record<'a>, key: Cow<'a, str>, value: JsonValue<'a>) {
    let place = match &*key.to_ascii_lowercase() {
        "sourcecontext" if record.target.is_none() => match value.text() {
            Some(target) => return record.target = Some(target),
            None => None,
        },
        "app" | "application" => Some(&mut record.claims.app),
        "host" | "hostname" | "machinename" => Some(&mut record.claims.host),
        _ => None,
    };
    let name = value.text().and_then(|name| claim(&name).map(str::to_owned));
    match place {
        Some(place @ None) if name.is_some() => *place = name,
        _ => record.kv.push((key, value.compact())),
    }
}

/// JSON objects one behind another.
struct JsonObjects<'a> {
    rest: &'a [u8],
    /// The number of the line that `rest` begins in.
    line: usize,
    received: i64,
    /// After the first fault an object has to end with its line: to look for its end in all that
    /// follows, again at each line, would cost the square of the body.
    by_line: bool,
    /// A line that is no object, behind its fault.
    text: Option<&'a [u8]>,
}

impl RecordSource for JsonObjects<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        if let Some(text) = self.text.take() {
            return Some(write_line(text, self.received, out));
        }
        let blank = self.rest.len() - self.rest.trim_ascii_start().len();
        self.advance(blank);
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let within = if self.by_line { &self.rest[..end] } else { self.rest };
        if let Some(len) = value_len(within)
            && let Some(posted) = write_json(&within[..len], self.received, out, |_| {})
        {
            self.advance(len);
            return Some(posted);
        }
        self.by_line = true;
        let line = self.line;
        self.text = Some(&self.rest[..end]);
        self.advance(end);
        let words = format!("line {line} is not a JSON object; it was kept as text");
        Some(Err(Fault::Rejected(words)))
    }
}

/// The length of the JSON value that `bytes` begin with.
pub(super) fn value_len(bytes: &[u8]) -> Option<usize> {
    let mut values = Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

impl JsonObjects<'_> {
    fn advance(&mut self, len: usize) {
        let (passed, rest) = self.rest.split_at(len);
        self.line += memchr::memchr_iter(b'\n', passed).count();
        self.rest = rest;
    }
}

/// True if a body whose type says nothing holds JSON.
pub(crate) fn looks_like_json(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let array = start.starts_with(b"[") && start[1..].trim_ascii_start().starts_with(b"{");
    start.starts_with(b"{") || array
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::posted::at_most;
    use crate::decode::posted::written::{lines, written};

    fn shown(records: PostedRecords<'_>) -> Vec<String> {
        let show = |line: String| match netlog_wire::Line::parse(line.as_bytes()) {
            Some(read) => format!("{} {}", read.level.as_str(), read.msg.text()),
            None => line,
        };
        lines(records).into_iter().map(show).collect()
    }

    #[test]
    fn more_records_than_a_compressed_body_may_become_are_one_fault() {
        let all = || text_records(b"a\nb\nc\n", 0);
        assert_eq!(shown(at_most(all(), 3)), ["INFO a", "INFO b", "INFO c"]);
        let fault = "so few compressed bytes hold more than 2 records; no more were taken";
        assert_eq!(shown(at_most(all(), 2)), ["INFO a", "INFO b", fault]);
    }

    #[test]
    fn the_lines_of_a_text_are_records_whatever_each_of_them_is() {
        let body = b"disk full\r\n\n[error] no\n{\"level\":\"warn\",\"msg\":\"json\"}\n<11>sys\n";
        let expected = ["INFO disk full", "ERROR [error] no", "WARN json", "ERROR sys"];
        assert_eq!(shown(text_records(body, 0)), expected);
        let odd = ["INFO caf\\xe9", "INFO { caf\\xe9", "INFO a\u{1}\"b"];
        assert_eq!(shown(text_records(b"caf\xe9\n{ caf\xe9\na\x01\"b", 0)), odd);
    }

    #[test]
    fn json_objects_come_one_a_line_without_separators_or_in_an_array() {
        for body in [
            "{\"msg\":\"a\"}\n{\"msg\":\"b\"}\n",
            "{\"msg\":\"a\"}{\n\"msg\":\"b\"\n}",
            "[{\"msg\":\"a\"},\n{\"msg\":\"b\"}]",
        ] {
            assert_eq!(shown(json_records(body.as_bytes(), 0)), ["INFO a", "INFO b"], "{body}");
        }
    }

    #[test]
    fn a_line_that_is_not_json_is_named_and_kept() {
        let body = b"{\"msg\":\"a\"}\nWARN half {\n{\"msg\":\"b\"}";
        let fault = "line 2 is not a JSON object; it was kept as text";
        assert_eq!(shown(json_records(body, 0)), ["INFO a", fault, "WARN WARN half {", "INFO b"]);
        assert_eq!(shown(json_records(b"[{},7]", 0)), ["INFO ", "element 1 is not a JSON object"]);
        let lines = br#"["line 1","WARN \"two\"",{"msg":"a"}]"#;
        let expected = ["INFO line 1", "WARN WARN \"two\"", "INFO a"];
        assert_eq!(shown(json_records(lines, 0)), expected);
    }

    #[test]
    fn events_of_seq_come_in_both_of_its_forms() {
        let clef = br#"{"@t":"2026-11-22T18:42:23.123456Z","@m":"late","@l":"Warning"}"#;
        let raw = br#"{"Events":[{"Timestamp":"2026-11-22T18:42:23.123456Z","Level":"Warning","MessageTemplate":"late","Properties":{"n":7,"MachineName":"web1"}},1]}"#;
        assert_eq!(shown(seq_records(clef, 0)), ["WARN late"]);
        assert_eq!(shown(seq_records(raw, 0)), ["WARN late", "event 1 is not a JSON object"]);
        let line = r#"{"host":"web1","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"late","kv":{"n":7}}"#;
        assert_eq!(written(seq_records(raw, 0))[0].as_deref(), Ok(line));
    }

    #[test]
    fn an_event_of_seq_is_read_as_on_the_plain_port() {
        let raw = br#"{"Events":[{"Timestamp":"2026-11-22T18:42:23","Level":"Fatal","MessageTemplate":"order {n}","RenderedMessage":"order 7","Exception":"boom","Properties":{"n":7,"SourceContext":"Shop.Orders"}},{"Timestamp":"soon","Level":"Loud","Properties":"none"},{}]}"#;
        let expected = [
            r#"{"time":"2026-11-22T18:42:23.000000Z","level":"ERROR","target":"Shop.Orders","msg":"order 7","kv":{"severity":"Fatal","zone":"assumed","MessageTemplate":"order {n}","Exception":"boom","n":7}}"#,
            r#"{"time":"1970-01-01T00:00:00.000000Z","level":"INFO","msg":"","kv":{"Timestamp":"soon","Level":"Loud","Properties":"none"}}"#,
            r#"{"time":"1970-01-01T00:00:00.000000Z","level":"INFO","msg":""}"#,
        ];
        assert_eq!(lines(seq_records(raw, 0)), expected);
    }
}
