//! A scan of one log in either direction. Between two pieces it holds what it found, and can let go
//! of that too, to read it again.

use super::filter::Filter;
use super::log_set::{Log, LogPlace, LogSegment, SegmentId};
use super::params::SearchOrder;
use super::piece_size::PieceSize;
use super::position::Position;
use super::segment::{Segment, SegmentLines};
use crate::ledger::{FilePart, IndexStretch};
use netlog_wire::Line;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Records without a known time, and parts of files whose times are not known, come first.
const ANY_TIME: (i64, i64) = (i64::MIN, i64::MAX);

/// A piece that cannot be read is read in halves down to this length.
const DAMAGED: u64 = 16 << 10;

/// The question that a scan answers.
#[derive(Debug, Clone)]
pub(crate) struct ScanQuery {
    pub(crate) filter: Arc<Filter>,
    pub(crate) order: SearchOrder,
    /// True if the times of what is found are needed.
    pub(crate) timed: bool,
    /// Bytes of found records that may be held.
    pub(crate) budget: usize,
}

/// A scan that has come so far.
pub(crate) struct Scan {
    log: Log,
    query: ScanQuery,
    /// Nothing before it is read.
    from: LogPlace,
    /// The segments still to be opened, the next one first.
    left: VecDeque<SegmentId>,
    reading: Option<ScanSegment>,
    /// Lines that were found and are not taken yet, in the order in which they are taken.
    found: VecDeque<FoundLine>,
    text: Vec<u8>,
    piece_size: PieceSize,
    pub(crate) counts: ScanCounts,
}

/// The segment that is being read.
struct ScanSegment {
    name: SegmentId,
    /// None while it is closed for the sake of others.
    segment: Option<Segment>,
    fingerprint: u64,
    limit: u64,
    /// The parts still to be read, the next one first.
    parts: VecDeque<FilePart>,
    /// The part in which the lines stand that were found.
    piece: FilePart,
}

struct FoundLine {
    time: i64,
    /// Its start in the segment, and that of the line behind it.
    offset: u64,
    behind: u64,
    /// Its record's place in the text, without the line end.
    begin: usize,
    end: usize,
}

/// A record that was found.
pub(crate) struct FoundRecord<'a> {
    /// Without its line end.
    pub(crate) line: &'a [u8],
    /// Behind it.
    pub(crate) position: Position,
    /// Start of the record.
    pub(crate) place: LogPlace,
}

/// Statistics of a scan.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ScanCounts {
    /// Bytes that were read, and that the ledgers said need not be.
    pub(crate) scanned: u64,
    pub(crate) skipped: u64,
    /// Pieces, and whole segments, that could not be read.
    pub(crate) unreadable: u64,
}

impl std::ops::AddAssign for ScanCounts {
    fn add_assign(&mut self, other: Self) {
        self.scanned += other.scanned;
        self.skipped += other.skipped;
        self.unreadable += other.unreadable;
    }
}

impl Scan {
    /// A scan of all that is behind `from`.
    pub(crate) fn new(log: Log, query: ScanQuery, from: LogPlace) -> Self {
        let left = log.segments().filter(|segment| *segment >= from.segment);
        let left = match query.order {
            SearchOrder::Oldest => left.collect(),
            SearchOrder::Newest => left.rev().collect(),
        };
        let piece_size = PieceSize::default();
        let counts = ScanCounts::default();
        let (found, text) = Default::default();
        Self { log, query, from, left, reading: None, found, text, piece_size, counts }
    }

    /// The time of what comes next, or a bound of it; none at the end.
    pub(crate) fn bound(&self) -> Option<i64> {
        if let Some(found) = self.found.front() {
            return Some(found.time);
        }
        let reading = self.reading.as_ref();
        if reading.is_none() && self.left.is_empty() {
            return None;
        }
        let next = reading.and_then(|reading| reading.parts.front());
        let times = next.map_or(ANY_TIME, |next| next.times);
        Some(if self.query.order == SearchOrder::Newest { times.1 } else { times.0 })
    }

    /// Tells whether a record is at hand.
    pub(crate) fn is_ready(&self) -> bool {
        !self.found.is_empty()
    }

