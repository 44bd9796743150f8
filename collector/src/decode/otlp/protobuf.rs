//! OTLP in protobuf.

use super::log_record::LogRecord;
use super::resource::{InstrumentationScope, Resource};
use super::value_json::push_value;
use crate::decode::draft::{Text, Value};
use crate::decode::posted::{Fault, Posted, RecordSource, RecordWriter};
use crate::decode::protobuf::{MalformedProtobuf, ProtobufField, ProtobufFields};
use netlog_wire::is_plain;
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
    scope: InstrumentationScope,
    over: bool,
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
            scope: InstrumentationScope::default(),
            over: false,
        }
    }

    /// The bytes of the next record; `None` behind the last.
    fn next_record(&mut self) -> Result<Option<&'a [u8]>, MalformedProtobuf> {
        loop {
            if let Some(ProtobufField { number, value }) = self.records.next()? {
                if number == 2 {
                    return Ok(Some(value.bytes()));
                }
            } else if let Some(ProtobufField { number, value }) = self.scopes.next()? {
                if number == 2 {
                    self.records = ProtobufFields(value.bytes());
                    let found = self.records.first(1)?.map(|found| ProtobufFields(found.bytes()));
                    self.scope = scope(found.unwrap_or_default())?;
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

impl RecordSource for ProtobufRecords<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        if self.over {
            return None;
        }
        let fields = match self.next_record() {
            Ok(bytes) => ProtobufFields(bytes?),
            Err(malformed) => {
                self.over = true;
                return Some(Err(Fault::Malformed(malformed.to_string())));
            }
        };
        let mut ids = IdText([0; _]);
        let mut record = LogRecord::new(self.received);
        Some(match read(fields, &mut record, &mut ids) {
            Ok(()) => record.write(&self.resource, &self.scope, out),
            // Its length says where the next one begins.
            Err(malformed) => Err(Fault::Rejected(malformed.to_string())),
        })
    }
}

fn resource(mut fields: ProtobufFields<'_>) -> Result<Resource, MalformedProtobuf> {
    let mut resource = Resource::default();
    while let Some(ProtobufField { number, value }) = fields.next()? {
        if number == 1 {
            let ProtobufAttribute { key, value } =
                ProtobufAttribute::read(ProtobufFields(value.bytes()), 0)?;
            resource.take(&key, &value);
        }
    }
    resource.end();
    Ok(resource)
}

fn scope(mut fields: ProtobufFields<'_>) -> Result<InstrumentationScope, MalformedProtobuf> {
    let mut scope = InstrumentationScope::default();
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => scope.set_name(&text(value.bytes())),
            2 => scope.set_version(text(value.bytes())),
            3 => {
                let ProtobufAttribute { key, value } =
                    ProtobufAttribute::read(ProtobufFields(value.bytes()), 0)?;
                scope.attributes.take(&key, &value);
            }
            _ => {}
        }
    }
    scope.attributes.end();
    Ok(scope)
}

/// Reads the fields of a log record; its ids are written out in `ids`.
fn read<'a>(
    mut fields: ProtobufFields<'a>,
    record: &mut LogRecord<'a>,
    ids: &'a mut IdText,
) -> Result<(), MalformedProtobuf> {
    let mut trace: &[u8] = &[];
    let mut span: &[u8] = &[];
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => record.time = value.number(),
            2 => record.severity_number = value.number(),
            3 => record.severity_text = text(value.bytes()),
            5 => {
                let body = any_value(ProtobufFields(value.bytes()), 0)?;
                record.set_body(body.unwrap_or(Value::Text(Text::Json(""))));
            }
            6 => {
                let ProtobufAttribute { key, value } =
                    ProtobufAttribute::read(ProtobufFields(value.bytes()), 0)?;
                record.attribute(key, value);
            }
            9 => trace = value.bytes(),
            10 => span = value.bytes(),
            11 => record.observed_time = value.number(),
            12 => record.set_event_name(text(value.bytes())),
            _ => {}
        }
    }
    if trace.len() + span.len() > 0 {
        let (trace, span) = ids.write(trace, span);
        record.set_trace(trace);
        record.set_span(span);
    }
    Ok(())
}

