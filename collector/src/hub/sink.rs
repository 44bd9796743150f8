//! A sink: takes a sealed batch, all of it, before it takes the next.

use super::batch::Batch;
use super::end::{End, RecordStream};
use super::marks::HeldMark;
use super::recent::WrittenPart;
use std::error::Error;
use std::fmt;
use std::io;

/// One place where records end up.
pub(crate) trait Sink: Send {
    /// Writes `batch`. After a failure it is called again with the same batch, and goes on where
    /// it stopped.
    fn write(&mut self, batch: &Batch) -> Result<Written, SinkError>;

    /// Records from earlier runs; asked for once, before the first batch.
    fn held(&mut self) -> HeldRecords {
        HeldRecords::default()
    }

    /// Checks its file, between batches: every second, and when asked to reopen. Returns its end if
    /// somebody else appended lines. What fails here will fail at the next batch too.
    fn look(&mut self) -> Result<Option<End>, SinkError> {
        Ok(None)
    }

    /// There will be no more batches.
    fn close(&mut self) {}
}

/// Result of writing a batch.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// End of the file, if its records can be read back.
    pub(crate) end: Option<End>,
    /// Of many files, the parts of the batch in the order in which they were written.
    pub(crate) parts: Vec<WrittenPart>,
}

/// Contents of a sink when the collector starts.
#[derive(Debug, Default)]
pub(crate) struct HeldRecords {
    pub(crate) marks: Vec<HeldMark>,
    /// End of the file, if its records can be read back.
    pub(crate) end: Option<End>,
    /// The stream that many files are a part of, if they can be read back.
    pub(crate) stream: Option<RecordStream>,
}

/// Failure of a sink.
#[derive(Debug)]
pub(crate) struct SinkError {
    /// The deed and its object: `write to /var/log/app.log`.
    pub(crate) deed: String,
    pub(crate) cause: io::Error,
}

impl SinkError {
    /// True if nobody will ever read from this sink again.
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
