//! Octet-counted messages, and what to do where a count is wrong: fluentd counted characters,
//! others count what they cut off later.
//!
//! A count is believed until text stands where the next should be. That text is kept as a message
//! of its own, up to the next count that stands before a syslog header, where the counting goes on.
//! From then on a message also ends within its count, where another counted message begins.

use super::Framing;
use super::state::{Advance, Ended, State};
use crate::decode::message::Note;
use crate::decode::sniff::{CountTrust, Kind, count};
use crate::decode::syslog_boundary::{Begun, Boundary, SyslogBoundary};
use std::mem::take;

/// The longest octet-counted message whose count is believed; rsyslog stops at 200,000.
const MAX_COUNT: usize = 256 << 10;

/// The shortest message: its priority.
const MIN_COUNT: usize = 3;

/// An octet-counted message that has begun.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) kind: Kind,
    count: usize,
    left: usize,
    /// Finds the message that begins within the count, where counts are doubted.
    within: Option<SyslogBoundary>,
}

impl Counted {
    /// The message that begins with a count in `bytes`, and the length of what stands before it;
    /// `None` when that cannot be a count.
    pub(super) fn new(kind: Kind, bytes: &[u8], counts: CountTrust) -> Option<(Self, usize)> {
        let (count, before) = count(bytes)?;
        if !(MIN_COUNT..=MAX_COUNT).contains(&count) {
            return None;
        }
        let doubted = counts == CountTrust::Doubted && kind == Kind::Syslog;
        let within = doubted.then(|| SyslogBoundary::at_count(false));
        Some((Self { kind, count, left: count, within }, before))
    }
}

impl Framing {
    pub(super) fn counted(&mut self, bytes: &[u8]) -> Advance {
        let State::Counted(Counted { kind, count, left, within }) = &mut self.state else {
            return Advance::default();
        };
        let (kind, count, len) = (*kind, *count, bytes.len().min(*left));
        if let Some(Boundary::Next { end, begun }) = within.as_mut().map(|b| b.find(&bytes[..len]))
        {
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
        self.state = State::Begin;
        Advance { used: len, ended: Some(Ended::new(kind, 0..len)) }
    }

    /// Goes on with text where an octet count should stand.
    pub(super) fn uncounted(&mut self, bytes: &[u8]) -> Advance {
        let State::Uncounted(boundary) = &mut self.state else { return Advance::default() };
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
        self.state = State::Begin;
        let blank = self.held.bytes().trim_ascii().is_empty() && self.held.cut() == 0;
        if blank && tail.trim_ascii().is_empty() {
            return Ended::new(Kind::Text, 0..0);
        }
        let note = take(&mut self.habits.counted_last).then_some(Note::Uncounted);
        self.habits.counts = CountTrust::Doubted;
        Ended { kind: Kind::Text, note, tail: 0..0 }
    }
}
