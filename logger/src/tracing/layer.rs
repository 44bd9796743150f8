//! The layer: opens and closes spans, and hands events to the logger.

use super::event::EventRecord;
use super::span::Span;
use super::span_text::SpanText;
use super::table::OPEN_SPANS;
use super::{ids, span_end};
use crate::logger::{self, for_tracing};
use std::cell::RefCell;
use std::sync::Arc;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    /// Buffer for values that are recorded later: they are encoded before the span is locked.
    static LATER: RefCell<SpanText> = RefCell::default();
}

/// Writes events, with the spans around them, to the logger.
#[derive(Debug, Clone, Copy)]
pub struct RecordLayer {
    _private: (),
}

impl RecordLayer {
    pub(super) const NEW: Self = Self { _private: () };
}

impl<S> Layer<S> for RecordLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let key = id.into_u64();
        let parent = parent(attributes, id, &context);
        let mut span = OPEN_SPANS.blank(key);
        if let Some(blank) = span.span_mut() {
            let name = attributes.metadata().name();
            blank.begin(ids::next(), parent, |text, id| {
                text.begin(name, id, |visitor| attributes.record(visitor));
            });
            if for_tracing::logs_span_ends() {
                blank.start_timing();
            }
        }
        OPEN_SPANS.open(key, span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let merge = |later: &mut SpanText| {
            // A value's Debug is somebody else's code: it runs before anything is locked.
            later.clear();
            later.record(|visitor| values.record(visitor));
            OPEN_SPANS.with(id.into_u64(), |span| span.merge(later));
        };
        let kept =
            LATER.try_with(|later| later.try_borrow_mut().map(|mut later| merge(&mut later)));
        if !matches!(kept, Ok(Ok(()))) {
            merge(&mut SpanText::default());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        logger::log(&EventRecord { event, subscriber: &context });
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if for_tracing::logs_span_ends() {
            OPEN_SPANS.with(id.into_u64(), |span| span.timing().enter());
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if for_tracing::logs_span_ends() {
            OPEN_SPANS.with(id.into_u64(), |span| span.timing().exit());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let key = id.into_u64();
        let Some(span) = OPEN_SPANS.close(key) else { return };
        if for_tracing::logs_span_ends()
            && let Some(metadata) = context.metadata(&id)
        {
            span_end::log(span.span(), metadata);
        }
        OPEN_SPANS.recycle(key, span);
    }

    fn on_id_change(&self, old: &Id, new: &Id, _: Context<'_, S>) {
        if let Some(span) = OPEN_SPANS.close(old.into_u64()) {
            OPEN_SPANS.open(new.into_u64(), span);
        }
    }
}

/// The nearest span around a new one that the layer has taken.
fn parent<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>) -> Option<Arc<Span>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let outer = match attributes.is_contextual() {
        true => context.current_span().id().cloned(),
        false => attributes.parent().cloned(),
    };
    let found = OPEN_SPANS.with(outer?.into_u64(), Arc::clone);
    // The filter may have left out the one right around it.
    found.or_else(|| {
        let mut around = context.span_scope(id).into_iter().flatten().skip(1);
        around.find_map(|span| OPEN_SPANS.with(span.id().into_u64(), Arc::clone))
    })
}