    /// Shows the record at hand.
    pub(crate) fn take<T>(&mut self, show: impl FnOnce(FoundRecord<'_>) -> T) -> Option<T> {
        let reading = self.reading.as_ref()?;
        let found = self.found.pop_front()?;
        let shown = show(FoundRecord {
            line: &self.text[found.begin..found.end],
            position: Position { fingerprint: reading.fingerprint, offset: found.behind },
            place: LogPlace { segment: reading.name, offset: found.offset },
        });
        if self.found.is_empty() {
            self.text = Vec::new();
        }
        Some(shown)
    }

    /// Lets go of what can be read again.
    pub(crate) fn release(&mut self) {
        self.close();
        if let Some(next) = self.found.front() {
            let offset = next.offset;
            let behind = next.behind;
            self.put_back(offset, behind);
        }
        (self.found, self.text) = Default::default();
    }

    /// Closes the file until it is read again.
    pub(crate) fn close(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.segment = None;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.segment.is_some())
    }

    /// Has what stands from a record on, in the direction of the scan, read again.
    fn put_back(&mut self, offset: u64, behind: u64) {
        let Some(ScanSegment { parts, piece, .. }) = &mut self.reading else { return };
        let done = match self.query.order {
            SearchOrder::Oldest => offset - piece.from,
            // The last line may end behind it.
            SearchOrder::Newest => piece.to.saturating_sub(behind),
        };
        let [first, rest] = split(*piece, done, self.query.order);
        *piece = first;
        parts.push_front(rest);
    }

    /// Takes one step: opens the next segment, or reads the next piece.
    pub(crate) fn fill(&mut self) {
        let outcome = match &self.reading {
            Some(reading) if !reading.parts.is_empty() => self.read(),
            _ => {
                self.reading = None;
                let next = self.left.pop_front();
                next.map_or(Ok(()), |name| self.open(name))
            }
        };
        if let Err(error) = outcome {
            // What was removed meanwhile holds nothing.
            self.counts.unreadable += u64::from(error.kind() != io::ErrorKind::NotFound);
            self.reading = None;
        }
    }

    fn open(&mut self, name: SegmentId) -> io::Result<()> {
        let open = self.log.open(name);
        if name == SegmentId::Active {
            let newer = self.log.newer()?;
            if !newer.is_empty() && self.make_way(newer, open.as_ref().ok()) {
                return Ok(());
            }
        }
        let LogSegment { segment, limit, index } = open?;
        let from = if name == self.from.segment { self.from.offset } else { 0 };
        let Some(fingerprint) = segment.fingerprint(limit).filter(|_| from < limit) else {
            // It is empty, or its first line cannot be read.
            segment.read_at(0, limit.min(1))?;
            return Ok(());
        };
        let keep = |stretch: &IndexStretch<'_>| self.query.filter.may_hold(stretch);
        let found = index.parts(from..limit, keep);
        self.counts.skipped += found.skipped;
        let segment = Some(segment);
        let mut parts: VecDeque<_> = found.parts.into();
        if self.query.order == SearchOrder::Newest {
            parts.make_contiguous().reverse();
        }
        let piece = FilePart { from, to: from, times: ANY_TIME };
        self.reading = Some(ScanSegment { name, segment, fingerprint, limit, parts, piece });
        Ok(())
    }

