//! A scan of many logs in the order in which the hub wrote them, forwards or back: it reads the
//! order, and of each entry the lines that it names.

use super::log_set::{Log, LogFiles, LogStore, SegmentId};
use super::segment::{Segment, SegmentLines};
use crate::hub::recent::{LineOrigin, LinePiece};
use crate::layout::order::{OrderEntry, OrderFile};
use crate::layout::order_segments::{SegmentKey, SegmentTable};
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The entries that are read at once.
const BLOCK: u64 = 256;

/// Bytes that are held of all logs together, and the least and the most that is read of one.
const HELD: usize = 8 << 20;
const LEAST: u64 = 4 << 10;
const MOST: u64 = 256 << 10;

/// Files that stay open.
const OPEN: usize = 32;

/// A scan, and what it holds so as not to read it twice.
pub(crate) struct OrderScan {
    store: Arc<LogStore>,
    segments: SegmentTable,
    listed: Option<ListedLogs>,
    open: HashMap<u32, Segment>,
    /// Bytes of segments that the next entries probably name, and their number.
    ahead: HashMap<u32, SegmentLines>,
    held: usize,
}

/// The logs as they were when they were listed, and where the segments are that were asked for.
struct ListedLogs {
    logs: HashMap<PathBuf, Arc<Log>>,
    names: HashMap<SegmentKey, SegmentId>,
    /// Number of segments of each log that were opened, the newest first.
    seen: HashMap<PathBuf, usize>,
}

/// A step of a scan.
#[derive(Default)]
pub(crate) struct OrderStep {
    /// Lines of the stream that may match the filter.
    pub(crate) piece: LinePiece,
    /// Position at which the scan continues.
    pub(crate) position: u64,
    /// True if something was removed that should have been in front of these lines.
    pub(crate) missed: bool,
}

/// The outcome of the attempt to read a part of an entry.
struct EntryPart {
    /// Position at which to continue; none if there is nothing more of the entry.
    next: Option<u64>,
    /// True if it was removed.
    missed: bool,
}

impl OrderScan {
    pub(crate) fn new(store: Arc<LogStore>) -> Self {
        let segments = SegmentTable::default();
        let open = HashMap::new();
        Self { store, segments, listed: None, open, ahead: HashMap::new(), held: 0 }
    }

