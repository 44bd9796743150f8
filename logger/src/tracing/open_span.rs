//! An open span with the context of the records in it: kept from the second of them on and copied into
//! all, until a value of one of its spans changes.

use super::span::Span;
use super::span_text::KEPT_CAPACITY;
use crate::span_context::SpanContext;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An open span and its context.
#[derive(Default)]
pub(super) struct OpenSpan {
    span: Arc<Span>,
    /// This span and those around it; empty if it is not kept.
    context: SpanContext,
    /// Number of changes of their texts when the context was made last.
    changes: Option<u64>,
    /// `true` if a record has asked for the context since then.
    asked: AtomicBool,
}

impl OpenSpan {
    /// The span, as long as nobody else knows it.
    pub(super) fn span_mut(&mut self) -> Option<&mut Span> {
        Arc::get_mut(&mut self.span)
    }

    pub(super) fn span(&self) -> &Arc<Span> {
        &self.span
    }

    /// The context, if it is kept and no text has changed since it was made.
    pub(super) fn context(&self) -> Option<&SpanContext> {
        (self.is_current() && !self.context.json.is_empty()).then_some(&self.context)
    }

    /// `true` for every second record that finds texts which changed since the context was made: many
    /// spans have a single record.
    pub(super) fn asks_for_context(&self) -> bool {
        !self.is_current() && self.asked.swap(true, Ordering::Relaxed)
    }

    fn is_current(&self) -> bool {
        self.changes == Some(self.span.changes())
    }

    /// Makes the context, of at most `limit` bytes. One that is long is not kept: each of many open
    /// spans would have a copy of the texts around it.
    #[cold]
    pub(super) fn make_context(&mut self, limit: usize) {
        // Read first: after a change in between, the context is made again.
        self.changes = Some(self.span.changes());
        self.asked = AtomicBool::new(false);
        self.context.gather(&self.span, limit);
        if self.context.json.len() > KEPT_CAPACITY {
            self.context.clear();
        }
        self.context.json.shrink_to(KEPT_CAPACITY);
    }

    /// Forgets the span, and keeps its memory; `false` if others still know the span.
    pub(super) fn clear(&mut self) -> bool {
        let Some(span) = Arc::get_mut(&mut self.span) else { return false };
        span.clear();
        self.context.clear();
        self.changes = None;
        self.asked = AtomicBool::new(false);
        true
    }
}
