//! One file of a log, plain or compressed, or the memory that stands for one, to be read in whole
//! lines.

use crate::hub::progress::Progress;
use crate::layout::file_id::{FileId, identify};
use crate::layout::fingerprint::{FIRST_LINE, fingerprint};
use crate::layout::paths::{own, packed_of};
use crate::ledger::LedgerIndex;
use crate::seekable_zstd::SeekableFile;
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Bytes that are read at once to find the end of a line.
const MORE: u64 = 64 << 10;

/// A line longer than this is no record, and is passed over.
const LONGEST: usize = 16 << 20;

/// A segment that is open; clones share its descriptor.
#[derive(Debug, Clone)]
pub(crate) struct Segment(Arc<OpenSegment>);

#[derive(Debug)]
pub(crate) struct OpenSegment {
    /// The path at which it was opened, or was before it was compressed.
    path: PathBuf,
    content: Content,
    fingerprint: OnceLock<u64>,
}

#[derive(Debug)]
enum Content {
    Plain { file: File, inode: FileId },
    Zstd(SeekableFile),
    Memory(Arc<Progress>),
}

/// Whole lines, and where they begin.
#[derive(Debug, Default)]
pub(crate) struct SegmentLines {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl SegmentLines {
    pub(crate) fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

impl From<Arc<OpenSegment>> for Segment {
    fn from(open: Arc<OpenSegment>) -> Self {
        Self(open)
    }
}

impl Segment {
    /// Opens the file at `path`, or what it was compressed to. Where peers choose the names, no link
    /// is followed.
    pub(crate) fn open(path: &Path, follow: bool) -> io::Result<Self> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.read(true);
            if follow { options.open(path) } else { own(&mut options).open(path) }
        };
        let content = match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Content::Zstd(SeekableFile::read(open(&packed_of(path))?)?)
            }
            file => {
                let file = file?;
                let (inode, _) = identify(&file)?;
                Content::Plain { file, inode }
            }
        };
        Ok(Self::new(path.to_owned(), content))
    }

    /// The latest records, in memory.
    pub(crate) fn memory(progress: Arc<Progress>) -> Self {
        let id = progress.id();
        let segment = Self::new(PathBuf::new(), Content::Memory(progress));
        let _ = segment.0.fingerprint.set(id);
        segment
    }

    fn new(path: PathBuf, content: Content) -> Self {
        Self(Arc::new(OpenSegment { path, content, fingerprint: OnceLock::new() }))
    }

    /// Handle by which others can read it too, without another descriptor.
    pub(crate) fn shared(&self) -> &Arc<OpenSegment> {
        &self.0
    }

    /// The device and inode of a plain file.
    pub(crate) fn inode(&self) -> Option<FileId> {
        match &self.0.content {
            Content::Plain { inode, .. } => Some(*inode),
            Content::Zstd(_) | Content::Memory(_) => None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Index of the first `limit` bytes from its ledger. While the file is rotated away from `log`,
    /// its ledger may still lie there.
    pub(crate) fn index(&self, log: &Path, limit: u64) -> LedgerIndex {
        match &self.0.content {
            Content::Plain { inode, .. } => {
                let index = LedgerIndex::read(&self.0.path, Some(*inode), limit);
                if index.is_empty() { LedgerIndex::read(log, Some(*inode), limit) } else { index }
            }
            // Nobody has that name twice.
            Content::Zstd(_) => LedgerIndex::read(&self.0.path, None, limit),
            Content::Memory(_) => LedgerIndex::default(),
        }
    }

    /// Its present length. For a file that is being written, [`Progress`] knows better.
    pub(crate) fn len(&self) -> io::Result<u64> {
        match &self.0.content {
            Content::Plain { file, .. } => Ok(file.metadata()?.len()),
            Content::Zstd(packed) => Ok(packed.len()),
            Content::Memory(progress) => Ok(progress.end().len),
        }
    }

    /// Its fingerprint, once there is a line within `limit`.
    pub(crate) fn fingerprint(&self, limit: u64) -> Option<u64> {
        if let Some(known) = self.0.fingerprint.get() {
            return Some(*known);
        }
        let found = fingerprint(&self.read_at(0, limit.min(FIRST_LINE as u64)).ok()?)?;
        Some(*self.0.fingerprint.get_or_init(|| found))
    }

    /// The lines that begin in `from..to`, none of which ends behind `limit`. In memory, those of
    /// them that are still there.
    pub(crate) fn lines(&self, from: u64, to: u64, limit: u64) -> io::Result<SegmentLines> {
        let is_memory = matches!(self.0.content, Content::Memory(_));
        let Some(before) = from.checked_sub(1).filter(|_| from < to.min(limit) && !is_memory)
        else {
            return self.lines_from(from, to, limit);
        };
        // From the byte before: if it ends a line, one begins here.
        let SegmentLines { at, mut bytes } = self.lines_from(before, to, limit)?;
        let skip = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..skip);
        Ok(SegmentLines { at: at + skip as u64, bytes })
    }

    /// The same where it is known that a line begins at `from`.
    pub(crate) fn lines_from(&self, from: u64, to: u64, limit: u64) -> io::Result<SegmentLines> {
        let to = to.min(limit);
        if let Content::Memory(progress) = &self.0.content {
            let found = progress.recent().map(|recent| recent.read(from, to));
            return Ok(found.map_or_else(SegmentLines::default, |found| SegmentLines {
                at: found.from,
                bytes: found.piece.bytes,
            }));
        }
        let mut bytes = self.read_at(from, to.saturating_sub(from))?;
        while !bytes.is_empty() && bytes.last() != Some(&b'\n') {
            let end = from + bytes.len() as u64;
            let more = self.read_at(end, MORE.min(limit.saturating_sub(end)))?;
            let Some(end) = memchr::memchr(b'\n', &more) else {
                if more.is_empty() {
                    bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1));
                    break;
                }
                bytes.extend_from_slice(&more);
                if bytes.len() > LONGEST {
                    bytes.clear();
                }
                continue;
            };
            bytes.extend_from_slice(&more[..=end]);
        }
        Ok(SegmentLines { at: from, bytes })
    }

    /// Up to `len` bytes; fewer only at the end.
    pub(crate) fn read_at(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        match &self.0.content {
            Content::Plain { file, .. } => read_at(file, at, len),
            Content::Zstd(packed) => packed.read_at(at, len),
            Content::Memory(_) => Ok(Vec::new()),
        }
    }
}

