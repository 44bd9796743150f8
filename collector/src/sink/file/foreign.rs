//! Bytes that others appended to a file of ours.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes that are read at once.
const CHUNK: u64 = 64 << 10;

/// Lines of somebody else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ForeignLines {
    pub(super) lines: u64,
    /// True if the last one has an end.
    pub(super) ended: bool,
}

/// Counts the lines in a range of a file.
pub(super) fn measure(file: &File, range: Range<u64>) -> io::Result<ForeignLines> {
    let mut found = ForeignLines { lines: 0, ended: true };
    let mut at = range.start;
    while at < range.end {
        let mut chunk = vec![0; (range.end - at).min(CHUNK) as usize];
        file.read_exact_at(&mut chunk, at)?;
        found.lines += memchr::memchr_iter(b'\n', &chunk).count() as u64;
        found.ended = chunk.last() == Some(&b'\n');
        at += chunk.len() as u64;
    }
    found.lines += u64::from(!found.ended);
    Ok(found)
}
