//! Which endpoints have shown themselves to be collectors: a file each beside the spools.
//!
//! Whoever does not answer a hello in time is taken for something that never will, and gets records
//! that count as delivered once written. A collector that hangs while a program starts must not be
//! taken for that: what it has been to any program of this user, it is.

use crate::endpoint::Endpoint;
use crate::spool::Directory;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of one endpoint, shared by the workers of a process.
pub(crate) struct Acquaintance {
    greeted: AtomicBool,
    note: Option<(Arc<Directory>, String)>,
}

impl Acquaintance {
    /// What programs have noted of `endpoint` in `directory`, where there is one.
    pub(crate) fn with(endpoint: &Endpoint, directory: Option<&Arc<Directory>>) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
        let name: String = endpoint.to_string().chars().take(128).map(plain).collect();
        let note = directory.map(|directory| (Arc::clone(directory), name + ".collector"));
        let noted = note.as_ref().is_some_and(|(directory, name)| directory.has(name));
        Self { greeted: AtomicBool::new(noted), note }
    }

    /// Whether a collector has ever welcomed us there.
    pub(crate) fn greeted(&self) -> bool {
        self.greeted.load(Ordering::Relaxed)
    }

    /// A collector welcomes us. Without a note of it, this process at least remembers.
    pub(crate) fn greet(&self) {
        if !self.greeted.swap(true, Ordering::Relaxed)
            && let Some((directory, name)) = &self.note
        {
            directory.note(name);
        }
    }

    /// Where it is noted that this is a collector.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        self.note.as_ref().map(|(directory, name)| directory.path(name))
    }
}
