//! A scan of many logs in the order in which the hub wrote them, forwards or back: it reads the
//! order, and of each entry the lines that it names.

use super::log_set::{Log, LogFiles, LogStore, SegmentId};
use super::segment::Segment;
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

/// Bytes that are held of all logs together, and the least that is read of one.
const HELD: usize = 8 << 20;
const LEAST: u64 = 4 << 10;
const MOST: u64 = 256 << 10;

/// No line is longer.
const LONGEST: u64 = 32 << 20;

/// Files that stay open.
const OPEN: usize = 32;

/// A scan, and what it holds so as not to read it twice.
pub(crate) struct OrderScan {
    store: Arc<LogStore>,
    segments: SegmentTable,
    listed: Option<ListedLogs>,
    windows: HashMap<u32, ReadWindow>,
    open: usize,
    /// Bytes of the windows.
    held: usize,
}

/// The logs as they were when they were listed, and where the segments are that were asked for.
struct ListedLogs {
    logs: HashMap<PathBuf, Arc<Log>>,
    names: HashMap<SegmentKey, SegmentId>,
    /// Number of segments of each log that were opened, the newest first.
    seen: HashMap<PathBuf, usize>,
}

#[derive(Default)]
struct ReadWindow {
    segment: Option<Segment>,
    at: u64,
    bytes: Vec<u8>,
}

/// A step of a scan.
#[derive(Default)]
pub(crate) struct OrderStep {
    /// Lines of the stream that may match the filter.
    pub(crate) piece: LinePiece,
    /// Position at which the scan continues.
    pub(crate) position: u64,
    /// True if something was removed that should have been in it.
    pub(crate) missed: bool,
}

impl OrderScan {
    pub(crate) fn new(store: Arc<LogStore>) -> Self {
        Self {
            store,
            segments: SegmentTable::default(),
            listed: None,
            windows: HashMap::new(),
            open: 0,
            held: 0,
        }
    }

