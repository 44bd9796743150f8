//! Bodies of HTTP requests that hold lines of text or JSON objects.

use super::json_fields::claim;
use super::level_guess::guess;
use super::owned_record::{json_record, syslog_record};
use super::{severity, time};
use netlog_wire::{JsonValue, Level, Record, elements, members};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One record of a body, or the fault of a part of it that is none.
pub(crate) type Posted<'a> = Result<Record<'a>, String>;

/// All records of a body, one by one.
pub(crate) type PostedRecords<'a> = Box<dyn Iterator<Item = Posted<'a>> + Send + 'a>;

/// The record that a line is: a JSON object, a syslog message, or text with the level that it
/// shows.
pub(crate) fn line_record(line: &[u8], received: i64) -> Record<'_> {
    let trimmed = line.trim_ascii();
    if trimmed.starts_with(b"{")
        && let Some(record) = json_record(trimmed, received)
    {
        return record;
    }
    if trimmed.starts_with(b"<")
        && let Some(record) = syslog_record(trimmed, received)
    {
        return record;
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut record = Record::from_plain(line, received);
    record.level = guess(line).unwrap_or(Level::Info);
    record
}

/// The lines of a text, each a record; empty ones are none.
pub(crate) fn text_records(body: &[u8], received: i64) -> PostedRecords<'_> {
    let lines = body.split(|&byte| byte == b'\n' || byte == 0);
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    Box::new(lines.map(move |line| Ok(line_record(line, received))))
}

/// JSON objects one behind another, or in one array. A line that begins with none is a record of
/// text, and a fault that names it.
pub(crate) fn json_records(body: &[u8], received: i64) -> PostedRecords<'_> {
    if body.trim_ascii_start().starts_with(b"[")
        && let Some(elements) = elements(body)
    {
        return Box::new(elements.into_iter().enumerate().map(move |(at, element)| {
            json_record(element.json().as_bytes(), received)
                .ok_or_else(|| format!("element {at} is not a JSON object"))
        }));
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
    Box::new(events.into_iter().enumerate().map(move |(at, event)| {
        seq_event(event, received).ok_or_else(|| format!("event {at} is not a JSON object"))
    }))
}

