//! A record of a foreign message, as pieces of that message: on common shapes nothing of it is
//! copied before it is written, once, as a canonical line.

mod text;
mod time_text;

use super::key_names::Field;
use super::origin::Origin;
use super::shown_bytes::shown;
use super::time::{Moment, Zone};
use netlog_wire::{Level, LineMeta, push_json};
use smallvec::SmallVec;
use std::borrow::Cow;

pub(super) use text::Text;
pub(super) use time_text::TimeText;

/// The first and the last time that a record can say.
const FIRST: i64 = -62_167_219_200_000_000;
const LAST: i64 = 253_402_300_799_999_999;

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Compact JSON.
    Json(Cow<'a, str>),
    Text(Text<'a>),
    Number(u64),
    /// Several members with their keys, as records write them; the pair has no key.
    Members(Cow<'a, str>),
}

/// A value with its key, which may stand in an inner object.
#[derive(Debug, Clone)]
pub(super) struct Pair<'a> {
    pub(super) prefix: Cow<'a, str>,
    pub(super) key: Text<'a>,
    pub(super) value: Value<'a>,
}

/// A syslog priority, as records have it.
#[derive(Debug)]
pub(super) struct Priority {
    pub(super) level: Level,
    pub(super) facility: &'static str,
    /// The name of the severity where that says more than the level.
    pub(super) severity: Option<String>,
    /// `"facility":"user"`.
    pub(super) facility_json: String,
    /// `"facility":"user","severity":"notice"`.
    pub(super) both_json: String,
}

/// A record in pieces.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) app: Option<Text<'a>>,
    pub(super) host: Option<Text<'a>>,
    pub(super) pid: Option<u64>,
    pub(super) time: i64,
    pub(super) level: Level,
    pub(super) target: Option<Text<'a>>,
    pub(super) file: Option<Text<'a>>,
    pub(super) line: Option<u64>,
    pub(super) thread: Option<Text<'a>>,
    pub(super) msg: Text<'a>,
    pub(super) priority: Option<&'static Priority>,
    /// Nothing of the message needs escapes.
    pub(super) clean: bool,
    /// The message says a level of its own, which counts more than its priority's.
    pub(super) own_level: bool,
    /// A bit for each field that is known from around the message.
    known: u32,
    /// The sender's own word for the level where that says more.
    pub(super) severity: Option<Cow<'a, str>>,
    pub(super) zone: Zone<'a>,
    pub(super) kv: SmallVec<[Pair<'a>; 16]>,
    pub(super) trace: Option<Text<'a>>,
    pub(super) span: Option<Text<'a>>,
    pub(super) spans: Option<Cow<'a, str>>,
    pub(super) recorded: bool,
    pub(super) truncated: Option<u64>,
    pub(super) lost: Option<u64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(time: i64) -> Self {
        Self {
            app: None,
            host: None,
            pid: None,
            time,
            level: Level::Info,
            target: None,
            file: None,
            line: None,
            thread: None,
            msg: Text::Json(""),
            priority: None,
            own_level: false,
            known: 0,
            clean: false,
            severity: None,
            zone: Zone::Known,
            kv: SmallVec::new(),
            trace: None,
            span: None,
            spans: None,
            recorded: false,
            truncated: None,
            lost: None,
        }
    }

    pub(super) fn set_time(&mut self, moment: Moment<'a>) {
        // As it is written: with four digits of a year.
        self.time = moment.micros.clamp(FIRST, LAST);
        self.zone = moment.zone;
    }

    /// Marks a time or a level as known from around the message: its own does not replace it.
    pub(super) fn know(&mut self, field: Field) {
        self.known |= 1 << field as u32;
    }

    pub(super) fn knows(&self, field: Field) -> bool {
        self.known & 1 << field as u32 != 0
    }

    /// Adds text to the values.
    pub(super) fn note(&mut self, key: &'a str, text: Text<'a>) {
        self.kv.push(Pair { prefix: "".into(), key: Text::Json(key), value: Value::Text(text) });
    }

    /// Takes bytes as the message; those that are no text are shown and counted.
    pub(super) fn take_bytes(&mut self, bytes: &[u8]) {
        let (text, invalid) = shown(bytes, "\\");
        self.msg = Text::Plain(text.into());
        self.note_invalid(invalid);
    }

    /// Notes how many bytes were no text, if any were not.
    pub(super) fn note_invalid(&mut self, invalid: usize) {
        if invalid > 0 {
            let value = Value::Number(invalid as u64);
            self.kv.push(Pair { prefix: "".into(), key: Text::Json("invalid_utf8"), value });
        }
    }

    /// The same, with all pieces copied.
    pub(super) fn into_owned<'b>(self) -> Draft<'b> {
        let owned = |text: Option<Text<'a>>| text.map(Text::into_owned);
        let owned_pair = |pair: Pair<'a>| -> Pair<'b> { pair.into_owned() };
        let mut kv: SmallVec<_> = self.kv.into_iter().map(owned_pair).collect();
        let zone = match self.zone {
            Zone::Known => Zone::Known,
            Zone::Assumed => Zone::Assumed,
            Zone::Named(name) => {
                let value = Value::Text(Text::Plain(name.to_owned().into()));
                kv.push(Pair { prefix: "".into(), key: Text::Json("zone_name"), value });
                Zone::Assumed
            }
        };
        Draft {
            app: owned(self.app),
            host: owned(self.host),
            target: owned(self.target),
            file: owned(self.file),
            thread: owned(self.thread),
            msg: self.msg.into_owned(),
            severity: self.severity.map(|word| Cow::Owned(word.into_owned())),
            zone,
            kv,
            trace: owned(self.trace),
            span: owned(self.span),
            spans: self.spans.map(|spans| Cow::Owned(spans.into_owned())),
            pid: self.pid,
            time: self.time,
            level: self.level,
            line: self.line,
            priority: self.priority,
            own_level: self.own_level,
            known: self.known,
            clean: false,
            recorded: self.recorded,
            truncated: self.truncated,
            lost: self.lost,
        }
    }

    pub(super) fn meta(&self) -> LineMeta {
        LineMeta {
            time: self.time,
            level: self.level,
            lost: self.lost.unwrap_or(0),
            truncated: self.truncated.is_some(),
        }
    }

    /// Appends the canonical line, without a line end.
    pub(super) fn encode(&self, origin: &Origin, clock: &mut TimeText, out: &mut Vec<u8>) {
        self.push_identity(origin, out);
        self.push_time_and_level(clock, out);
        push_text(out, b",\"target\":\"", self.target.as_ref(), self.clean);
        push_text(out, b",\"file\":\"", self.file.as_ref(), self.clean);
        push_number(out, b",\"line\":", self.line);
        push_text(out, b",\"thread\":\"", self.thread.as_ref(), self.clean);
        push_text(out, b",\"msg\":\"", Some(&self.msg), self.clean);
        self.push_kv(out);
        push_text(out, b",\"trace\":\"", self.trace.as_ref(), self.clean);
        push_text(out, b",\"span\":\"", self.span.as_ref(), self.clean);
        if let Some(spans) = &self.spans {
            out.extend_from_slice(b",\"spans\":");
            out.extend_from_slice(spans.as_bytes());
        }
        if self.recorded {
            out.extend_from_slice(b",\"recorded\":true");
        }
        push_number(out, b",\"truncated\":", self.truncated);
        push_number(out, b",\"lost\":", self.lost);
        out.push(b'}');
    }

    fn push_identity(&self, origin: &Origin, out: &mut Vec<u8>) {
        if self.app.is_none() && self.host.is_none() && self.pid.is_none() {
            return out.extend_from_slice(origin.stamp());
        }
        out.push(b'{');
        if let Some(app) = &self.app {
            out.extend_from_slice(b"\"app\":\"");
            app.push(self.clean, out);
            out.extend_from_slice(b"\",");
        }
        match self.host.as_ref().filter(|host| origin.may_name(host.as_str())) {
            Some(host) => {
                out.extend_from_slice(b"\"host\":\"");
                host.push(self.clean, out);
                out.extend_from_slice(b"\",");
            }
            None => out.extend_from_slice(origin.host_stamp()),
        }
        if let Some(pid) = self.pid {
            out.extend_from_slice(b"\"pid\":");
            push_digits(out, pid);
            out.push(b',');
        }
        out.extend_from_slice(origin.peer_stamp());
    }

    fn push_time_and_level(&self, clock: &mut TimeText, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"time\":\"");
        out.extend_from_slice(clock.of(self.time));
        // Of known lengths, each of these is a few words and no call.
        match self.level {
            Level::Error => out.extend_from_slice(b"\",\"level\":\"ERROR\""),
            Level::Warn => out.extend_from_slice(b"\",\"level\":\"WARN\""),
            Level::Info => out.extend_from_slice(b"\",\"level\":\"INFO\""),
            Level::Debug => out.extend_from_slice(b"\",\"level\":\"DEBUG\""),
            Level::Trace => out.extend_from_slice(b"\",\"level\":\"TRACE\""),
        }
    }

    fn push_kv(&self, out: &mut Vec<u8>) {
        const KEY: &[u8] = b",\"kv\":{";
        let before = out.len();
        out.extend_from_slice(KEY);
        let start = out.len();
        if let Some(priority) = self.priority {
            let text = match self.own_level {
                true => &priority.facility_json,
                false => &priority.both_json,
            };
            out.extend_from_slice(text.as_bytes());
        }
        if let Some(severity) = &self.severity {
            push_comma(out, start);
            out.extend_from_slice(b"\"severity\":\"");
            push_json(out, severity);
            out.push(b'"');
        }
        match self.zone {
            Zone::Known => {}
            Zone::Assumed => {
                push_comma(out, start);
                out.extend_from_slice(b"\"zone\":\"assumed\"");
            }
            Zone::Named(name) => {
                push_comma(out, start);
                out.extend_from_slice(b"\"zone\":\"assumed\",\"zone_name\":\"");
                push_json(out, name);
                out.push(b'"');
            }
        }
        for pair in &self.kv {
            push_comma(out, start);
            pair.push(self.clean, out);
        }
        match out.len() == start {
            true => out.truncate(before),
            false => out.push(b'}'),
        }
    }
}

