//! The end of an object's message. Behind a line that is an object stands a line end or a NUL, or
//! at once the next object; a line that goes on otherwise is text, all of it. A pretty-printed
//! object is whole at its last brace whatever follows.
//!
//! Of an object that is longer than a line may be the longest string is cut, so that all else of
//! it is kept.

use super::held::Replay;
use super::state::{Advance, Ended, Fitting, FramingState};
use super::{Framing, Kind, WholeMessage};
use crate::decode::json_index::{IndexedObject, index_front};
use crate::decode::json_scanner;
use crate::decode::message::Note;
use crate::decode::scratch::{Scratch, with_scratch};
use crate::decode::steps::step;
use memchr::{memchr, memrchr};
use netlog_wire::object_len;
use std::ops::Range;

impl Framing {
    /// An object that is all here, whose members are found on the way.
    pub(super) fn whole_object(&mut self, bytes: &[u8]) -> Option<WholeMessage> {
        let indexed = with_scratch(|scratch| {
            let Scratch { members, shapes, as_expected, .. } = scratch;
            members.clear();
            let indexed = index_front(bytes, shapes.expected(), members);
            *as_expected = indexed.is_some_and(|object| object.as_expected);
            indexed
        });
        let IndexedObject { len: end, spaced, .. } =
            indexed.filter(|object| object.len <= self.limit)?;
        let several_lines = spaced && memchr(b'\n', &bytes[..end]).is_some();
        let (kind, behind) = behind_object(&bytes[end..], several_lines)?;
        if kind != Kind::Json {
            return None;
        }
        self.first = false;
        Some(WholeMessage { kind, end, used: end + behind })
    }

    pub(super) fn object(&mut self, bytes: &[u8]) -> Advance {
        // An object that is all here, and without white space: found out eight bytes at a time.
        if self.held.is_empty()
            && let Some(end) = object_len(bytes).filter(|&end| end <= self.limit)
        {
            step(end);
            return self.whole(bytes, 0..end);
        }
        let mut at = 0;
        while at < bytes.len() {
            if self.held.bytes().len() >= self.limit {
                self.shorten();
            }
            let FramingState::Object(object) = &mut self.state else { return Advance::default() };
            let plain = object.scanner.plain(&bytes[at..]);
            // Once more for the attempt to find its end at once.
            step(2 * plain + 2);
            if plain > 0 {
                at += self.keep_string(&bytes[at..at + plain]);
                continue;
            }
            match object.scanner.push(bytes[at]) {
                json_scanner::Step::Broken => return self.broken(at),
                json_scanner::Step::More => self.keep_byte(bytes[at]),
                json_scanner::Step::Whole => {
                    self.keep_byte(bytes[at]);
                    return self.whole(bytes, at + 1..at + 1);
                }
            }
            at += 1;
        }
        Advance { used: at, ended: None }
    }

    /// Keeps of the inside of a string what there is room for; answers how much was taken.
    fn keep_string(&mut self, bytes: &[u8]) -> usize {
        let FramingState::Object(object) = &self.state else { return bytes.len() };
        let room = self.limit.saturating_sub(self.held.bytes().len());
        let len = match object.fitting {
            Fitting::Skipping => {
                self.held.skip(bytes.len());
                return bytes.len();
            }
            Fitting::Never => bytes.len(),
            Fitting::Whole | Fitting::Shortened => bytes.len().min(room),
        };
        self.held.keep(&bytes[..len], self.limit);
        len
    }

    /// Keeps a byte that the scanner has taken.
    fn keep_byte(&mut self, byte: u8) {
        let FramingState::Object(object) = &mut self.state else { return };
        object.several_lines |= byte == b'\n';
        let held = self.held.bytes().len();
        match (object.scanner.in_text(), object.fitting) {
            (true, Fitting::Skipping) => return self.held.skip(1),
            (false, Fitting::Skipping) => object.fitting = Fitting::Shortened,
            _ => {}
        }
        if object.scanner.begins_text() {
            object.open = held + 1;
        }
        if object.scanner.ended_text() && held.saturating_sub(object.open) > object.longest.len() {
            object.longest = object.open..held;
        }
        self.held.keep(&[byte], self.limit);
    }

