//! Properties that hold for any input. The targets in `fuzz/` look for bytes for
//! which it does not; the tests hold it against all the bytes that were found so far.

mod bodies;
mod frames;

pub use bodies::{bodies, bulk, loki, otlp};
pub use frames::{forward, journal, lumberjack, relp};

use crate::clock::now;
use crate::decode::posted::PostedRecords;
use crate::decode::posted::written::written_within;
use crate::decode::{Chunks, Datagram, Decoder, Origin, Pinned, steps_taken};
use crate::hub::line_run::LineRun;
use crate::ledger::{LedgerReplay, LedgerState};
use crate::read::{Expressions, Params, Position};
use crate::senders::peer::Peer;
use crate::senders::peer_error::PeerError;
use crate::stats::{Stats, Tally};
use netlog_wire::{Line, format_utc};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The longest line: short, so that there are longer ones.
const LIMIT: usize = 1000;

/// The most bytes of a first message that are held before its kind is known.
const UNDECIDED: usize = 8 << 10;

/// However a stream is split into reads, the same records come of it, all of them canonical, and
/// no more of it is held than a line may have.
pub fn stream(bytes: &[u8]) {
    any_cuts(bytes, None);
}

/// Checks that the work that any stream makes, in bytes that are read, is bounded by its length.
pub fn work(bytes: &[u8]) {
    // Ten times that of plain text, and for short messages what each of them takes.
    let most = 60 * bytes.len() as u64 + 10_000;
    steps_taken();
    heard(&[bytes], None);
    let steps = steps_taken();
    assert!(steps <= most, "{steps} steps for {} bytes", bytes.len());
}

/// The same where the format is pinned to the one of this name.
pub fn pinned(format: &str, bytes: &[u8]) {
    any_cuts(bytes, Some(Pinned::named(format).expect("there is such a format")));
}

/// Checks that any datagram gives canonical records, and the same ones when it comes in parts.
pub fn datagram(bytes: &[u8]) {
    let pins = [None, Pinned::named("text"), Pinned::named("json"), Pinned::named("syslog")];
    for pin in pins.into_iter().chain([Pinned::named("gelf")]) {
        let whole = received(&[bytes], pin);
        if matches!(pin, None | Some(Pinned::Gelf)) && !bytes.starts_with(&[0x1e, 0x0f]) {
            let parts = in_parts(bytes);
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            // As a part of something else, it is no record of a netlog sender.
            let numbered = bytes.starts_with(b"{\"sender\":\"");
            assert!(numbered || received(&parts, pin) == whole, "in parts it is something else");
        }
    }
}

/// However many parts of messages come, each behind a byte with its length, they do not become
/// more than there is room for.
pub fn chunks(mut bytes: &[u8]) {
    let mut datagrams: Vec<&[u8]> = Vec::new();
    while let Some((&len, rest)) = bytes.split_first() {
        let (datagram, rest) = rest.split_at(rest.len().min(len.into()));
        (bytes, datagrams) = (rest, [datagrams, vec![datagram]].concat());
    }
    received(&datagrams, Some(Pinned::Gelf));
}

/// Checks that for any ledger and any length of its file, the file is cut within it or not at all,
/// what was cut stays cut, and the ledger that is written anew says the same.
pub fn ledger(bytes: &[u8]) {
    let replay = |text: &[u8], len| LedgerState::at(0).replay(text, len);
    let end = replay(bytes, u64::MAX).state.contents.end();
    for len in [0, 1, end / 2, end.saturating_sub(1), end, u64::MAX] {
        let LedgerReplay { state, cut, .. } = replay(bytes, len);
        let text = state.text();
        if let Some(at) = cut.map(|cut| cut.at()) {
            assert!(at < len, "{len} bytes are cut at {at}");
            let again = replay(bytes, at);
            assert_eq!(again.cut, None, "it is cut once");
            assert_eq!(again.state.text(), text);
        }
        let again = replay(&text, len);
        assert!(again.sound && again.cut.is_none(), "{}", String::from_utf8_lossy(&text));
        assert_eq!(again.state.text(), text);
    }
}

/// A place and a query are read or refused; a place that is read is written as it was meant.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    let _ = Params::parse(text, &["after", "follow", "order"], &Expressions::default());
}

/// Checks that the records of a body are canonical, and at most one for each byte.
fn posted(records: PostedRecords<'_>, bytes: usize) {
    let lines = written_within(records, LIMIT);
    assert!(lines.len() <= bytes + 1, "more records than bytes");
    for line in lines.iter().flatten() {
        assert!(Line::parse(line.as_bytes()).is_some(), "{line}");
    }
}

/// An outcome without its times: the lines of plain peers, those
/// of a netlog sender with their numbers, and why it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    lines: Vec<(u64, String)>,
    unfit: Option<PeerError>,
}

fn any_cuts(bytes: &[u8], pin: Option<Pinned>) {
    let whole = heard(&[bytes], pin);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(heard(&single, pin), whole, "byte by byte");
    let mut pieces = Vec::new();
    let mut rest = bytes;
    let mut dice = seed(bytes);
    while !rest.is_empty() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (piece, more) = rest.split_at(rest.len().min(1 + dice as usize % 37));
        pieces.push(piece);
        rest = more;
    }
    assert_eq!(heard(&pieces, pin), whole, "in pieces");
}

