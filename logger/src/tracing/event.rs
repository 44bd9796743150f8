//! An event of `tracing` as a record.

use super::fields::{ForEachField, Value, push_member};
use super::filter::log_level;
use super::open_span::OpenSpan;
use super::table::OPEN_SPANS;
use crate::encode::{Head, LineEncoder, ROOM_FOR_VALUES, level, push_message};
use crate::logger::Loggable;
use crate::span_context::SpanContext;
use netlog_wire::Level;
use tracing_core::field::Field;
use tracing_core::span::Id;
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// An event and the subscriber that knows the spans around it.
pub(super) struct EventRecord<'a, S: Subscriber> {
    pub(super) event: &'a Event<'a>,
    pub(super) subscriber: &'a Context<'a, S>,
}

impl<S> Loggable for EventRecord<'_, S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn level(&self) -> Level {
        level(log_level(*self.event.metadata().level()))
    }

    fn encode<'e>(&self, encoder: &'e mut LineEncoder, now: i64, limit: usize) -> &'e [u8] {
        self.take_spans(&mut encoder.spans, limit / 2);
        if is_forwarded(self.event) {
            return encode_forwarded(self.event, encoder, now, limit);
        }
        let metadata = self.event.metadata();
        let head = Head {
            level: self.level(),
            target: metadata.target(),
            file: metadata.file(),
            line: metadata.line(),
        };
        encoder.begin(&head, now);
        encode_fields(self.event, encoder, limit, |_| true)
    }
}

impl<S> EventRecord<'_, S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn take_spans(&self, spans: &mut SpanContext, limit: usize) {
        spans.clear();
        let Some(innermost) = self.innermost() else { return };
        let key = innermost.into_u64();
        if OPEN_SPANS.with_context(key, limit, |span| self.take(spans, span, limit)).is_none() {
            self.take_outer(spans, limit);
        }
    }

    fn take(&self, spans: &mut SpanContext, innermost: &OpenSpan, limit: usize) {
        match self.event.is_contextual() {
            true => spans.take_entered(innermost, limit),
            false => spans.take_named(innermost, limit),
        }
    }

    fn innermost(&self) -> Option<Id> {
        match self.event.is_contextual() {
            true => self.subscriber.current_span().id().cloned(),
            false => self.event.parent().cloned(),
        }
    }

    /// The filter left the innermost span out: one around it may be taken.
    #[cold]
    fn take_outer(&self, spans: &mut SpanContext, limit: usize) {
        let around = self.subscriber.event_scope(self.event).into_iter().flatten();
        for span in around {
            let key = span.id().into_u64();
            if OPEN_SPANS.with_context(key, limit, |span| self.take(spans, span, limit)).is_some() {
                return;
            }
        }
    }
}

/// Encodes message and values, those that `wanted` names, and ends the record.
fn encode_fields<'e>(
    event: &Event<'_>,
    encoder: &'e mut LineEncoder,
    limit: usize,
    wanted: impl Fn(&str) -> bool,
) -> &'e [u8] {
    let limit = limit.saturating_sub(encoder.spans.len());
    let (out, spans) = encoder.parts();
    let mut fields =
        FieldWriter { out, trace: &mut spans.trace, limit, place: Place::Message, cut: 0 };
    // It comes first unless somebody wrote it as a field behind others.
    if event.metadata().fields().field("message").is_some_and(|field| field.index() > 0) {
        event.record(&mut ForEachField(|field: &Field, value: Value<'_>| {
            if field.name() == "message" {
                fields.push_message(value);
            }
        }));
    }
    event.record(&mut ForEachField(|field: &Field, value: Value<'_>| {
        if wanted(field.name()) {
            fields.push(field, value);
        }
    }));
    let cut = fields.end();
    encoder.end(cut)
}

/// Position of the writer in the record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind the opening quote of the message.
    Message,
    /// Behind the message.
    Values,
    /// Behind a value.
    MoreValues,
}

struct FieldWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Receives the field `trace_id`.
    trace: &'a mut Vec<u8>,
    limit: usize,
    place: Place,
    /// Bytes that were left out.
    cut: u64,
}

impl FieldWriter<'_> {
    /// Room for the end of a record: `},"truncated":18446744073709551615}`.
    const REST: usize = 40;

    /// Longest id of a trace, in bytes.
    const MAX_TRACE: usize = 256;

    fn push(&mut self, field: &Field, value: Value<'_>) {
        match field.name() {
            "message" if self.place == Place::Message => self.push_message(value),
            "message" => {}
            "trace_id" => {
                self.trace.clear();
                value.push_inside(self.trace, Self::MAX_TRACE);
            }
            _ => self.push_value(field, value),
        }
    }

    fn push_message(&mut self, value: Value<'_>) {
        let limit = self.limit.saturating_sub(ROOM_FOR_VALUES);
        self.cut += push_message(self.out, &format_args!("{value}"), limit);
        self.end_message();
    }

    fn push_value(&mut self, field: &Field, value: Value<'_>) {
        self.end_message();
        let before: &[u8] = if self.place == Place::MoreValues { b"," } else { b",\"kv\":{" };
        let limit = self.limit.saturating_sub(Self::REST);
        match push_member(self.out, before, field, value, limit) {
            Ok(()) => self.place = Place::MoreValues,
            Err(cut) => self.cut += cut as u64,
        }
    }

    fn end_message(&mut self) {
        if self.place == Place::Message {
            self.out.push(b'"');
            self.place = Place::Values;
        }
    }

    /// Closes what is open and answers how much was left out.
    fn end(mut self) -> u64 {
        self.end_message();
        if self.place == Place::MoreValues {
            self.out.push(b'}');
        }
        self.cut
    }
}

/// `true` for a `log` record that `tracing-log` forwards, if another logger than netlog has the
/// facade.
fn is_forwarded(event: &Event<'_>) -> bool {
    let metadata = event.metadata();
    metadata.target() == "log" && metadata.fields().field("log.target").is_some()
}

/// Its fields `log.*` say where the record was logged.
#[cold]
fn encode_forwarded<'e>(
    event: &Event<'_>,
    encoder: &'e mut LineEncoder,
    now: i64,
    limit: usize,
) -> &'e [u8] {
    let mut target = String::new();
    let mut file = None;
    let mut line = None;
    event.record(&mut ForEachField(|field: &Field, value: Value<'_>| {
        match (field.name(), value) {
            ("log.target", Value::Text(text)) => text.clone_into(&mut target),
            ("log.file", Value::Text(text)) => file = Some(text.to_owned()),
            ("log.line", Value::Unsigned(number)) => line = u32::try_from(number).ok(),
            _ => {}
        }
    }));
    let level = level(log_level(*event.metadata().level()));
    encoder.begin(&Head { level, target: &target, file: file.as_deref(), line }, now);
    encode_fields(event, encoder, limit, |name| !name.starts_with("log."))
}