/// Up to `len` bytes; fewer only at the end of the file.
fn read_at(file: &File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(len).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let at = at + bytes.len() as u64;
        match pread(file, spare_capacity(&mut bytes), at) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // An allocator may give more room than was asked for.
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_belongs_to_the_piece_it_begins_in() {
        let dir = tempfile::tempdir().unwrap();
        let (path, text) = (dir.path().join("x"), "aa\nb\n\ncccc\nd");
        std::fs::write(&path, text).unwrap();
        let plain = Segment::open(&path, true).unwrap();
        assert_pieces(&plain, text);
        crate::seekable_zstd::pack(&path, &mut || Ok(())).unwrap();
        let packed = Segment::open(&path, true).unwrap();
        assert_pieces(&packed, text);
        assert_pieces(&plain, text);
        assert_eq!(packed.fingerprint(11), plain.fingerprint(11));
        assert_eq!(packed.len().unwrap(), text.len() as u64);
    }

    fn assert_pieces(segment: &Segment, text: &str) {
        for piece in 1..=text.len() as u64 {
            let mut all = Vec::new();
            for from in (0..text.len() as u64).step_by(piece as usize) {
                let lines = segment.lines(from, from + piece, 11).unwrap();
                assert!(lines.bytes.is_empty() || lines.at == all.len() as u64);
                all.extend(lines.bytes);
            }
            assert_eq!(String::from_utf8(all).unwrap(), "aa\nb\n\ncccc\n", "pieces of {piece}");
        }
    }
}
