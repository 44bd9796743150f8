//! A tail of one log: first what is in its segments, then what is appended to the active one, and
//! on through rotations.

use super::log_set::{Log, LogPlace, LogSet, LogStore, SegmentId};
use super::params::{RecordCount, SearchOrder};
use super::position::Position;
use super::reader_task::{RecordCursor, Render, TailStart};
use super::recovery_notices::RecoveryNotices;
use super::scan::{FoundRecord, Scan, ScanQuery};
use super::segment::Segment;
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
    /// Number of lines before that, unless some could not be read.
    lines: Option<u64>,
    last: Option<Position>,
    recovered: RecoveryNotices,
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
            recovered: RecoveryNotices::new(progress.clone()),
            progress,
            stats,
            stage: FileStage::New(start),
            segment: None,
            turn: 0,
            at: 0,
            lines: None,
            last: None,
        }
    }

    fn begin(&mut self, start: TailStart, render: &Render, out: &mut Vec<u8>) {
        let LogSet { logs, end, unopened } = self.store.snapshot();
        if unopened > 0 {
            render.push_missed(None, out);
        }
        self.seam = end;
        (self.turn, self.at) = (end.turn, end.len);
        self.lines = Some(end.lines);
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
        let lines = if self.turn == end.turn { end.lines } else { past.map_or(0, |it| it.lines) };
        if self.at >= limit || cut {
            if cut && self.at < limit {
                self.miss(Some(lines), render, out);
            }
            return self.turn_over(end, render, out);
        }
        if self.segment.is_none() {
            self.segment = self.store.active(end.turn);
        }
        let Some(segment) = &self.segment else {
            // Somebody has taken it away.
            self.at = end.len;
            return self.miss(Some(end.lines), render, out);
        };
        let to = limit.min(self.at + most);
        let fingerprint = segment.fingerprint(limit).unwrap_or_default();
        let Ok(found) = segment.lines_from(self.at, to, limit) else {
            self.at = to;
            return self.miss(None, render, out);
        };
        // Afterwards: others may have copied it and cut it meanwhile (logrotate's copytruncate).
        if found.end() < to || segment.len().is_ok_and(|len| len < limit) {
            self.at = limit;
            return self.miss(Some(lines), render, out);
        }
        let mut piece = LinePiece::default();
        let origin = LineOrigin { begin: 0, fingerprint, offset: self.at, position: self.at };
        self.at = to.max(found.end());
        self.last = Some(Position { fingerprint, offset: self.at });
        piece.origins.push(origin);
        piece.bytes = found.bytes;
        self.lines = self.lines.map(|lines| lines + piece.lines());
        self.recovered.turn = self.turn;
        render.push(&piece, &mut self.recovered, out);
    }

    /// Continues with the file that was begun next.
    fn turn_over(&mut self, end: End, render: &Render, out: &mut Vec<u8>) {
        self.turn = end.turn.min(self.turn + 1);
        self.segment = self.store.active(self.turn);
        self.at = 0;
        if self.segment.is_none() {
            let past = self.progress.file(self.turn);
            let last = self.turn == end.turn;
            self.at = if last { end.len } else { past.and_then(|it| it.len).unwrap_or(0) };
            let lines = if last { Some(end.lines) } else { past.map(|it| it.lines) };
            self.miss(lines, render, out);
        }
    }

    /// Reports the records that are gone up to where so many `lines` had been written.
    fn miss(&mut self, lines: Option<u64>, render: &Render, out: &mut Vec<u8>) {
        let count = lines.zip(self.lines).map(|(to, from)| to.saturating_sub(from));
        self.lines = lines;
        if count != Some(0) {
            render.push_missed(count, out);
        }
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

impl RecordCursor for FileCursor {
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
                    if scan.counts.unreadable > 0 {
                        self.stats.pieces_unreadable.add(scan.counts.unreadable);
                        render.push_missed(None, out);
                    }
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