    fn base(&self) -> io::Result<&Path> {
        match &self.store.files {
            LogFiles::Many(template) => Ok(&template.base),
            LogFiles::None | LogFiles::One(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Reads the lines that begin at `position` or behind it, not beyond `until`, some `most` bytes.
    pub(crate) fn forward(
        &mut self,
        position: u64,
        until: u64,
        most: u64,
    ) -> io::Result<OrderStep> {
        let order = OrderFile::open(self.base()?)?;
        let first = order.find(position)?;
        let mut step = OrderStep { position, ..OrderStep::default() };
        for entry in order.entries(first, BLOCK)? {
            if entry.position >= until {
                break;
            }
            // Where entries were pruned, records were removed. A gap begins a step.
            let is_gap = step.position > 0 && entry.position > step.position;
            if is_gap && !step.piece.bytes.is_empty() {
                return Ok(step);
            }
            step.missed |= is_gap;
            let from = entry.position.max(position);
            // The last one may become longer just now.
            let end = entry.end().min(until);
            let left = most.saturating_sub(step.piece.bytes.len() as u64).clamp(1, MOST);
            let has_lines = !step.piece.bytes.is_empty();
            let part = self.push(&mut step.piece, &entry, from..end.min(from + left));
            if part.missed && has_lines {
                return Ok(step);
            }
            step.missed |= part.missed;
            step.position = part.next.unwrap_or(end);
            if step.position < end || step.piece.bytes.len() as u64 >= most {
                return Ok(step);
            }
        }
        let at_end = step.position == position || order.len() <= first + BLOCK;
        if at_end && step.position < until && step.piece.bytes.is_empty() {
            // It was pruned beyond that since the end of the stream was asked for.
            step.missed |= step.position > 0;
            step.position = until;
        }
        Ok(step)
    }

    /// Reads the lines that begin before `position`, some `most` bytes.
    pub(crate) fn back(&mut self, position: u64, most: u64) -> io::Result<OrderStep> {
        let order = OrderFile::open(self.base()?)?;
        // The one before the first that ends behind it, or that one if it begins before it.
        let mut end = order.find(position)?;
        let within = order.entries(end, 1)?.first().is_some_and(|next| next.position < position);
        end += u64::from(within);
        let first = end.saturating_sub(BLOCK);
        let entries = order.entries(first, end - first)?;
        let (Some(oldest), Some(newest)) = (entries.first(), entries.last()) else {
            return Ok(OrderStep::default());
        };
        let position = position.min(newest.end());
        let begin = oldest.position.max(position.saturating_sub(most.min(MOST)));
        let mut step = OrderStep { position: begin, ..OrderStep::default() };
        for entry in entries.iter().filter(|entry| entry.end() > begin) {
            let range = entry.position.max(begin)..entry.end().min(position);
            let part = self.push(&mut step.piece, entry, range);
            step.missed |= part.missed;
            if part.next.is_none() {
                step.position = step.position.min(entry.position);
            }
        }
        Ok(step)
    }

    /// Appends the lines of an entry that begin in this range of the stream.
    fn push(&mut self, piece: &mut LinePiece, entry: &OrderEntry, range: Range<u64>) -> EntryPart {
        let read_to = |position| EntryPart { next: Some(position), missed: false };
        if range.is_empty() {
            return read_to(range.end);
        }
        let offset = |position: u64| entry.offset + (position - entry.position);
        let lines = self.lines(entry, offset(range.start)..offset(range.end));
        let key = self.key(entry.segment);
        match lines.and_then(|lines| Ok((lines, key?.fingerprint))) {
            Ok((SegmentLines { at, bytes }, fingerprint)) if !bytes.is_empty() => {
                let position = entry.position + (at - entry.offset);
                piece.push(LineOrigin { begin: 0, fingerprint, offset: at, position }, &bytes);
                read_to(position + bytes.len() as u64)
            }
            // It is in the middle of a long line.
            Ok(_) if self.len(entry.segment) > offset(range.start) => read_to(range.end),
            // An entry that is cut short holds no more; one whose file is gone did.
            outcome => EntryPart { next: None, missed: outcome.is_err() },
        }
    }

    /// Length of a segment; nothing of one that is gone.
    fn len(&mut self, number: u32) -> u64 {
        self.segment(number).and_then(|segment| segment.len()).unwrap_or(0)
    }

    fn key(&mut self, number: u32) -> io::Result<SegmentKey> {
        if self.segments.get(number).is_none() {
            self.segments = SegmentTable::read(self.base()?)?;
        }
        self.segments.get(number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The lines of an entry that begin in this range of its segment.
    fn lines(&mut self, entry: &OrderEntry, range: Range<u64>) -> io::Result<SegmentLines> {
        let end = entry.offset_end();
        if range != (entry.offset..end) {
            let segment = self.segment(entry.segment)?;
            return match range.start == entry.offset {
                true => segment.lines_from(range.start, range.end, end),
                false => segment.lines(range.start, range.end, end),
            };
        }
        let has = |ahead: &SegmentLines| ahead.at <= range.start && end <= ahead.end();
        if !self.ahead.get(&entry.segment).is_some_and(has) {
            self.read_ahead(entry)?;
        }
        let ahead = self.ahead.get(&entry.segment).ok_or(io::ErrorKind::NotFound)?;
        let begin = (range.start - ahead.at) as usize;
        let bytes = &ahead.bytes[begin..ahead.bytes.len().min(begin + entry.length as usize)];
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        Ok(SegmentLines { at: range.start, bytes: bytes[..whole].to_vec() })
    }

    /// Reads an entry, and what stands behind it: other entries name it soon.
    fn read_ahead(&mut self, entry: &OrderEntry) -> io::Result<()> {
        let len = (HELD as u64 / (self.ahead.len() as u64 + 1)).clamp(LEAST, MOST);
        let len = len.max(u64::from(entry.length));
        let bytes = self.segment(entry.segment)?.read_at(entry.offset, len)?;
        if self.held + bytes.len() > HELD {
            self.ahead.clear();
            self.held = 0;
        }
        self.held += bytes.len();
        let read = SegmentLines { at: entry.offset, bytes };
        let before = self.ahead.insert(entry.segment, read);
        self.held -= before.map_or(0, |before| before.bytes.len());
        Ok(())
    }

    /// The segment with this number, opened if need be.
    fn segment(&mut self, number: u32) -> io::Result<Segment> {
        if let Some(open) = self.open.get(&number) {
            return Ok(open.clone());
        }
        let key = self.key(number)?;
        let found = self.find(&key).or_else(|_| {
            // It may have been rotated since the logs were listed.
            self.listed = None;
            self.find(&key)
        });
        let segment = match found {
            Ok(segment) => segment,
            Err(_) => self.listed().log(&key.log)?.open_moved(key.fingerprint)?,
        };
        if self.open.len() >= OPEN {
            self.open.clear();
        }
        Ok(self.open.entry(number).or_insert(segment).clone())
    }

    fn find(&mut self, key: &SegmentKey) -> io::Result<Segment> {
        let listed = self.listed();
        let name = listed.find(key).ok_or(io::ErrorKind::NotFound)?;
        let log = listed.log(&key.log)?;
        log.reopen(name, key.fingerprint)
    }

    fn listed(&mut self) -> &mut ListedLogs {
        self.listed.get_or_insert_with(|| {
            let logs = self.store.snapshot().logs.into_iter();
            let logs = logs.map(|log| (log.path.clone(), Arc::new(log))).collect();
            ListedLogs { logs, names: HashMap::new(), seen: HashMap::new() }
        })
    }

    /// Lets go of all that can be read again.
    pub(crate) fn release(&mut self) {
        self.open.clear();
        self.ahead.clear();
        self.held = 0;
    }
}

impl ListedLogs {
    fn log(&self, path: &Path) -> io::Result<Arc<Log>> {
        self.logs.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Finds a segment. As many as needed are opened, the newest first, and none twice.
    fn find(&mut self, key: &SegmentKey) -> Option<SegmentId> {
        let log = self.log(&key.log).ok()?;
        let seen = self.seen.entry(key.log.clone()).or_default();
        let mut more = log.segments().rev().skip(*seen);
        while !self.names.contains_key(key) {
            let name = more.next()?;
            *seen += 1;
            if let Some(fingerprint) = log.fingerprint(name) {
                let key = SegmentKey { fingerprint, log: key.log.clone() };
                self.names.entry(key).or_insert(name);
            }
        }
        self.names.get(key).copied()
    }
}
