//! What a peer's bytes are. The one place that decides it, message by message.

mod datagram;
mod lines;
mod netlog;
mod origin;

use crate::run::{Run, Source};
use crate::sender::Sender;
use crate::stats::Stats;
use netlog_wire::{Greeting, Lines, Piece};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use datagram::Datagram;
use lines::take_line;
pub(crate) use origin::Origin;

use netlog::Conversation;

/// The time now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The time now, in seconds since 1970.
pub(crate) fn seconds() -> i64 {
    now().div_euclid(1_000_000)
}

/// Turns one connection's bytes into runs.
#[derive(Debug)]
pub(crate) struct Decoder {
    lines: Lines,
    speech: Speech,
    origin: Origin,
    stats: Arc<Stats>,
}

/// What a connection has turned out to speak.
#[derive(Debug)]
enum Speech {
    /// Its first line has not come yet.
    Unheard,
    /// It began with a hello.
    Netlog(Conversation),
    /// Anything else: each line for itself.
    Lines,
}

/// Why a connection that said hello is closed, in the words it is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Decoder {
    pub(crate) fn new(origin: Origin, max_line: usize, stats: Arc<Stats>) -> Self {
        Self { lines: Lines::new(max_line), speech: Speech::Unheard, origin, stats }
    }

    /// The sender, once the peer has said hello.
    pub(crate) fn sender(&self) -> Option<&Arc<Sender>> {
        match &self.speech {
            Speech::Netlog(conversation) => Some(conversation.sender()),
            Speech::Unheard | Speech::Lines => None,
        }
    }

    /// The most bytes of runs that `len` bytes of input can become. The shortest line that makes a
    /// record is a byte and its end; the most a record adds is its stamp, a time and, for a byte
    /// that is no text, a count.
    pub(crate) fn most(&self, len: usize) -> usize {
        const ADDED: usize = 128;
        let stamp = match &self.speech {
            Speech::Netlog(conversation) => conversation.sender().stamp().len(),
            Speech::Unheard | Speech::Lines => self.origin.stamp().len(),
        };
        len / 2 * (stamp + ADDED)
    }

    /// Takes the bytes of one read and adds the records in them to `runs`.
    pub(crate) fn feed(&mut self, input: &[u8], runs: &mut Vec<Run>) -> Result<(), Refusal> {
        let received = now();
        self.stats.bytes_in.add(input.len() as u64);
        let (mut outcome, capacity) = (Ok(()), input.len() * 3 / 2);
        let Self { lines, speech, origin, stats } = self;
        let receipt = Receipt { origin, stats, received };
        lines.feed(input, |piece| {
            if outcome.is_ok() {
                outcome = take(speech, piece, receipt, Slot { runs, capacity });
            }
        });
        outcome
    }

    /// Takes what the peer left without a line end. Half a record of a netlog sender is no record,
    /// and neither is half a hello: both come again, whole.
    pub(crate) fn finish(&mut self, runs: &mut Vec<Run>) {
        let Self { lines, speech, origin, stats } = self;
        if matches!(speech, Speech::Netlog(_)) {
            return;
        }
        let receipt = Receipt { origin, stats, received: now() };
        let unheard = matches!(speech, Speech::Unheard);
        lines.finish(|piece| {
            if unheard && (piece.bytes.starts_with(HELLO) || HELLO.starts_with(piece.bytes)) {
                return;
            }
            count_cut(piece, stats);
            take_line(piece, receipt, Slot { runs, capacity: 0 });
        });
    }
}

fn take(
    speech: &mut Speech,
    piece: Piece<'_>,
    receipt: Receipt<'_>,
    slot: Slot<'_>,
) -> Result<(), Refusal> {
    count_cut(piece, receipt.stats);
    if matches!(speech, Speech::Unheard) {
        if let Some(conversation) = hello(piece.bytes, receipt.origin)? {
            *speech = Speech::Netlog(conversation);
            return Ok(());
        }
        *speech = Speech::Lines;
    }
    match speech {
        Speech::Netlog(conversation) => conversation.take(piece, receipt, slot)?,
        Speech::Unheard | Speech::Lines => take_line(piece, receipt, slot),
    }
    Ok(())
}

fn count_cut(piece: Piece<'_>, stats: &Stats) {
    if piece.cut > 0 {
        stats.lines_cut.add(1);
        stats.bytes_cut.add(piece.cut);
    }
}

/// What a hello, and nothing else, begins with.
const HELLO: &[u8] = b"{\"netlog\":";

/// The conversation that a first line begins, if it begins one.
fn hello(line: &[u8], origin: &Origin) -> Result<Option<Conversation>, Refusal> {
    if !line.starts_with(HELLO) {
        return Ok(None);
    }
    match Greeting::parse(line) {
        Some(Greeting::Hello(hello)) => Conversation::new(hello, origin).map(Some),
        _ => Err(Refusal("malformed hello".into())),
    }
}

/// From whom and when a line was received.
#[derive(Clone, Copy)]
pub(crate) struct Receipt<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) stats: &'a Stats,
    pub(crate) received: i64,
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
        Decoder::new(origin, 200, Arc::default())
    }

    type Heard = (u64, u64, String);

    fn heard(input: &str) -> (Result<(), Refusal>, Vec<Heard>) {
        let (mut decoder, mut runs) = (decoder(), Vec::new());
        let outcome = decoder.feed(input.as_bytes(), &mut runs);
        decoder.finish(&mut runs);
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
        ] {
            let line = format!("{}\nplain\n", HELLO.replace(from, to));
            assert_eq!(heard(&line), (Err(Refusal(words.into())), vec![]), "{to}");
        }
        let twice = format!("{HELLO}\n{HELLO}\n");
        assert_eq!(heard(&twice).0, Err(Refusal("a second hello".into())));
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
        for line in ["x\n", "\n\n", "\u{1}\n", "{}\n", "\"\n"] {
            let (mut decoder, mut runs) = (decoder(), Vec::new());
            let input = line.repeat(1000);
            decoder.feed(input.as_bytes(), &mut runs).unwrap();
            let bytes: usize = runs.iter().map(|run| run.lines.len()).sum();
            assert!(bytes <= decoder.most(input.len()), "{line:?} became {bytes}");
        }
    }
}
