//! Options of a file: where it lies, what it looks like, when it is rotated.

use crate::hub::marks::Marks;
use crate::layout::forwarded::Forwarded;
use crate::layout::rotation::RotationSchedule;
use crate::ledger::LedgerOptions;
use crate::options::Format;
use crate::retention::RetentionHandle;
use crate::stats::Stats;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Settings of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    /// Path by which it is reached.
    pub(crate) path: PathBuf,
    /// Path as it is shown, if it is reached another way: no link is followed then.
    pub(crate) confined: Option<PathBuf>,
    pub(crate) format: Format,
    pub(crate) schedule: RotationSchedule,
    /// True if acknowledged records have to survive a power failure.
    pub(crate) sync: bool,
    /// Compresses and removes the files that are rotated away.
    pub(crate) retention: RetentionHandle,
    pub(crate) stats: Arc<Stats>,
    pub(crate) marks: Arc<Marks>,
    /// Position of the relay, if there is one.
    pub(crate) forwarded: Option<Arc<Forwarded>>,
}

impl FileOptions {
    /// The path as the user of the collector knows it.
    pub(crate) fn shown(&self) -> &Path {
        self.confined.as_deref().unwrap_or(&self.path)
    }

    pub(super) fn ledger(&self) -> LedgerOptions {
        let forwarded = self.forwarded.clone();
        LedgerOptions { sync: self.sync, marks: self.marks.clone(), forwarded }
    }

    /// Opens the file to be appended to, for this collector alone.
    pub(super) fn open(&self) -> io::Result<File> {
        let follow = if self.confined.is_some() { OFlags::NOFOLLOW } else { OFlags::empty() };
        // Whatever else is there must not keep the hub waiting.
        let flags = (follow | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).read(true).custom_flags(flags);
        let file = options.open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => {
                io::Error::new(io::ErrorKind::WouldBlock, "another collector writes to it")
            }
            error => error.into(),
        })?;
        Ok(file)
    }
}
