//! Where an object's message ends. Behind a line that is an object stands a line end or a NUL, or
//! at once the next object; a line that goes on otherwise is text, all of it. A pretty-printed
//! object is whole at its last brace whatever follows.

use super::super::object::So;
use super::{Each, Foreign, Kind, Messages, State};
use memchr::memrchr;
use netlog_wire::object_len;
use std::mem::take;

impl Messages {
    pub(super) fn object(&mut self, input: &[u8], each: Each<'_>) -> Result<usize, Foreign> {
        // An object that is all here, and without white space: found out eight bytes at a time.
        if self.partial.is_empty()
            && self.cut == 0
            && let Some(end) = object_len(input)
        {
            return Ok(self.whole((input, end), false, each));
        }
        let State::Object(object, lines) = &mut self.state else { return Ok(input.len()) };
        let mut at = 0;
        while at < input.len() {
            at += object.plain(&input[at..]);
            let Some(&byte) = input.get(at) else { break };
            match object.push(byte) {
                So::Far => *lines |= byte == b'\n',
                So::Whole => {
                    let lines = *lines;
                    return Ok(self.whole((input, at + 1), lines, each));
                }
                So::Broken => return self.broken(input, at, each),
            }
            at += 1;
        }
        Ok(self.keep(input))
    }

    /// An object ends at `end`, with line ends within or not. A message that is all here is not
    /// copied.
    fn whole(&mut self, (input, end): (&[u8], usize), lines: bool, each: Each<'_>) -> usize {
        match told(&input[end..], lines) {
            Some((Kind::Json, behind)) => {
                self.emit(Kind::Json, &input[..end], None, each);
                input.len() - end - behind
            }
            Some((kind, _)) => {
                self.state = State::Line(kind);
                input.len()
            }
            None => {
                self.state = State::Behind(input.len() - end, lines);
                self.keep(input)
            }
        }
    }

    /// Goes on behind an object, of which `gap` bytes have come.
    pub(super) fn behind(&mut self, gap: usize, input: &[u8], each: Each<'_>) -> usize {
        let State::Behind(_, lines) = self.state else { return input.len() };
        match told(input, lines) {
            Some((Kind::Json, behind)) => {
                self.take_back(gap);
                self.emit(Kind::Json, &[], None, each);
                input.len() - behind
            }
            Some((kind, _)) => {
                self.state = State::Line(kind);
                input.len()
            }
            None => {
                self.state = State::Behind(gap + input.len(), lines);
                self.keep(input)
            }
        }
    }

    /// What was taken for an object is none since the byte `at`: it is text, line by line.
    fn broken(&mut self, input: &[u8], at: usize, each: Each<'_>) -> Result<usize, Foreign> {
        let lines = matches!(self.state, State::Object(_, true));
        self.keep(&input[..at]);
        self.state = State::Line(Kind::Text);
        let last = memrchr(b'\n', &self.partial).filter(|_| lines && self.cut == 0);
        if let Some(last) = last {
            let begun = take(&mut self.partial);
            self.state = State::Begin;
            for line in begun[..last].split(|&byte| byte == b'\n') {
                let note = self.uncounted(Kind::Text, line);
                self.emit(Kind::Text, line, note, each);
            }
            self.feed(&begun[last + 1..], each)?;
        }
        Ok(input.len() - at)
    }
}

/// What a message that begins with an object is by the bytes `behind` it, and how many of them are
/// nothing but its end; `None` while that is open. A comma comes from those who write an array.
fn told(behind: &[u8], lines: bool) -> Option<(Kind, usize)> {
    let gap = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b',')).count();
    Some(match behind.get(gap)? {
        b'\n' | 0 => (Kind::Json, gap + 1),
        b'{' => (Kind::Json, gap),
        _ if lines => (Kind::Json, gap),
        _ => (Kind::Text, 0),
    })
}