    /// Makes room by cutting the longest string in half.
    fn shorten(&mut self) {
        let FramingState::Object(object) = &mut self.state else { return };
        if matches!(object.fitting, Fitting::Never | Fitting::Skipping) {
            return;
        }
        let held = self.held.bytes().len();
        let open = if object.scanner.in_text() { object.open.min(held)..held } else { 0..0 };
        let cut_open = open.len() >= object.longest.len();
        let string = if cut_open { open } else { object.longest.clone() };
        if string.len() < 2 + self.limit / 16 {
            object.fitting = Fitting::Never;
            return;
        }
        let kept = whole_prefix(&self.held.bytes()[string.clone()], string.len() / 2);
        let removed = string.len() - kept;
        self.held.remove(string.start + kept, removed);
        if cut_open {
            object.fitting = Fitting::Skipping;
            return;
        }
        object.fitting = Fitting::Shortened;
        object.longest = string.start..string.start + kept;
        object.open = object.open.saturating_sub(removed);
    }

    /// Ends an object of which the bytes of the read up to its end are held already, or else all
    /// stand in `object`. A message that is all here is not copied.
    fn whole(&mut self, bytes: &[u8], object: Range<usize>) -> Advance {
        let FramingState::Object(state) = &self.state else { return Advance::default() };
        let several_lines = state.several_lines;
        let shortened = state.fitting == Fitting::Shortened;
        match behind_object(&bytes[object.end..], several_lines) {
            Some((Kind::Json, behind)) => {
                self.state = FramingState::Begin;
                let note = shortened.then_some(Note::Shortened);
                let used = object.end + behind;
                Advance { used, ended: Some(Ended { kind: Kind::Json, note, tail: object }) }
            }
            Some(_) => {
                self.held.keep(&bytes[object.clone()], self.limit);
                self.state = self.text();
                Advance { used: object.end, ended: None }
            }
            None => {
                let gap = bytes.len() - object.end;
                self.state = FramingState::Behind { gap, several_lines, shortened };
                self.held.keep(&bytes[object.start..], self.limit);
                Advance { used: bytes.len(), ended: None }
            }
        }
    }

    /// Goes on behind an object.
    pub(super) fn behind(&mut self, bytes: &[u8]) -> Advance {
        let FramingState::Behind { gap, several_lines, shortened } = self.state else {
            return Advance::default();
        };
        match behind_object(bytes, several_lines) {
            Some((Kind::Json, behind)) => {
                Advance { used: behind, ended: Some(self.end_behind(gap, shortened)) }
            }
            Some(_) => {
                self.state = self.text();
                Advance::default()
            }
            None => {
                self.state =
                    FramingState::Behind { gap: gap + bytes.len(), several_lines, shortened };
                self.keep(bytes)
            }
        }
    }

    /// Ends an object, without the gap behind it.
    pub(super) fn end_behind(&mut self, gap: usize, shortened: bool) -> Ended {
        self.held.take_back(gap);
        self.state = FramingState::Begin;
        let note = shortened.then_some(Note::Shortened);
        Ended { kind: Kind::Json, note, tail: 0..0 }
    }

    /// Ends an object that is broken at the byte `at`: it is text, line by line.
    fn broken(&mut self, at: usize) -> Advance {
        let lines = matches!(&self.state, FramingState::Object(object) if object.several_lines);
        self.state = self.text();
        let last = memrchr(b'\n', self.held.bytes()).filter(|_| lines && self.held.cut() == 0);
        if let Some(last) = last {
            self.state = FramingState::Begin;
            self.replay = Replay { bytes: self.held.take().0, at: 0, text: last + 1 };
        }
        Advance { used: at, ended: None }
    }
}

/// Length of the longest beginning of a string's inside of at most `len` bytes that ends neither
/// within a character nor within an escape.
fn whole_prefix(string: &[u8], len: usize) -> usize {
    let mut at = 0;
    while let Some(escape) = memchr(b'\\', &string[at..len]).map(|found| at + found) {
        at = escape + if string.get(escape + 1) == Some(&b'u') { 6 } else { 2 };
        if at > len {
            return escape;
        }
    }
    let mut end = len;
    while end > at && string.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    end
}

/// The kind of a message that begins with an object, by the bytes `behind` it, and the number of them
/// that only end it; `None` while that is open. A comma comes from programs that write an array.
fn behind_object(behind: &[u8], several_lines: bool) -> Option<(Kind, usize)> {
    let gap = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b',')).count();
    Some(match behind.get(gap)? {
        b'\n' | 0 => (Kind::Json, gap + 1),
        b'{' => (Kind::Json, gap),
        _ if several_lines => (Kind::Json, gap),
        _ => (Kind::Text, 0),
    })
}
