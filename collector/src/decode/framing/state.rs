//! The state of a stream between two steps, and the result of a step.

use super::shorter_counts::{MIN_COUNT, ShorterCounts};
use crate::decode::json_scanner::JsonScanner;
use crate::decode::message::Note;
use crate::decode::sniff::{CountTrust, Kind, count};
use crate::decode::syslog_boundary::{Boundary, SyslogBoundary};
use std::ops::Range;

/// Knowledge from the messages of a connection so far about its next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) counts: CountTrust,
    /// The message before was a counted one.
    pub(super) counted_last: bool,
    pub(super) syslog_ends: SyslogEnds,
}

/// The end of the syslog messages of a connection that are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyslogEnds {
    /// No end has been seen: they may have none.
    Unseen,
    Lf,
    Nul,
}

impl SyslogEnds {
    pub(super) fn after(self, end: u8) -> Self {
        if end == 0 || self == Self::Nul { Self::Nul } else { Self::Lf }
    }
}

#[derive(Debug)]
pub(super) enum FramingState {
    /// A message begins, of which too little is held to tell its kind.
    Begin,
    /// Up to the next line end.
    Line(Kind),
    /// Up to the next line end or the next message.
    Endless(SyslogBoundary),
    /// Up to the next NUL or the next message. Whether an LF has come last.
    UntilNul(bool),
    Object(ObjectState),
    /// Behind an object: up to what shows whether it is all of its message.
    Behind {
        gap: usize,
        several_lines: bool,
        shortened: bool,
    },
    Counted(Counted),
    /// Text where an octet count should stand: up to a line end or the next count.
    Uncounted(SyslogBoundary),
    /// Lines to the end of the connection.
    Netlog,
}

/// Result of one step.
#[derive(Default)]
pub(super) struct Advance {
    /// Number of bytes that were taken.
    pub(super) used: usize,
    pub(super) ended: Option<Ended>,
}

/// The end of a message: its bytes are those held and these of the input.
pub(super) struct Ended {
    pub(super) kind: Kind,
    pub(super) note: Option<Note>,
    pub(super) tail: Range<usize>,
}

impl Ended {
    pub(super) fn new(kind: Kind, tail: Range<usize>) -> Self {
        Self { kind, note: None, tail }
    }
}

/// The longest octet-counted message whose count is believed; rsyslog stops at 200,000.
const MAX_COUNT: usize = 256 << 10;

/// An octet-counted message that has begun.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) kind: Kind,
    pub(super) count: usize,
    pub(super) left: usize,
    pub(super) within: WithinCount,
}

/// The places within a count at which another message may begin.
#[derive(Debug)]
pub(super) enum WithinCount {
    Nowhere,
    /// Behind as many bytes as the last digits of the count say.
    ShorterCounts(ShorterCounts),
    /// Anywhere, because counts are doubted.
    Anywhere(SyslogBoundary),
}

impl WithinCount {
    pub(super) fn find(&mut self, bytes: &[u8]) -> Boundary {
        match self {
            Self::Nowhere => Boundary::None,
            Self::ShorterCounts(counts) => counts.find(bytes),
            Self::Anywhere(boundary) => boundary.find(bytes),
        }
    }
}

impl Counted {
    /// The message that begins with a count in `bytes`, and the length of what stands before it;
    /// `None` when that cannot be a count.
    pub(super) fn new(kind: Kind, bytes: &[u8], counts: CountTrust) -> Option<(Self, usize)> {
        let (count, before) = count(bytes)?;
        if !(MIN_COUNT..=MAX_COUNT).contains(&count) {
            return None;
        }
        let within = match counts {
            CountTrust::Doubted if kind == Kind::Syslog => {
                WithinCount::Anywhere(SyslogBoundary::at_count(false))
            }
            CountTrust::Believed if kind == Kind::Syslog => {
                WithinCount::ShorterCounts(ShorterCounts::new(count))
            }
            _ => WithinCount::Nowhere,
        };
        Some((Self { kind, count, left: count, within }, before))
    }
}

/// An object that has begun.
#[derive(Debug)]
pub(super) struct ObjectState {
    pub(super) scanner: JsonScanner,
    /// A line has ended within it.
    pub(super) several_lines: bool,
    /// The longest string among the values that are held.
    pub(super) longest: Range<usize>,
    /// Beginning of the string that has not ended.
    pub(super) open: usize,
    pub(super) fitting: Fitting,
}

/// Fit of an object into the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitting {
    Whole,
    /// Strings were cut.
    Shortened,
    /// The rest of the string that has not ended is skipped.
    Skipping,
    /// No string is long enough to be cut.
    Never,
}

impl ObjectState {
    pub(super) fn new() -> Self {
        Self {
            scanner: JsonScanner::new(),
            several_lines: false,
            longest: 0..0,
            open: 0,
            fitting: Fitting::Whole,
        }
    }
}
