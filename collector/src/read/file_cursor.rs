//! A tail of one log: first what is in its segments, then what is appended to the active one, and
//! on through rotations.

use super::log_set::{Log, LogPlace, LogSet, LogStore, SegmentId};
use super::params::{RecordCount, SearchOrder};
use super::position::Position;
use super::scan::{FoundRecord, Scan, ScanQuery};
use super::segment::Segment;
use super::tail::{Render, TailCursor, TailStart};
use crate::hub::progress::{End, Progress};
use crate::hub::recent::{LineOrigin, LinePiece};
use crate::stats::Stats;
use std::sync::Arc;

/// Distance over which the last records are looked for when a filter lets few through.
const BACK: u64 = 256 << 20;

/// Bytes at the end of a file that are expected to be in the page cache.
const WARM: u64 = 32 << 20;

/// Bytes of found records that a scan may hold.
const BUDGET: usize = 256 << 10;

/// A tail's place in a log.
pub(crate) struct FileCursor {
    store: Arc<LogStore>,
    progress: Arc<Progress>,
    stats: Arc<Stats>,
    stage: FileStage,
    /// End of the records when it began.
    seam: End,
    segment: Option<Segment>,
    turn: u64,
    at: u64,
    last: Option<Position>,
}

enum FileStage {
    New(TailStart),
    /// Searches for the start of the last records.
    Back(Box<BackwardScan>),
    /// It reads what was there when it began.
    Stored(Box<Scan>),
    Live,
}

struct BackwardScan {
    log: Log,
    scan: Scan,
    left: u64,
    first: LogPlace,
}

impl FileCursor {
    pub(crate) fn new(
        store: Arc<LogStore>,
        progress: Arc<Progress>,
        stats: Arc<Stats>,
        start: TailStart,
    ) -> Self {
        Self {
            store,
            seam: progress.end(),
            progress,
            stats,
            stage: FileStage::New(start),
            segment: None,
            turn: 0,
            at: 0,
            last: None,
        }
    }

    fn begin(&mut self, start: TailStart, render: &Render, out: &mut Vec<u8>) {
        let LogSet { logs, end } = self.store.snapshot();
        self.seam = end;
        (self.turn, self.at) = (end.turn, end.len);
        self.segment = self.store.active(end.turn);
        let Some(log) = logs.into_iter().next() else { return self.stage = FileStage::Live };
        let from = match start {
            TailStart::Last(RecordCount::All) => log.start(),
            TailStart::Last(RecordCount::Last(0)) => log.end(),
            TailStart::Last(RecordCount::Last(left)) => {
                let scan = scan(&log, render, SearchOrder::Newest, log.start());
                let back = BackwardScan { first: log.end(), log, scan, left };
                return self.stage = FileStage::Back(Box::new(back));
            }
            TailStart::After(position) => find(&log, position).unwrap_or_else(|| {
                render.push_missed(None, out);
                log.start()
            }),
        };
        self.stage = FileStage::Stored(Box::new(scan(&log, render, SearchOrder::Oldest, from)));
    }

    fn follow(&mut self, most: u64, render: &Render, out: &mut Vec<u8>) {
        let end = self.progress.end();
        let past = self.progress.file(self.turn);
        let limit = match &self.segment {
            _ if self.turn == end.turn => end.len,
            Some(segment) => {
                past.and_then(|past| past.len).unwrap_or_else(|| segment.len().unwrap_or(0))
            }
            None => 0,
        };
        let cut = self.turn < end.turn
            && past.is_some_and(|past| past.stamp.is_none())
            && past.map(|past| past.inode) == self.progress.file(self.turn + 1).map(|p| p.inode);
        if self.at >= limit || cut {
            if !self.turn_over(end) || (cut && self.at < limit) {
                render.push_missed(None, out);
            }
            return;
        }
        if self.segment.is_none() {
            self.segment = self.store.active(end.turn);
        }
        let Some(segment) = &self.segment else {
            // Somebody has taken it away.
            self.at = end.len;
            return render.push_missed(None, out);
        };
        let to = limit.min(self.at + most);
        let fingerprint = segment.fingerprint(limit).unwrap_or_default();
        let lines = segment.lines_from(self.at, to, limit).unwrap_or_default();
        if lines.end() < to {
            render.push_missed(None, out);
        }
        let mut piece = LinePiece::default();
        let origin = LineOrigin { begin: 0, fingerprint, offset: self.at, position: self.at };
        self.at = to.max(lines.end());
        self.last = Some(Position { fingerprint, offset: self.at });
        piece.origins.push(origin);
        piece.bytes = lines.bytes;
        render.push(&piece, out);
    }

