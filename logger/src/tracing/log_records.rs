//! The spans around a `log` record: those that the thread is in, in whatever subscriber has our
//! layer.

use super::ids;
use super::layer::RecordLayer;
use super::open_span::OpenSpan;
use super::table::OPEN_SPANS;
use crate::span_context::{SpanContext, TAKE_CURRENT};
use std::sync::OnceLock;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::registry::LookupSpan;

/// Looks through the spans around the current one, where the filter does not take that.
static TAKE_OUTER: OnceLock<fn(&Dispatch, &mut SpanContext, usize)> = OnceLock::new();

/// Gives `log` records the spans around them from now on, in a subscriber of type `S`.
pub(super) fn look_up_in<S>()
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let _ = TAKE_OUTER.set(take_outer::<S>);
    let _ = TAKE_CURRENT.set(take_current);
}

/// Takes the spans that this thread is in.
fn take_current(spans: &mut SpanContext, limit: usize) {
    if ids::none_yet() {
        return;
    }
    dispatcher::get_default(|dispatch| {
        // Another subscriber's spans have the same ids as ours.
        if dispatch.downcast_ref::<RecordLayer>().is_none() {
            return;
        }
        let current = dispatch.current_span();
        let Some(id) = current.id() else { return };
        let take = |span: &OpenSpan| spans.take_entered(span, limit);
        if OPEN_SPANS.with_context(id.into_u64(), limit, take).is_none()
            && let Some(take_outer) = TAKE_OUTER.get()
        {
            take_outer(dispatch, spans, limit);
        }
    });
}

fn take_outer<S>(dispatch: &Dispatch, spans: &mut SpanContext, limit: usize)
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let Some(subscriber) = dispatch.downcast_ref::<S>() else { return };
    let current = subscriber.current_span();
    let innermost = current.id().and_then(|id| subscriber.span(id));
    for span in innermost.iter().flat_map(|span| span.scope()) {
        let take = |span: &OpenSpan| spans.take_entered(span, limit);
        if OPEN_SPANS.with_context(span.id().into_u64(), limit, take).is_some() {
            return;
        }
    }
}
