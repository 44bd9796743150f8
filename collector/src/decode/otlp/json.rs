//! OTLP in JSON (protobuf's JSON mapping, with trace and span ids in hex), read once from front to
//! back.

use super::json_value::{any_value, attributes};
use super::log_record::LogRecord;
use super::resource::{InstrumentationScope, Resource};
use crate::decode::json_cursor::{JsonCursor, MalformedJson};
use crate::decode::posted::{Fault, Posted, RecordSource, RecordWriter};

/// The records of an export request, one by one.
pub(crate) struct JsonRecords<'a> {
    received: i64,
    cursor: JsonCursor<'a>,
    place: ExportPlace,
    /// Number of parts so far of the innermost object or array, and of those around it.
    parts: [usize; 6],
    resource: Resource,
    scope: InstrumentationScope,
    /// True once the resource was read, and the scope.
    resource_known: bool,
    scope_known: bool,
}

/// The object or array that the next part is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExportPlace {
    Request,
    Resources,
    Resource,
    Scopes,
    Scope,
    Records,
    End,
}

impl ExportPlace {
    /// The key of the member that holds the next level.
    fn key(self) -> &'static str {
        match self {
            Self::Request => "resourceLogs",
            Self::Resource => "scopeLogs",
            _ => "logRecords",
        }
    }

    fn inner(self) -> Self {
        match self {
            Self::Request => Self::Resources,
            Self::Resources => Self::Resource,
            Self::Resource => Self::Scopes,
            Self::Scopes => Self::Scope,
            Self::Scope | Self::Records => Self::Records,
            Self::End => Self::End,
        }
    }

    fn outer(self) -> Self {
        match self {
            Self::Records => Self::Scope,
            Self::Scope => Self::Scopes,
            Self::Scopes => Self::Resource,
            Self::Resource => Self::Resources,
            Self::Resources => Self::Request,
            Self::Request | Self::End => Self::End,
        }
    }
}

impl<'a> JsonRecords<'a> {
    /// The records in `request`; `None` when that is not a JSON object.
    pub(crate) fn new(request: &'a [u8], received: i64) -> Option<Self> {
        let mut cursor = JsonCursor::new(std::str::from_utf8(request).ok()?);
        cursor.take(b'{').then(|| Self {
            received,
            cursor,
            place: ExportPlace::Request,
            parts: [0; 6],
            resource: Resource::default(),
            scope: InstrumentationScope::default(),
            resource_known: false,
            scope_known: false,
        })
    }

    /// Goes to the next record; `false` when there are no more.
    fn find(&mut self) -> Result<bool, MalformedJson> {
        loop {
            let place = self.place;
            match place {
                ExportPlace::End => return Ok(false),
                ExportPlace::Request | ExportPlace::Resource | ExportPlace::Scope => {
                    self.member(place)?
                }
                ExportPlace::Resources | ExportPlace::Scopes | ExportPlace::Records => {
                    let parts = &mut self.parts[place as usize];
                    if !self.cursor.next_part(b']', parts)? {
                        self.place = place.outer();
                    } else if place == ExportPlace::Records {
                        return Ok(true);
                    } else if self.cursor.peek() == Some(b'{') {
                        self.enter(b'{')?;
                        self.forget(place);
                    } else {
                        self.cursor.skip()?;
                    }
                }
            }
        }
    }

    /// Reads the next member of an object.
    fn member(&mut self, place: ExportPlace) -> Result<(), MalformedJson> {
        let Some(key) = self.cursor.next_key(&mut self.parts[place as usize])? else {
            self.place = place.outer();
            if self.place == ExportPlace::End && !self.cursor.is_at_end() {
                return Err(self.cursor.malformed());
            }
            return Ok(());
        };
        match (place, key.inside) {
            (_, key) if key == place.key() && self.cursor.peek() == Some(b'[') => {
                self.look_ahead(place)?;
                self.enter(b'[')?;
            }
            (ExportPlace::Resource, "resource") => self.cursor = self.read_resource(self.cursor)?,
            (ExportPlace::Scope, "scope") => self.cursor = self.read_scope(self.cursor)?,
            _ => self.cursor.skip().map(|_| ())?,
        }
        Ok(())
    }

    fn enter(&mut self, bracket: u8) -> Result<(), MalformedJson> {
        self.cursor.expect(bracket)?;
        self.place = self.place.inner();
        self.parts[self.place as usize] = 0;
        Ok(())
    }

    /// Forgets the resource or the scope before a new one.
    fn forget(&mut self, array: ExportPlace) {
        if array == ExportPlace::Resources {
            self.resource = Resource::default();
            self.resource_known = false;
        }
        self.scope = InstrumentationScope::default();
        self.scope_known = false;
    }

