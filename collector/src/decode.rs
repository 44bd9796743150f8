//! Decoding: a peer's bytes become records. The one place that decides what they are, message by
//! message.

pub(crate) mod bulk;
mod container_line;
mod datagram;
mod draft;
mod envelope;
mod expected_keys;
pub(crate) mod forward;
mod framing;
mod gelf;
mod inflate;
pub(crate) mod journal;
mod json_cursor;
mod json_fields;
mod json_index;
mod json_scanner;
mod json_shape;
mod key_names;
mod level_guess;
pub(crate) mod loki;
pub(crate) mod lumberjack;
mod message;
mod msgpack;
mod msgpack_json;
mod name;
mod netlog;
mod origin;
pub(crate) mod otlp;
mod owned_record;
pub(crate) mod post;
pub(crate) mod post_defaults;
mod post_line;
pub(crate) mod posted;
mod protobuf;
pub(crate) mod record_limits;
pub(crate) mod relp;
mod run_sink;
mod scratch;
mod severity;
mod shown_bytes;
mod sniff;
pub(crate) mod splunk;
mod steps;
mod syslog;
mod syslog_boundary;
mod time;
mod to_record;

use crate::clock::now;
use crate::hub::line_run::LineRun;
use crate::hub::marks::Marks;
use crate::senders::identity::Sender;
use crate::senders::peer_error::{PeerError, Protocol};
use crate::senders::tokens::Tokens;
use crate::stats::{Stats, Tally};
use framing::{Framing, Input};
use netlog::Conversation;
use netlog_wire::{RELAY_START, SenderMessage, format_utc};
use run_sink::{DecodeContext, RunSink};
use sniff::Kind;
use std::cell::Cell;
use std::sync::Arc;
use to_record::{UNPACKED, take_message};

pub(crate) use datagram::{Datagram, most_of_datagram};
pub(crate) use gelf::Chunks;
pub(crate) use name::fit;
pub(crate) use origin::Origin;
pub(crate) use sniff::Pinned;
#[cfg(any(test, fuzzing))]
pub(crate) use steps::steps_taken;

/// Turns one connection's bytes into runs of lines.
#[derive(Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    /// Once it began with a hello.
    conversation: Option<Conversation>,
    origin: Origin,
    stats: Arc<Stats>,
    max_line: usize,
    /// Bytes have come.
    begun: bool,
    /// Compressed messages have come.
    compresses: bool,
    /// Set if a token is required.
    tokens: Option<Arc<Tokens>>,
    /// Marks with the owners of sender ids, where peers have names.
    owners: Option<Arc<Marks>>,
}

impl Decoder {
    pub(crate) fn new(
        origin: Origin,
        max_line: usize,
        pin: Option<Pinned>,
        stats: Arc<Stats>,
    ) -> Self {
        let framing = Framing::new(max_line, pin);
        Self {
            framing,
            conversation: None,
            origin,
            stats,
            max_line,
            begun: false,
            compresses: false,
            tokens: None,
            owners: None,
        }
    }

    /// The same, for peers that have to show one of `tokens`, if there are any.
    pub(crate) fn guarded(self, tokens: Option<Arc<Tokens>>) -> Self {
        Self { tokens, ..self }
    }

    /// The same, for peers that may speak for no sender of another owner.
    pub(crate) fn owned(self, owners: Option<Arc<Marks>>) -> Self {
        Self { owners, ..self }
    }

    /// The peer, as records name it.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The sender, once the peer has said hello.
    pub(crate) fn sender(&self) -> Option<&Arc<Sender>> {
        self.conversation.as_ref().map(Conversation::sender)
    }

    /// The most bytes of runs that `len` bytes of input can become.
    pub(crate) fn most(&self, len: usize) -> usize {
        most_lines(len, self.stamp()) + if self.compresses { UNPACKED } else { 0 }
    }

    /// The most bytes of input that become no more than `bytes` of runs, but for what was packed.
    pub(crate) fn input_within(&self, bytes: usize) -> usize {
        bytes / most_lines(2, self.stamp()) * 2
    }

    /// The length of what each record begins with; the longest there is as long as a hello may come.
    fn stamp(&self) -> usize {
        match self.sender() {
            Some(sender) => sender.stamp().len(),
            None if self.begun => self.origin.stamp().len(),
            None => MAX_STAMP,
        }
    }

    /// Takes the bytes of one read and adds the records in them to `runs`.
    pub(crate) fn feed(&mut self, read: &[u8], runs: &mut Vec<LineRun>) -> Result<(), PeerError> {
        self.stats.bytes_in.add(read.len() as u64);
        self.begun = true;
        self.take(Input::Bytes(read), &mut RunSink { runs, capacity: read.len() * 2 })
    }

