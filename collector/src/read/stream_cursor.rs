//! A tail of the stream of all records, where there are many logs or none: in memory, or where that
//! does not reach, in the logs, in the order in which they were written.

use super::log_set::{LogFiles, LogStore};
use super::order_scan::OrderScan;
use super::params::RecordCount;
use super::position::Position;
use super::reader_task::{RecordCursor, Render, TailStart};
use super::recovery_notices::RecoveryNotices;
use crate::hub::progress::Progress;
use crate::hub::recent::LinePiece;
use crate::layout::order::OrderFile;
use crate::layout::order_segments::SegmentTable;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Distance over which the last records are looked for when a filter lets few through.
const BACK: u64 = 256 << 20;

/// Bytes that are searched at once for the start of the last records.
const LOOK: u64 = 256 << 10;

/// The entries of an order that are looked through at once.
const BLOCK: u64 = 4096;

/// A tail's place in the stream.
pub(crate) struct StreamCursor {
    store: Arc<LogStore>,
    progress: Arc<Progress>,
    /// None where there are no logs.
    order: Option<OrderScan>,
    stage: StreamStage,
    /// End of the stream when it began.
    seam: u64,
    position: u64,
    /// Number of records before that, if it is known.
    records: Option<u64>,
    last: Option<Position>,
    recovered: RecoveryNotices,
}

#[derive(Clone, Copy)]
enum StreamStage {
    New(TailStart),
    /// Searches back from there for the start of so many more of the last records.
    Back {
        left: u64,
        from: u64,
    },
    Reading,
}

impl StreamCursor {
    pub(crate) fn new(store: Arc<LogStore>, progress: Arc<Progress>, start: TailStart) -> Self {
        let many = matches!(store.files, LogFiles::Many(_));
        let order = many.then(|| OrderScan::new(store.clone()));
        let seam = progress.end().len;
        let stage = StreamStage::New(start);
        let recovered = RecoveryNotices::new(progress.clone());
        Self {
            store,
            progress,
            order,
            stage,
            seam,
            position: seam,
            records: None,
            last: None,
            recovered,
        }
    }

    /// Start of the records in memory.
    fn held(&self) -> u64 {
        self.progress.recent().map_or(0, |recent| recent.start().position)
    }

    fn begin(&mut self, start: TailStart, render: &Render, out: &mut Vec<u8>) {
        let first = if self.order.is_some() { 0 } else { self.held() };
        let at = match start {
            TailStart::Last(RecordCount::All) => first,
            TailStart::Last(RecordCount::Last(0)) => self.seam,
            TailStart::Last(RecordCount::Last(left)) => {
                return self.stage = StreamStage::Back { left, from: self.seam };
            }
            TailStart::After(after) => self.find(after).unwrap_or_else(|| {
                render.push_missed(None, out);
                first
            }),
        };
        self.read_from(at);
    }

    fn read_from(&mut self, position: u64) {
        self.position = position;
        self.records = self.progress.recent().and_then(|recent| recent.records_before(position));
        self.last = self.locate(position);
        self.stage = StreamStage::Reading;
    }

    /// Place of a position in the stream, if that is still stored.
    fn find(&self, after: Position) -> Option<u64> {
        let Position { fingerprint, offset } = after;
        let LogFiles::Many(template) = &self.store.files else {
            let held = self.held()..=self.progress.end().len;
            return (fingerprint == self.progress.id() && held.contains(&offset)).then_some(offset);
        };
        let recent = self.progress.recent().and_then(|recent| recent.find(fingerprint, offset));
        let base = &template.base;
        recent.or_else(|| find_in_order(base, after, self.progress.end().len).ok().flatten())
    }

    /// The position of a place in the stream.
    fn locate(&self, place: u64) -> Option<Position> {
        let before = place.checked_sub(1)?;
        let LogFiles::Many(template) = &self.store.files else {
            return Some(Position { fingerprint: self.progress.id(), offset: place });
        };
        let order = OrderFile::open(&template.base).ok()?;
        let entry = *order.entries(order.find(before).ok()?, 1).ok()?.first()?;
        let segments = SegmentTable::read(&template.base).ok()?;
        let key = segments.get(entry.segment)?;
        let offset = entry.offset + place.checked_sub(entry.position)?;
        Some(Position { fingerprint: key.fingerprint, offset })
    }