    /// Reads a resource or a scope that follows the records it is about: most write it in front, as
    /// its number is the lower one.
    fn look_ahead(&mut self, place: ExportPlace) -> Result<(), MalformedJson> {
        let mut ahead = self.cursor;
        match place {
            ExportPlace::Resource if !self.resource_known => {
                ahead.skip()?;
                self.resource_known = true;
                ahead.ahead("resource")?.map(|ahead| self.read_resource(ahead)).transpose()?;
            }
            ExportPlace::Scope if !self.scope_known => {
                ahead.skip()?;
                self.scope_known = true;
                ahead.ahead("scope")?.map(|ahead| self.read_scope(ahead)).transpose()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the resource at a place, and answers the place behind it.
    fn read_resource(&mut self, mut at: JsonCursor<'a>) -> Result<JsonCursor<'a>, MalformedJson> {
        let mut members = 0;
        self.resource_known = true;
        self.resource = Resource::default();
        if !at.take(b'{') {
            return at.skip().map(|_| at);
        }
        while let Some(key) = at.next_key(&mut members)? {
            if key.inside == "attributes" {
                attributes(&mut at, |key, value| self.resource.take(&key, &value))?;
            } else {
                at.skip()?;
            }
        }
        self.resource.end();
        Ok(at)
    }

    /// The same for a scope.
    fn read_scope(&mut self, mut at: JsonCursor<'a>) -> Result<JsonCursor<'a>, MalformedJson> {
        let mut members = 0;
        self.scope_known = true;
        self.scope = InstrumentationScope::default();
        if !at.take(b'{') {
            return at.skip().map(|_| at);
        }
        while let Some(key) = at.next_key(&mut members)? {
            match key.inside {
                "name" => self.scope.set_name(&at.text_or_empty()?),
                "version" => self.scope.set_version(at.text_or_empty()?),
                "attributes" => {
                    attributes(&mut at, |key, value| self.scope.attributes.take(&key, &value))?;
                }
                _ => at.skip().map(|_| ())?,
            }
        }
        self.scope.attributes.end();
        Ok(at)
    }

    fn write_next(&mut self, out: &mut RecordWriter<'_>) -> Result<Option<Posted>, MalformedJson> {
        if !self.find()? {
            return Ok(None);
        }
        if self.cursor.peek() != Some(b'{') {
            self.cursor.skip()?;
            let at = self.parts[ExportPlace::Records as usize] - 1;
            let words = format!("log record {at} of a scope is not a JSON object");
            return Ok(Some(Err(Fault::Rejected(words))));
        }
        let mut at = self.cursor;
        let mut record = LogRecord::new(self.received);
        read(&mut at, &mut record)?;
        self.cursor.go_to(at);
        Ok(Some(record.write(&self.resource, &self.scope, out)))
    }
}

impl RecordSource for JsonRecords<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        self.write_next(out).unwrap_or_else(|malformed| {
            self.place = ExportPlace::End;
            Some(Err(Fault::Malformed(malformed.to_string())))
        })
    }
}

/// The keys of a log record, in the order in which the SDKs write them.
const LIKELY: [&str; 8] = [
    "\"timeUnixNano\":",
    "\"observedTimeUnixNano\":",
    "\"severityNumber\":",
    "\"severityText\":",
    "\"body\":",
    "\"attributes\":",
    "\"traceId\":",
    "\"spanId\":",
];

/// Reads a log record.
fn read<'a>(at: &mut JsonCursor<'a>, record: &mut LogRecord<'a>) -> Result<(), MalformedJson> {
    let mut members = 0;
    at.expect(b'{')?;
    while let Some(key) = at.next_likely_key(&mut members, LIKELY)? {
        match key {
            "timeUnixNano" => record.time = at.integer()?.unwrap_or(0),
            "observedTimeUnixNano" => record.observed_time = at.integer()?.unwrap_or(0),
            "severityNumber" => record.severity_number = at.integer()?.unwrap_or(0),
            "severityText" => record.severity_text = at.text_or_empty()?,
            "body" => {
                if let Some(body) = any_value(at)? {
                    record.set_body(body);
                }
            }
            "traceId" => record.set_trace(at.text_or_empty()?),
            "spanId" => record.set_span(at.text_or_empty()?),
            "eventName" => record.set_event_name(at.text_or_empty()?),
            "attributes" => attributes(at, |key, value| record.attribute(key, value))?,
            _ => at.skip().map(|_| ())?,
        }
    }
    Ok(())
}
