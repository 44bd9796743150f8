//! The state of a stream between two steps, and what a step comes to.

use super::counted::Counted;
use super::objects::ObjectState;
use crate::decode::message::Note;
use crate::decode::sniff::{CountTrust, Kind};
use crate::decode::syslog_boundary::SyslogBoundary;
use std::ops::Range;

/// What the messages of a connection so far say about its next.
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
    /// None has been seen: they may have none.
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
pub(super) enum State {
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