    /// Goes on to the file that was begun next; `false` when that is not to be found.
    fn turn_over(&mut self, end: End) -> bool {
        self.turn = end.turn.min(self.turn + 1);
        self.segment = self.store.active(self.turn);
        let lost = self.segment.is_none() && self.turn == end.turn;
        self.at = if lost { end.len } else { 0 };
        self.segment.is_some()
    }
}

fn scan(log: &Log, render: &Render, order: SearchOrder, from: LogPlace) -> Scan {
    let filter = render.filter.clone();
    Scan::new(log.clone(), ScanQuery { filter, order, timed: false, budget: BUDGET }, from)
}

/// The place that a position names, if that is still there.
fn find(log: &Log, position: Position) -> Option<LogPlace> {
    let segment = log.find(position.fingerprint)?;
    let len = match segment {
        SegmentId::Active => log.end().offset,
        SegmentId::Rotated(_) => log.open(segment).ok()?.limit,
    };
    (position.offset <= len).then_some(LogPlace { segment, offset: position.offset })
}

impl TailCursor for FileCursor {
    fn advance(&mut self, most: u64, render: &Render, out: &mut Vec<u8>) {
        match &mut self.stage {
            FileStage::New(start) => {
                let start = *start;
                self.begin(start, render, out);
            }
            FileStage::Back(back) => {
                back.scan.fill();
                while back.left > 0
                    && let Some(place) = back.scan.take(|found| found.place)
                {
                    (back.first, back.left) = (place, back.left - 1);
                }
                let far = back.scan.counts.scanned >= BACK;
                if back.left == 0 || far || back.scan.bound().is_none() {
                    let scan = scan(&back.log, render, SearchOrder::Oldest, back.first);
                    self.stage = FileStage::Stored(Box::new(scan));
                }
            }
            FileStage::Stored(scan) => {
                if !scan.is_ready() {
                    scan.fill();
                }
                let mut push = |found: FoundRecord<'_>| {
                    render.format.push(out, found.line, found.position);
                    (found.position, out.len() as u64)
                };
                while let Some((position, sent)) = scan.take(&mut push) {
                    self.last = Some(position);
                    if sent >= most {
                        break;
                    }
                }
                if scan.bound().is_none() {
                    self.stats.pieces_unreadable.add(scan.counts.unreadable);
                    self.stage = FileStage::Live;
                }
            }
            FileStage::Live => self.follow(most, render, out),
        }
    }

    fn has_caught_up(&self) -> bool {
        let behind = self.turn < self.seam.turn || self.at < self.seam.len;
        matches!(self.stage, FileStage::Live) && (!behind || self.turn > self.seam.turn)
    }

    fn behind(&self) -> u64 {
        let end = self.progress.end();
        match (&self.stage, self.turn == end.turn) {
            (FileStage::Live, true) => end.len.saturating_sub(self.at),
            _ => u64::MAX,
        }
    }

    fn is_warm(&self) -> bool {
        self.behind() <= WARM
    }

    fn position(&mut self) -> Option<Position> {
        if self.last.is_none() && matches!(self.stage, FileStage::Live) && self.at > 0 {
            let fingerprint = self.segment.as_ref()?.fingerprint(self.at)?;
            self.last = Some(Position { fingerprint, offset: self.at });
        }
        self.last
    }
}
