//! Syslog messages that may have no end of their own, or several lines.

use super::held::Replay;
use super::state::{Advance, Ended, FramingState, SyslogEnds};
use super::{Framing, Kind};
use crate::decode::steps::step;
use crate::decode::syslog_boundary::{Begun, Boundary};
use memchr::memchr2_iter;

impl Framing {
    pub(super) fn endless(&mut self, bytes: &[u8]) -> Advance {
        let FramingState::Endless(boundary) = &mut self.state else { return Advance::default() };
        match boundary.find(bytes) {
            Boundary::None => self.keep(bytes),
            Boundary::LineEnd(end) => {
                self.habits.syslog_ends =
                    if bytes[end] == 0 { SyslogEnds::Nul } else { SyslogEnds::Lf };
                self.state = FramingState::Begin;
                Advance { used: end + 1, ended: Some(Ended::new(Kind::Syslog, 0..end)) }
            }
            Boundary::Next { end, begun } => self.next_begins(Kind::Syslog, end, &begun),
        }
    }

    /// Ends a message at the beginning of the next, which ends at `end` of the read.
    pub(super) fn next_begins(&mut self, kind: Kind, end: usize, begun: &Begun) -> Advance {
        let begun = begun.bytes();
        self.held.take_back(begun.len().saturating_sub(end));
        step(begun.len());
        self.replay = Replay::new(begun.to_vec(), 0);
        self.state = FramingState::Begin;
        let tail = 0..end.saturating_sub(begun.len());
        Advance { used: end, ended: Some(Ended::new(kind, tail)) }
    }

    /// Goes on up to a NUL; `ended` when an LF has come last, and a `<` would begin the next.
    pub(super) fn until_nul(&mut self, ended: bool, bytes: &[u8]) -> Advance {
        let over = |used, tail| Advance { used, ended: Some(Ended::new(Kind::Syslog, tail)) };
        if ended && bytes[0] == b'<' {
            self.held.take_back(1);
            self.state = FramingState::Begin;
            return over(0, 0..0);
        }
        for end in memchr2_iter(b'\n', 0, bytes) {
            step(1);
            // One that is too long was none of several lines.
            let too_long = self.held.received() + end > self.limit;
            if bytes[end] == 0 || too_long || bytes.get(end + 1) == Some(&b'<') {
                self.state = FramingState::Begin;
                return over(end + 1, 0..end);
            }
        }
        step(bytes.len());
        self.state = FramingState::UntilNul(bytes.last() == Some(&b'\n'));
        self.keep(bytes)
    }
}
