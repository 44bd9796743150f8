//! The spans a record was logged in, gathered before it is encoded.

use std::sync::OnceLock;

/// Gathers the spans that the calling thread is in, in at most so many bytes.
pub(crate) type TakeCurrent = fn(&mut SpanContext, usize);

/// Set once there can be spans.
pub(crate) static TAKE_CURRENT: OnceLock<TakeCurrent> = OnceLock::new();

/// A record's keys `trace`, `span` and `spans`.
#[derive(Default)]
pub(crate) struct SpanContext {
    /// `,"span":"…","spans":[…]`; empty outside of spans.
    pub(crate) json: Vec<u8>,
    /// Id of the trace, as the inside of a JSON string.
    pub(crate) trace: Vec<u8>,
    /// Bytes of spans and their values that were left out.
    pub(crate) cut: usize,
}

impl SpanContext {
    pub(crate) fn clear(&mut self) {
        self.json.clear();
        self.trace.clear();
        self.cut = 0;
    }

    /// Makes this the same as `other`, in the memory that it has.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.json.clone_from(&other.json);
        self.trace.clone_from(&other.trace);
        self.cut = other.cut;
    }

    /// Takes the spans that this thread is in.
    #[inline]
    pub(crate) fn take_current(&mut self, limit: usize) {
        self.clear();
        if let Some(take) = TAKE_CURRENT.get() {
            take(self, limit);
        }
    }

    /// Bytes it adds to a record, at most.
    pub(crate) fn len(&self) -> usize {
        match self.json.len() + self.trace.len() {
            0 => 0,
            len => len + ",\"trace\":\"\"".len(),
        }
    }

    /// Appends the keys to a record, behind the values.
    #[inline]
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        if !self.trace.is_empty() {
            out.extend_from_slice(b",\"trace\":\"");
            out.extend_from_slice(&self.trace);
            out.push(b'"');
        }
        out.extend_from_slice(&self.json);
    }
}
