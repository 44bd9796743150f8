//! Bytes that others appended to a file of ours.

use super::FileSink;
use crate::layout::file_id::identify;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes that are read at once.
const CHUNK: u64 = 64 << 10;

impl FileSink {
    /// Takes note of what others appended up to `end`, and ends their last line.
    pub(super) fn take_foreign(&mut self, end: u64) -> io::Result<()> {
        if end <= self.end {
            return Ok(());
        }
        let foreign = measure(&self.file, self.end..end)?;
        if !foreign.ended {
            (&self.file).write_all(b"\n")?;
        }
        let bytes = end - self.end;
        let begin = self.end;
        self.end = end + u64::from(!foreign.ended);
        self.foreign = begin..self.end;
        self.lines += foreign.lines;
        self.options.stats.file_bytes_foreign.add(bytes);
        if !std::mem::replace(&mut self.foreign_reported, true) {
            let path = self.options.shown().display();
            self.stderr.log(format_args!(
                "{bytes} bytes in {path} were appended by somebody else; readers get them as \
                 records with foreign=true"
            ));
        }
        Ok(())
    }

    /// Takes note of what others appended since the last batch, if it ends with a line.
    pub(super) fn take_whole_foreign(&mut self) -> io::Result<()> {
        let (_, end) = identify(&self.file)?;
        let mut last = [0];
        if end > self.end {
            self.file.read_exact_at(&mut last, end - 1)?;
        }
        if last == *b"\n" { self.take_foreign(end) } else { Ok(()) }
    }

    /// Cuts off the last bytes, unless somebody else appended behind them.
    pub(super) fn cut_back(&self, last: Range<u64>) -> io::Result<bool> {
        let (_, end) = identify(&self.file)?;
        if end == last.end {
            self.file.set_len(last.start)?;
        }
        Ok(end == last.end)
    }

    /// Reads a range of the file.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

/// Lines of somebody else.
#[derive(Debug, PartialEq, Eq)]
struct ForeignLines {
    lines: u64,
    /// True if the last one has an end.
    ended: bool,
}

/// Counts the lines in a range of a file.
fn measure(file: &File, range: Range<u64>) -> io::Result<ForeignLines> {
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
