//! A record that did not come as a canonical line: made here, or read from any other JSON.

use crate::escape::push_json;
use crate::json::{JsonValue, NotARecord, members};
use crate::level::Level;
use crate::scan;
use crate::time::{TIME_LEN, parse_time, push_time};
use std::borrow::Cow;

/// Sender of a record: the members in front of its time in a collector's outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The program's name.
    pub app: Option<String>,
    /// The machine it runs on.
    pub host: Option<String>,
    /// Its process id.
    pub pid: Option<u64>,
    /// The address a collector saw it send from.
    pub peer: Option<String>,
}

impl Identity {
    /// Appends the identity as the first members of a JSON object, each with its comma behind it:
    /// `"app":"orders","host":"web1","pid":4242,"peer":"[::1]:40312",`.
    pub fn push(&self, out: &mut Vec<u8>) {
        push_member(out, "app", self.app.as_deref());
        push_member(out, "host", self.host.as_deref());
        if let Some(pid) = self.pid {
            out.extend_from_slice(format!("\"pid\":{pid},").as_bytes());
        }
        push_member(out, "peer", self.peer.as_deref());
    }
}

fn push_member(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    push_key(out, key);
    push_quoted(out, value);
    out.push(b',');
}

fn push_key(out: &mut Vec<u8>, key: &str) {
    push_quoted(out, key);
    out.push(b':');
}

fn push_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_json(out, text);
    out.push(b'"');
}

/// A record that is a line of text and no more.
#[derive(Debug, Clone, Copy)]
pub struct TextRecord<'a> {
    /// Its brace, and its identity as [`Identity::push`] writes it.
    pub stamp: &'a [u8],
    /// Its time as [`crate::format_utc`] writes it.
    pub time: &'a [u8; TIME_LEN],
    /// Severity.
    pub level: Level,
    /// Message.
    pub text: &'a [u8],
}

impl TextRecord<'_> {
    /// Appends the canonical line, without a line end. If the text is not UTF-8 nothing is appended,
    /// and the answer is `false`.
    #[inline]
    pub fn push(&self, out: &mut Vec<u8>) -> bool {
        let Self { stamp, time, level, text } = *self;
        let to_escape = match scan::is_plain(text) {
            true => None,
            false => match std::str::from_utf8(text) {
                Ok(text) => Some(text),
                Err(_) => return false,
            },
        };
        out.reserve(stamp.len() + text.len() + 80);
        out.extend_from_slice(stamp);
        // Of known lengths, all of these are a few words and no call.
        out.extend_from_slice(b"\"time\":\"");
        out.extend_from_slice(time);
        match level {
            Level::Error => out.extend_from_slice(b"\",\"level\":\"ERROR\",\"msg\":\""),
            Level::Warn => out.extend_from_slice(b"\",\"level\":\"WARN\",\"msg\":\""),
            Level::Info => out.extend_from_slice(b"\",\"level\":\"INFO\",\"msg\":\""),
            Level::Debug => out.extend_from_slice(b"\",\"level\":\"DEBUG\",\"msg\":\""),
            Level::Trace => out.extend_from_slice(b"\",\"level\":\"TRACE\",\"msg\":\""),
        }
        match to_escape {
            None => out.extend_from_slice(text),
            Some(text) => push_json(out, text),
        }
        out.extend_from_slice(b"\"}");
        true
    }
}

/// One log event in its parts, to be encoded as a canonical line.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// When it was logged, in microseconds since 1970, UTC.
    pub time: i64,
    /// Severity.
    pub level: Level,
    /// The module or subject it was logged for.
    pub target: Option<Cow<'a, str>>,
    /// The source file.
    pub file: Option<Cow<'a, str>>,
    /// The line in the source file, from 1.
    pub line: Option<u64>,
    /// The name of the thread.
    pub thread: Option<Cow<'a, str>>,
    /// Message.
    pub msg: Cow<'a, str>,
    /// The structured values, each value as compact JSON text.
    pub kv: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Id of the trace it belongs to, in hex.
    pub trace: Option<Cow<'a, str>>,
    /// Id of the innermost span it was logged in.
    pub span: Option<Cow<'a, str>>,
    /// The spans around it, outermost first: a JSON array, as compact text.
    pub spans: Option<Cow<'a, str>>,
    /// True if the flight recorder kept it, to be shipped later.
    pub recorded: bool,
    /// Number of bytes cut off `msg`.
    pub truncated: Option<u64>,
    /// Number of records this one reports as lost.
    pub lost: Option<u64>,
    /// Sender that the record itself names; a collector believes it only of foreign peers.
    pub claims: Identity,
}

