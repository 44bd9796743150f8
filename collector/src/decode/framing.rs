//! Messages out of a byte stream, however it was split into reads: each is recognised for itself,
//! because real clients mix framings on one connection.
//!
//! A text or syslog message ends at LF or NUL, and so does an object ([`objects`]), an octet-counted
//! message where its count says. Some guesses can be wrong, and are made so that nothing is lost:
//!
//! - *A wrong octet count* ([`counted`]). Bytes that begin no message are text up to the next octet
//!   count before a syslog header, where the counting goes on.
//! - *A broken object* (`{x` or a line that was cut off). It is text from the byte on that
//!   no JSON can have there, line by line.
//! - *A syslog message without an end*, as winston and log4j send it, ends where the next begins,
//!   or when nothing has come for a while ([`Input::Silence`]). Once a line end has been seen on
//!   the connection, only line ends end its messages: a message may quote another.
//! - *A syslog message of several lines*, as Python's handler sends a traceback. Once one has ended
//!   at a NUL, another of that connection goes on behind an LF, unless a `<` stands there.

mod counted;
mod held;
mod objects;
mod shorter_counts;
mod state;
mod unterminated;

use super::message::{Message, Note};
use super::sniff::{CountTrust, HELLO, Is, Kind, MessageStart, Pinned, sniff};
use super::syslog_boundary::{SyslogBoundary, line_end};
use crate::senders::peer_error::PeerError;
use held::{HeldBytes, Replay};
use state::{Advance, Counted, Ended, FramingState, Habits, ObjectState, SyslogEnds};
use std::mem::take;

/// Continuation of a stream.
pub(crate) enum Input<'i> {
    /// The bytes of a read that have not been taken yet.
    Bytes(&'i [u8]),
    /// The end of the stream.
    End,
    /// Nothing for a while.
    Silence,
}

/// A message that is all in a read, and how much of the read it takes with its end.
struct WholeMessage {
    kind: Kind,
    end: usize,
    used: usize,
}

/// Cuts a stream into messages, holding at most one of limited length.
///
/// A message that arrives whole within one read is lent in place; only one that a read split is
/// copied. Between messages it owns no memory.
#[derive(Debug)]
pub(crate) struct Framing {
    limit: usize,
    pin: Option<Pinned>,
    /// Nothing but a mark or a PROXY header has come yet.
    first: bool,
    habits: Habits,
    state: FramingState,
    held: HeldBytes,
    replay: Replay,
    /// The message that was lent last, where it had to be copied.
    lent: Vec<u8>,
}

impl Framing {
    /// Messages of at most `limit` bytes; of a longer one the rest is skipped and counted.
    pub(crate) fn new(limit: usize, pin: Option<Pinned>) -> Self {
        Self {
            limit,
            pin,
            first: true,
            habits: Habits {
                counts: CountTrust::Unseen,
                counted_last: false,
                syslog_ends: SyslogEnds::Unseen,
            },
            state: FramingState::Begin,
            held: HeldBytes::default(),
            replay: Replay::default(),
            lent: Vec::new(),
        }
    }

