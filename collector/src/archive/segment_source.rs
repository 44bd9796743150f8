//! A segment to be archived: its length, its parts, and the ETag that S3 gives to an object of them.

use crate::layout::paths::{own, packed_of};
use md5::{Digest, Md5};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// S3 takes this many parts of an object.
const MOST_PARTS: u64 = 10_000;

/// An open segment. If it is removed or compressed meanwhile, it stays readable.
#[derive(Debug)]
pub(super) struct SegmentSource {
    file: File,
    pub(super) path: PathBuf,
    pub(super) len: u64,
    /// Bytes of each part but the last one.
    part: u64,
    pub(super) etag: String,
}

impl SegmentSource {
    /// Opens the segment at `path`, compressed or not, and reads it once. Its parts have `part` bytes,
    /// or more where there would be too many.
    ///
    /// # Errors
    ///
    /// Also when it is gone, with [`io::ErrorKind::NotFound`].
    pub(super) fn open(path: &Path, part: u64) -> io::Result<Self> {
        let path = match packed_of(path) {
            packed if packed.try_exists()? => packed,
            _ => path.to_owned(),
        };
        let file = own(OpenOptions::new().read(true)).open(&path)?;
        let len = file.metadata()?.len();
        let part = part.max(len.div_ceil(MOST_PARTS));
        let mut source = Self { file, path, len, part, etag: String::new() };
        source.etag = source.checksum()?;
        Ok(source)
    }

    /// Number of its parts; a short one has one.
    pub(super) fn parts(&self) -> u64 {
        self.len.div_ceil(self.part).max(1)
    }

    /// The bytes of part `number`.
    pub(super) fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let range = self.range(number);
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    /// Place of part `number`.
    pub(super) fn range(&self, number: u64) -> std::ops::Range<u64> {
        let start = (number * self.part).min(self.len);
        start..(start + self.part).min(self.len)
    }

    /// The ETag of an object that is not encrypted with a key of its own: the MD5 of its content, or
    /// of the MD5s of its parts with their number.
    fn checksum(&self) -> io::Result<String> {
        if self.parts() == 1 {
            return Ok(hex(&Md5::digest(self.read(0)?)));
        }
        let mut all = Md5::new();
        for number in 0..self.parts() {
            all.update(Md5::digest(self.read(number)?));
        }
        Ok(format!("{}-{}", hex(&all.finalize()), self.parts()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_the_parts_and_the_etag_that_s3_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log.20261122T184223Z-42");
        std::fs::write(&path, "hello world").unwrap();
        let whole = SegmentSource::open(&path, 100).unwrap();
        assert_eq!((whole.parts(), &*whole.etag), (1, "5eb63bbbe01eeed093cb22bb8f5acdc3"));
        let split = SegmentSource::open(&path, 5).unwrap();
        let parts: Vec<_> = (0..split.parts()).map(|part| split.read(part).unwrap()).collect();
        assert_eq!(parts.concat(), b"hello world");
        assert_eq!((parts.len(), &split.etag[32..]), (3, "-3"));
        std::fs::write(&path, "").unwrap();
        let empty = SegmentSource::open(&path, 5).unwrap();
        assert_eq!((empty.parts(), empty.read(0).unwrap().len()), (1, 0));
    }
}