impl<'a> Record<'a> {
    /// A record that says `msg` and nothing else.
    pub fn new(time: i64, level: Level, msg: impl Into<Cow<'a, str>>) -> Self {
        Self {
            time,
            level,
            target: None,
            file: None,
            line: None,
            thread: None,
            msg: msg.into(),
            kv: Vec::new(),
            trace: None,
            span: None,
            spans: None,
            recorded: false,
            truncated: None,
            lost: None,
            claims: Identity::default(),
        }
    }

    /// A plain line as a record of level INFO. Bytes that are not UTF-8 are written out as `\xff`
    /// in the message, and counted in the value `invalid_utf8`.
    pub fn from_plain(line: &'a [u8], received: i64) -> Self {
        if let Ok(text) = std::str::from_utf8(line) {
            return Self::new(received, Level::Info, text);
        }
        let mut msg = String::with_capacity(line.len() + 16);
        let mut invalid = 0;
        for chunk in line.utf8_chunks() {
            msg.push_str(chunk.valid());
            invalid += chunk.invalid().len();
            msg.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
        let mut record = Self::new(received, Level::Info, msg);
        record.kv.push(("invalid_utf8".into(), invalid.to_string().into()));
        record
    }

    /// Any JSON object as a record: members that a record has are taken by name and type, all
    /// others go under `kv` in the order in which they came. What has no time gets `received`
    /// (microseconds since 1970), what has no level INFO.
    ///
    /// # Errors
    ///
    /// When `line` is not one JSON object.
    pub fn from_json(line: &'a [u8], received: i64) -> Result<Self, NotARecord> {
        let mut record = Self::new(received, Level::Info, "");
        for (key, value) in members(line)? {
            if !record.take(&key, value) {
                record.kv.push((key, value.compact()));
            }
        }
        Ok(record)
    }

    /// Adds `text` to the structured values.
    pub fn note(&mut self, key: impl Into<Cow<'a, str>>, text: &str) {
        let mut value = Vec::with_capacity(text.len() + 2);
        push_quoted(&mut value, text);
        let value = String::from_utf8(value).unwrap_or_default();
        self.kv.push((key.into(), Cow::Owned(value)));
    }

    /// Moves what the record says of its sender under `kv`, for a sender that has said who it is.
    pub fn refuse_claims(&mut self) {
        let claims = std::mem::take(&mut self.claims);
        let quoted = |text: String| Cow::Owned(serde_json::Value::from(text).to_string());
        let app = claims.app.map(|v| ("app".into(), quoted(v)));
        let host = claims.host.map(|v| ("host".into(), quoted(v)));
        let pid = claims.pid.map(|v| ("pid".into(), v.to_string().into()));
        self.kv.extend([app, host, pid].into_iter().flatten());
    }

    /// Appends the canonical line, without a line end, with `identity` in front.
    pub fn encode(&self, identity: &Identity, out: &mut Vec<u8>) {
        out.push(b'{');
        identity.push(out);
        out.extend_from_slice(b"\"time\":\"");
        push_time(out, self.time);
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend_from_slice(self.level.as_str().as_bytes());
        out.push(b'"');
        let text = |out: &mut Vec<u8>, key: &str, value: Option<&str>| {
            let Some(value) = value else { return };
            out.push(b',');
            push_key(out, key);
            push_quoted(out, value);
        };
        let number = |out: &mut Vec<u8>, key: &str, value: Option<u64>| {
            let Some(value) = value else { return };
            out.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
        };
        text(out, "target", self.target.as_deref());
        text(out, "file", self.file.as_deref());
        number(out, "line", self.line);
        text(out, "thread", self.thread.as_deref());
        text(out, "msg", Some(&self.msg));
        self.push_kv(out);
        text(out, "trace", self.trace.as_deref());
        text(out, "span", self.span.as_deref());
        if let Some(spans) = &self.spans {
            out.extend_from_slice(b",\"spans\":");
            out.extend_from_slice(spans.as_bytes());
        }
        if self.recorded {
            out.extend_from_slice(b",\"recorded\":true");
        }
        number(out, "truncated", self.truncated);
        number(out, "lost", self.lost);
        out.push(b'}');
    }

    fn push_kv(&self, out: &mut Vec<u8>) {
        if self.kv.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"kv\":{");
        for (at, (key, value)) in self.kv.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            push_key(out, key);
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    }

