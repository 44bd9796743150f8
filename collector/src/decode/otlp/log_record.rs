//! A log record in either encoding, as a record in pieces.

use super::resource::{InstrumentationScope, Resource};
use super::shared_attributes::keep_shared;
use crate::decode::draft::{Draft, Pair, Text, Value};
use crate::decode::posted::{Posted, RecordWriter};
use crate::decode::scratch::with_scratch;
use crate::decode::severity;
use netlog_wire::Level;
use std::borrow::Cow;
use std::mem::take;

/// A log record as OTLP has it. What has its place in a record already stands there.
#[derive(Debug)]
pub(super) struct LogRecord<'a> {
    draft: Draft<'a>,
    /// Nanoseconds since 1970, 0 if unknown.
    pub(super) time: u64,
    pub(super) observed_time: u64,
    pub(super) severity_number: u64,
    pub(super) severity_text: Text<'a>,
    event_name: Option<Text<'a>>,
}

impl<'a> LogRecord<'a> {
    /// `received` is in microseconds since 1970.
    pub(super) fn new(received: i64) -> Self {
        Self {
            draft: Draft::new(received),
            time: 0,
            observed_time: 0,
            severity_number: 0,
            severity_text: Text::default(),
            event_name: None,
        }
    }

    pub(super) fn set_body(&mut self, body: Value<'a>) {
        self.draft.msg = match body {
            Value::Text(text) => text,
            Value::Json(json) | Value::Members(json) => Text::Plain(json),
            Value::Number(number) => Text::Plain(number.to_string().into()),
        };
    }

    pub(super) fn set_event_name(&mut self, name: Text<'a>) {
        self.event_name = Some(name).filter(|name| !name.is_empty());
    }

    pub(super) fn set_trace(&mut self, id: Text<'a>) {
        self.draft.trace = Some(id).filter(|id| !id.is_empty());
    }

    pub(super) fn set_span(&mut self, id: Text<'a>) {
        self.draft.span = Some(id).filter(|id| !id.is_empty());
    }

    /// Puts an attribute where a record has a place for it, by the semantic conventions, or under
    /// `kv`.
    pub(super) fn attribute(&mut self, key: Text<'a>, value: Value<'a>) {
        let draft = &mut self.draft;
        // Most keys are others.
        if key.len() >= SHORTEST && matches!(key.as_str().as_bytes()[0], b'c' | b't') {
            match (key.as_str(), &value) {
                ("code.file.path" | "code.filepath", Value::Text(file)) if draft.file.is_none() => {
                    draft.file = Some(file.clone());
                    return;
                }
                ("code.line.number" | "code.lineno", line) if draft.line.is_none() => {
                    draft.line = match line {
                        Value::Number(line) => Some(*line),
                        Value::Json(line) => line.parse().ok(),
                        _ => None,
                    };
                    if draft.line.is_some() {
                        return;
                    }
                }
                ("thread.name", Value::Text(name)) if draft.thread.is_none() => {
                    draft.thread = Some(name.clone());
                    return;
                }
                _ => {}
            }
        }
        draft.kv.push(Pair { prefix: Cow::Borrowed(""), key, value });
    }

    /// Writes it as a record of a resource and of a scope.
    pub(super) fn write(
        &mut self,
        resource: &'a Resource,
        scope: &'a InstrumentationScope,
        out: &mut RecordWriter<'_>,
    ) -> Posted {
        let draft = &mut self.draft;
        resource.sign(draft);
        let nanos = if self.time > 0 { self.time } else { self.observed_time };
        if nanos > 0 {
            draft.time = (nanos / 1000).cast_signed();
        }
        draft.target = (!scope.name.is_empty()).then_some(Text::Json(&scope.name));
        if let Some(name) = self.event_name.take() {
            put_first(draft, "event_name", name);
        }
        set_level(draft, self.severity_number, take(&mut self.severity_text));
        keep_shared(draft, &scope.attributes, &resource.attributes, out.max_line());
        with_scratch(|scratch| out.draft(draft, &mut scratch.time))
    }
}

/// Length of the shortest key that has a place.
const SHORTEST: usize = "thread.name".len();

/// Adds a value in front of the others.
fn put_first<'a>(draft: &mut Draft<'a>, key: &'a str, text: Text<'a>) {
    let key = Text::Json(key);
    draft.kv.insert(0, Pair { prefix: Cow::Borrowed(""), key, value: Value::Text(text) });
}

/// Severity numbers count from 1 in steps of four a level; 0 is unknown. A word that says more than
/// the level, or something else, is kept.
fn set_level<'a>(draft: &mut Draft<'a>, number: u64, text: Text<'a>) {
    let said = severity::word(text.as_str());
    draft.level = match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=24 => Level::Error,
        _ => said.as_ref().map_or(Level::Info, |severity| severity.level),
    };
    let says_more = match said {
        Some(severity) if severity.level == draft.level => severity.word.is_some(),
        _ => !text.is_empty(),
    };
    if says_more {
        put_first(draft, "severity", text);
    } else if (21..=24).contains(&number) {
        draft.severity = Some(Cow::Borrowed("FATAL"));
    }
}
