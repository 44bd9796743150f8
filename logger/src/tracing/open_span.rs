//! An open span with the context of the records in it: made for the first of them and copied into all,
//! until a value of one of its spans changes.

use super::span::Span;
use super::span_text::KEPT_CAPACITY;
use crate::span_context::SpanContext;
use std::sync::Arc;

/// An open span and its context.
#[derive(Default)]
pub(super) struct OpenSpan {
    span: Arc<Span>,
    /// This span and those around it; empty until the first record.
    context: SpanContext,
    /// Number of changes of their texts, as of the context.
    changes: u64,
}

impl OpenSpan {
    /// The span, which nobody knows yet.
    pub(super) fn blank(&mut self) -> Option<&mut Span> {
        Arc::get_mut(&mut self.span)
    }

    pub(super) fn span(&self) -> &Arc<Span> {
        &self.span
    }

    pub(super) fn context(&self) -> &SpanContext {
        &self.context
    }

    /// `true` if the context is made, and no text has changed since.
    pub(super) fn has_context(&self) -> bool {
        !self.context.json.is_empty() && self.changes == self.span.changes()
    }

    /// Makes the context, of at most `limit` bytes.
    #[cold]
    pub(super) fn make_context(&mut self, limit: usize) {
        // Read first: after a change in between, the next record makes the context again.
        self.changes = self.span.changes();
        self.context.gather(&self.span, limit);
    }

    /// Forgets the span, and keeps its memory; `false` if others still know the span.
    pub(super) fn clear(&mut self) -> bool {
        let Some(span) = Arc::get_mut(&mut self.span) else { return false };
        span.clear();
        self.context.clear();
        self.context.json.shrink_to(KEPT_CAPACITY);
        true
    }
}