impl Pair<'_> {
    pub(super) fn is_named(&self, key: &Text<'_>) -> bool {
        self.prefix.is_empty() && self.key.as_str() == key.as_str()
    }

    fn into_owned(self) -> Pair<'static> {
        let value = match self.value {
            Value::Json(json) => Value::Json(json.into_owned().into()),
            Value::Text(text) => Value::Text(text.into_owned()),
            Value::Number(number) => Value::Number(number),
            Value::Members(members) => Value::Members(members.into_owned().into()),
        };
        Pair { prefix: self.prefix.into_owned().into(), key: self.key.into_owned(), value }
    }

    fn push(&self, clean: bool, out: &mut Vec<u8>) {
        if let Value::Members(members) = &self.value {
            return out.extend_from_slice(members.as_bytes());
        }
        out.push(b'"');
        if !self.prefix.is_empty() {
            push_json(out, &self.prefix);
            out.push(b'.');
        }
        self.key.push(clean, out);
        out.extend_from_slice(b"\":");
        match &self.value {
            Value::Json(json) => out.extend_from_slice(json.as_bytes()),
            Value::Members(_) => {}
            Value::Number(number) => push_digits(out, *number),
            Value::Text(text) => {
                out.push(b'"');
                text.push(clean, out);
                out.push(b'"');
            }
        }
    }
}