    /// Puts `value` where a record keeps `key`; `false` when it has no such place, the place is
    /// taken, or the value is of another type.
    fn take(&mut self, key: &str, value: JsonValue<'a>) -> bool {
        match key {
            "time" => set(&mut self.time, value.text().and_then(|t| parse_time(t.as_bytes()))),
            "level" => set(&mut self.level, value.text().and_then(|l| l.parse().ok())),
            "target" => put(&mut self.target, value.text()),
            "file" => put(&mut self.file, value.text()),
            "line" => put(&mut self.line, value.number()),
            "thread" => put(&mut self.thread, value.text()),
            "msg" if self.msg.is_empty() => set(&mut self.msg, value.text()),
            "kv" => self.take_kv(value),
            "trace" => put(&mut self.trace, value.text()),
            "span" => put(&mut self.span, value.text()),
            "spans" => put(&mut self.spans, value.array()),
            "recorded" if !self.recorded => set(&mut self.recorded, value.truth()),
            "truncated" => put(&mut self.truncated, value.number()),
            "lost" => put(&mut self.lost, value.number()),
            "app" => put(&mut self.claims.app, value.text().map(Cow::into_owned)),
            "host" => put(&mut self.claims.host, value.text().map(Cow::into_owned)),
            "pid" => put(&mut self.claims.pid, value.number()),
            _ => false,
        }
    }

