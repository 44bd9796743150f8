//! The order in which batches were written to many files, in two files of their directory.
//!
//! ```text
//!  .order            │ head │ entry │ entry │ …    24 bytes each
//!  .order.segments   a line for each segment: its fingerprint, its generation, the path of its log
//! ```
//!
//! Each part of a batch has an entry, which is written before the part: where it begins in the
//! stream of all parts, where in its segment, how long it is, and the number of the segment's line.
//! A tail over many files follows the entries. Those of segments that are gone are pruned.

use crate::layout::paths::own;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The first bytes of an order.
const MAGIC: [u8; 8] = *b"order\0\0\x01";

/// The length of the head, and of each entry.
pub(crate) const ENTRY: u64 = 24;

/// The place of one part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderEntry {
    /// Start of the part in the stream.
    pub(crate) position: u64,
    /// Start of the part in its segment.
    pub(crate) offset: u64,
    pub(crate) length: u32,
    /// The segment's number in `.order.segments`.
    pub(crate) segment: u32,
}

/// An order that is open to be read.
#[derive(Debug)]
pub(crate) struct OrderFile {
    file: File,
    entries: u64,
}

/// The order of the files below `base`.
pub(crate) fn order_of(base: &Path) -> PathBuf {
    base.join(".order")
}

/// The head of an order whose stream is known by `id`.
pub(crate) fn head(id: u64) -> [u8; ENTRY as usize] {
    let mut head = [0; ENTRY as usize];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&id.to_le_bytes());
    head
}

impl OrderEntry {
    pub(crate) fn bytes(self) -> [u8; ENTRY as usize] {
        let mut bytes = [0; ENTRY as usize];
        bytes[..8].copy_from_slice(&self.position.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..].copy_from_slice(&self.segment.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let wide = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let entry =
            Self { position: wide(0)?, offset: wide(8)?, length: short(16)?, segment: short(20)? };
        entry.position.checked_add(u64::from(entry.length))?;
        entry.offset.checked_add(u64::from(entry.length))?;
        Some(entry)
    }

    /// End of the part in the stream.
    pub(crate) fn end(&self) -> u64 {
        self.position + u64::from(self.length)
    }

    /// End of the part in its segment.
    pub(crate) fn offset_end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }
}

impl OrderFile {
    /// Opens the order of the files below `base`.
    pub(crate) fn open(base: &Path) -> io::Result<Self> {
        Self::of(own(OpenOptions::new().read(true)).open(order_of(base))?)
    }

    /// Reads an order that is open.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let entries = (file.metadata()?.len() / ENTRY).saturating_sub(1);
        Ok(Self { file, entries })
    }

    /// By what its stream is known; none without a head.
    pub(crate) fn id(&self) -> io::Result<Option<u64>> {
        let head = self.head::<{ ENTRY as usize }>()?;
        let id = head.as_ref().and_then(|head| head.strip_prefix(&MAGIC)?.first_chunk());
        Ok(id.map(|id| u64::from_le_bytes(*id)))
    }

    /// The version of an order that this collector cannot read, as a newer one has written it.
    pub(crate) fn other_version(&self) -> io::Result<Option<u8>> {
        let head = self.head::<{ MAGIC.len() }>()?;
        let version = head.as_ref().and_then(|head| head.strip_prefix(&MAGIC[..MAGIC.len() - 1]));
        let version = version.and_then(<[u8]>::first).copied();
        Ok(version.filter(|version| *version != MAGIC[MAGIC.len() - 1]))
    }

    /// Its first bytes; none if it is shorter.
    fn head<const LEN: usize>(&self) -> io::Result<Option<[u8; LEN]>> {
        let mut head = [0; LEN];
        match self.file.read_exact_at(&mut head, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(head)),
        }
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> u64 {
        self.entries
    }

    /// Up to `count` entries from `first` on; fewer at the end, or before a damaged one.
    pub(crate) fn entries(&self, first: u64, count: u64) -> io::Result<Vec<OrderEntry>> {
        let count = count.min(self.entries.saturating_sub(first));
        let mut bytes = vec![0; usize::try_from(count * ENTRY).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, (first + 1) * ENTRY)?;
        Ok(bytes.chunks_exact(ENTRY as usize).map_while(OrderEntry::read).collect())
    }

    /// The number of the first entry that ends behind `position`.
    pub(crate) fn find(&self, position: u64) -> io::Result<u64> {
        let mut range = 0..self.entries;
        while !range.is_empty() {
            let middle = range.start + (range.end - range.start) / 2;
            match self.entries(middle, 1)?.first() {
                Some(entry) if entry.end() <= position => range.start = middle + 1,
                _ => range.end = middle,
            }
        }
        Ok(range.start)
    }
}