    fn base(&self) -> io::Result<&Path> {
        match &self.store.files {
            LogFiles::Many(template) => Ok(&template.base),
            LogFiles::None | LogFiles::One(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Reads on from `position`, not beyond `until`, some `most` bytes.
    pub(crate) fn forward(
        &mut self,
        position: u64,
        until: u64,
        most: u64,
    ) -> io::Result<OrderStep> {
        let order = OrderFile::open(self.base()?)?;
        let first = order.find(position)?;
        let mut step = OrderStep { position: until, ..OrderStep::default() };
        let entries = order.entries(first, BLOCK)?;
        let mut behind = position;
        for entry in entries {
            if entry.position >= until {
                return Ok(step);
            }
            // Where entries were pruned, records were removed.
            step.missed |= behind > 0 && entry.position > behind;
            behind = entry.end();
            let length = u64::from(entry.length);
            let skip = position.saturating_sub(entry.position).min(length);
            let left = most.saturating_sub(step.piece.bytes.len() as u64);
            // The last one may become longer just now.
            let end = entry.offset + length.min(until - entry.position);
            let from = entry.offset + skip;
            let to = match from < end {
                true => self.push(&mut step, &entry, from..end, left.max(1)),
                false => from,
            };
            step.position = entry.position + (to - entry.offset);
            if to < end || step.piece.bytes.len() as u64 >= most {
                return Ok(step);
            }
        }
        let done = order.len() <= first + BLOCK;
        step.position = if done { until } else { step.position };
        Ok(step)
    }

    /// Reads what stands before `position`, some `most` bytes.
    pub(crate) fn back(&mut self, position: u64, most: u64) -> io::Result<OrderStep> {
        let order = OrderFile::open(self.base()?)?;
        // The one before the first that ends behind it, or that one if it begins before it.
        let mut end = order.find(position)?;
        let within = order.entries(end, 1)?.first().is_some_and(|next| next.position < position);
        end += u64::from(within);
        let first = end.saturating_sub(BLOCK);
        let entries = order.entries(first, end - first)?;
        let mut from = entries.len();
        let mut bytes = 0;
        while from > 0 && bytes < most {
            from -= 1;
            bytes += u64::from(entries[from].length);
        }
        let Some(oldest) = entries.get(from) else { return Ok(OrderStep::default()) };
        // Of one that is too long for a step, the end; unless that is one long line.
        for step in [most.max(MOST), LONGEST] {
            let begin = oldest.position.max(position.saturating_sub(step));
            let found = self.between(&entries[from..], begin..position)?;
            if found.position < position {
                return Ok(found);
            }
        }
        self.between(&entries[from..], oldest.position..position)
    }

    fn between(&mut self, entries: &[OrderEntry], range: Range<u64>) -> io::Result<OrderStep> {
        let mut step = OrderStep { position: range.start, ..OrderStep::default() };
        for entry in entries {
            let low = range.start.saturating_sub(entry.position).min(u64::from(entry.length));
            let high = (range.end - entry.position.min(range.end)).min(u64::from(entry.length));
            let mut range = entry.offset + low..entry.offset + high;
            if low > 0 && range.start < range.end {
                // A line that begins before it belongs to what is before.
                range.start = self.line_at(entry, range.clone())?;
                step.position = entry.position + (range.start - entry.offset);
            }
            while range.start < range.end {
                range.start = self.push(&mut step, entry, range.clone(), MOST);
            }
        }
        Ok(step)
    }

    /// Start of the first line at or behind the beginning of `range`.
    fn line_at(&mut self, entry: &OrderEntry, range: Range<u64>) -> io::Result<u64> {
        let Ok(segment) = self.segment(entry.segment) else { return Ok(range.end) };
        let lines = segment.lines(range.start, range.end, entry.offset_end());
        self.keep(entry.segment, segment);
        Ok(lines?.at.min(range.end))
    }

    /// Appends the lines of an entry that begin in `range`, some `most` bytes, unless there is
    /// nothing to be found in them; returns where to continue.
    fn push(
        &mut self,
        step: &mut OrderStep,
        entry: &OrderEntry,
        range: Range<u64>,
        most: u64,
    ) -> u64 {
        let Ok(SegmentKey { fingerprint, .. }) = self.key(entry.segment) else {
            step.missed = true;
            return range.end;
        };
        match self.read(entry, range.clone(), most) {
            Ok(lines) if !lines.is_empty() => {
                let position = entry.position + (range.start - entry.offset);
                let origin = LineOrigin { begin: 0, fingerprint, offset: range.start, position };
                step.piece.push(origin, &lines);
                range.start + lines.len() as u64
            }
            // An entry that is cut short holds no more; one whose file is gone did.
            outcome => {
                step.missed |= outcome.is_err();
                range.end
            }
        }
    }

    fn key(&mut self, number: u32) -> io::Result<SegmentKey> {
        if self.segments.get(number).is_none() {
            self.segments = SegmentTable::read(self.base()?)?;
        }
        self.segments.get(number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The lines of an entry that begin in `range`, out of a window if they are few.
    fn read(&mut self, entry: &OrderEntry, range: Range<u64>, most: u64) -> io::Result<Vec<u8>> {
        let window = self.windows.get(&entry.segment);
        let has = |window: &&ReadWindow| {
            window.at <= range.start && range.end <= window.at + window.bytes.len() as u64
        };
        if let Some(window) = window.filter(has) {
            let begin = (range.start - window.at) as usize;
            return Ok(window.bytes[begin..begin + (range.end - range.start) as usize].to_vec());
        }
        let segment = self.segment(entry.segment)?;
        if range.end - range.start > most.min(MOST) {
            let to = range.start + most.min(MOST);
            let lines = segment.lines_from(range.start, to, entry.offset_end());
            self.keep(entry.segment, segment);
            return Ok(lines?.bytes);
        }
        let ahead = (HELD as u64 / (self.windows.len() as u64 + 1)).clamp(LEAST, MOST);
        let len = (range.end - range.start).max(ahead);
        let bytes = segment.read_at(range.start, len);
        self.keep(entry.segment, segment);
        let bytes = bytes?;
        let here = (range.end - range.start).min(bytes.len() as u64) as usize;
        let whole = memchr::memrchr(b'\n', &bytes[..here]).map_or(0, |end| end + 1);
        let lines = bytes[..whole].to_vec();
        if self.held + bytes.len() > HELD {
            self.release();
        }
        let window = self.windows.entry(entry.segment).or_default();
        self.held = self.held + bytes.len() - window.bytes.len();
        (window.at, window.bytes) = (range.start, bytes);
        Ok(lines)
    }

    /// Keeps a segment open, unless there are many.
    fn keep(&mut self, number: u32, segment: Segment) {
        if self.open >= OPEN {
            self.windows.values_mut().for_each(|window| window.segment = None);
            self.open = 0;
        }
        self.windows.entry(number).or_default().segment = Some(segment);
        self.open += 1;
    }

    /// The segment with this number, opened if need be.
    fn segment(&mut self, number: u32) -> io::Result<Segment> {
        let open = self.windows.get_mut(&number).and_then(|window| window.segment.take());
        if let Some(segment) = open {
            self.open -= 1;
            return Ok(segment);
        }
        let key = self.key(number)?;
        if let Ok(segment) = self.find(&key) {
            return Ok(segment);
        }
        // It may have been rotated since the logs were listed.
        self.listed = None;
        match self.find(&key) {
            Ok(segment) => Ok(segment),
            Err(_) => self.listed().log(&key.log)?.open_moved(key.fingerprint),
        }
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
        self.windows.clear();
        (self.open, self.held) = (0, 0);
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
