//! An open span: its text, the span around it, and how long it was busy.

use super::locks;
use super::span_text::SpanText;
#[cfg(feature = "opentelemetry")]
use opentelemetry::trace::TraceId;
use std::iter;
#[cfg(feature = "opentelemetry")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// An open span, in the memory of one that was closed.
#[derive(Default)]
pub(super) struct Span {
    id: [u8; 16],
    parent: Option<Arc<Self>>,
    text: RwLock<SpanText>,
    /// Number of changes of the text.
    changes: AtomicU64,
    timing: Timing,
    #[cfg(feature = "opentelemetry")]
    otel_trace: OnceLock<TraceId>,
}

impl Span {
    /// Makes this a span within `parent`, of which `write` makes the text.
    pub(super) fn begin(
        &mut self,
        id: u64,
        parent: Option<Arc<Self>>,
        write: impl FnOnce(&mut SpanText, &[u8]),
    ) {
        self.id = hex(id);
        self.parent = parent;
        write(self.text.get_mut().unwrap_or_else(PoisonError::into_inner), &self.id);
    }

    /// Starts its clock.
    pub(super) fn start_timing(&mut self) {
        self.timing.opened = Some(Instant::now());
    }

    /// Forgets the span, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.parent = None;
        self.timing = Timing::default();
        *self.changes.get_mut() = 0;
        #[cfg(feature = "opentelemetry")]
        self.otel_trace.take();
        self.text.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Sixteen hexadecimal digits, of no other span of this run.
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    pub(super) fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    pub(super) fn text(&self) -> Option<RwLockReadGuard<'_, SpanText>> {
        locks::read(&self.text)
    }

    /// Sets the values of `later`.
    pub(super) fn merge(&self, later: &SpanText) {
        if let Some(mut text) = locks::write(&self.text) {
            text.merge(later);
            self.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Number of changes of this span's text and of those around it.
    pub(super) fn changes(&self) -> u64 {
        let around = iter::successors(Some(self), |span| span.parent().map(AsRef::as_ref));
        around.map(|span| span.changes.load(Ordering::Acquire)).sum()
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    #[cfg(feature = "opentelemetry")]
    /// Id of its trace, once a record has been logged in it.
    pub(super) fn otel_trace(&self) -> &OnceLock<TraceId> {
        &self.otel_trace
    }
}

fn hex(id: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|nth| DIGITS[(id >> (60 - 4 * nth) & 15) as usize])
}

/// The time a span was entered, and the time it was not. It is taken only where the ends of spans
/// are logged.
#[derive(Default)]
pub(super) struct Timing {
    opened: Option<Instant>,
    /// Number of threads in the span now.
    inside: AtomicU32,
    /// Time at which the first of them entered, and busy time before that, in nanoseconds.
    entered: AtomicU64,
    busy: AtomicU64,
}

impl Timing {
    fn since_opened(&self) -> u64 {
        self.opened.map_or(0, |opened| opened.elapsed().as_nanos() as u64)
    }

    pub(super) fn enter(&self) {
        if self.inside.fetch_add(1, Ordering::AcqRel) == 0 {
            self.entered.store(self.since_opened(), Ordering::Release);
        }
    }

    pub(super) fn exit(&self) {
        if self.inside.fetch_sub(1, Ordering::AcqRel) == 1 {
            let busy = self.since_opened().saturating_sub(self.entered.load(Ordering::Acquire));
            self.busy.fetch_add(busy, Ordering::AcqRel);
        }
    }

    /// The time in which the span was entered, and the rest of the time it was open.
    pub(super) fn busy_and_idle(&self) -> (Duration, Duration) {
        let busy = self.busy.load(Ordering::Acquire);
        let idle = self.since_opened().saturating_sub(busy);
        (Duration::from_nanos(busy), Duration::from_nanos(idle))
    }
}
