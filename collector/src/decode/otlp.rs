//! OTLP log records (OpenTelemetry protocol 1.x, `opentelemetry/proto/logs/v1/logs.proto`), as
//! protobuf and as JSON.

mod json;
mod protobuf;

pub(crate) use json::JsonRecords;
pub(crate) use protobuf::ProtobufRecords;

use netlog_wire::{Identity, Level, Record};
use std::borrow::Cow;

/// Everything that all records of a resource have in common.
#[derive(Debug, Clone, Default)]
struct Resource {
    identity: Identity,
    /// The names by which `host` may be known, the better first.
    hosts: [Option<String>; 3],
}

/// The resource attributes that say on which machine a program runs, the better first.
const HOSTS: [&str; 3] = ["host.name", "k8s.pod.name", "service.instance.id"];

impl Resource {
    /// Takes an attribute of the resource, if it says who sends.
    fn take(&mut self, key: &str, value: &AnyValue<'_>) {
        match (key, value) {
            ("service.name", AnyValue::Text(name)) => {
                self.identity.app = super::json_fields::claim(name).map(str::to_owned)
            }
            ("process.pid", AnyValue::Json(number)) => self.identity.pid = number.parse().ok(),
            (_, AnyValue::Text(name)) => {
                if let Some(at) = HOSTS.iter().position(|host| *host == key) {
                    self.hosts[at] = super::json_fields::claim(name).map(str::to_owned);
                }
            }
            _ => {}
        }
    }

    fn identity(&self) -> Identity {
        let host = self.hosts.iter().flatten().next().cloned();
        Identity { host, ..self.identity.clone() }
    }
}

/// A value of any type: a text, or anything else as JSON.
#[derive(Debug, Clone, PartialEq)]
enum AnyValue<'a> {
    Text(Cow<'a, str>),
    Json(Cow<'a, str>),
}

impl<'a> AnyValue<'a> {
    /// The value as the text of a message.
    fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}

/// A log record as OTLP has it, in either encoding.
#[derive(Debug, Default)]
struct LogRecord<'a> {
    /// Nanoseconds since 1970, 0 if unknown.
    time: u64,
    observed_time: u64,
    severity_number: u64,
    severity_text: Cow<'a, str>,
    body: Option<AnyValue<'a>>,
    attributes: Vec<(Cow<'a, str>, AnyValue<'a>)>,
    trace_id: Cow<'a, str>,
    span_id: Cow<'a, str>,
    event_name: Cow<'a, str>,
}

impl<'a> LogRecord<'a> {
    /// The record that this is, of a resource and a scope; `received` is in microseconds.
    fn into_record(self, resource: &Resource, scope: &str, received: i64) -> Record<'a> {
        let nanos = [self.time, self.observed_time].into_iter().find(|&nanos| nanos > 0);
        let time = nanos.and_then(|nanos| i64::try_from(nanos / 1000).ok()).unwrap_or(received);
        let msg = self.body.map(AnyValue::text).unwrap_or_default();
        let mut record = Record::new(time, Level::Info, msg);
        record.claims = resource.identity();
        record.target = (!scope.is_empty()).then(|| scope.to_owned().into());
        record.span = (!self.span_id.is_empty()).then_some(self.span_id);
        record.trace = (!self.trace_id.is_empty()).then_some(self.trace_id);
        set_level(&mut record, self.severity_number, &self.severity_text);
        if !self.event_name.is_empty() {
            record.note("event_name", &self.event_name);
        }
        for (key, value) in self.attributes {
            place(&mut record, key, value);
        }
        record
    }
}

/// Severity numbers count from 1 in steps of four a level; 0 is unknown.
fn set_level(record: &mut Record<'_>, number: u64, text: &str) {
    record.level = match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=24 => Level::Error,
        _ => super::severity::word(text).map_or(Level::Info, |severity| severity.level),
    };
    if number > 20 {
        record.note("severity", "FATAL");
    }
}

/// Puts an attribute where a record has a place for it, by the semantic conventions, or under `kv`.
fn place<'a>(record: &mut Record<'a>, key: Cow<'a, str>, value: AnyValue<'a>) {
    match (&*key, value) {
        ("code.file.path" | "code.filepath", AnyValue::Text(file)) if record.file.is_none() => {
            record.file = Some(file);
        }
        ("code.line.number" | "code.lineno", AnyValue::Json(line))
            if record.line.is_none() && line.parse::<u64>().is_ok() =>
        {
            record.line = line.parse().ok();
        }
        ("thread.name", AnyValue::Text(name)) if record.thread.is_none() => {
            record.thread = Some(name);
        }
        (_, AnyValue::Text(text)) => record.note(key, &text),
        (_, AnyValue::Json(json)) => record.kv.push((key, json)),
    }
}

#[cfg(test)]
mod tests;
