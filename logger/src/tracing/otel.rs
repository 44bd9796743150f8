//! Trace ids of OpenTelemetry, of the context that `tracing-opentelemetry` makes the current one in
//! each span that is entered.

use super::span::Span;
use crate::span_context::SpanContext;
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, TraceId};
use std::iter;

thread_local! {
    static ALIVE: Alive = Alive::after_context();
}

/// Dropped before the thread's OpenTelemetry context, which panics if it is used after its end:
/// thread locals end in the reverse order of their first use.
struct Alive;

impl Alive {
    fn after_context() -> Self {
        Context::map_current(|_| Self)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {}
}

/// Sets the trace of a record that was logged in `span`, the innermost one that this thread is in,
/// unless a field has.
pub(super) fn take_current(spans: &mut SpanContext, span: &Span) {
    if !spans.trace.is_empty() {
        return;
    }
    if let Some(id) = current() {
        // For the records that name the span without being logged in it.
        let _ = span.otel_trace().set(id);
        push(spans, id);
    }
}

/// Sets the trace of a record that names `span`, unless a field has.
pub(super) fn take_known(spans: &mut SpanContext, span: &Span) {
    if !spans.trace.is_empty() {
        return;
    }
    let mut around = iter::successors(Some(span), |span| span.parent().map(AsRef::as_ref));
    if let Some(id) = around.find_map(|span| span.otel_trace().get()) {
        push(spans, *id);
    }
}

fn current() -> Option<TraceId> {
    let id = |context: &Context| {
        let id = context.span().span_context().trace_id();
        (id != TraceId::INVALID).then_some(id)
    };
    ALIVE.try_with(|_| Context::map_current(id)).ok().flatten()
}

fn push(spans: &mut SpanContext, id: TraceId) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in id.to_bytes() {
        spans.trace.extend([byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]));
    }
}