/// Separates a value from the one before it, if it is not the first behind `start`.
fn push_comma(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

fn push_text(out: &mut Vec<u8>, key: &[u8], text: Option<&Text<'_>>, clean: bool) {
    let Some(text) = text else { return };
    out.extend_from_slice(key);
    text.push(clean, out);
    out.push(b'"');
}

fn push_number(out: &mut Vec<u8>, key: &[u8], number: Option<u64>) {
    let Some(number) = number else { return };
    out.extend_from_slice(key);
    push_digits(out, number);
}

pub(super) fn push_digits(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = 20;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Line;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_draft_is_a_canonical_line(
            texts in proptest::collection::vec(proptest::option::of(any::<String>()), 6),
            number in any::<Option<u64>>(),
            recorded: bool,
        ) {
            let text = |at: usize| texts[at].as_deref().map(|text| Text::Plain(text.into()));
            let mut draft = Draft::new(5);
            (draft.app, draft.target, draft.msg) = (text(0), text(1), text(2).unwrap_or(Text::Json("m")));
            (draft.thread, draft.span, draft.trace) = (text(3), text(4), text(5));
            (draft.pid, draft.line, draft.lost, draft.recorded) = (number, number, number, recorded);
            if let Some(key) = text(3) {
                let value = number.map_or_else(|| Value::Text(key.clone()), Value::Number);
                draft.kv.push(Pair { prefix: "a\"b".into(), key, value });
            }
            let (mut out, origin) = (Vec::new(), Origin::new("10.0.0.7:99".parse().unwrap()));
            draft.encode(&origin, &mut TimeText::new(), &mut out);
            let line = Line::parse(&out);
            prop_assert!(line.is_some(), "{}", String::from_utf8_lossy(&out));
            prop_assert_eq!(line.unwrap().pid, number);
        }
    }
}