/// The ids of a record in hex.
#[derive(Debug)]
struct IdText([u8; 2 * (16 + 8)]);

impl IdText {
    fn write(&mut self, trace: &[u8], span: &[u8]) -> (Text<'_>, Text<'_>) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        if trace.len() + span.len() > self.0.len() / 2 {
            return (Text::Plain(hex(trace).into()), Text::Plain(hex(span).into()));
        }
        for (pair, byte) in self.0.chunks_exact_mut(2).zip(trace.iter().chain(span)) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        let all = std::str::from_utf8(&self.0).unwrap_or_default();
        let part = |from: usize, len: usize| {
            Text::Json(all.get(2 * from..2 * (from + len)).unwrap_or_default())
        };
        (part(0, trace.len()), part(trace.len(), span.len()))
    }
}

/// An attribute.
struct ProtobufAttribute<'a> {
    key: Text<'a>,
    value: Value<'a>,
}

impl<'a> ProtobufAttribute<'a> {
    fn read(mut fields: ProtobufFields<'a>, depth: usize) -> Result<Self, MalformedProtobuf> {
        let mut key = Text::Json("");
        let mut found = None;
        while let Some(ProtobufField { number, value }) = fields.next()? {
            match number {
                1 => key = text(value.bytes()),
                2 => found = any_value(ProtobufFields(value.bytes()), depth)?,
                _ => {}
            }
        }
        Ok(Self { key, value: found.unwrap_or(NULL) })
    }
}

const NULL: Value<'static> = Value::Json(Cow::Borrowed("null"));

/// The value of an `AnyValue`, which may be empty.
fn any_value(
    mut fields: ProtobufFields<'_>,
    depth: usize,
) -> Result<Option<Value<'_>>, MalformedProtobuf> {
    let mut found = None;
    while let Some(ProtobufField { number, value }) = fields.next()? {
        found = Some(match number {
            1 => Value::Text(text(value.bytes())),
            2 => Value::Json(Cow::Borrowed(if value.number() != 0 { "true" } else { "false" })),
            3 => match value.number().cast_signed() {
                number @ 0.. => Value::Number(number.cast_unsigned()),
                number => Value::Json(number.to_string().into()),
            },
            4 => Value::Json(number_json(f64::from_bits(value.number())).into()),
            5 | 6 if depth >= DEPTH => NULL,
            5 => Value::Json(array(ProtobufFields(value.bytes()), depth + 1)?.into()),
            6 => Value::Json(object(ProtobufFields(value.bytes()), depth + 1)?.into()),
            7 => Value::Text(Text::Plain(hex(value.bytes()).into())),
            _ => continue,
        });
    }
    Ok(found)
}

fn array(mut fields: ProtobufFields<'_>, depth: usize) -> Result<String, MalformedProtobuf> {
    let mut json = String::from("[");
    while let Some(ProtobufField { value, .. }) = fields.next()? {
        if json.len() > 1 {
            json.push(',');
        }
        let value = any_value(ProtobufFields(value.bytes()), depth)?;
        push_value(&mut json, &value.unwrap_or(NULL));
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
        let ProtobufAttribute { key, value } =
            ProtobufAttribute::read(ProtobufFields(value.bytes()), depth)?;
        push_value(&mut json, &Value::Text(key));
        json.push(':');
        push_value(&mut json, &value);
    }
    json.push('}');
    Ok(json)
}

/// JSON has no word for what is not a number.
fn number_json(number: f64) -> String {
    serde_json::Number::from_f64(number).map_or_else(|| "null".into(), |number| number.to_string())
}

fn text(bytes: &[u8]) -> Text<'_> {
    // Written unchanged, so it needs no second check.
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(bytes) => Text::Json(text),
        Ok(text) => Text::Plain(Cow::Borrowed(text)),
        Err(_) => Text::Plain(String::from_utf8_lossy(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let push = |mut hex: String, byte: &u8| {
        let _ = write!(hex, "{byte:02x}");
        hex
    };
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), push)
}
