//! No directory of spool files: on this system records wait in ordinary memory.

use super::entry::RingEntry;
use super::error::SpoolError;
use super::ring_file::Spool;
use crate::identity::SenderIdentity;
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

    pub(crate) fn rings(&self, _app: Option<&str>, _complain: impl Fn(String)) -> Vec<RingEntry> {
        match *self {}
    }

    pub(crate) fn adopt(self: &Arc<Self>, _name: &str) -> io::Result<Option<Spool>> {
        match **self {}
    }

    pub(crate) fn adopt_or(
        self: &Arc<Self>,
        _name: &str,
        _complain: impl Fn(String),
    ) -> Option<Spool> {
        match **self {}
    }

    pub(crate) fn create(self: &Arc<Self>, _identity: SenderIdentity) -> Result<Spool, SpoolError> {
        match **self {}
    }
}

impl Spool {
    /// Always `false`: the ring has no file.
    pub(crate) fn is_removed(&self) -> bool {
        false
    }

    /// Nothing: the ring has no file.
    pub(crate) fn restore_file(&self) -> Result<Option<Self>, SpoolError> {
        Ok(None)
    }
}
