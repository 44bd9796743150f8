//! A batch that is not wholly in the file yet.

use crate::hub::batch::Batch;
use crate::ledger::BatchEntry;
use std::ops::Range;

/// A batch whose last attempt to be written failed.
#[derive(Debug)]
pub(super) struct PendingWrite {
    pub(super) entry: BatchEntry,
    /// Bytes of the batch that are in the file.
    pub(super) done: usize,
    /// A part of it that is in the file, but not where the entry says.
    pub(super) misplaced: Option<Range<u64>>,
}

impl PendingWrite {
    pub(super) fn new(entry: BatchEntry) -> Self {
        Self { entry, done: 0, misplaced: None }
    }

    /// The bytes that are in a file where the batch begins at `at`.
    pub(super) fn range(&self, at: u64) -> Range<u64> {
        at..at + self.done as u64
    }
}

/// The part of a batch that is in the file for good, although the rest could not be written.
#[derive(Debug)]
pub(crate) struct SettledPart {
    /// Its place in the file.
    pub(crate) range: Range<u64>,
    pub(crate) front: Batch,
    pub(crate) rest: Batch,
}
