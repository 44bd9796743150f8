//! The file: records appended, batch by batch, never half a line for longer than a write takes.

use super::{Batch, Sink, SinkError, shown};
use crate::options::Format;
use netlog_wire::Text;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

/// As many pieces as the system takes in one write.
const PIECES: usize = 1024;

/// A file that only grows at its end.
#[derive(Debug)]
pub(crate) struct FileSink {
    path: PathBuf,
    file: File,
    text: Option<Text>,
    /// Where the batch being written begins.
    start: u64,
    /// How much of it is written.
    done: usize,
}

impl FileSink {
    /// Opens the file at `path`, or makes it.
    pub(crate) fn open(path: &Path, format: Format) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let start = file.metadata()?.len();
        let text = (format == Format::Text).then_some(Text::PLAIN);
        Ok(Self { path: path.to_owned(), file, text, start, done: 0 })
    }

    fn append(&mut self, pieces: &[Cow<'_, [u8]>]) -> io::Result<()> {
        loop {
            let mut skip = self.done;
            let rest = pieces.iter().filter_map(|piece| {
                let from = skip.min(piece.len());
                skip -= from;
                (from < piece.len()).then(|| IoSlice::new(&piece[from..]))
            });
            let slices: Vec<IoSlice<'_>> = rest.take(PIECES).collect();
            if slices.is_empty() {
                return Ok(());
            }
            match self.file.write_vectored(&slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// After a write that failed halfway: whoever reads the file finds whole lines only.
    fn trim(&mut self, pieces: &[Cow<'_, [u8]>]) {
        let mut left = self.done;
        let mut whole = 0;
        for piece in pieces {
            let here = &piece[..left.min(piece.len())];
            left -= here.len();
            whole += match here.len() == piece.len() {
                true => here.len(),
                false => memchr::memrchr(b'\n', here).map_or(0, |end| end + 1),
            };
            if here.len() < piece.len() {
                break;
            }
        }
        if self.file.set_len(self.start + whole as u64).is_ok() {
            self.done = whole;
        }
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let pieces: Vec<_> = batch.runs.iter().map(|run| shown(run, self.text)).collect();
        if let Err(cause) = self.append(&pieces) {
            self.trim(&pieces);
            return Err(SinkError { deed: format!("write to {}", self.path.display()), cause });
        }
        self.start += self.done as u64;
        self.done = 0;
        Ok(())
    }
}