    /// Puts what was rotated since the log was listed where it belongs; says whether that comes
    /// before the active segment.
    fn make_way(
        &mut self,
        newer: Vec<crate::layout::segment_name::SegmentName>,
        active: Option<&LogSegment>,
    ) -> bool {
        let fingerprint = active.and_then(|active| active.segment.fingerprint(active.limit));
        self.log.rotated.extend(&newer);
        if self.query.order == SearchOrder::Oldest {
            self.left.extend(newer.into_iter().map(SegmentId::Rotated));
            self.left.push_back(SegmentId::Active);
            return true;
        }
        for stamp in newer {
            // It may be the one that is open here already.
            let same = self
                .log
                .open(SegmentId::Rotated(stamp))
                .is_ok_and(|rotated| rotated.segment.fingerprint(rotated.limit) == fingerprint);
            if !same {
                self.left.push_front(SegmentId::Rotated(stamp));
            }
        }
        false
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let Some(part) = reading.parts.pop_front() else { return Ok(()) };
        let [piece, rest] = split(part, self.piece_size.0, self.query.order);
        if rest.from < rest.to {
            reading.parts.push_front(rest);
        }
        reading.piece = piece;
        let segment = match reading.segment.take() {
            Some(segment) => segment,
            None => {
                let reopened = self.log.reopen(reading.name, reading.fingerprint);
                // Others may have renamed it.
                reopened.or_else(|_| self.log.open_moved(reading.fingerprint))?
            }
        };
        let lines = segment.lines(piece.from, piece.to, reading.limit);
        reading.segment = Some(segment);
        match lines {
            Ok(lines) => self.find(lines),
            // Of what is damaged, or was cut by others, only as much holds nothing as has to.
            Err(_) if piece.to - piece.from > DAMAGED => {
                let half = (piece.to - piece.from) / 2;
                let [first, rest] = split(piece, half, self.query.order);
                reading.parts.push_front(rest);
                reading.parts.push_front(first);
            }
            Err(_) => self.counts.unreadable += 1,
        }
        Ok(())
    }

    /// Keeps what is wanted of `lines`, as much as may be held; the rest is read again.
    fn find(&mut self, lines: SegmentLines) {
        let begun = Instant::now();
        let mut found = VecDeque::new();
        let timed = self.query.timed;
        let mut made = Vec::new();
        self.query.filter.each(&lines.bytes, |line| {
            let time =
                if timed { Line::parse(&line.record).map_or(0, |line| line.time) } else { 0 };
            let begin = match &line.record {
                Cow::Borrowed(_) => line.begin,
                Cow::Owned(record) => {
                    made.extend_from_slice(record);
                    lines.bytes.len() + made.len() - record.len()
                }
            };
            let offset = lines.at + line.begin as u64;
            let behind = lines.at + line.end as u64;
            let end = begin + line.record.len();
            found.push_back(FoundLine { time, offset, behind, begin, end });
        });
        if self.query.order == SearchOrder::Newest {
            found.make_contiguous().reverse();
        }
        let held: usize = found.iter().map(|found| found.end - found.begin).sum();
        if held * 2 > self.query.budget {
            self.piece_size.shrink();
        } else {
            self.piece_size.adapt(begun.elapsed());
        }
        let mut read = lines.bytes.len() as u64;
        if held > self.query.budget * 2 {
            let mut held = 0;
            let fits = |found: &&FoundLine| {
                let fits = held < self.query.budget;
                held += found.end - found.begin;
                fits
            };
            let count = found.iter().take_while(fits).count();
            if let Some(over) = found.get(count) {
                let behind = over.behind;
                read = match self.query.order {
                    SearchOrder::Oldest => over.offset - lines.at,
                    SearchOrder::Newest => lines.end() - behind,
                };
                self.put_back(found[count].offset, behind);
            }
            found.truncate(count);
        }
        self.counts.scanned += read;
        let mut bytes = lines.bytes;
        bytes.extend_from_slice(&made);
        self.text = gather(&mut found, bytes);
        self.found = found;
    }
}

/// The stretch of a part that is read next, some `most` bytes, and the rest.
fn split(part: FilePart, most: u64, order: SearchOrder) -> [FilePart; 2] {
    let most = most.min(part.to - part.from);
    match order {
        SearchOrder::Oldest => {
            let at = part.from + most;
            [FilePart { to: at, ..part }, FilePart { from: at, ..part }]
        }
        SearchOrder::Newest => {
            let at = part.to - most;
            [FilePart { from: at, ..part }, FilePart { to: at, ..part }]
        }
    }
}

/// The text of what was found, which is most of `bytes` or copied out of them.
fn gather(found: &mut VecDeque<FoundLine>, bytes: Vec<u8>) -> Vec<u8> {
    let held: usize = found.iter().map(|found| found.end - found.begin).sum();
    if held * 4 > bytes.len() * 3 {
        return bytes;
    }
    let mut text = Vec::with_capacity(held);
    for line in found {
        let begin = text.len();
        text.extend_from_slice(&bytes[line.begin..line.end]);
        (line.begin, line.end) = (begin, text.len());
    }
    text
}