    /// The next message that `input` completes; `None` when all of it has been taken.
    ///
    /// # Errors
    ///
    /// When the connection speaks a protocol that is not supported; then it is to be closed.
    #[inline]
    pub(crate) fn next<'m, 'i: 'm>(
        &'m mut self,
        input: &mut Input<'i>,
    ) -> Result<Option<Message<'m>>, PeerError> {
        if let Input::Bytes(bytes) = input
            && self.held.is_empty()
            && self.replay.is_empty()
            && let Some(WholeMessage { kind, end, used }) = self.whole_message(bytes)
        {
            let line = &bytes[..end.min(self.limit)];
            let rest = &bytes[used..];
            *bytes = rest;
            let note = (kind == Kind::Json).then_some(Note::Indexed);
            let cut = (end - line.len()) as u64;
            return Ok(Some(Message { kind, bytes: line, cut, note }));
        }
        self.next_of_several(input)
    }

    /// A message that is all here: the common case, without a state in between.
    #[inline]
    fn whole_message(&mut self, bytes: &[u8]) -> Option<WholeMessage> {
        let kind = match self.state {
            FramingState::Netlog => Kind::Netlog,
            FramingState::Begin if !bytes.is_empty() => match sniff(bytes, self.place())? {
                Is::A(Kind::Text) if self.habits.counts == CountTrust::Unseen => Kind::Text,
                Is::A(Kind::Syslog) if self.habits.syslog_ends == SyslogEnds::Lf => Kind::Syslog,
                // One that begins so is mostly a record as it is, of which the members do not matter.
                Is::A(Kind::Json) if !bytes.starts_with(b"{\"time\":\"") => {
                    return self.whole_object(bytes);
                }
                _ => return None,
            },
            _ => return None,
        };
        let end = line_end(bytes)?;
        self.first = false;
        if kind == Kind::Syslog {
            self.habits.syslog_ends = self.habits.syslog_ends.after(bytes[end]);
        }
        Some(WholeMessage { kind, end, used: end + 1 })
    }

    fn next_of_several<'m, 'i: 'm>(
        &'m mut self,
        input: &mut Input<'i>,
    ) -> Result<Option<Message<'m>>, PeerError> {
        self.lent = Vec::new();
        let (ended, bytes) = loop {
            if !self.replay.is_empty() {
                if let Some(ended) = self.again()? {
                    break (ended, &[][..]);
                }
                continue;
            }
            match input {
                Input::Bytes([]) => return Ok(None),
                Input::Bytes(bytes) => {
                    let read = *bytes;
                    let Advance { used, ended } = self.step(read)?;
                    *bytes = &read[used..];
                    if let Some(ended) = ended {
                        break (ended, read);
                    }
                }
                Input::End => match self.end()? {
                    Some(ended) => break (ended, &[][..]),
                    None if self.replay.is_empty() => return Ok(None),
                    None => {}
                },
                Input::Silence => match self.silence() {
                    Some(ended) => break (ended, &[][..]),
                    None => return Ok(None),
                },
            }
        };
        Ok(Some(self.lend(ended, bytes)))
    }

    fn lend<'m>(&'m mut self, ended: Ended, bytes: &'m [u8]) -> Message<'m> {
        let Ended { kind, note, tail } = ended;
        let tail = &bytes[tail];
        if self.held.is_empty() {
            let bytes = &tail[..tail.len().min(self.limit)];
            return Message { kind, bytes, cut: (tail.len() - bytes.len()) as u64, note };
        }
        self.held.keep(tail, self.limit);
        let (bytes, cut) = self.held.take();
        self.lent = bytes;
        Message { kind, bytes: &self.lent, cut, note }
    }

    /// Takes a step with bytes that are read once more.
    fn again(&mut self) -> Result<Option<Ended>, PeerError> {
        if let Some(line) = self.replay.text_line() {
            self.held.keep(line, self.limit);
            return Ok(Some(Ended::new(Kind::Text, 0..0)));
        }
        let mut replay = take(&mut self.replay);
        let Advance { used, ended } = self.step(replay.rest())?;
        if let Some(ended) = &ended {
            self.held.keep(&replay.rest()[ended.tail.clone()], self.limit);
        }
        replay.at += used;
        match self.replay.is_empty() {
            true => self.replay = replay,
            // A part of them is to be read yet once more.
            false => self.replay.bytes.extend_from_slice(replay.rest()),
        }
        Ok(ended.map(|ended| Ended { tail: 0..0, ..ended }))
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Advance, PeerError> {
        Ok(match self.state {
            FramingState::Begin => self.begin(bytes)?,
            FramingState::Line(kind) => self.line(kind, bytes),
            FramingState::Endless(_) => self.endless(bytes),
            FramingState::UntilNul(ended) => self.until_nul(ended, bytes),
            FramingState::Object(_) => self.object(bytes),
            FramingState::Behind { .. } => self.behind(bytes),
            FramingState::Counted(_) => self.counted(bytes),
            FramingState::Uncounted(_) => self.uncounted(bytes),
            FramingState::Netlog => match line_end(bytes) {
                Some(end) => {
                    Advance { used: end + 1, ended: Some(Ended::new(Kind::Netlog, 0..end)) }
                }
                None => self.keep(bytes),
            },
        })
    }

    /// Ends the stream: bytes without an end are its last message. Those of a netlog sender are half a
    /// record, or half a hello: it comes again, whole.
    fn end(&mut self) -> Result<Option<Ended>, PeerError> {
        let kind = match self.state {
            FramingState::Netlog => {
                self.held = HeldBytes::default();
                return Ok(None);
            }
            FramingState::Begin if self.held.is_empty() => return Ok(None),
            FramingState::Begin => {
                let begun = self.held.take().0;
                if self.first && self.pin.is_none() && HELLO.starts_with(&begun) {
                    return Ok(None);
                }
                let is = sniff(&begun, MessageStart { ended: true, ..self.place() });
                let skip = self.enter(is.unwrap_or(Is::A(Kind::Text)), &begun)?;
                self.replay = Replay::new(begun, skip);
                return Ok(None);
            }
            FramingState::Line(kind) => kind,
            FramingState::Counted(Counted { kind, .. }) => kind,
            FramingState::Endless(_) => Kind::Syslog,
            FramingState::UntilNul(ended) => {
                self.held.take_back(usize::from(ended));
                Kind::Syslog
            }
            FramingState::Uncounted(_) => return Ok(Some(self.end_uncounted(&[]))),
            FramingState::Object(_) => Kind::Text,
            FramingState::Behind { gap, shortened, .. } => {
                return Ok(Some(self.end_behind(gap, shortened)));
            }
        };
        self.state = FramingState::Begin;
        Ok(Some(Ended::new(kind, 0..0)))
    }

    /// True if silence would end the message.
    pub(crate) fn may_be_whole(&self) -> bool {
        matches!(self.state, FramingState::Endless(_) | FramingState::UntilNul(true))
            || matches!(self.state, FramingState::Behind { .. } | FramingState::Uncounted(_))
    }

    fn silence(&mut self) -> Option<Ended> {
        match self.state {
            FramingState::Endless(_) => {}
            FramingState::UntilNul(true) => self.held.take_back(1),
            // It is whole, whatever may come.
            FramingState::Behind { gap, shortened, .. } => {
                return Some(self.end_behind(gap, shortened));
            }
            FramingState::Uncounted(_) => return Some(self.end_uncounted(&[])),
            _ => return None,
        }
        self.state = FramingState::Begin;
        Some(Ended { kind: Kind::Syslog, note: Some(Note::Idle), tail: 0..0 })
    }

    /// True while a message has begun that has not ended.
    pub(crate) fn pending(&self) -> bool {
        match &self.state {
            FramingState::Begin | FramingState::Netlog => !self.held.is_empty(),
            _ => true,
        }
    }

    /// Number of bytes of it that are held.
    pub(crate) fn held(&self) -> usize {
        self.held.bytes().len()
    }

    #[inline]
    fn place(&self) -> MessageStart {
        MessageStart { first: self.first, ended: false, counts: self.habits.counts, pin: self.pin }
    }

    /// Finds out what begins.
    fn begin(&mut self, bytes: &[u8]) -> Result<Advance, PeerError> {
        if self.held.is_empty() {
            return Ok(match sniff(bytes, self.place()) {
                Some(is) => Advance { used: self.enter(is, bytes)?, ended: None },
                None => self.keep_undecided(bytes),
            });
        }
        // Rare, and over soon: a read ended where nothing could be recognised yet. What a few bytes
        // show, the rest of their line shows too.
        let used = line_end(bytes).map_or(bytes.len(), |end| end + 1);
        let step = self.keep_undecided(&bytes[..used]);
        if let Some(is) = sniff(self.held.bytes(), self.place()) {
            let begun = self.held.take().0;
            let skip = self.enter(is, &begun)?;
            self.replay = Replay::new(begun, skip);
        }
        Ok(step)
    }

    fn keep_undecided(&mut self, bytes: &[u8]) -> Advance {
        self.held.keep(bytes, usize::MAX);
        Advance { used: bytes.len(), ended: None }
    }

    /// Begins a message; answers how many of its first bytes are not part of it.
    fn enter(&mut self, is: Is, bytes: &[u8]) -> Result<usize, PeerError> {
        let mut skip = 0;
        self.state = match is {
            Is::Not(protocol) => return Err(PeerError::Unsupported(protocol)),
            Is::Mark => {
                skip = 3;
                FramingState::Begin
            }
            Is::A(Kind::Netlog) => FramingState::Netlog,
            Is::A(Kind::Json) => FramingState::Object(ObjectState::new()),
            Is::A(Kind::Syslog) => match self.habits.syslog_ends {
                SyslogEnds::Unseen => FramingState::Endless(SyslogBoundary::at_priority()),
                SyslogEnds::Lf => FramingState::Line(Kind::Syslog),
                SyslogEnds::Nul => FramingState::UntilNul(false),
            },
            Is::A(Kind::Text) => self.text(),
            Is::A(kind) => FramingState::Line(kind),
            Is::Counted(kind) => match Counted::new(kind, bytes, self.habits.counts) {
                Some((counted, before)) => {
                    skip = before;
                    FramingState::Counted(counted)
                }
                None => self.text(),
            },
        };
        self.first = is == Is::A(Kind::Proxy) || self.first && is == Is::Mark;
        Ok(skip)
    }

    /// The state in which text is read.
    fn text(&self) -> FramingState {
        match self.habits.counts {
            CountTrust::Unseen => FramingState::Line(Kind::Text),
            _ => {
                let before = self.held.bytes().last().copied();
                FramingState::Uncounted(SyslogBoundary::at_count(true).behind(before.unwrap_or(0)))
            }
        }
    }

    fn line(&mut self, kind: Kind, bytes: &[u8]) -> Advance {
        let Some(end) = line_end(bytes) else { return self.keep(bytes) };
        if kind == Kind::Syslog {
            self.habits.syslog_ends = self.habits.syslog_ends.after(bytes[end]);
        }
        self.state = FramingState::Begin;
        Advance { used: end + 1, ended: Some(Ended::new(kind, 0..end)) }
    }

    /// Keeps `bytes` for the message that has not ended.
    fn keep(&mut self, bytes: &[u8]) -> Advance {
        self.held.keep(bytes, self.limit);
        Advance { used: bytes.len(), ended: None }
    }
}

#[cfg(test)]
mod tests;
