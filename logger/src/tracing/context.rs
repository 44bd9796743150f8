//! The spans a record was logged in, gathered before it is encoded.

use super::span::Span;

/// How many spans a record shows, the innermost; recursion may open more.
const MOST_SPANS: usize = 32;

/// What a record says of its spans.
#[derive(Default)]
pub(crate) struct SpanContext {
    /// `,"span":"…","spans":[…]`; empty outside of spans.
    json: Vec<u8>,
    /// Id of the trace, as the inside of a JSON string.
    trace: Vec<u8>,
    /// Bytes of spans and their values that were left out.
    cut: usize,
}

impl SpanContext {
    pub(crate) fn clear(&mut self) {
        self.json.clear();
        self.trace.clear();
        self.cut = 0;
    }

    /// Takes the spans around and including `innermost`, in at most `limit` bytes: what is too long
    /// loses its outermost spans.
    pub(super) fn take(&mut self, innermost: &Span, limit: usize) {
        self.clear();
        let mut chain = [innermost; MOST_SPANS];
        let mut len = 1;
        let mut outer = innermost.parent();
        while let Some(span) = outer {
            if len == MOST_SPANS {
                self.cut += span.text().map_or(0, |text| text.json().len());
            } else {
                chain[len] = span;
                len += 1;
            }
            outer = span.parent();
        }
        self.json.extend_from_slice(b",\"span\":\"");
        self.json.extend_from_slice(innermost.id());
        self.json.extend_from_slice(b"\",\"spans\":[");
        self.push_all(&chain[..len], limit);
        self.json.push(b']');
    }

    /// Appends spans, given from the innermost on.
    fn push_all(&mut self, chain: &[&Span], limit: usize) {
        let first = self.json.len();
        for span in chain.iter().rev() {
            let Some(text) = span.text() else { continue };
            if self.json.len() > first {
                self.json.push(b',');
            }
            self.json.extend_from_slice(text.json());
            self.cut += text.cut();
            if !text.trace().is_empty() {
                self.trace.clear();
                self.trace.extend_from_slice(text.trace());
            }
        }
        if self.json.len() > limit {
            self.drop_outermost(chain, first, limit);
        }
    }

    #[cold]
    fn drop_outermost(&mut self, chain: &[&Span], first: usize, limit: usize) {
        let whole = self.json.len();
        for kept in (0..chain.len()).rev() {
            self.json.truncate(first);
            for (nth, span) in chain[..kept].iter().rev().enumerate() {
                if nth > 0 {
                    self.json.push(b',');
                }
                if let Some(text) = span.text() {
                    self.json.extend_from_slice(text.json());
                }
            }
            if self.json.len() <= limit {
                break;
            }
        }
        self.cut += whole - self.json.len();
    }

    /// Bytes it adds to a record, at most.
    pub(crate) fn len(&self) -> usize {
        match self.json.len() + self.trace.len() {
            0 => 0,
            len => len + ",\"trace\":\"\"".len(),
        }
    }

    pub(crate) fn cut(&self) -> u64 {
        self.cut as u64
    }

    pub(super) fn trace_mut(&mut self) -> &mut Vec<u8> {
        &mut self.trace
    }

    /// Appends what it says of the spans to a record, behind the values.
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
