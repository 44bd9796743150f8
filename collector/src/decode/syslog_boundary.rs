//! The place where a syslog message without an end of its own ends: at the beginning of the next.

use super::sniff::{Fit, begins_counted, begins_next};
use super::steps::step;
use memchr::{memchr2, memchr3};

/// The longest beginning of a message that is looked for.
const LONGEST: usize = 24;

/// Looks for the beginning of the next message, however a stream was split into reads.
#[derive(Debug)]
pub(super) struct SyslogBoundary {
    /// Possible beginning of the next message.
    begun: Begun,
    /// The byte before it, or the last one; 0 before the message's own first.
    before: u8,
    /// The next message begins with an octet count.
    counted: bool,
    /// A line end ends the message too.
    lines: bool,
}

/// The beginning of a message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Begun {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Begun {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }
}

pub(super) enum Boundary {
    /// The message goes on.
    None,
    /// It ends at this byte, a line end.
    LineEnd(usize),
    /// The next message's beginning, which ends at `end`.
    Next { end: usize, begun: Begun },
}

impl SyslogBoundary {
    /// For messages that end at a line end, or where `<PRI>` and a header's first field stand.
    pub(super) fn at_priority() -> Self {
        Self { begun: Begun::default(), before: 0, counted: false, lines: true }
    }

    /// For bytes that end where an octet count stands before a message, or at a line end if `lines`.
    pub(super) fn at_count(lines: bool) -> Self {
        Self { begun: Begun::default(), before: 0, counted: true, lines }
    }

    /// The same behind this byte of the message.
    pub(super) fn behind(self, before: u8) -> Self {
        Self { before, ..self }
    }

    /// Takes the next read, up to an end of the message or of the read.
    pub(super) fn find(&mut self, input: &[u8]) -> Boundary {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.begun.len == 0 && self.before != 0 {
                let skip = self.skip(&input[at..]);
                if skip > 0 {
                    step(skip);
                    self.before = input[at + skip - 1];
                    at += skip;
                    continue;
                }
            }
            if self.lines && matches!(byte, b'\n' | 0) {
                return Boundary::LineEnd(at);
            }
            step(1);
            if self.push(byte) {
                return Boundary::Next { end: at + 1, begun: self.begun };
            }
            at += 1;
        }
        Boundary::None
    }

    /// Number of bytes that neither begin a message nor end one.
    fn skip(&self, input: &[u8]) -> usize {
        let found = match (self.counted, self.lines) {
            (false, _) => memchr3(b'\n', 0, b'<', input),
            (true, true) => {
                input.iter().position(|&byte| byte.is_ascii_digit() || matches!(byte, b'\n' | 0))
            }
            (true, false) => input.iter().position(u8::is_ascii_digit),
        };
        found.unwrap_or(input.len())
    }

    /// Takes a byte; `true` if the next message has begun with it.
    fn push(&mut self, byte: u8) -> bool {
        let begun = &mut self.begun;
        if begun.len == 0 && !begins(self.counted, byte) {
            self.before = byte;
            return false;
        }
        begun.push(byte);
        while begun.len > 0 {
            step(begun.len);
            let may_begin =
                begins(self.counted, begun.bytes[0]) && may_follow(self.counted, self.before);
            let fit = match may_begin {
                false => Fit::No,
                true if self.counted => begins_counted(begun.bytes()),
                true => begins_next(begun.bytes()),
            };
            match fit {
                Fit::Yes => return true,
                Fit::Maybe => return false,
                Fit::No => {}
            }
            // It can only begin later.
            let rest = &begun.bytes[1..begun.len];
            let skip = 1 + rest.iter().position(|&b| begins(self.counted, b)).unwrap_or(rest.len());
            self.before = begun.bytes[skip - 1];
            begun.bytes.copy_within(skip..begun.len, 0);
            begun.len -= skip;
        }
        false
    }
}

fn begins(counted: bool, byte: u8) -> bool {
    if counted { matches!(byte, b'1'..=b'9') } else { byte == b'<' }
}

fn may_follow(counted: bool, before: u8) -> bool {
    match counted {
        true => before != 0 && !before.is_ascii_digit(),
        // A message that quotes another does so behind a blank or a quote.
        false => !matches!(before, 0 | b' ' | b'"' | b'\''),
    }
}

/// The end of the line that `bytes` begin with.
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    let end = memchr2(b'\n', 0, bytes);
    step(end.unwrap_or(bytes.len()));
    end
}
