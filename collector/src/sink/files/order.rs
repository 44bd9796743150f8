//! The writer of the order: every part of a batch gets its entry before it is written.

use crate::clock::now;
use crate::hub::progress::RecordStream;
use crate::layout::order::{
    ENTRY, OrderEntry, OrderFile, SegmentKey, head, order_of, segments, segments_of,
};
use crate::layout::paths::own;
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The longest part of an entry: a batch extends the entry before it up to this length.
const LONGEST: u64 = 1 << 20;

/// The entries that are read at once.
const BLOCK: u64 = 4096;

/// An order that is being written.
#[derive(Debug)]
pub(super) struct OrderWriter {
    file: File,
    segments: File,
    numbers: HashMap<SegmentKey, u32>,
    /// Length of the file of segments.
    segments_len: u64,
    stream: RecordStream,
    /// Number of settled entries, and the last of them.
    entries: u64,
    last: Option<OrderEntry>,
    announced: Option<AnnouncedEntry>,
}

/// The entry of a part that is being written: a new one, or the last one made longer.
#[derive(Debug, Clone, Copy)]
struct AnnouncedEntry {
    entry: OrderEntry,
    extends: bool,
}

impl OrderWriter {
    /// Opens the order of the files below `base`, or begins one.
    pub(super) fn open(base: &Path) -> io::Result<Self> {
        let path = order_of(base);
        let open = |path: &Path| {
            own(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
        };
        let file = open(&path)?;
        let segments_file = open(&segments_of(&path))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            io::Error::new(io::ErrorKind::WouldBlock, "another collector writes to it")
        })?;
        let found = OrderFile::of(file.try_clone()?)?;
        let (keys, segments_len) = segments(&path)?;
        let id = found.id();
        let mut writer = Self {
            file,
            segments: segments_file,
            numbers: keys.into_iter().zip(0..).collect(),
            segments_len,
            stream: RecordStream { id: id.unwrap_or_else(|| now().unsigned_abs()), end: 0 },
            entries: 0,
            last: None,
            announced: None,
        };
        if id.is_none() {
            writer.file.set_len(0)?;
            writer.file.write_all_at(&head(writer.stream.id), 0)?;
            writer.numbers.clear();
            writer.segments_len = 0;
        }
        writer.each(&found, |_, _| Ok(()))?;
        writer.file.set_len((writer.entries + 1) * ENTRY)?;
        writer.segments.set_len(writer.segments_len)?;
        Ok(writer)
    }

    /// Shows all entries that make sense, and takes note of the last one.
    fn each(
        &mut self,
        found: &OrderFile,
        mut visit: impl FnMut(u64, OrderEntry) -> io::Result<()>,
    ) -> io::Result<()> {
        (self.entries, self.last) = (0, None);
        loop {
            let block = found.entries(self.entries, BLOCK)?;
            for entry in &block {
                let behind = self.last.map_or(0, |last| last.end());
                let known = (entry.segment as usize) < self.numbers.len();
                if !known || entry.position < behind {
                    return Ok(());
                }
                visit(self.entries, *entry)?;
                (self.entries, self.last) = (self.entries + 1, Some(*entry));
                self.stream.end = entry.end();
            }
            if (block.len() as u64) < BLOCK {
                return Ok(());
            }
        }
    }

    pub(super) fn stream(&self) -> RecordStream {
        self.stream
    }

    /// Tells whether it has no entry yet.
    pub(super) fn is_new(&self) -> bool {
        self.entries == 0
    }

    /// The last entry, and its segment.
    pub(super) fn last(&self) -> Option<(OrderEntry, SegmentKey)> {
        let last = self.last?;
        let key = self.numbers.iter().find(|(_, number)| **number == last.segment)?.0;
        Some((last, key.clone()))
    }

    /// Brings the entries of a segment, which is `len` bytes long, into agreement with it: a
    /// collector may have died before it wrote what it had announced, or before the disk had it.
    pub(super) fn reconcile(&mut self, key: &SegmentKey, len: u64) -> io::Result<()> {
        let mut known = 0;
        if let Some(number) = self.numbers.get(key).copied() {
            let found = OrderFile::of(self.file.try_clone()?)?;
            let file = self.file.try_clone()?;
            self.each(&found, |at, entry| {
                if entry.segment != number {
                    return Ok(());
                }
                known = known.max(entry.offset_end().min(len));
                if entry.offset_end() <= len {
                    return Ok(());
                }
                let length = len.saturating_sub(entry.offset) as u32;
                file.write_all_at(&OrderEntry { length, ..entry }.bytes(), (at + 1) * ENTRY)
            })?;
            self.each(&found, |_, _| Ok(()))?;
        }
        self.add(key, known..len)
    }

    /// Appends entries for what stands in a segment already.
    pub(super) fn add(&mut self, key: &SegmentKey, range: std::ops::Range<u64>) -> io::Result<()> {
        let mut offset = range.start;
        while offset < range.end {
            let length = (range.end - offset).min(u64::from(u32::MAX));
            self.announce(key, offset, length)?;
            self.settle();
            offset += length;
        }
        Ok(())
    }

    /// Writes the entry of a part that is about to be written, in place of the one announced last
    /// if that part was not written.
    pub(super) fn announce(
        &mut self,
        key: &SegmentKey,
        offset: u64,
        length: u64,
    ) -> io::Result<()> {
        let segment = self.number(key)?;
        let length = u32::try_from(length).map_err(io::Error::other)?;
        let position = self.stream.end;
        let at = (self.entries + 1) * ENTRY;
        if self.announced.take().is_some_and(|announced| announced.extends)
            && let Some(last) = self.last
        {
            self.file.write_all_at(&last.bytes(), at - ENTRY)?;
        }
        let goes_on = |last: &OrderEntry| {
            last.segment == segment
                && last.offset_end() == offset
                && last.end() == position
                && u64::from(last.length) + u64::from(length) <= LONGEST
        };
        let last = self.last.filter(goes_on);
        let entry = match last {
            Some(last) => OrderEntry { length: last.length + length, ..last },
            None => OrderEntry { position, offset, length, segment },
        };
        let extends = last.is_some();
        self.announced = Some(AnnouncedEntry { entry, extends });
        self.file.write_all_at(&entry.bytes(), if extends { at - ENTRY } else { at })
    }

    /// Takes note that the part announced last is written.
    pub(super) fn settle(&mut self) {
        let Some(AnnouncedEntry { entry, extends }) = self.announced.take() else { return };
        self.entries += u64::from(!extends);
        self.stream.end = entry.end();
        self.last = Some(entry);
    }

    /// Makes the disk have all of it.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.segments.sync_data()?;
        self.file.sync_data()
    }

    fn number(&mut self, key: &SegmentKey) -> io::Result<u32> {
        if let Some(number) = self.numbers.get(key) {
            return Ok(*number);
        }
        let number = u32::try_from(self.numbers.len()).map_err(io::Error::other)?;
        let line = format!("{:016x} {}\n", key.fingerprint, key.log.display());
        self.segments.write_all_at(line.as_bytes(), self.segments_len)?;
        self.segments_len += line.len() as u64;
        self.numbers.insert(key.clone(), number);
        Ok(number)
    }
}
