//! Failures of a spool and its directory.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// A failure to open or create a spool or its directory.
#[derive(Debug)]
pub(crate) struct SpoolError {
    pub(crate) path: PathBuf,
    pub(crate) action: &'static str,
    pub(crate) cause: io::Error,
}

impl SpoolError {
    /// `true` if a smaller spool may fit.
    pub(crate) fn is_too_large(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, OutOfMemory};
        self.is_no_room() || matches!(self.cause.kind(), FileTooLarge | OutOfMemory)
    }

    /// `true` if it may fit once others are removed.
    pub(crate) fn is_no_room(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self.cause.kind(), StorageFull | QuotaExceeded)
    }

    /// `true` if a quota of the user is used up, whatever the file system has free.
    pub(crate) fn is_quota(&self) -> bool {
        self.cause.kind() == io::ErrorKind::QuotaExceeded
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} {}", self.action, self.path.display())
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
