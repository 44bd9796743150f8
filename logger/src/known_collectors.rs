//! Endpoints that are known to be collectors: one empty file each beside the spools.
//!
//! An endpoint that does not answer a hello in time is treated as a plain one, and records written
//! to it count as delivered. A collector that hangs while a program starts must not be mistaken for
//! that, so every endpoint that has ever welcomed a program of this user is remembered.

use crate::endpoint::Endpoint;
use crate::spool::Directory;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Knowledge about one endpoint, shared by the workers of a process.
pub(crate) struct KnownCollector {
    known: AtomicBool,
    /// The file that says so, where there is a directory for it.
    file: Option<(Arc<Directory>, String)>,
}

impl KnownCollector {
    /// Reads from `directory` if `endpoint` is known to be a collector.
    pub(crate) fn load(endpoint: &Endpoint, directory: Option<&Arc<Directory>>) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
        let name: String = endpoint.to_string().chars().take(128).map(plain).collect();
        let file = directory.map(|directory| (Arc::clone(directory), name + ".collector"));
        let known = file.as_ref().is_some_and(|(directory, name)| directory.has(name));
        Self { known: AtomicBool::new(known), file }
    }

    /// `true` once a collector has welcomed a program of this user at this endpoint.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    /// Records that a collector answered. Without a directory only this process remembers.
    pub(crate) fn remember(&self) {
        if !self.known.swap(true, Ordering::Relaxed)
            && let Some((directory, name)) = &self.file
        {
            directory.touch(name);
        }
    }

    /// Path of the file that marks this endpoint as a collector.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|(directory, name)| directory.path(name))
    }
}