    /// Takes what the peer left without an end. Half a record of a netlog sender is dropped: it
    /// comes again, whole.
    pub(crate) fn finish(&mut self, runs: &mut Vec<LineRun>) -> Result<(), PeerError> {
        self.take(Input::End, &mut RunSink { runs, capacity: 0 })
    }

    /// Takes what has come as whole, after a silence.
    pub(crate) fn silence(&mut self, runs: &mut Vec<LineRun>) {
        // An error would be about bytes that were taken before.
        let _ = self.take(Input::Silence, &mut RunSink { runs, capacity: 0 });
    }

    /// True while a message has begun that has not ended.
    pub(crate) fn pending(&self) -> bool {
        self.framing.pending()
    }

    /// Number of bytes of it that are held.
    pub(crate) fn held(&self) -> usize {
        self.framing.held()
    }

    /// True if the bytes so far may be a whole message, so that silence would end it.
    pub(crate) fn may_be_whole(&self) -> bool {
        self.framing.may_be_whole()
    }

    fn take(&mut self, input: Input<'_>, sink: &mut RunSink<'_>) -> Result<(), PeerError> {
        let tally = Tally::default();
        let taken = self.take_all(input, &tally, sink);
        tally.settle(&self.stats);
        taken
    }

    fn take_all(
        &mut self,
        mut input: Input<'_>,
        tally: &Tally,
        sink: &mut RunSink<'_>,
    ) -> Result<(), PeerError> {
        let Self {
            framing, conversation, origin, stats, max_line, compresses, tokens, owners, ..
        } = self;
        let received = now();
        let context = DecodeContext {
            origin,
            stats,
            tally,
            received,
            now: &format_utc(received),
            minute: &Cell::default(),
            max_line: *max_line,
        };
        let mut left = UNPACKED;
        while let Some(message) = framing.next(&mut input)? {
            if tokens.is_some() && message.kind != Kind::Netlog && !origin.is_verified() {
                return Err(PeerError::MissingToken);
            }
            count_cut(message.cut, stats);
            match (message.kind, &mut *conversation) {
                (Kind::Netlog, Some(conversation)) => conversation.take(message, context, sink)?,
                (Kind::Netlog, none) => {
                    *none =
                        Some(hello(message.bytes, context, tokens.as_deref(), owners.as_deref())?);
                }
                (kind, _) => {
                    *compresses |= kind == Kind::Packed;
                    take_message(message, context, sink, &mut left);
                }
            }
        }
        Ok(())
    }
}

/// The longest stamp: three names and a number with their keys.
const MAX_STAMP: usize = 512;

/// The most bytes of lines that `len` bytes of input can become. The shortest line that makes a
/// record is a byte and its end; the most a record adds is its stamp, a time and, for a byte that
/// is no text, a count.
fn most_lines(len: usize, stamp: usize) -> usize {
    const ADDED: usize = 128;
    len.div_ceil(2) * (stamp + ADDED)
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
    context: DecodeContext<'_>,
    tokens: Option<&Tokens>,
    owners: Option<&Marks>,
) -> Result<Conversation, PeerError> {
    if line.starts_with(RELAY_START) {
        return Err(PeerError::Unsupported(Protocol::Relay));
    }
    let Some(SenderMessage::Hello(hello)) = SenderMessage::parse(line) else {
        return Err(PeerError::Rejected("malformed hello".into()));
    };
    let certified = context.origin.is_verified() && hello.token.is_none();
    let grant = match tokens.filter(|_| !certified) {
        Some(tokens) => {
            Some(tokens.admit(hello.token.as_deref()).map_err(|error| match error {
                PeerError::MissingToken => PeerError::HelloWithoutToken,
                error => error,
            })?)
        }
        None => None,
    };
    let owner = match &grant {
        Some(grant) => grant.owner(),
        None => context.origin.owner(),
    };
    let conversation = Conversation::new(hello, context.origin, owner)?;
    let sender = conversation.sender();
    if let Some(grant) = &grant {
        grant.check_sending(&sender.identity).map_err(PeerError::Rejected)?;
    }
    let unnamed = grant.is_some_and(|grant| grant.unnamed);
    if !unnamed && owners.is_some_and(|marks| !marks.may_speak(sender.id, owner)) {
        let reason = "this sender id belongs to another token or certificate";
        return Err(PeerError::Rejected(reason.into()));
    }
    Ok(conversation)
}

#[cfg(test)]
mod tests;
