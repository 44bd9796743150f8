//! Gathering of the spans around a record: from the innermost outwards, and written the other way.

use super::open_span::OpenSpan;
#[cfg(feature = "opentelemetry")]
use super::otel;
use super::span::Span;
use crate::span_context::SpanContext;

/// Most spans in a record, the innermost ones; recursion may open more.
const MOST_SPANS: usize = 32;

impl SpanContext {
    /// Takes the spans that this thread is in, in at most `limit` bytes.
    pub(super) fn take_entered(&mut self, innermost: &OpenSpan, limit: usize) {
        self.take(innermost, limit);
        #[cfg(feature = "opentelemetry")]
        otel::take_current(self, innermost.span());
    }

    /// Takes the spans around and including `innermost`, which a record names, in at most `limit` bytes.
    pub(super) fn take_named(&mut self, innermost: &OpenSpan, limit: usize) {
        self.take(innermost, limit);
        #[cfg(feature = "opentelemetry")]
        otel::take_known(self, innermost.span());
    }

    /// Takes the spans around and including `innermost`, which is closed, in at most `limit` bytes.
    pub(super) fn take_closed(&mut self, innermost: &Span, limit: usize) {
        self.gather(innermost, limit);
        #[cfg(feature = "opentelemetry")]
        otel::take_known(self, innermost);
    }

    fn take(&mut self, innermost: &OpenSpan, limit: usize) {
        match innermost.context() {
            Some(context) => self.copy_from(context),
            None => self.gather(innermost.span(), limit),
        }
    }

    /// Gathers the spans around and including `innermost`. What is too long loses its outermost spans.
    pub(super) fn gather(&mut self, innermost: &Span, limit: usize) {
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
}
