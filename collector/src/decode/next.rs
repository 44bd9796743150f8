//! Where a syslog message without an end ends: at a line end after all, or where the next begins.

use super::sniff::{Fit, NEXT_LEN, begins_next};
use memchr::memchr3;

/// Looks for the end of a message that may have none of its own.
#[derive(Debug, Default)]
pub(super) struct Next {
    /// What may be the beginning of the next message.
    begun: [u8; NEXT_LEN],
    len: usize,
    /// The byte before it, or the last one; 0 before the message's own first.
    before: u8,
}

pub(super) enum Found {
    /// The message goes on.
    Nothing,
    /// It ends at this byte, a line end.
    LineEnd(usize),
    /// The next message's beginning, which ends at `end`.
    Next { end: usize, begun: Vec<u8> },
}

impl Next {
    /// Takes the next read, up to an end of the message or of the read.
    pub(super) fn find(&mut self, input: &[u8]) -> Found {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.len == 0 && self.before != 0 && !matches!(byte, b'<' | b'\n' | 0) {
                let skip = memchr3(b'\n', 0, b'<', &input[at..]).unwrap_or(input.len() - at);
                self.before = input[at + skip - 1];
                at += skip;
                continue;
            }
            if matches!(byte, b'\n' | 0) {
                return Found::LineEnd(at);
            }
            if self.push(byte) {
                return Found::Next { end: at + 1, begun: self.begun[..self.len].to_vec() };
            }
            at += 1;
        }
        Found::Nothing
    }

    /// Takes a byte; whether the next message has begun with it.
    fn push(&mut self, byte: u8) -> bool {
        if self.len > 0 {
            if let Some(place) = self.begun.get_mut(self.len) {
                *place = byte;
                self.len += 1;
                match begins_next(&self.begun[..self.len]) {
                    Fit::Yes => return true,
                    Fit::Maybe => return false,
                    Fit::No => {}
                }
                // Within the pattern there is no second `<`, so that it can only begin here.
                self.before = self.begun[self.len - 2];
            }
            self.len = 0;
        }
        // A message that quotes another does so behind a blank or a quote.
        if byte == b'<' && !matches!(self.before, 0 | b' ' | b'"' | b'\'') {
            self.begun[0] = byte;
            self.len = 1;
        } else {
            self.before = byte;
        }
        false
    }
}
