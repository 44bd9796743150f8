//! A span as its records show it: encoded once, when it opens, ready to be copied into each.

use super::fields::{ForEachField, Value, push_member};
use netlog_wire::push_json;
use tracing_core::field::{Field, Visit};

/// Longest text of one span, in bytes; values that do not fit are counted and left out.
const MAX_TEXT: usize = 4096;

/// Longest name of a span, and longest id of a trace, in bytes.
const MAX_NAME: usize = 256;

/// The text a closed span keeps for the next one that takes its place, in bytes.
pub(super) const KEPT_CAPACITY: usize = 1024;

/// A span's part of its records.
#[derive(Default)]
pub(super) struct SpanText {
    /// `{"name":"request","id":"…","kv":{…}}`
    json: Vec<u8>,
    /// The values in `json`, in their order.
    members: Vec<Member>,
    /// Id of the trace, as the inside of a JSON string; empty if no field says it.
    trace: Vec<u8>,
    /// Bytes of values left out.
    cut: usize,
}

/// Place of a field's value.
#[derive(Clone, Copy)]
struct Member {
    /// The field's index among those of its span.
    field: usize,
    /// Offset of its key.
    at: usize,
}

impl SpanText {
    /// Makes this the text of a span with the values that `record` visits.
    pub(super) fn begin(&mut self, name: &str, id: &[u8], record: impl FnOnce(&mut dyn Visit)) {
        self.json.extend_from_slice(b"{\"name\":\"");
        push_json(&mut self.json, &name[..name.floor_char_boundary(MAX_NAME)]);
        self.json.extend_from_slice(b"\",\"id\":\"");
        self.json.extend_from_slice(id);
        self.json.push(b'"');
        self.record(record);
        self.close();
    }

    /// Appends the values that `record` visits to a text that is open.
    pub(super) fn record(&mut self, record: impl FnOnce(&mut dyn Visit)) {
        record(&mut ForEachField(|field: &Field, value: Value<'_>| self.push(field, value)));
    }

    fn push(&mut self, field: &Field, value: Value<'_>) {
        if field.name() == "trace_id" {
            self.trace.clear();
            return value.push_inside(&mut self.trace, MAX_NAME);
        }
        let before = self.opening();
        let at = self.json.len() + before.len();
        match push_member(&mut self.json, before, field, value, MAX_TEXT) {
            Ok(()) => self.members.push(Member { field: field.index(), at }),
            Err(cut) => self.cut += cut,
        }
    }

    fn opening(&self) -> &'static [u8] {
        if self.members.is_empty() { b",\"kv\":{" } else { b"," }
    }

    fn close(&mut self) {
        if !self.members.is_empty() {
            self.json.push(b'}');
        }
        self.json.push(b'}');
    }

    fn reopen(&mut self) {
        let braces = if self.members.is_empty() { 1 } else { 2 };
        self.json.truncate(self.json.len() - braces);
    }

    /// Sets the values of `later`, a text that is open: each in the place of the one before it, or
    /// behind the others.
    pub(super) fn merge(&mut self, later: &Self) {
        self.reopen();
        for (nth, member) in later.members.iter().enumerate() {
            let bytes = &later.json[member.at..later.end(nth)];
            if self.json.len() + bytes.len() + 8 > MAX_TEXT {
                self.cut += bytes.len();
                continue;
            }
            match self.members.iter().position(|known| known.field == member.field) {
                Some(nth) => self.replace(nth, bytes),
                None => self.append(member.field, bytes),
            }
        }
        self.close();
        if !later.trace.is_empty() {
            self.trace.clone_from(&later.trace);
        }
        self.cut += later.cut;
    }

    /// End of the `nth` member of a text that is open.
    fn end(&self, nth: usize) -> usize {
        self.members.get(nth + 1).map_or(self.json.len(), |next| next.at - 1)
    }

    fn replace(&mut self, nth: usize, bytes: &[u8]) {
        let range = self.members[nth].at..self.end(nth);
        let before = range.len();
        self.json.splice(range, bytes.iter().copied());
        for later in &mut self.members[nth + 1..] {
            later.at = later.at + bytes.len() - before;
        }
    }

    fn append(&mut self, field: usize, bytes: &[u8]) {
        self.json.extend_from_slice(self.opening());
        self.members.push(Member { field, at: self.json.len() });
        self.json.extend_from_slice(bytes);
    }

    /// Forgets all, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.json.clear();
        self.json.shrink_to(KEPT_CAPACITY);
        self.members.clear();
        self.trace.clear();
        self.cut = 0;
    }

    /// The span as an element of a record's `spans`.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn trace(&self) -> &[u8] {
        &self.trace
    }

    pub(super) fn cut(&self) -> usize {
        self.cut
    }
}
