//! What a peer's bytes are. The one place that decides it, message by message.

mod datagram;
mod fields;
mod gelf;
mod inflate;
mod lines;
mod message;
mod messages;
mod names;
mod netlog;
mod next;
mod object;
mod origin;
mod severity;
mod sniff;
mod syslog;
mod time;

use crate::clock::now;
use crate::hub::line_run::{LineRun, Source};
use crate::senders::identity::Sender;
use crate::senders::tokens::Tokens;
use crate::stats::{Stats, Tally};
use netlog_wire::{MinuteCache, Piece, SenderMessage, TIME_LEN, format_utc};
use std::cell::Cell;
use std::sync::Arc;

pub(crate) use datagram::Datagram;
pub(crate) use gelf::Chunks;
pub(crate) use origin::Origin;
pub(crate) use sniff::{Foreign, Pinned};

use lines::{UNPACKED, take_message};
use message::Message;
use messages::Messages;
use netlog::Conversation;
use sniff::Kind;

/// Turns one connection's bytes into runs.
#[derive(Debug)]
pub(crate) struct Decoder {
    messages: Messages,
    /// Once it began with a hello.
    conversation: Option<Conversation>,
    origin: Origin,
    stats: Arc<Stats>,
    max_line: usize,
    /// Packed messages have come.
    packed: bool,
    /// Where only those are heard who show one.
    tokens: Option<Arc<Tokens>>,
}

/// Why a connection is closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It said hello, and is told why.
    Refused(Refusal),
    /// It speaks something else, and would not understand.
    Foreign(Foreign),
    /// It says no hello where one has to show a token.
    Tokenless,
}

