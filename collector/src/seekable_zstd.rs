//! A packed file: what a rotated one becomes, still to be read at any place.
//!
//! ```text
//!  app.log.20261122T184223Z.zst   │ frame │ frame │ … │ seek table │
//!                                   some 256 KiB of whole lines each, unpacked
//! ```
//!
//! It is zstd's seekable format: a row of frames, each of which can be unpacked alone, and where
//! each is; whatever reads zstd reads it. Positions are those of the text.

mod cutter;
mod pack;
mod table;

pub(crate) use pack::{CompressedSizes, finish, pack};

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use table::SeekTable;
use zstd::bulk::Decompressor;

/// Number of unpacked frames that are kept: those that a read begins and ends in, because the next
/// read begins or ends in one of them, and one in which a line ends.
const KEPT: usize = 3;

/// A packed file that can be read.
#[derive(Debug)]
pub(crate) struct SeekableFile {
    file: File,
    table: SeekTable,
    kept: Mutex<VecDeque<(usize, Arc<Vec<u8>>)>>,
}

impl SeekableFile {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// Also when it has no seek table, or not the one of all that is in it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::read(File::open(path)?)
    }

    /// The same of one that is open.
    pub(crate) fn read(file: File) -> io::Result<Self> {
        let table = SeekTable::read(&file)?;
        Ok(Self { file, table, kept: Mutex::default() })
    }

    /// The length of the text.
    pub(crate) fn len(&self) -> u64 {
        self.table.text_len()
    }

    /// Up to `len` bytes of the text; fewer only at its end.
    pub(crate) fn read_at(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        let end = at.saturating_add(len).min(self.len());
        let frames = self.table.frames(at, end);
        let first = frames.start;
        let last = frames.end.saturating_sub(1);
        let mut bytes = Vec::new();
        for number in frames {
            let text = self.frame(number, number == first || number == last)?;
            let begin = self.table.frame(number).begin;
            let within = |at: u64| usize::try_from(at.saturating_sub(begin)).unwrap_or(usize::MAX);
            bytes.extend_from_slice(&text[within(at)..within(end).min(text.len())]);
        }
        Ok(bytes)
    }

    /// The text of a frame, which is kept if it will be asked for again.
    fn frame(&self, number: usize, keep: bool) -> io::Result<Arc<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(kept, _)| *kept == number);
        let text = match place.and_then(|place| kept.remove(place)) {
            Some((_, text)) => text,
            None => Arc::new(self.unpack(number)?),
        };
        if keep {
            kept.push_front((number, text.clone()));
            kept.truncate(KEPT);
        }
        Ok(text)
    }

    fn unpack(&self, number: usize) -> io::Result<Vec<u8>> {
        let frame = self.table.frame(number);
        let mut packed = vec![0; frame.packed];
        self.file.read_exact_at(&mut packed, frame.at)?;
        let text = Decompressor::new()?.decompress(&packed, frame.text)?;
        if text.len() == frame.text { Ok(text) } else { Err(table::damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::sync::OnceLock;
    use tempfile::{TempDir, tempdir};

    /// A packed file of `text`.
    fn packed(text: &[u8]) -> (TempDir, std::path::PathBuf) {
        let dir = tempdir().unwrap();
        let path = dir.path().join("app.log.20261122T184223Z");
        fs::write(&path, text).unwrap();
        pack(&path, &mut || Ok(())).unwrap();
        assert!(!path.exists());
        (dir, crate::layout::paths::packed_of(&path))
    }

    /// Some frames of lines, one of which is longer than a frame.
    fn lines() -> Vec<u8> {
        let line =
            |number: usize| format!("{{\"number\":{number},\"msg\":\"{}\"}}\n", number * 7919);
        let mut text: String = (0..20_000).map(line).collect();
        text.push_str(&"x".repeat(700_000));
        text.push('\n');
        text.extend((0..5_000).map(line));
        text.into_bytes()
    }

    #[test]
    fn a_packed_file_is_read_back_from_any_place() {
        let text = lines();
        let (_dir, path) = packed(&text);
        let packed = SeekableFile::open(&path).unwrap();
        assert_eq!(packed.len(), text.len() as u64);
        for (at, len) in [(0, 10), (0, text.len()), (262_000, 300), (800_000, 900_000)] {
            let read = packed.read_at(at as u64, len as u64).unwrap();
            assert!(read == text[at..(at + len).min(text.len())], "{len} bytes at {at}");
        }
        let behind = packed.read_at(text.len() as u64 - 5, 100).unwrap();
        assert_eq!(behind, text[text.len() - 5..]);
        assert!(packed.read_at(u64::MAX, u64::MAX).unwrap().is_empty());
    }

    #[test]
    fn a_packed_file_is_what_any_zstd_reads_and_each_frame_is_of_whole_lines() {
        let text = lines();
        let (_dir, path) = packed(&text);
        assert!(zstd::decode_all(File::open(&path).unwrap()).unwrap() == text);
        let packed = SeekableFile::open(&path).unwrap();
        let frames = packed.table.frames(0, packed.len());
        assert!(frames.len() > 4, "{} frames", frames.len());
        for number in frames {
            let frame = packed.frame(number, false).unwrap();
            assert!(frame.ends_with(b"\n"));
            let alone = memchr::memchr_iter(b'\n', &frame).count() == 1;
            assert!(frame.len() <= 256 << 10 || alone, "{} bytes", frame.len());
        }
    }

    #[test]
    fn an_empty_file_is_packed_too() {
        let (_dir, path) = packed(b"");
        let packed = SeekableFile::open(&path).unwrap();
        assert_eq!((packed.len(), packed.read_at(0, 9).unwrap().len()), (0, 0));
    }

    #[test]
    fn a_file_without_a_seek_table_is_refused() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("x.zst");
        let foreign = zstd::encode_all(&b"somebody's\n"[..], 3).unwrap();
        for bytes in [b"".as_slice(), b"short", &[0xff; 64], &foreign] {
            fs::write(&path, bytes).unwrap();
            let error = SeekableFile::open(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever the bytes are, nothing is believed that they do not bear out.
        #[test]
        fn damage_is_noticed_or_harmless(
            at in 0usize..100_000, with in any::<[u8; 4]>(), cut in proptest::bool::ANY
        ) {
            static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
            let whole = || {
                let (_dir, path) = packed(&lines());
                fs::read(path).unwrap()
            };
            let mut bytes = WHOLE.get_or_init(whole).clone();
            let path = tempfile::NamedTempFile::new().unwrap();
            // Mostly near the end, where the table is.
            let at = bytes.len().saturating_sub(1 + at % 300).max(at % bytes.len() / 2);
            bytes.splice(at..(at + 4).min(bytes.len()), with);
            if cut {
                bytes.truncate(at);
            }
            fs::write(&path, bytes).unwrap();
            if let Ok(packed) = SeekableFile::open(path.path()) {
                for at in (0..packed.len().min(4 << 20)).step_by(100_000) {
                    if let Ok(read) = packed.read_at(at, 100_000) {
                        prop_assert!(read.len() <= 100_000);
                    }
                }
            }
        }
    }
}
