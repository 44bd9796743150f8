//! What a peer's bytes are. The one place that decides it, message by message.

mod datagram;
mod fields;
mod gelf;
mod inflate;
mod lines;
mod messages;
mod netlog;
mod next;
mod object;
mod origin;
mod severity;
mod sniff;
mod syslog;
mod time;

#[cfg(test)]
mod clients;

use crate::run::{Run, Source};
use crate::stats::Stats;
use netlog_wire::{Greeting, Piece};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use datagram::Datagram;
pub(crate) use gelf::Chunks;
pub(crate) use netlog::{Sender, SenderId};
pub(crate) use origin::Origin;
pub(crate) use sniff::{Foreign, Pinned};

use lines::{UNPACKED, take_message};
use messages::{Message, Messages};
use netlog::Conversation;
use sniff::Kind;

/// The time now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

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
}

/// Why a connection is closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It said hello, and is told why.
    Refused(Refusal),
    /// It speaks something else, and would not understand.
    Foreign(Foreign),
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
        Self { messages, conversation: None, origin, stats, max_line, packed: false }
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
    pub(crate) fn feed(&mut self, input: &[u8], runs: &mut Vec<Run>) -> Result<(), Unfit> {
        self.stats.bytes_in.add(input.len() as u64);
        self.take(input.len() * 3 / 2, runs, |messages, each| messages.feed(input, each))
    }

    /// Takes what the peer left without an end. Half a record of a netlog sender is no record: it
    /// comes again, whole.
    pub(crate) fn finish(&mut self, runs: &mut Vec<Run>) -> Result<(), Unfit> {
        self.take(0, runs, |messages, each| messages.finish(each))
    }

    /// Whether what has come may be whole, so that silence would end it.
    pub(crate) fn may_be_whole(&self) -> bool {
        self.messages.may_be_whole()
    }

    /// Takes what has come as whole, after a silence.
    pub(crate) fn silence(&mut self, runs: &mut Vec<Run>) {
        let _ = self.take(0, runs, |messages, each| {
            messages.idle(each);
            Ok(())
        });
    }

    fn take(
        &mut self,
        capacity: usize,
        runs: &mut Vec<Run>,
        cut: impl FnOnce(&mut Messages, &mut dyn FnMut(Message<'_>)) -> Result<(), Foreign>,
    ) -> Result<(), Unfit> {
        let Self { messages, conversation, origin, stats, max_line, packed } = self;
        let receipt = Receipt { origin, stats, received: now(), max_line: *max_line };
        let (mut refused, mut left) = (Ok(()), UNPACKED);
        let done = cut(messages, &mut |message| {
            if refused.is_err() {
                return;
            }
            count_cut(message.cut, stats);
            *packed |= message.kind == Kind::Packed;
            let slot = Slot { runs, capacity };
            match message.kind {
                Kind::Netlog => refused = converse(conversation, message, receipt, slot),
                _ => take_message(message, receipt, slot, &mut left),
            }
        });
        refused.map_err(Unfit::Refused)?;
        done.map_err(Unfit::Foreign)
    }
}

/// Takes a line of a connection that begins with a hello.
fn converse(
    conversation: &mut Option<Conversation>,
    message: Message<'_>,
    receipt: Receipt<'_>,
    slot: Slot<'_>,
) -> Result<(), Refusal> {
    if let Some(conversation) = conversation {
        let piece = Piece { bytes: message.bytes, cut: message.cut };
        return conversation.take(piece, receipt, slot);
    }
    *conversation = Some(hello(message.bytes, receipt.origin)?);
    Ok(())
}

fn count_cut(cut: u64, stats: &Stats) {
    if cut > 0 {
        stats.lines_cut.add(1);
        stats.bytes_cut.add(cut);
    }
}

/// The conversation that a first line begins.
fn hello(line: &[u8], origin: &Origin) -> Result<Conversation, Refusal> {
    match Greeting::parse(line) {
        Some(Greeting::Hello(hello)) => Conversation::new(hello, origin),
        _ => Err(Refusal("malformed hello".into())),
    }
}

/// From whom and when a line was received.
#[derive(Clone, Copy)]
pub(crate) struct Receipt<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) stats: &'a Stats,
    pub(crate) received: i64,
    /// The longest line there may be.
    pub(crate) max_line: usize,
}

/// Where the next record goes: the last run, or a new one behind it.
pub(crate) struct Slot<'a> {
    pub(crate) runs: &'a mut Vec<Run>,
    /// How many bytes a new run makes room for: about what this read will become.
    pub(crate) capacity: usize,
}

