//! OTLP in protobuf.

use super::super::protobuf::{MalformedProtobuf, ProtobufField, ProtobufFields};
use super::{AnyValue, LogRecord, Resource};
use crate::decode::post::cut_name;
use netlog_wire::Record;
use std::borrow::Cow;
use std::fmt::Write;

/// The deepest a value may nest; what is deeper is left out.
const DEPTH: usize = 32;

/// The records of an `ExportLogsServiceRequest`, one by one.
pub(crate) struct ProtobufRecords<'a> {
    received: i64,
    resources: ProtobufFields<'a>,
    scopes: ProtobufFields<'a>,
    records: ProtobufFields<'a>,
    resource: Resource,
    scope: Cow<'a, str>,
}

impl<'a> ProtobufRecords<'a> {
    /// The records in `request`; those without a time get `received`, in microseconds since 1970.
    pub(crate) fn new(request: &'a [u8], received: i64) -> Self {
        Self {
            received,
            resources: ProtobufFields(request),
            scopes: ProtobufFields::default(),
            records: ProtobufFields::default(),
            resource: Resource::default(),
            scope: Cow::default(),
        }
    }

    /// The next record; `None` behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'a>>, MalformedProtobuf> {
        loop {
            if let Some(ProtobufField { number, value }) = self.records.next()? {
                if number == 2 {
                    let record = log_record(ProtobufFields(value.bytes()))?;
                    return Ok(Some(record.into_record(
                        &self.resource,
                        &self.scope,
                        self.received,
                    )));
                }
            } else if let Some(ProtobufField { number, value }) = self.scopes.next()? {
                if number == 2 {
                    self.records = ProtobufFields(value.bytes());
                    let scope = self.records.first(1)?.map(|scope| ProtobufFields(scope.bytes()));
                    let name = scope.map(|scope| scope.first(1)).transpose()?.flatten();
                    self.scope = name.map(|name| text(name.bytes())).unwrap_or_default();
                    cut_name(&mut self.scope);
                }
            } else if let Some(ProtobufField { number, value }) = self.resources.next()? {
                if number == 1 {
                    self.scopes = ProtobufFields(value.bytes());
                    let found = self.scopes.first(1)?.map(|found| ProtobufFields(found.bytes()));
                    self.resource = resource(found.unwrap_or_default())?;
                }
            } else {
                return Ok(None);
            }
        }
    }
}

fn resource(mut fields: ProtobufFields<'_>) -> Result<Resource, MalformedProtobuf> {
    let mut resource = Resource::default();
    while let Some(ProtobufField { number, value }) = fields.next()? {
        if number == 1 {
            let (key, value) = key_value(ProtobufFields(value.bytes()), 0)?;
            resource.take(&key, &value);
        }
    }
    Ok(resource)
}

fn log_record(mut fields: ProtobufFields<'_>) -> Result<LogRecord<'_>, MalformedProtobuf> {
    let mut record = LogRecord::default();
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => record.time = value.number(),
            2 => record.severity_number = value.number(),
            3 => record.severity_text = text(value.bytes()),
            5 => record.body = any_value(ProtobufFields(value.bytes()), 0)?,
            6 => {
                let (key, value) = key_value(ProtobufFields(value.bytes()), 0)?;
                record.attributes.push((key, value));
            }
            9 => record.trace_id = hex(value.bytes()),
            10 => record.span_id = hex(value.bytes()),
            11 => record.observed_time = value.number(),
            12 => record.event_name = text(value.bytes()),
            _ => {}
        }
    }
    Ok(record)
}

fn key_value(
    mut fields: ProtobufFields<'_>,
    depth: usize,
) -> Result<(Cow<'_, str>, AnyValue<'_>), MalformedProtobuf> {
    let mut key = Cow::default();
    let mut found = None;
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => key = text(value.bytes()),
            2 => found = any_value(ProtobufFields(value.bytes()), depth)?,
            _ => {}
        }
    }
    Ok((key, found.unwrap_or_else(|| AnyValue::Json("null".into()))))
}

/// The value of an `AnyValue`, which may be empty.
fn any_value(
    mut fields: ProtobufFields<'_>,
    depth: usize,
) -> Result<Option<AnyValue<'_>>, MalformedProtobuf> {
    let mut found = None;
    while let Some(ProtobufField { number, value }) = fields.next()? {
        let json = match number {
            1 => {
                found = Some(AnyValue::Text(text(value.bytes())));
                continue;
            }
            2 => (value.number() != 0).to_string(),
            3 => value.number().cast_signed().to_string(),
            4 => number_json(f64::from_bits(value.number())),
            5 | 6 if depth >= DEPTH => "null".into(),
            5 => array(ProtobufFields(value.bytes()), depth + 1)?,
            6 => object(ProtobufFields(value.bytes()), depth + 1)?,
            7 => quoted(&hex(value.bytes())),
            _ => continue,
        };
        found = Some(AnyValue::Json(json.into()));
    }
    Ok(found)
}

fn array(mut fields: ProtobufFields<'_>, depth: usize) -> Result<String, MalformedProtobuf> {
    let mut json = String::from("[");
    while let Some(ProtobufField { value, .. }) = fields.next()? {
        if json.len() > 1 {
            json.push(',');
        }
        push_value(&mut json, any_value(ProtobufFields(value.bytes()), depth)?);
    }
    json.push(']');
    Ok(json)
}

fn object(mut fields: ProtobufFields<'_>, depth: usize) -> Result<String, MalformedProtobuf> {
    let mut json = String::from("{");
    while let Some(ProtobufField { value, .. }) = fields.next()? {
        if json.len() > 1 {
            json.push(',');
        }
        let (key, value) = key_value(ProtobufFields(value.bytes()), depth)?;
        json.push_str(&quoted(&key));
        json.push(':');
        push_value(&mut json, Some(value));
    }
    json.push('}');
    Ok(json)
}

fn push_value(json: &mut String, value: Option<AnyValue<'_>>) {
    match value {
        Some(AnyValue::Text(text)) => json.push_str(&quoted(&text)),
        Some(AnyValue::Json(inner)) => json.push_str(&inner),
        None => json.push_str("null"),
    }
}

/// JSON has no word for what is not a number.
fn number_json(number: f64) -> String {
    serde_json::Number::from_f64(number).map_or_else(|| "null".into(), |number| number.to_string())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn hex(bytes: &[u8]) -> Cow<'static, str> {
    let push = |mut hex: String, byte: &u8| {
        let _ = write!(hex, "{byte:02x}");
        hex
    };
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), push).into()
}