    fn look_back(&mut self, left: u64, from: u64, render: &Render) {
        let (piece, next) = self.before(from);
        let mut begins = Vec::new();
        render.filter.each(&piece.bytes, |line| begins.push(line.begin));
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        if let Some(at) = begins.len().checked_sub(wanted) {
            let first = piece.origin(begins[at]);
            return self.read_from(first.map_or(from, |first| first.position));
        }
        let left = left - begins.len() as u64;
        let done = next == 0 || next >= from || self.seam - next > BACK;
        match done {
            // As many as there are, of what was looked through.
            true => self.read_from(next.min(from)),
            false => self.stage = StreamStage::Back { left, from: next },
        }
    }

    /// Lines before a place, and where they begin.
    fn before(&mut self, place: u64) -> (LinePiece, u64) {
        let recent = self.progress.recent().and_then(|recent| {
            let start = recent.start().position;
            let from = start.max(place.saturating_sub(LOOK));
            (from < place).then(|| recent.read(from, place))
        });
        if let Some(recent) = recent {
            return (recent.piece, recent.from);
        }
        match self.order.as_mut().map(|order| order.back(place, LOOK)) {
            Some(Ok(step)) => (step.piece, step.position),
            _ => (LinePiece::default(), place),
        }
    }

    fn read(&mut self, most: u64, render: &Render, out: &mut Vec<u8>) {
        let recent = self.progress.recent().map(|recent| {
            (recent.start(), recent.read(self.position, self.position.saturating_add(most)))
        });
        let Some((start, found)) = recent else { return };
        if self.position >= start.position {
            self.records = self.records.map(|records| records + found.piece.lines());
            self.position = found.to.max(self.position);
            return self.show(&found.piece, render, out);
        }
        let Some(order) = &mut self.order else {
            let missed = self.records.map(|records| start.records.saturating_sub(records));
            (self.position, self.records) = (start.position, Some(start.records));
            return render.push_missed(missed, out);
        };
        let until = self.progress.end().len;
        match order.forward(self.position, until, most) {
            Ok(step) => {
                if step.missed {
                    render.push_missed(None, out);
                }
                self.position = step.position;
                self.show(&step.piece, render, out);
            }
            Err(_) => {
                self.position = start.position;
                render.push_missed(None, out);
            }
        }
    }

    fn show(&mut self, piece: &LinePiece, render: &Render, out: &mut Vec<u8>) {
        render.push(piece, &mut self.recovered, out);
        let end = piece.origins.last().map(|last| last.advance(piece.bytes.len()));
        let end = end.map(|end| Position { fingerprint: end.fingerprint, offset: end.offset });
        self.last = end.or(self.last);
    }
}

/// Place of a position in the stream, according to the order, which is searched from its end.
fn find_in_order(base: &std::path::Path, after: Position, until: u64) -> io::Result<Option<u64>> {
    let segments = SegmentTable::read(base)?;
    let known = segments.iter().filter(|(_, it)| it.key.fingerprint == after.fingerprint);
    let numbers: BTreeSet<u32> = known.map(|(number, _)| number).collect();
    let order = OrderFile::open(base)?;
    let mut end = if numbers.is_empty() { 0 } else { order.len() };
    while end > 0 {
        let first = end.saturating_sub(BLOCK);
        let has = |entry: &&crate::layout::order::OrderEntry| {
            numbers.contains(&entry.segment)
                && entry.offset < after.offset
                && after.offset <= entry.offset_end()
        };
        let block = order.entries(first, end - first)?;
        if let Some(entry) = block.iter().rev().find(has) {
            let at = entry.position + (after.offset - entry.offset);
            return Ok((at <= until).then_some(at));
        }
        end = first;
    }
    Ok(None)
}

impl RecordCursor for StreamCursor {
    fn advance(&mut self, most: u64, render: &Render, out: &mut Vec<u8>) {
        match self.stage {
            StreamStage::New(start) => self.begin(start, render, out),
            StreamStage::Back { left, from } => self.look_back(left, from, render),
            StreamStage::Reading => self.read(most, render, out),
        }
    }

    fn has_caught_up(&self) -> bool {
        matches!(self.stage, StreamStage::Reading) && self.position >= self.seam
    }

    fn behind(&self) -> u64 {
        match self.stage {
            StreamStage::Reading => self.progress.end().len.saturating_sub(self.position),
            _ => u64::MAX,
        }
    }

    fn is_warm(&self) -> bool {
        matches!(self.stage, StreamStage::Reading) && self.position >= self.held()
    }

    fn position(&mut self) -> Option<Position> {
        self.last
    }

    fn is_wide(&self) -> bool {
        self.order.is_some() && !self.is_warm()
    }

    fn release(&mut self) {
        if let Some(order) = &mut self.order {
            order.release();
        }
    }
}