impl<'a> Slot<'a> {
    /// The last run if it `fits`, else a new one of the source and first number that `begin` says.
    fn run(
        self,
        fits: impl Fn(&Run) -> bool,
        begin: impl FnOnce() -> (Source, u64),
    ) -> &'a mut Run {
        let Self { runs, capacity } = self;
        if !runs.last().is_some_and(fits) {
            let (source, first) = begin();
            // Only the first run of a read is likely to be all of it.
            let capacity = if runs.is_empty() { capacity } else { 0 };
            runs.push(Run::new(source, first, capacity));
        }
        let last = runs.len() - 1;
        &mut runs[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"netlog":1,"sender":"9f3c00000000000000000000000000ab","app":"orders","host":"web1","pid":4242,"next":7}"#;
    const STAMP: &str = r#""app":"orders","host":"web1","pid":4242,"peer":"10.0.0.7:99","#;

    fn decoder() -> Decoder {
        let origin = Origin::new("10.0.0.7:99".parse().unwrap());
        Decoder::new(origin, 200, None, Arc::default())
    }

    type Heard = (u64, u64, String);

    fn heard(input: &str) -> (Result<(), Unfit>, Vec<Heard>) {
        let (mut decoder, mut runs) = (decoder(), Vec::new());
        let outcome = decoder.feed(input.as_bytes(), &mut runs);
        decoder.finish(&mut runs).unwrap();
        let text = |run: Run| (run.first, run.count, String::from_utf8(run.lines).unwrap());
        (outcome, runs.into_iter().map(text).collect())
    }

    #[test]
    fn a_hello_numbers_the_records_behind_it_and_stamps_them() {
        let line = r#""time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"a"}"#;
        let (outcome, runs) = heard(&format!("{HELLO}\n\n{{{line}\n{{{line}\n{{{line}"));
        assert_eq!(outcome, Ok(()));
        assert_eq!(runs, [(7, 2, format!("{{{STAMP}{line}\n{{{STAMP}{line}\n"))]);
    }

    #[test]
    fn a_jump_begins_a_new_run() {
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"a"}"#;
        let (_, runs) = heard(&format!("{HELLO}\n{line}\n{{\"next\":20}}\n{line}\n{line}\n"));
        let numbers: Vec<_> = runs.iter().map(|(first, count, _)| (*first, *count)).collect();
        assert_eq!(numbers, [(7, 1), (20, 2)]);
    }

    #[test]
    fn every_numbered_line_is_one_record_whatever_is_in_it() {
        let long = "x".repeat(300);
        let (_, runs) = heard(&format!("{HELLO}\n{{bad\n[1]\n \n{{\"pid\":1}}\n{long}\n"));
        assert_eq!((runs.len(), runs[0].0, runs[0].1), (1, 7, 5));
        for line in runs[0].2.lines() {
            assert!(line.starts_with(&format!("{{{STAMP}\"time\":")), "{line}");
        }
        assert!(runs[0].2.ends_with("\"truncated\":100}\n"));
        assert!(runs[0].2.contains("\"kv\":{\"pid\":1}"));
    }

    #[test]
    fn a_bad_hello_is_refused_in_words() {
        for (from, to, words) in [
            ("\"netlog\":1", "\"netlog\":2", "unknown version 2: this collector speaks 1"),
            ("9f3c", "9F3C", "malformed sender id"),
            ("\"next\":7", "\"next\":0", "numbers begin at 1"),
            ("\"next\":7", "\"next\":18446744073709551615", "number out of range"),
            ("\"pid\"", "\"dip\"", "malformed hello"),
            ("web1", "we\\u0007b1", "malformed app or host"),
        ] {
            let line = format!("{}\nplain\n", HELLO.replace(from, to));
            assert_eq!(heard(&line), (Err(Unfit::Refused(Refusal(words.into()))), vec![]), "{to}");
        }
        let twice = format!("{HELLO}\n{HELLO}\n");
        assert_eq!(heard(&twice).0, Err(Unfit::Refused(Refusal("a second hello".into()))));
    }

    #[test]
    fn half_a_hello_is_no_line_but_half_a_line_is_one() {
        for end in 1..=HELLO.len() {
            assert_eq!(heard(&HELLO[..end]), (Ok(()), vec![]), "{end}");
        }
        assert_eq!(heard("{\"network\":1").1.len(), 1);
        assert_eq!(heard(&format!("one\n{}", &HELLO[..20])).1[0].1, 2);
    }

    #[test]
    fn lines_without_a_hello_stay_lines_also_when_a_hello_follows() {
        let (outcome, runs) = heard(&format!("one\0two\n{HELLO}\nlast"));
        assert_eq!((outcome, runs.len(), runs[0].1), (Ok(()), 1, 4));
    }

    #[test]
    fn a_run_never_grows_beyond_what_was_reserved_for_it() {
        for line in ["x\n", "\n\n", "\u{1}\n", "{}", "\"\n", "<1>\n", "[{},{}]\n", "1 <1>", "3 <1>"]
        {
            let (mut decoder, mut runs) = (decoder(), Vec::new());
            let input = line.repeat(1000);
            decoder.feed(input.as_bytes(), &mut runs).unwrap();
            let bytes: usize = runs.iter().map(|run| run.lines.len()).sum();
            assert!(bytes <= decoder.most(input.len()), "{line:?} became {bytes}");
        }
    }
}
