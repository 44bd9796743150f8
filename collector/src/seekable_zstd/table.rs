//! The seek table of zstd's seekable format: how long each frame is, packed and unpacked.
//!
//! It stands at the end, in a frame that zstd skips. Of what it says nothing is believed that would
//! cost memory: a file may be damaged, or somebody else's.

use super::cutter::LONGEST;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// The most frames of a file.
pub(super) const MOST: u64 = 1 << 20;

/// First word of a frame that is skipped, and last word of the table.
const SKIPPED: u32 = 0x184d_2a5e;
const SEEKABLE: u32 = 0x8f92_eab1;

/// The length of what is before the entries, and behind them.
const HEAD: u64 = 8;
const FOOT: u64 = 9;

/// End of each frame: in the file, and in the text.
#[derive(Debug, Default)]
pub(super) struct SeekTable {
    ends: Vec<(u64, u64)>,
}

/// One frame: where it is, how long it is, and how long and where its text is.
pub(super) struct ZstdFrame {
    pub(super) at: u64,
    pub(super) packed: usize,
    pub(super) text: usize,
    pub(super) begin: u64,
}

/// Error for a file that is not as it should be.
pub(super) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "damaged, or packed by somebody else")
}

impl SeekTable {
    /// Adds a frame.
    pub(super) fn push(&mut self, packed: u64, text: u64) {
        let (at, begin) = self.end();
        self.ends.push((at + packed, begin + text));
    }

    /// Length of the text.
    pub(super) fn text_len(&self) -> u64 {
        self.end().1
    }

    /// The frames that hold what is in `from..to` of the text.
    pub(super) fn frames(&self, from: u64, to: u64) -> Range<usize> {
        let first = self.ends.partition_point(|(_, end)| *end <= from);
        let behind = self.ends.partition_point(|(_, end)| *end < to) + 1;
        if from < to { first..behind.min(self.ends.len()) } else { 0..0 }
    }

    pub(super) fn frame(&self, number: usize) -> ZstdFrame {
        let before = number.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let (at, begin) = before;
        let (end, text_end) = self.ends[number];
        ZstdFrame { at, packed: (end - at) as usize, text: (text_end - begin) as usize, begin }
    }

    fn end(&self) -> (u64, u64) {
        self.ends.last().copied().unwrap_or_default()
    }

    /// The table as it stands in a file.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let count = self.ends.len();
        let mut push = |number: u64| -> io::Result<()> {
            let number = u32::try_from(number).map_err(io::Error::other)?;
            bytes.extend_from_slice(&number.to_le_bytes());
            Ok(())
        };
        push(u64::from(SKIPPED))?;
        push(count as u64 * 8 + FOOT)?;
        for ZstdFrame { packed, text, .. } in (0..count).map(|number| self.frame(number)) {
            push(packed as u64)?;
            push(text as u64)?;
        }
        push(count as u64)?;
        bytes.push(0);
        bytes.extend_from_slice(&SEEKABLE.to_le_bytes());
        Ok(bytes)
    }

    /// Reads the table of a file.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let mut foot = [0; FOOT as usize];
        file.read_exact_at(&mut foot, len.checked_sub(FOOT).ok_or_else(damaged)?)?;
        let count = u64::from(number(&foot));
        let kind = foot[4];
        // The highest bit says that every entry has a checksum too; the others say nothing yet.
        let width = if kind & 0x80 > 0 { 12 } else { 8 };
        if number(&foot[5..]) != SEEKABLE || kind & 0x7c > 0 || count > MOST {
            return Err(damaged());
        }
        let size = count * width + FOOT;
        let at = len.checked_sub(HEAD + size).ok_or_else(damaged)?;
        let mut bytes = vec![0; (HEAD + size - FOOT) as usize];
        file.read_exact_at(&mut bytes, at)?;
        let (head, entries) = bytes.split_at(HEAD as usize);
        let mut table = Self::default();
        for entry in entries.chunks_exact(width as usize) {
            table.push(number(entry).into(), number(&entry[4..]).into());
        }
        let fits = |number: usize| {
            let ZstdFrame { packed, text, .. } = table.frame(number);
            text <= LONGEST && packed <= zstd::zstd_safe::compress_bound(LONGEST)
        };
        let whole = number(head) == SKIPPED
            && u64::from(number(&head[4..])) == size
            && table.end().0 == at
            && (0..table.ends.len()).all(fits);
        if whole { Ok(table) } else { Err(damaged()) }
    }
}

/// The number that `bytes` begin with.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_in_a_file_in_these_bytes() {
        let mut table = SeekTable::default();
        table.push(3, 10);
        table.push(4, 300);
        let expected = [
            0x5e, 0x2a, 0x4d, 0x18, 25, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 0, 4, 0, 0, 0, 44, 1, 0, 0,
            2, 0, 0, 0, 0, 0xb1, 0xea, 0x92, 0x8f,
        ];
        assert_eq!(table.bytes().unwrap(), expected);
    }

    #[test]
    fn the_frames_of_a_stretch_are_those_that_hold_a_byte_of_it() {
        let mut table = SeekTable::default();
        (0..3).for_each(|_| table.push(1, 10));
        let frames = |from, to| table.frames(from, to);
        assert_eq!([frames(0, 1), frames(0, 10), frames(9, 11)], [0..1, 0..1, 0..2]);
        assert_eq!([frames(10, 20), frames(10, 30), frames(5, 5)], [1..2, 1..3, 0..0]);
        assert!(frames(30, 40).is_empty() && SeekTable::default().frames(0, 9).is_empty());
    }
}