fn seed(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn heard(reads: &[&[u8]], pin: Option<Pinned>) -> Heard {
    let origin = Origin::new(peer());
    let mut decoder = Decoder::new(origin, LIMIT, pin, Arc::default());
    let mut heard = Heard::default();
    for read in reads {
        let mut runs = Vec::new();
        let held = decoder.held();
        let outcome = decoder.feed(read, &mut runs);
        let size: usize = runs.iter().map(|run| run.lines.len()).sum();
        let most = decoder.most(held.max(2) + read.len());
        assert!(size <= most, "{} bytes became {size}, not {most}", read.len());
        assert!(decoder.held() <= LIMIT.max(UNDECIDED), "{} bytes are held", decoder.held());
        heard.add(runs);
        if let Err(unfit) = outcome {
            return Heard { unfit: Some(unfit), ..heard };
        }
    }
    let mut runs = Vec::new();
    heard.unfit = decoder.finish(&mut runs).err();
    heard.add(runs);
    heard
}

impl Heard {
    fn add(&mut self, runs: Vec<LineRun>) {
        for run in runs {
            let numbered = !matches!(run.source, crate::hub::line_run::Source::Plain);
            let lines = run.lines.split_inclusive(|&byte| byte == b'\n');
            let before = self.lines.len();
            self.lines.extend(lines.zip(run.first..).map(|(line, number)| {
                let line = line.strip_suffix(b"\n").expect("a line has an end");
                (if numbered { number } else { 0 }, timeless(line, run.times.0..=run.times.1))
            }));
            assert_eq!((self.lines.len() - before) as u64, run.count);
        }
    }
}

/// A line that is canonical and comes from the peer, without its time if that is about now.
fn timeless(line: &[u8], times: RangeInclusive<i64>) -> String {
    let text = String::from_utf8_lossy(line);
    let read = Line::parse(line).unwrap_or_else(|| panic!("not canonical: {text}"));
    assert_eq!(read.peer.map(|peer| peer.text().into_owned()), Some(peer().to_string()), "{text}");
    assert!(times.contains(&read.time), "{text}");
    let time = format_utc(read.time);
    let time = str::from_utf8(&time).expect("digits");
    let lately = (now() - read.time).abs() < 60_000_000;
    if lately { text.replacen(time, "now", 1) } else { text.into_owned() }
}

fn received(datagrams: &[&[u8]], pin: Option<Pinned>) -> Heard {
    const ROOM: usize = 4 << 10;
    let origin = Origin::new(peer());
    let mut chunks = Chunks::new(ROOM);
    let stats = Stats::default();
    let mut heard = Heard::default();
    for (at, bytes) in datagrams.iter().enumerate() {
        let mut bytes = bytes.to_vec();
        let mut runs = Vec::new();
        let tally = Tally::default();
        let origin = &origin;
        let stats = &stats;
        let tally = &tally;
        let received = now();
        let datagram =
            Datagram { origin, stats, tally, peer: peer(), max_line: LIMIT, pin, received };
        let outcome = datagram.take(&mut bytes, &mut chunks, &mut runs);
        heard.unfit = outcome.err().or(heard.unfit);
        heard.add(runs);
        assert!(chunks.bytes() <= ROOM, "{} bytes wait after {at} parts", chunks.bytes());
    }
    heard
}

/// A message as GELF has it sent that is too long for one datagram, the last part first.
fn in_parts(bytes: &[u8]) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = match bytes.len() {
        0 => vec![bytes],
        len => bytes.chunks(len.div_ceil(3)).collect(),
    };
    let part = |(at, part): (usize, &&[u8])| {
        [b"\x1e\x0fnetlog..", &[at as u8, parts.len() as u8][..], part].concat()
    };
    parts.iter().enumerate().rev().map(part).collect()
}

fn peer() -> Peer {
    "10.0.0.7:99".parse().expect("an address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Holds a property against each file of a corpus.
    fn each(name: &str, holds: impl Fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");
        let files = fs::read_dir(format!("{corpus}/{name}")).expect("there is such a corpus");
        let mut count = 0;
        for file in files.flatten() {
            let bytes = fs::read(file.path()).expect("a file");
            holds(&bytes);
            count += 1;
        }
        assert!(count > 3, "only {count} files in {name}");
    }

    #[test]
    fn a_stream_is_the_same_records_in_any_reads() {
        each("stream", stream);
        each("datagram", stream);
    }

    #[test]
    fn a_stream_makes_no_more_work_than_its_length_allows() {
        for corpus in ["stream", "text", "json", "syslog", "gelf", "datagram"] {
            each(corpus, work);
        }
    }

    #[test]
    fn a_stream_of_one_format_is_the_same_records_in_any_reads() {
        for format in ["text", "json", "syslog", "gelf"] {
            each(format, |bytes| pinned(format, bytes));
            each("stream", |bytes| pinned(format, bytes));
        }
    }

    #[test]
    fn a_datagram_is_the_same_records_in_parts() {
        each("datagram", datagram);
        each("chunks", chunks);
    }

    #[test]
    fn a_message_of_fluent_forward_is_read_however_it_comes() {
        each("forward", forward);
    }

    #[test]
    fn a_frame_of_relp_is_read_however_it_comes() {
        each("relp", relp);
    }

    #[test]
    fn a_journal_is_read_however_it_comes() {
        each("journal", journal);
    }

    #[test]
    fn a_frame_of_lumberjack_is_read_however_it_comes() {
        each("lumberjack", lumberjack);
    }

    #[test]
    fn bodies_of_http_requests_become_canonical_records_or_are_refused() {
        each("otlp", otlp);
        each("loki", loki);
        each("bulk", bulk);
        each("bodies", bodies);
    }

    #[test]
    fn a_ledger_is_cut_within_its_file_and_stays_the_same() {
        each("ledger", ledger);
    }

    #[test]
    fn a_query_is_read_or_refused() {
        each("query", query);
    }
}
