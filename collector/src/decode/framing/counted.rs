//! Octet-counted messages, and what to do where a count is wrong: fluentd counted characters,
//! others count what they cut off later.
//!
//! A count is believed until text stands where the next should be. That text is kept as a message
//! of its own, up to the next count that stands before a syslog header, where the counting goes on.
//! From then on a message also ends within its count, where another counted message begins. Before, it
//! does so only where the last digits of its count end it.

use super::Framing;
use super::state::{Advance, Counted, Ended, FramingState};
use crate::decode::message::Note;
use crate::decode::sniff::{CountTrust, Kind};
use crate::decode::syslog_boundary::{Begun, Boundary};
use std::mem::take;

impl Framing {
    pub(super) fn counted(&mut self, bytes: &[u8]) -> Advance {
        let FramingState::Counted(Counted { kind, count, left, within }) = &mut self.state else {
            return Advance::default();
        };
        let kind = *kind;
        let count = *count;
        let len = bytes.len().min(*left);
        if let Boundary::Next { end, begun } = within.find(&bytes[..len]) {
            let step = self.next_begins(kind, end, &begun);
            let note = Some(Note::Overcounted(count));
            return Advance { ended: step.ended.map(|ended| Ended { note, ..ended }), ..step };
        }
        *left -= len;
        if *left > 0 {
            return self.keep(bytes);
        }
        if self.habits.counts == CountTrust::Unseen {
            self.habits.counts = CountTrust::Believed;
        }
        self.habits.counted_last = true;
        self.state = FramingState::Begin;
        Advance { used: len, ended: Some(Ended::new(kind, 0..len)) }
    }

    /// Goes on with text where an octet count should stand.
    pub(super) fn uncounted(&mut self, bytes: &[u8]) -> Advance {
        let FramingState::Uncounted(boundary) = &mut self.state else { return Advance::default() };
        match boundary.find(bytes) {
            Boundary::None => self.keep(bytes),
            Boundary::LineEnd(end) => {
                let ended = Ended { tail: 0..end, ..self.end_uncounted(&bytes[..end]) };
                Advance { used: end + 1, ended: Some(ended) }
            }
            Boundary::Next { end, begun } => self.next_is_counted(bytes, end, &begun),
        }
    }

    fn next_is_counted(&mut self, bytes: &[u8], end: usize, begun: &Begun) -> Advance {
        let step = self.next_begins(Kind::Text, end, begun);
        let tail = step.ended.as_ref().map_or(0..0, |ended| ended.tail.clone());
        let ended = Ended { tail: tail.clone(), ..self.end_uncounted(&bytes[tail]) };
        Advance { ended: Some(ended), ..step }
    }

    /// Ends the text of which `tail` has come last. A line end alone is no text.
    pub(super) fn end_uncounted(&mut self, tail: &[u8]) -> Ended {
        self.state = FramingState::Begin;
        let blank = self.held.bytes().trim_ascii().is_empty() && self.held.cut() == 0;
        if blank && tail.trim_ascii().is_empty() {
            return Ended::new(Kind::Text, 0..0);
        }
        let note = take(&mut self.habits.counted_last).then_some(Note::Uncounted);
        self.habits.counts = CountTrust::Doubted;
        Ended { kind: Kind::Text, note, tail: 0..0 }
    }
}
