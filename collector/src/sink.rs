//! Where batches end up. A sink takes a sealed batch, all of it, before it takes the next.

pub(crate) mod console;
pub(crate) mod file;
pub(crate) mod files;

use crate::fresh::End;
use crate::ledger::Stream;
use crate::marks::Holding;
use crate::run::Run;
use netlog_wire::{Line, Text};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

/// The records that were there when the hub looked: none of them repeated, none of them changed
/// any more.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) runs: Vec<Run>,
    /// Where it begins in the stream that its file is a part of.
    pub(crate) pos: Option<u64>,
}

/// One place where records end up.
pub(crate) trait Sink: Send {
    /// Writes `batch`. After a failure it is called again with the same batch, and goes on where
    /// it stopped.
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError>;

    /// What it holds from earlier; asked for once, before the first batch.
    fn holdings(&mut self) -> Vec<Holding> {
        Vec::new()
    }

    /// How far the file has come, if its records can be read back.
    fn end(&self) -> Option<End> {
        None
    }

    /// The stream that its files are a part of, if there are many and they can be read back.
    fn stream(&self) -> Option<Stream> {
        None
    }

    /// The lines of the last batch in the order of that stream; asked for once.
    fn streamed(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Has a look around, between batches: every second, and when asked to reopen.
    fn look(&mut self) {}

    /// There will be no more batches.
    fn close(&mut self) {}
}

/// What a sink failed to do.
#[derive(Debug)]
pub(crate) struct SinkError {
    /// The deed and its object: `write to /var/log/app.log`.
    pub(crate) deed: String,
    pub(crate) cause: io::Error,
}

impl SinkError {
    /// Whether nobody will ever read from this sink again.
    pub(crate) fn closed(&self) -> bool {
        self.cause.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.deed)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl Batch {
    /// How many records it has.
    pub(crate) fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// How many bytes its lines have.
    pub(crate) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.lines.len() as u64).sum()
    }
}

/// A run's lines in the form that a sink keeps: as they are, or as text for people.
fn shown(run: &Run, text: Option<Text>) -> Cow<'_, [u8]> {
    let Some(text) = text else { return Cow::Borrowed(&run.lines) };
    let mut out = Vec::with_capacity(run.lines.len());
    for line in run.lines.split_inclusive(|&byte| byte == b'\n') {
        match Line::parse(line.strip_suffix(b"\n").unwrap_or(line)) {
            Some(parsed) => text.push(&mut out, &parsed),
            // Only what is canonical becomes a run; if not, better ugly than lost.
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}
