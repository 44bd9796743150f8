//! OTLP in JSON (protobuf's JSON mapping, with trace and span ids in hex).

use super::{AnyValue, LogRecord, Resource};
use crate::decode::post::cut_name;
use netlog_wire::{JsonValue, Member, Record, elements, members};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::vec;

/// The deepest a value may nest; what is deeper is kept as it was written.
const DEPTH: usize = 32;

/// The records of an export request, one by one.
pub(crate) struct JsonRecords<'a> {
    received: i64,
    resources: vec::IntoIter<JsonValue<'a>>,
    scopes: vec::IntoIter<JsonValue<'a>>,
    records: vec::IntoIter<JsonValue<'a>>,
    resource: Resource,
    scope: Cow<'a, str>,
}

impl<'a> JsonRecords<'a> {
    /// The records in `request`; `None` when that is not a JSON object.
    pub(crate) fn new(request: &'a [u8], received: i64) -> Option<Self> {
        let members = members(request).ok()?;
        Some(Self {
            received,
            resources: list(&members, "resourceLogs"),
            scopes: Vec::new().into_iter(),
            records: Vec::new().into_iter(),
            resource: Resource::default(),
            scope: Cow::default(),
        })
    }

    fn enter_resource(&mut self, value: JsonValue<'a>) {
        let members = value.members().unwrap_or_default();
        self.scopes = list(&members, "scopeLogs");
        self.resource = Resource::default();
        let resource = get(&members, "resource").and_then(JsonValue::members).unwrap_or_default();
        for attribute in list(&resource, "attributes") {
            if let Some((key, value)) = key_value(attribute) {
                self.resource.take(&key, &value);
            }
        }
    }

    fn enter_scope(&mut self, value: JsonValue<'a>) {
        let members = value.members().unwrap_or_default();
        self.records = list(&members, "logRecords");
        let scope = get(&members, "scope").and_then(JsonValue::members).unwrap_or_default();
        self.scope = get(&scope, "name").and_then(JsonValue::text).unwrap_or_default();
        cut_name(&mut self.scope);
    }
}

impl<'a> Iterator for JsonRecords<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if let Some(record) = self.records.next() {
                let record = log_record(record);
                return Some(record.into_record(&self.resource, &self.scope, self.received));
            } else if let Some(scope) = self.scopes.next() {
                self.enter_scope(scope);
            } else {
                let resource = self.resources.next()?;
                self.enter_resource(resource);
            }
        }
    }
}

fn get<'a>(members: &[Member<'a>], key: &str) -> Option<JsonValue<'a>> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
}

fn list<'a>(members: &[Member<'a>], key: &str) -> vec::IntoIter<JsonValue<'a>> {
    let found = get(members, key).and_then(|value| elements(value.json().as_bytes()));
    found.unwrap_or_default().into_iter()
}

/// A 64-bit number, which JSON has as a string or as a number.
fn integer(value: JsonValue<'_>) -> u64 {
    value.number().or_else(|| value.text()?.parse().ok()).unwrap_or(0)
}

fn log_record(value: JsonValue<'_>) -> LogRecord<'_> {
    let mut record = LogRecord::default();
    for (key, value) in value.members().unwrap_or_default() {
        let text = || value.text().unwrap_or_default();
        match &*key {
            "timeUnixNano" => record.time = integer(value),
            "observedTimeUnixNano" => record.observed_time = integer(value),
            "severityNumber" => record.severity_number = integer(value),
            "severityText" => record.severity_text = text(),
            "body" => record.body = any_value(value, 0),
            "traceId" => record.trace_id = text(),
            "spanId" => record.span_id = text(),
            "eventName" => record.event_name = text(),
            "attributes" => {
                let attributes = elements(value.json().as_bytes()).unwrap_or_default();
                record.attributes.extend(attributes.into_iter().filter_map(key_value));
            }
            _ => {}
        }
    }
    record
}

fn key_value(value: JsonValue<'_>) -> Option<(Cow<'_, str>, AnyValue<'_>)> {
    let members = value.members()?;
    let key = get(&members, "key")?.text()?;
    let value = get(&members, "value").and_then(|value| any_value(value, 0));
    Some((key, value.unwrap_or_else(|| AnyValue::Json("null".into()))))
}

/// The value of an `AnyValue`, which may be empty.
fn any_value(value: JsonValue<'_>, depth: usize) -> Option<AnyValue<'_>> {
    let (kind, inner) = value.members()?.into_iter().next()?;
    if let ("stringValue" | "bytesValue", Some(text)) = (&*kind, inner.text()) {
        return Some(AnyValue::Text(text));
    }
    let inside = if depth < DEPTH { inner.members() } else { None };
    let values = inside.and_then(|inside| elements(get(&inside, "values")?.json().as_bytes()));
    let json = match (&*kind, values) {
        ("intValue", _) => inner.text().unwrap_or_else(|| inner.compact()),
        ("arrayValue", Some(values)) => {
            let values = values.into_iter().map(|value| json_of(any_value(value, depth + 1)));
            format!("[{}]", values.collect::<Vec<_>>().join(",")).into()
        }
        ("kvlistValue", Some(values)) => {
            let member = |value: JsonValue<'_>| {
                let members = value.members()?;
                let key = get(&members, "key")?.json().to_owned();
                let value = get(&members, "value").and_then(|value| any_value(value, depth + 1));
                Some(format!("{key}:{}", json_of(value)))
            };
            format!("{{{}}}", values.into_iter().filter_map(member).collect::<Vec<_>>().join(","))
                .into()
        }
        _ => inner.compact(),
    };
    let valid = serde_json::from_str::<&RawValue>(&json).is_ok();
    Some(if valid { AnyValue::Json(json) } else { AnyValue::Text(json) })
}

fn json_of(value: Option<AnyValue<'_>>) -> String {
    match value {
        Some(AnyValue::Text(text)) => serde_json::Value::from(&*text).to_string(),
        Some(AnyValue::Json(json)) => json.into_owned(),
        None => "null".into(),
    }
}
