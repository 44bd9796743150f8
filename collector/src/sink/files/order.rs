//! The writer of the order: every part of a batch gets its entry before it is written.

use crate::clock::now;
use crate::hub::progress::RecordStream;
use crate::layout::order::{ENTRY, OrderEntry, OrderFile, head, order_of};
use crate::layout::order_segments::{OrderSegment, SegmentKey, SegmentTable, opening, segments_of};
use crate::layout::paths::{next_of, own};
use rustix::fs::{FlockOperation, flock};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The longest part of an entry: a batch extends the entry before it up to this length.
const LONGEST: u64 = 1 << 20;

/// The entries that are read at once.
const BLOCK: u64 = 4096;

/// An order that is being written.
#[derive(Debug)]
pub(super) struct OrderWriter {
    base: PathBuf,
    file: File,
    segments: File,
    numbers: HashMap<SegmentKey, u32>,
    /// Number of the next segment.
    next: u32,
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
        let file = open(&path)?;
        lock(&file)?;
        let found = OrderFile::of(file.try_clone()?)?;
        if let Some(version) = found.other_version()? {
            let path = path.display();
            let newer = format!("{path} is of version {version}, of a newer collector");
            return Err(io::Error::new(io::ErrorKind::InvalidData, newer));
        }
        let id = found.id()?;
        let mut table = SegmentTable::read(base)?;
        let segments = open(&segments_of(&path))?;
        if id.is_none() || table.bytes == 0 {
            table = SegmentTable::default();
            segments.set_len(0)?;
            segments.write_all_at(opening(0).as_bytes(), 0)?;
            table.bytes = opening(0).len() as u64;
        }
        let mut writer = Self {
            base: base.to_owned(),
            file,
            segments,
            numbers: table.iter().map(|(number, it)| (it.key.clone(), number)).collect(),
            next: table.next(),
            segments_len: table.bytes,
            stream: RecordStream { id: id.unwrap_or_else(|| now().unsigned_abs()), end: 0 },
            entries: 0,
            last: None,
            announced: None,
        };
        if id.is_none() {
            writer.file.set_len(0)?;
            writer.file.write_all_at(&head(writer.stream.id), 0)?;
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
                let known = entry.segment < self.next;
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
    pub(super) fn reconcile(&mut self, segment: &OrderSegment, len: u64) -> io::Result<()> {
        let mut known = 0;
        if let Some(number) = self.numbers.get(&segment.key).copied() {
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
        self.add(segment, known..len)
    }

    /// Appends entries for what stands in a segment already.
    pub(super) fn add(&mut self, segment: &OrderSegment, range: Range<u64>) -> io::Result<()> {
        let mut offset = range.start;
        while offset < range.end {
            let length = (range.end - offset).min(u64::from(u32::MAX));
            self.announce(segment, offset, length)?;
            self.settle();
            offset += length;
        }
        Ok(())
    }

    /// Writes the entry of a part that is about to be written, in place of the one announced last
    /// if that part was not written.
    pub(super) fn announce(
        &mut self,
        segment: &OrderSegment,
        offset: u64,
        length: u64,
    ) -> io::Result<()> {
        let segment = self.number(segment)?;
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

    fn number(&mut self, segment: &OrderSegment) -> io::Result<u32> {
        if let Some(number) = self.numbers.get(&segment.key) {
            return Ok(*number);
        }
        let number = self.next;
        let line = segment.line();
        self.segments.write_all_at(line.as_bytes(), self.segments_len)?;
        self.segments_len += line.len() as u64;
        self.next = number.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        self.numbers.insert(segment.key.clone(), number);
        Ok(number)
    }

    /// Removes the entries of segments that are gone, once they are a quarter of all. The last entry
    /// stays: the stream continues behind it.
    pub(super) fn prune(&mut self, is_gone: impl Fn(&OrderSegment) -> bool) -> io::Result<()> {
        let table = SegmentTable::read(&self.base)?;
        let gone: HashSet<u32> =
            table.iter().filter(|(_, it)| is_gone(it)).map(|(number, _)| number).collect();
        let Some(last) = self.last.filter(|_| !gone.is_empty() && self.announced.is_none()) else {
            return Ok(());
        };
        let found = OrderFile::of(self.file.try_clone()?)?;
        let mut kept = Vec::new();
        self.each(&found, |_, entry| {
            kept.extend(Some(entry).filter(|it| *it == last || !gone.contains(&it.segment)));
            Ok(())
        })?;
        if kept.len() as u64 * 4 > self.entries * 3 {
            return Ok(());
        }
        let path = order_of(&self.base);
        let file = open(&next_of(&path))?;
        lock(&file)?;
        file.set_len(0)?;
        let mut out = BufWriter::new(&file);
        out.write_all(&head(self.stream.id))?;
        kept.iter().try_for_each(|entry| out.write_all(&entry.bytes()))?;
        out.flush()?;
        drop(out);
        fs::rename(next_of(&path), &path)?;
        self.file = file;
        self.entries = kept.len() as u64;
        let first = kept.iter().map(|entry| entry.segment).min().unwrap_or(last.segment);
        self.prune_segments(&table, first)
    }

    /// Removes the segments numbered below `first`. Entries know their segments by numbers that
    /// stay, so the two files need not change at one moment.
    fn prune_segments(&mut self, table: &SegmentTable, first: u32) -> io::Result<()> {
        let path = segments_of(&order_of(&self.base));
        let kept = table.iter().filter(|(number, _)| *number >= first);
        let text = opening(first) + &kept.map(|(_, segment)| segment.line()).collect::<String>();
        let file = open(&next_of(&path))?;
        file.set_len(0)?;
        file.write_all_at(text.as_bytes(), 0)?;
        fs::rename(next_of(&path), &path)?;
        self.segments = file;
        self.segments_len = text.len() as u64;
        self.numbers.retain(|_, number| *number >= first);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    own(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

fn lock(file: &File) -> io::Result<()> {
    flock(file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another collector writes to it"))
}
