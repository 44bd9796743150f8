//! Loki's push requests (`POST /loki/api/v1/push`), in JSON and in protobuf.

use super::json_fields::claim;
use super::owned_record::owned;
use super::post::{Posted, PostedRecords, line_record};
use super::protobuf::{MalformedProtobuf, ProtobufField, ProtobufFields};
use super::severity;
use netlog_wire::{JsonValue, Member, Record, elements, members};
use std::borrow::Cow;

/// A label's name and its value.
type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A stream's labels, or an entry's structured metadata.
type Labels<'a> = Vec<Label<'a>>;

/// A line, with everything that is said about it.
struct LokiEntry<'a> {
    /// Microseconds since 1970.
    time: Option<i64>,
    line: Cow<'a, str>,
    metadata: Labels<'a>,
}

/// The most bytes of all labels of a stream, or of an entry's metadata, several times what Loki
/// itself takes: they are written with each of its lines.
const LABELS: usize = 16 << 10;

/// The first labels, as many as are not too long in all; one more says how many bytes were cut.
fn bounded<'a>(all: impl Iterator<Item = Label<'a>>) -> Labels<'a> {
    let mut labels = Labels::new();
    let mut len = 0;
    let mut cut = 0;
    for (key, value) in all {
        let more = key.len() + value.len() + 4;
        if len + more > LABELS {
            cut += more;
            continue;
        }
        len += more;
        labels.push((key, value));
    }
    if cut > 0 {
        labels.push(("labels_truncated".into(), cut.to_string().into()));
    }
    labels
}

/// Labels for the program, the better first.
const APPS: [&str; 5] = ["service_name", "app", "application", "container", "job"];
/// Labels for the machine.
const HOSTS: [&str; 4] = ["host", "hostname", "node_name", "instance"];
/// Labels for the level.
const LEVELS: [&str; 3] = ["level", "detected_level", "severity"];

/// Makes the record of an entry: its line is read as any line is, its labels fill what that leaves
/// open, and what has no place in a record is kept under `kv`.
fn record(entry: LokiEntry<'_>, labels: &Labels<'_>, received: i64) -> Record<'static> {
    let mut record = owned(line_record(entry.line.as_bytes(), received));
    if let Some(time) = entry.time {
        record.time = time;
    }
    let all = || labels.iter().chain(&entry.metadata);
    let find = |names: &[&str]| names.iter().find_map(|name| all().find(|(key, _)| key == name));
    let [app, host, level] = [find(&APPS), find(&HOSTS), find(&LEVELS)];
    let name =
        |label: Option<&Label<'_>>| label.and_then(|(_, name)| claim(name)).map(str::to_owned);
    record.claims.app = record.claims.app.take().or_else(|| name(app));
    record.claims.host = record.claims.host.take().or_else(|| name(host));
    if let Some(severity) = level.and_then(|(_, level)| severity::word(level)) {
        record.level = severity.level;
    }
    let placed = [app, host, level].map(|label| label.map(|(key, _)| key.clone()));
    for (key, value) in all().filter(|(key, _)| !placed.contains(&Some(key.clone()))) {
        match &**key {
            "logger" if record.target.is_none() => record.target = Some(value.to_string().into()),
            _ => record.note(key.to_string(), value),
        }
    }
    record
}

/// The records of a JSON push; `None` when it is not one.
pub(crate) fn json(body: &[u8], received: i64) -> Option<PostedRecords<'_>> {
    let request = members(body).ok()?;
    let streams = elements(get(&request, "streams")?.json().as_bytes())?;
    Some(Box::new(streams.into_iter().flat_map(move |stream| json_stream(stream, received))))
}

