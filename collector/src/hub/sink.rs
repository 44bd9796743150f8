//! A sink: takes a sealed batch, all of it, before it takes the next.

use super::batch::Batch;
use super::marks::Holding;
use super::progress::{End, Stream};
use std::error::Error;
use std::fmt;
use std::io;

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