fn seq_event(event: JsonValue<'_>, received: i64) -> Option<Record<'_>> {
    let mut record = Record::new(received, Level::Info, "");
    for (key, value) in event.members()? {
        let text = value.text();
        match (&*key, text) {
            ("Timestamp", Some(text)) => {
                record.time = time::parse(text.trim()).map_or(received, |moment| moment.micros);
            }
            ("Level", Some(text)) => {
                record.level = severity::word(&text).map_or(Level::Info, |found| found.level);
            }
            ("MessageTemplate", Some(text)) => record.msg = text,
            ("Properties", _) => {
                for (key, value) in value.members().unwrap_or_default() {
                    take_property(&mut record, key, value);
                }
            }
            _ => record.kv.push((key, value.compact())),
        }
    }
    Some(record)
}

/// Puts a property of an event where it says who sends, or under `kv`.
fn take_property<'a>(record: &mut Record<'a>, key: Cow<'a, str>, value: JsonValue<'a>) {
    let place = match &*key.to_ascii_lowercase() {
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
    text: Option<Record<'a>>,
}

impl<'a> Iterator for JsonObjects<'a> {
    type Item = Posted<'a>;

    fn next(&mut self) -> Option<Posted<'a>> {
        if let Some(text) = self.text.take() {
            return Some(Ok(text));
        }
        let blank = self.rest.len() - self.rest.trim_ascii_start().len();
        self.advance(blank);
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let within = if self.by_line { &self.rest[..end] } else { self.rest };
        if let Some(len) = value_len(within)
            && let Some(record) = json_record(&within[..len], self.received)
        {
            self.advance(len);
            return Some(Ok(record));
        }
        self.by_line = true;
        let line = self.line;
        self.text = Some(line_record(&self.rest[..end], self.received));
        self.advance(end);
        Some(Err(format!("line {line} is not a JSON object; it was kept as text")))
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

/// Sender and level of a body's records that do not say so themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) app: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) level: Option<Level>,
}

impl Defaults {
    /// Takes a value of the query, if its key is one of these.
    ///
    /// # Errors
    ///
    /// When the value is not a name, or not a level.
    pub(crate) fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        let name =
            || claim(value).map(str::to_owned).ok_or_else(|| format!("invalid {key}: {value:?}"));
        match key {
            "app" => self.app = Some(name()?),
            "host" => self.host = Some(name()?),
            "level" => {
                let expected = "expected error, warn, info, debug or trace";
                let level = severity::word(value).map(|severity| severity.level);
                self.level = Some(level.ok_or_else(|| format!("invalid level: {expected}"))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Fills in what `record` does not say.
    pub(crate) fn fill(&self, record: &mut Record<'_>) {
        fill(&mut record.claims.app, self.app.as_ref());
        fill(&mut record.claims.host, self.host.as_ref());
        if let Some(level) = self.level.filter(|_| record.level == Level::Info) {
            record.level = level;
        }
    }
}

fn fill(place: &mut Option<String>, value: Option<&String>) {
    if place.is_none() {
        *place = value.cloned();
    }
}

/// The most bytes of a name of a source, a file, a thread or a span.
const NAME: usize = 1024;

/// Cuts a name that no program has, and returns how much of it.
pub(super) fn cut_name(name: &mut Cow<'_, str>) -> usize {
    let mut end = name.len().min(NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let cut = name.len() - end;
    if cut > 0 {
        *name = Cow::Owned(name[..end].to_owned());
    }
    cut
}

/// At most so many of the records of a compressed body, which could become very many; the others
/// are one fault.
pub(crate) fn at_most(records: PostedRecords<'_>, most: usize) -> PostedRecords<'_> {
    let mut records = records.fuse();
    let mut taken = 0;
    Box::new(std::iter::from_fn(move || {
        if taken > most {
            return None;
        }
        let posted = records.next()?;
        taken += 1;
        let fault =
            || format!("so few compressed bytes hold more than {most} records; no more were taken");
        Some(if taken > most { Err(fault()) } else { posted })
    }))
}

/// Cuts a record whose line would be longer than `limit` bytes: its names, its message, its values.
pub(crate) fn shorten(record: &mut Record<'_>, limit: usize) {
    let Record { target, file, thread, trace, span, .. } = record;
    let names = [target, file, thread, trace, span].into_iter().flatten();
    let mut cut: usize = names.map(cut_name).sum();
    if record.spans.as_ref().is_some_and(|spans| spans.len() > limit / 4) {
        cut += record.spans.take().map_or(0, |spans| spans.len());
    }
    if cut > 0 {
        record.truncated = Some(cut as u64 + record.truncated.unwrap_or(0));
    }
    let values: usize = record.kv.iter().map(|(key, value)| key.len() + value.len() + 4).sum();
    let len = record.msg.len() + values;
    if len <= limit {
        return;
    }
    if values > limit / 2 {
        record.kv.clear();
    }
    let mut end = record.msg.len().min(limit / 2);
    while !record.msg.is_char_boundary(end) {
        end -= 1;
    }
    let msg: Cow<'static, str> = record.msg[..end].to_owned().into();
    record.msg = msg;
    let kept =
        end + record.kv.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>();
    record.truncated = Some((len - kept) as u64 + record.truncated.unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(records: PostedRecords<'_>) -> Vec<String> {
        let show = |posted: Posted<'_>| match posted {
            Ok(record) => format!("{} {}", record.level.as_str(), record.msg),
            Err(fault) => fault,
        };
        records.map(show).collect()
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
    }

    #[test]
    fn events_of_seq_come_in_both_of_its_forms() {
        let clef = br#"{"@t":"2026-11-22T18:42:23.123456Z","@m":"late","@l":"Warning"}"#;
        let raw = br#"{"Events":[{"Timestamp":"2026-11-22T18:42:23.123456Z","Level":"Warning","MessageTemplate":"late","Properties":{"n":7,"MachineName":"web1"}},1]}"#;
        assert_eq!(shown(seq_records(clef, 0)), ["WARN late"]);
        assert_eq!(shown(seq_records(raw, 0)), ["WARN late", "event 1 is not a JSON object"]);
        let record = seq_records(raw, 0).next().unwrap().unwrap();
        assert_eq!(record.claims.host.as_deref(), Some("web1"));
        assert_eq!(
            (record.time, &record.kv[..]),
            (1_795_372_943_123_456, &[("n".into(), "7".into())][..])
        );
    }

    #[test]
    fn a_long_record_is_cut_and_says_by_how_much() {
        let mut record = Record::new(0, Level::Info, "ü".repeat(600));
        record.kv.push(("k".into(), "1".into()));
        shorten(&mut record, 1000);
        assert_eq!((record.msg.len(), record.truncated, record.kv.len()), (500, Some(700), 1));
        let mut named = Record::new(0, Level::Info, "m");
        named.target = Some("ü".repeat(600).into());
        named.spans = Some("[]".repeat(300).into());
        shorten(&mut named, 1000);
        assert_eq!(named.target.map(|target| target.len()), Some(1024));
        assert_eq!((named.spans, named.truncated), (None, Some(176 + 600)));
        let mut wide = Record::new(0, Level::Info, "m");
        wide.note("k", &"v".repeat(2000));
        shorten(&mut wide, 1000);
        assert_eq!((&*wide.msg, wide.kv.len()), ("m", 0));
        assert!(wide.truncated > Some(2000));
    }
}