fn json_stream<'a>(stream: JsonValue<'a>, received: i64) -> impl Iterator<Item = Posted<'a>> + 'a {
    let stream = stream.members().unwrap_or_default();
    let labels = get(&stream, "stream").map(json_labels).unwrap_or_default();
    let values = get(&stream, "values").and_then(|values| elements(values.json().as_bytes()));
    let posted = move |(at, value): (usize, JsonValue<'a>)| match json_entry(value) {
        Some(entry) => Ok(record(entry, &labels, received)),
        None => Err(format!("value {at} of a stream is not [\"nanoseconds\", \"line\"]")),
    };
    values.unwrap_or_default().into_iter().enumerate().map(posted)
}

fn get<'a>(members: &[Member<'a>], key: &str) -> Option<JsonValue<'a>> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
}

fn json_labels(value: JsonValue<'_>) -> Labels<'_> {
    let members = value.members().unwrap_or_default();
    let label = |(key, value): Member<'_>| {
        let text = value.text().unwrap_or_else(|| value.compact()).into_owned();
        (Cow::Owned(key.into_owned()), Cow::Owned(text))
    };
    bounded(members.into_iter().map(label))
}

/// `["1795372943123456789", "line", {"key": "value"}]`; the time may be a number, the last element
/// is optional.
fn json_entry(value: JsonValue<'_>) -> Option<LokiEntry<'_>> {
    let mut parts = elements(value.json().as_bytes())?.into_iter();
    let time = parts.next()?;
    let nanos = time.number().or_else(|| time.text()?.parse().ok())?;
    let line = parts.next()?.text()?;
    let metadata = parts.next().map(json_labels).unwrap_or_default();
    Some(LokiEntry { time: i64::try_from(nanos / 1000).ok(), line, metadata })
}

/// The records of a protobuf push (`logproto.PushRequest`), already unpacked.
pub(crate) fn protobuf(body: &[u8], received: i64) -> PostedRecords<'_> {
    Box::new(LokiPush {
        received,
        streams: ProtobufFields(body),
        entries: ProtobufFields::default(),
        labels: Vec::new(),
    })
}

struct LokiPush<'a> {
    received: i64,
    streams: ProtobufFields<'a>,
    entries: ProtobufFields<'a>,
    labels: Labels<'a>,
}

impl<'a> LokiPush<'a> {
    fn step(&mut self) -> Result<Option<Record<'a>>, MalformedProtobuf> {
        loop {
            if let Some(ProtobufField { number, value }) = self.entries.next()? {
                if number == 2 {
                    let entry = entry(ProtobufFields(value.bytes()))?;
                    return Ok(Some(record(entry, &self.labels, self.received)));
                }
            } else if let Some(ProtobufField { number, value }) = self.streams.next()? {
                if number == 1 {
                    self.entries = ProtobufFields(value.bytes());
                    let labels = self.entries.first(1)?.map(|labels| text(labels.bytes()));
                    self.labels = labels.map(|labels| selector(&labels)).unwrap_or_default();
                }
            } else {
                return Ok(None);
            }
        }
    }
}

impl<'a> Iterator for LokiPush<'a> {
    type Item = Posted<'a>;

    fn next(&mut self) -> Option<Posted<'a>> {
        let step = self.step();
        if step.is_err() {
            (self.streams, self.entries) = Default::default();
        }
        step.map_err(|malformed| malformed.to_string()).transpose()
    }
}

fn entry(mut fields: ProtobufFields<'_>) -> Result<LokiEntry<'_>, MalformedProtobuf> {
    let mut entry = LokiEntry { time: None, line: Cow::default(), metadata: Vec::new() };
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => entry.time = timestamp(ProtobufFields(value.bytes()))?,
            2 => entry.line = text(value.bytes()),
            3 => {
                let pair = ProtobufFields(value.bytes());
                let part = |number| Ok(pair.first(number)?.map(|part| text(part.bytes())));
                entry.metadata.push((part(1)?.unwrap_or_default(), part(2)?.unwrap_or_default()));
            }
            _ => {}
        }
    }
    entry.metadata = bounded(entry.metadata.into_iter());
    Ok(entry)
}