/// Why a connection that said hello is closed, in the words it is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Decoder {
    pub(crate) fn new(
        origin: Origin,
        max_line: usize,
        pin: Option<Pinned>,
        stats: Arc<Stats>,
    ) -> Self {
        let messages = Messages::new(max_line, pin);
        let (conversation, tokens) = (None, None);
        Self { messages, conversation, origin, stats, max_line, packed: false, tokens }
    }

    /// The same, for peers that have to show one of `tokens`, if there are any.
    pub(crate) fn guarded(self, tokens: Option<Arc<Tokens>>) -> Self {
        Self { tokens, ..self }
    }

    /// The sender, once the peer has said hello.
    pub(crate) fn sender(&self) -> Option<&Arc<Sender>> {
        self.conversation.as_ref().map(Conversation::sender)
    }

    /// The most bytes of runs that `len` bytes of input can become. The shortest line that makes a
    /// record is a byte and its end; the most a record adds is its stamp, a time and, for a byte
    /// that is no text, a count.
    pub(crate) fn most(&self, len: usize) -> usize {
        const ADDED: usize = 128;
        let stamp =
            self.sender().map_or_else(|| self.origin.stamp(), |sender| sender.stamp()).len();
        len / 2 * (stamp + ADDED) + if self.packed { UNPACKED } else { 0 }
    }

    /// Takes the bytes of one read and adds the records in them to `runs`.
    pub(crate) fn feed(&mut self, input: &[u8], runs: &mut Vec<LineRun>) -> Result<(), Unfit> {
        self.stats.bytes_in.add(input.len() as u64);
        self.take(input.len() * 2, runs, |messages, each| messages.feed(input, each))
    }

    /// Takes what the peer left without an end. Half a record of a netlog sender is no record: it
    /// comes again, whole.
    pub(crate) fn finish(&mut self, runs: &mut Vec<LineRun>) -> Result<(), Unfit> {
        self.take(0, runs, |messages, each| messages.finish(each))
    }

    /// Whether a message has begun that has not ended.
    pub(crate) fn pending(&self) -> bool {
        self.messages.pending()
    }

    /// How many bytes of it are held.
    pub(crate) fn held(&self) -> usize {
        self.messages.held()
    }

    /// Whether what has come may be whole, so that silence would end it.
    pub(crate) fn may_be_whole(&self) -> bool {
        self.messages.may_be_whole()
    }

    /// Takes what has come as whole, after a silence.
    pub(crate) fn silence(&mut self, runs: &mut Vec<LineRun>) {
        let _ = self.take(0, runs, |messages, each| {
            messages.idle(each);
            Ok(())
        });
    }

    fn take(
        &mut self,
        capacity: usize,
        runs: &mut Vec<LineRun>,
        cut: impl FnOnce(&mut Messages, &mut dyn FnMut(Message<'_>)) -> Result<(), Foreign>,
    ) -> Result<(), Unfit> {
        let Self { messages, conversation, origin, stats, max_line, packed, tokens } = self;
        let (tally, minute) = (&Tally::default(), &Cell::default());
        let received = now();
        let (now, max_line) = (&format_utc(received), *max_line);
        let receipt = Receipt { origin, stats, tally, received, now, minute, max_line };
        let (mut refused, mut left) = (None, UNPACKED);
        let done = cut(messages, &mut |message| {
            if refused.is_some() {
                return;
            }
            if tokens.is_some() && message.kind != Kind::Netlog {
                refused = Some(Unfit::Tokenless);
                return;
            }
            count_cut(message.cut, stats);
            *packed |= message.kind == Kind::Packed;
            let slot = Slot { runs, capacity };
            match message.kind {
                // Assigned only when there is something: to move a whole result waits for all
                // that was written before it.
                Kind::Netlog => {
                    let heard = (&mut *conversation, tokens.as_deref());
                    if let Err(refusal) = converse(heard, message, receipt, slot) {
                        refused = Some(Unfit::Refused(refusal));
                    }
                }
                _ => take_message(message, receipt, slot, &mut left),
            }
        });
        tally.settle(stats);
        refused.map_or(Ok(()), Err)?;
        done.map_err(Unfit::Foreign)
    }
}

/// Takes a line of a connection that begins with a hello.
fn converse(
    (conversation, tokens): (&mut Option<Conversation>, Option<&Tokens>),
    message: Message<'_>,
    receipt: Receipt<'_>,
    slot: Slot<'_>,
) -> Result<(), Refusal> {
    if let Some(conversation) = conversation {
        let piece = Piece { bytes: message.bytes, cut: message.cut };
        return conversation.take(piece, receipt, slot);
    }
    *conversation = Some(hello(message.bytes, receipt, tokens)?);
    Ok(())
}

/// Counts a line of which so many bytes are left out.
pub(crate) fn count_cut(cut: u64, stats: &Stats) {
    if cut > 0 {
        stats.lines_cut.add(1);
        stats.bytes_cut.add(cut);
    }
}

/// The conversation that a first line begins.
fn hello(
    line: &[u8],
    receipt: Receipt<'_>,
    tokens: Option<&Tokens>,
) -> Result<Conversation, Refusal> {
    let Some(SenderMessage::Hello(hello)) = SenderMessage::parse(line) else {
        return Err(Refusal("malformed hello".into()));
    };
    if let Some(Err(stranger)) = tokens.map(|tokens| tokens.admit(hello.token.as_deref())) {
        receipt.stats.strangers_refused.add(1);
        return Err(Refusal(stranger.words().into()));
    }
    Conversation::new(hello, receipt.origin)
}

/// From whom and when a line was received.
#[derive(Clone, Copy)]
pub(crate) struct Receipt<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) stats: &'a Stats,
    pub(crate) tally: &'a Tally,
    pub(crate) received: i64,
    /// The same as records write it.
    pub(crate) now: &'a [u8; TIME_LEN],
    /// That of the record before.
    pub(crate) minute: &'a Cell<MinuteCache>,
    /// The longest line there may be.
    pub(crate) max_line: usize,
}

/// Where the next record goes: the last run, or a new one behind it.
pub(crate) struct Slot<'a> {
    pub(crate) runs: &'a mut Vec<LineRun>,
    /// How many bytes a new run makes room for: about what this read will become.
    pub(crate) capacity: usize,
}

impl<'a> Slot<'a> {
    /// The last run if it `fits`, else a new one of the source and first number that `begin` says.
    fn run(
        self,
        fits: impl Fn(&LineRun) -> bool,
        begin: impl FnOnce() -> (Source, u64),
    ) -> &'a mut LineRun {
        let Self { runs, capacity } = self;
        if !runs.last().is_some_and(fits) {
            let (source, first) = begin();
            // Only the first run of a read is likely to be all of it.
            let capacity = if runs.is_empty() { capacity } else { 0 };
            runs.push(LineRun::new(source, first, capacity));
        }
        let last = runs.len() - 1;
        &mut runs[last]
    }
}

#[cfg(test)]
mod tests;
