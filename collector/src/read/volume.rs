//! One file of records, or the ring that stands for it, to be read in pieces of whole lines.

use super::cursor::print;
use crate::hub::progress::Progress;
use crate::layout::paths::{own, packed_of};
use crate::ledger::{Index, identify};
use crate::seekable_zstd::Packed;
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read of a file at once.
pub(crate) const PIECE: u64 = 1 << 20;

/// How much further is read to find the end of a line.
const MORE: u64 = 64 << 10;

/// A line longer than this is no record, and is passed over.
const LONGEST: u64 = 16 << 20;

/// How much of a file's first line it is known by.
const FIRST_LINE: u64 = 4 << 10;

/// Records that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Volume {
    held: Arc<Held>,
    /// By which it is known in cursors: the hash of its first line. None as long as it is empty.
    print: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Held {
    File {
        path: PathBuf,
        file: File,
        inode: (u64, u64),
    },
    /// Under the name that it had before.
    Packed {
        path: PathBuf,
        packed: Packed,
    },
    Ring(Arc<Progress>),
}

/// Whole lines, and where they begin.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl From<Held> for Volume {
    fn from(held: Held) -> Self {
        Arc::new(held).into()
    }
}

impl From<Arc<Held>> for Volume {
    fn from(held: Arc<Held>) -> Self {
        Self { held, print: None }
    }
}

impl Volume {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let (inode, _) = identify(&file)?;
        Ok(Held::File { path: path.to_owned(), file, inode }.into())
    }

    /// Opens a file that was rotated away to `path`, and may be packed by now.
    pub(crate) fn open_rotated(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (path, packed) = (path.to_owned(), Packed::open(&packed_of(path))?);
                Ok(Held::Packed { path, packed }.into())
            }
            open => open,
        }
    }

    /// The same, of a file that is a collector's own or nobody's.
    pub(crate) fn open_own(path: &Path) -> io::Result<Self> {
        let open = |path: &Path| own(OpenOptions::new().read(true)).open(path);
        let held = match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let packed = Packed::read(open(&packed_of(path))?)?;
                Held::Packed { path: path.to_owned(), packed }
            }
            file => {
                let file = file?;
                let (inode, _) = identify(&file)?;
                Held::File { path: path.to_owned(), file, inode }
            }
        };
        Ok(Self { held: Arc::new(held), print: None })
    }

    /// The ring.
    pub(crate) fn ring(progress: Arc<Progress>) -> Self {
        let print = progress.ring().map(|ring| ring.print);
        Self { held: Arc::new(Held::Ring(progress)), print }
    }

    /// What others can read it by too, without another descriptor.
    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// The device and inode, zero for what is no file or a packed one.
    pub(crate) fn inode(&self) -> (u64, u64) {
        match &*self.held {
            Held::File { inode, .. } => *inode,
            Held::Packed { .. } | Held::Ring(_) => (0, 0),
        }
    }

    /// Where it lay when it was opened, or before it was packed.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &*self.held {
            Held::File { path, .. } | Held::Packed { path, .. } => Some(path),
            Held::Ring(_) => None,
        }
    }

    /// What its ledger says of the first `limit` bytes.
    pub(crate) fn index(&self, limit: u64) -> Index {
        match &*self.held {
            Held::File { path, inode, .. } => Index::read(path, Some(*inode), limit),
            // Nobody has that name twice.
            Held::Packed { path, .. } => Index::read(path, None, limit),
            Held::Ring(_) => Index::default(),
        }
    }

    /// How long it is now. For a file that is being written, [`Progress`] knows better.
    pub(crate) fn len(&self) -> io::Result<u64> {
        match &*self.held {
            Held::File { file, .. } => Ok(file.metadata()?.len()),
            Held::Packed { packed, .. } => Ok(packed.len()),
            Held::Ring(progress) => Ok(progress.ring().map_or(0, |ring| ring.end().at)),
        }
    }

    /// By what cursors know it, once there is a line within `limit`.
    pub(crate) fn print(&mut self, limit: u64) -> Option<u64> {
        if self.print.is_none() {
            let first = self.read_at(0, limit.min(FIRST_LINE)).ok()?;
            let end = memchr::memchr(b'\n', &first).unwrap_or(first.len());
            self.print = (end > 0).then(|| print(&first[..end]));
        }
        self.print
    }

    /// The lines that begin in `from..to`, none of which ends behind `limit`. Of the ring, those of
    /// them that are still held.
    pub(crate) fn lines(&self, (from, to): (u64, u64), limit: u64) -> io::Result<Lines> {
        let Some(before) = from.checked_sub(1).filter(|_| from < to.min(limit)) else {
            return self.lines_from((from, to), limit);
        };
        if let Held::Ring(_) = &*self.held {
            return self.lines_from((from, to), limit);
        }
        // From the byte before: if it ends a line, one begins here.
        let Lines { at, mut bytes } = self.lines_from((before, to), limit)?;
        let skip = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..skip);
        Ok(Lines { at: at + skip as u64, bytes })
    }

    /// The same where it is known that a line begins at `from`.
    pub(crate) fn lines_from(&self, (from, to): (u64, u64), limit: u64) -> io::Result<Lines> {
        let to = to.min(limit);
        if let Held::Ring(progress) = &*self.held {
            let (at, bytes) = progress.ring().map_or((to, Vec::new()), |ring| ring.read(from, to));
            return Ok(Lines { at, bytes });
        }
        let at = from;
        let mut bytes = self.read_at(at, to.saturating_sub(at))?;
        while !bytes.is_empty() && bytes.last() != Some(&b'\n') {
            let end = at + bytes.len() as u64;
            let more = self.read_at(end, MORE.min(limit.saturating_sub(end)))?;
            let Some(end) = memchr::memchr(b'\n', &more) else {
                if more.is_empty() {
                    bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1));
                    break;
                }
                bytes.extend_from_slice(&more);
                if bytes.len() as u64 > PIECE + LONGEST {
                    bytes.clear();
                }
                continue;
            };
            bytes.extend_from_slice(&more[..=end]);
        }
        Ok(Lines { at, bytes })
    }

    /// Up to `len` bytes; fewer only at the end.
    fn read_at(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        match &*self.held {
            Held::File { file, .. } => read_at(file, at, len),
            Held::Packed { packed, .. } => packed.read_at(at, len),
            Held::Ring(_) => Ok(Vec::new()),
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
        let mut plain = Volume::open_rotated(&path).unwrap();
        assert_pieces(&plain, text);
        crate::seekable_zstd::pack(&path, &mut || Ok(())).unwrap();
        let mut packed = Volume::open_rotated(&path).unwrap();
        assert_pieces(&packed, text);
        assert_pieces(&plain, text);
        assert_eq!(packed.print(11), plain.print(11));
        assert_eq!(packed.len().unwrap(), text.len() as u64);
    }

    fn assert_pieces(volume: &Volume, text: &str) {
        for piece in 1..=text.len() as u64 {
            let mut all = Vec::new();
            for from in (0..text.len() as u64).step_by(piece as usize) {
                let lines = volume.lines((from, from + piece), 11).unwrap();
                assert!(lines.bytes.is_empty() || lines.at == all.len() as u64);
                all.extend(lines.bytes);
            }
            assert_eq!(String::from_utf8(all).unwrap(), "aa\nb\n\ncccc\n", "pieces of {piece}");
        }
    }
}