    fn take_kv(&mut self, value: JsonValue<'a>) -> bool {
        let Some(members) = value.members() else { return false };
        self.kv.extend(members.into_iter().map(|(key, value)| (key, value.compact())));
        true
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    place.is_none() && value.is_some() && {
        *place = value;
        true
    }
}

/// The members of the object `kv` as people read them: strings without their quotes.
pub(crate) fn shown(kv: &[u8]) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let members = members(kv).unwrap_or_default();
    members
        .into_iter()
        .map(|(key, value)| (key, value.text().unwrap_or_else(|| Cow::Borrowed(value.json()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_372_943_000_000;

    fn encoded(line: &str) -> String {
        let record = Record::from_json(line.as_bytes(), NOW).unwrap();
        let mut out = Vec::new();
        record.encode(&record.claims, &mut out);
        assert!(Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn any_json_object_comes_out_canonical() {
        assert_eq!(
            encoded(
                r#" { "msg" : "hi", "user":{"id": 7, "tags":[ 1, 2 ]}, "level":"warn", "time":"2026-11-22T20:42:23.5+02:00", "file":"a.rs", "line": 3, "n": 1e3, "host":"web1", "kv":{"a":1}, "deep key":"x y" } "#
            ),
            r#"{"host":"web1","time":"2026-11-22T18:42:23.500000Z","level":"WARN","file":"a.rs","line":3,"msg":"hi","kv":{"user":{"id":7,"tags":[1,2]},"n":1e3,"a":1,"deep key":"x y"}}"#
        );
    }

    #[test]
    fn members_of_the_wrong_type_are_kept_under_kv() {
        assert_eq!(
            encoded(r#"{"level":30,"time":12,"line":"x","msg":7,"kv":[1],"app":null,"peer":"9"}"#),
            r#"{"time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"","kv":{"level":30,"time":12,"line":"x","msg":7,"kv":[1],"app":null,"peer":"9"}}"#
        );
    }

    #[test]
    fn spans_of_another_shape_are_kept_under_kv() {
        assert_eq!(
            encoded(r#"{"trace":7,"span":{"name":"a"},"spans":"a","recorded":false,"msg":"m"}"#),
            r#"{"time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"trace":7,"span":{"name":"a"},"spans":"a","recorded":false}}"#
        );
        assert_eq!(
            encoded(r#"{"spans":[ {"name": "a"} ],"recorded":true,"trace":"4b","recorded":true}"#),
            r#"{"time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"","kv":{"recorded":true},"trace":"4b","spans":[{"name":"a"}],"recorded":true}"#
        );
        let deep = format!(r#"{{"spans":{}{}}}"#, "[".repeat(64), "]".repeat(64));
        assert!(encoded(&deep).contains(r#""kv":{"spans":"[[[["#));
    }

    #[test]
    fn a_sender_that_said_who_it_is_cannot_claim_to_be_another() {
        let forged = br#"{"app":"bank","host":"h","pid":1,"peer":"x","msg":"m"}"#;
        let mut record = Record::from_json(forged, NOW).unwrap();
        record.refuse_claims();
        let mut out = Vec::new();
        let orders = Identity { app: Some("orders".into()), ..Identity::default() };
        record.encode(&orders, &mut out);
        let expected = r#"{"app":"orders","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"peer":"x","app":"bank","host":"h","pid":1}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn nesting_without_end_becomes_text() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert!(encoded(&deep).contains(r#""kv":{"a":"[[[["#));
    }

    #[test]
    fn half_a_pair_of_surrogates_is_read_as_a_line_reads_it() {
        let line = encoded(r#"{"level":"WARN","msg":"a\ud83e"}"#);
        assert_eq!(Line::parse(line.as_bytes()).unwrap().msg.text(), "a\u{fffd}");
        assert!(!line.contains("kv"), "{line}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for line in ["", "7", "[1]", "{\"a\":1} x", "{\"a\":}", "{'a':1}", "{\"a\":\"\n\"}"] {
            assert!(Record::from_json(line.as_bytes(), NOW).is_err(), "{line}");
        }
    }

    #[test]
    fn a_plain_line_keeps_every_byte() {
        let record = Record::from_plain(b"caf\xe9 \xff\xfe \xc3\xa9", NOW);
        assert_eq!(record.msg, "caf\\xe9 \\xff\\xfe é");
        assert_eq!(record.kv, [("invalid_utf8".into(), "3".into())]);
    }

    proptest! {
        #[test]
        fn a_line_of_text_is_encoded_as_any_record_is(
            time in -1_000_000_000_000_000_i64..200_000_000_000_000_000,
            level in 0_usize..5,
            host in any::<Option<String>>(),
            msg in any::<String>(),
        ) {
            let identity = Identity { host, ..Identity::default() };
            let mut stamp = vec![b'{'];
            let mut text = Vec::new();
            let mut record = Vec::new();
            identity.push(&mut stamp);
            let level = Level::ALL[level];
            let clock = crate::format_utc(time);
            let line = TextRecord { stamp: &stamp, time: &clock, level, text: msg.as_bytes() };
            prop_assert!(line.push(&mut text));
            let other = TextRecord { text: b"\xff", ..line };
            prop_assert!(!other.push(&mut text));
            Record::new(time, level, msg.as_str()).encode(&identity, &mut record);
            prop_assert_eq!(text, record);
        }

        #[test]
        fn any_record_encodes_to_a_canonical_line_that_reads_the_same(
            time in -1_000_000_000_000_000_i64..200_000_000_000_000_000,
            level in 0_usize..5,
            texts in proptest::collection::vec(proptest::option::of(any::<String>()), 5),
            msg in any::<String>(),
            line in any::<Option<u64>>(),
            pid in any::<Option<u64>>(),
        ) {
            let text = |n: usize| texts[n].as_deref().map(Cow::Borrowed);
            let mut record = Record::new(time, Level::ALL[level], msg.as_str());
            (record.target, record.file, record.thread) = (text(0), text(1), text(2));
            (record.line, record.span, record.lost) = (line, text(3), line);
            (record.trace, record.recorded) = (text(0), pid.is_some());
            record.spans = line.map(|id| format!("[{{\"name\":\"s\",\"id\":\"{id:x}\"}}]").into());
            record.kv = vec![("key".into(), "[1,{\"a\":null}]".into())];
            let identity = Identity { app: texts[4].clone(), pid, ..Identity::default() };
            let mut out = Vec::new();
            record.encode(&identity, &mut out);
            let read = Line::parse(&out).expect("canonical");
            prop_assert_eq!((read.time, read.level, read.pid), (time, Level::ALL[level], pid));
            prop_assert_eq!(read.msg.text(), msg.as_str());
            prop_assert_eq!(read.target.map(|t| t.text()), text(0));
            prop_assert_eq!(read.app.map(|t| t.text().into_owned()), identity.app);
            prop_assert_eq!((read.line, read.lost), (line, line));
            prop_assert_eq!(read.span.map(|t| t.text()), text(3));
            prop_assert_eq!(read.trace.map(|t| t.text()), text(0));
            prop_assert_eq!(read.spans.map(<[u8]>::to_vec), record.spans.map(|t| t.into_owned().into_bytes()));
            prop_assert_eq!(read.recorded, pid.is_some());
        }
    }
}
