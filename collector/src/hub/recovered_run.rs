//! A run of a dead program whose records another program delivers, later than they were logged.

use crate::senders::identity::Sender;
use netlog_wire::Identity;
use std::sync::atomic::Ordering::Relaxed;

/// Announced to tails in front of the first of its records.
#[derive(Debug)]
pub(crate) struct RecoveredRun {
    pub(crate) identity: Identity,
    /// Number of records that follow, if the program that delivers them knows it.
    pub(crate) records: Option<u64>,
    /// Beginning of each of its records.
    pub(super) stamp: Vec<u8>,
    /// File and place in it, or in the stream of all records, behind which they stand.
    pub(super) turn: u64,
    pub(super) position: u64,
}

impl RecoveredRun {
    /// A run of which the record with the number `first` is the next to be written, unless its
    /// program is alive or the run was announced already.
    pub(crate) fn new(sender: &Sender, first: u64) -> Option<Self> {
        let dead = sender.recovered || sender.last_left.is_some();
        if !dead || sender.announced.swap(true, Relaxed) {
            return None;
        }
        Some(Self {
            identity: sender.identity.clone(),
            records: sender.last_left.and_then(|last| (last + 1).checked_sub(first)),
            stamp: sender.stamp().to_vec(),
            turn: 0,
            position: 0,
        })
    }

    /// Tells whether the record in `line`, which stands there, is one of them.
    pub(crate) fn has(&self, line: &[u8], turn: u64, position: u64) -> bool {
        (self.turn, self.position) <= (turn, position) && line.starts_with(&self.stamp)
    }
}
