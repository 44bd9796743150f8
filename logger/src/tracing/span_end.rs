//! The record of a span's end, where the ends of spans are logged.

use super::filter::log_level;
use super::span::Span;
use crate::encode::{Head, LineEncoder, level, push_number};
use crate::logger::{self, Loggable};
use netlog_wire::Level;
use tracing_core::Metadata;

/// Logs that `span` is closed, and how long it took.
pub(super) fn log(span: &Span, metadata: &Metadata<'_>) {
    logger::log(&SpanEnd { span, metadata });
}

struct SpanEnd<'a> {
    span: &'a Span,
    metadata: &'a Metadata<'a>,
}

impl Loggable for SpanEnd<'_> {
    fn level(&self) -> Level {
        level(log_level(*self.metadata.level()))
    }

    fn encode<'e>(&self, encoder: &'e mut LineEncoder, now: i64, limit: usize) -> &'e [u8] {
        encoder.spans.take_closed(self.span, limit / 2);
        let head = Head {
            level: self.level(),
            target: self.metadata.target(),
            file: self.metadata.file(),
            line: self.metadata.line(),
        };
        encoder.begin(&head, now);
        let (busy, idle) = self.span.timing().busy_and_idle();
        let (out, _) = encoder.parts();
        out.extend_from_slice(b"close\",\"kv\":{\"busy_us\":");
        push_number(out, busy.as_micros() as u64);
        out.extend_from_slice(b",\"idle_us\":");
        push_number(out, idle.as_micros() as u64);
        out.push(b'}');
        encoder.end(0)
    }
}