/// `google.protobuf.Timestamp`, in microseconds.
fn timestamp(fields: ProtobufFields<'_>) -> Result<Option<i64>, MalformedProtobuf> {
    let part = |number| fields.first(number).map(|part| part.map_or(0, |part| part.number()));
    let seconds = i64::try_from(part(1)?).ok();
    let micros = i64::try_from(part(2)? / 1000).ok();
    let time = seconds.and_then(|seconds| seconds.checked_mul(1_000_000)?.checked_add(micros?));
    Ok(time)
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The labels of `{app="shop", host="web1"}`, as far as it can be read.
fn selector(text: &str) -> Labels<'static> {
    let mut labels = Labels::new();
    let mut rest = text.trim().trim_start_matches('{');
    while let Some((key, behind)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next() {
                Some((_, '\\')) => value.extend(chars.next().map(|(_, c)| c)),
                Some((at, '"')) => break at + 1,
                Some((_, c)) => value.push(c),
                None => break behind.len(),
            }
        };
        labels.push((Cow::Owned(key.trim().to_owned()), Cow::Owned(value)));
        rest = behind[end..].trim_start_matches([',', ' ']);
    }
    bounded(labels.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(records: PostedRecords<'_>) -> Vec<String> {
        let line = |posted: Posted<'_>| {
            posted.map_or_else(
                |fault| fault,
                |record| {
                    let mut out = Vec::new();
                    record.encode(&record.claims, &mut out);
                    String::from_utf8(out).unwrap()
                },
            )
        };
        records.map(line).collect()
    }

    const LINE: &str = r#"{"app":"shop","host":"web1","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"late","kv":{"env":"prod","order":"7"}}"#;

    #[test]
    fn labels_and_metadata_of_a_json_push_find_their_places() {
        let push = r#"{"streams":[{"stream":{"service_name":"shop","host":"web1","level":"warn","env":"prod"},"values":[["1795372943123456789","late",{"order":"7"}],[1795372943123456789,"late",{"order":"7"}],["x"]]}]}"#;
        let fault = "value 2 of a stream is not [\"nanoseconds\", \"line\"]";
        assert_eq!(lines(json(push.as_bytes(), 0).unwrap()), [LINE, LINE, fault]);
        assert!(json(b"[]", 0).is_none() && json(b"{}", 0).is_none());
    }

    #[test]
    fn labels_that_would_be_written_with_each_line_are_bounded() {
        let long = "A".repeat(LABELS);
        let push = format!(
            r#"{{"streams":[{{"stream":{{"x":"{long}","y":"z"}},"values":[["1","late"]]}}]}}"#
        );
        let written = lines(json(push.as_bytes(), 0).unwrap()).concat();
        assert!(written.contains(r#""kv":{"y":"z","labels_truncated":"16389"}"#), "{written}");
        let labels = selector(&format!("{{x=\"{long}\", y=\"z\"}}"));
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn a_protobuf_push_becomes_the_same_record() {
        let field = |number: u8, bytes: &[u8]| {
            [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
        };
        let pair = field(3, &[field(1, b"order"), field(2, b"7")].concat());
        let mut time = vec![8];
        let mut seconds = 1_795_372_943_u64;
        while seconds > 0x7f {
            time.push(u8::try_from(seconds & 0x7f).unwrap() | 0x80);
            seconds >>= 7;
        }
        time.push(u8::try_from(seconds).unwrap());
        time.extend([16, 0x95, 0x9a, 0xef, 0x3a]);
        let entry = field(2, &[field(1, &time), field(2, b"late"), pair].concat());
        let labels = field(1, br#"{service_name="shop", host="web1", level="warn", env="prod"}"#);
        let push = field(1, &[labels, entry].concat());
        assert_eq!(lines(protobuf(&push, 0)), [LINE]);
        assert_eq!(lines(protobuf(&push[..20], 0)), [MalformedProtobuf.to_string()]);
    }
}
