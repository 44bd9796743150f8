//! No directory of spool files: on this system records wait in ordinary memory.

use super::error::SpoolError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory that cannot exist.
pub(crate) enum NoDirectory {}

impl NoDirectory {
    /// Spool files are not supported here.
    pub(crate) const SUPPORTED: bool = false;

    /// The current directory, which has no spool either.
    pub(crate) fn default_path() -> PathBuf {
        PathBuf::new()
    }

    /// Fails.
    pub(crate) fn open_or_create(path: &Path) -> Result<Arc<Self>, SpoolError> {
        Self::open(path)
    }

    /// Fails.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, SpoolError> {
        let words = "programs keep spool files on Linux only";
        let cause = io::Error::new(io::ErrorKind::Unsupported, words);
        Err(SpoolError { path: path.into(), action: "open the spool directory", cause })
    }

    pub(crate) fn path(&self, _name: &str) -> PathBuf {
        match *self {}
    }

    pub(crate) fn has(&self, _name: &str) -> bool {
        match *self {}
    }

    pub(crate) fn touch(&self, _name: &str) {
        match *self {}
    }

    pub(super) fn remove(&self, _name: &str) {
        match *self {}
    }
}
