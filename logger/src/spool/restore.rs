//! A new file for a ring whose own was removed.

use super::directory::Directory;
use super::error::SpoolError;
use super::ring_file::Spool;
use crate::ring::{Owner, Ring, RingMemory};
use std::sync::atomic::Ordering;

impl Spool {
    /// `true` if somebody removed the file of this ring.
    pub(crate) fn is_removed(&self) -> bool {
        self.file().is_some_and(|file| !file.directory.has(&file.name))
    }

    /// Copies all that is not delivered into a file of the same name, under the same numbers, so that
    /// a collector skips what it gets from both. Nothing may be appended meanwhile.
    ///
    /// # Errors
    ///
    /// When the directory or the file cannot be created.
    pub(crate) fn restore_file(&self) -> Result<Option<Self>, SpoolError> {
        let Some(file) = self.file() else { return Ok(None) };
        let directory = Directory::open_or_create(file.directory.as_path())?;
        directory.create_filled(self.identity.clone(), |ring| self.copy_to(ring)).map(Some)
    }

    fn copy_to(&self, ring: &Ring<impl RingMemory>) {
        let mut cursor = self.ring.first();
        ring.begin_at(cursor.number);
        let mut line = Vec::new();
        while self.ring.read(&mut cursor, Owner::Alive, &mut line) {
            // The rings are of one size.
            let _ = ring.append(&line, u64::MAX);
            line.clear();
        }
        let control = ring.control();
        for (level, count) in self.lost().into_iter().enumerate() {
            control.lost[level].store(count, Ordering::Release);
        }
        let reported = self.ring.control().reported.load(Ordering::Acquire);
        control.reported.store(reported, Ordering::Release);
    }
}
