//! The marks: what the sinks hold of each sender. Set by the hub alone, read at every hello.

use crate::decode::SenderId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The mark of every sender ever seen, some 64 bytes each. None is forgotten: as long as a file
/// holds a sender's records, a resend must be recognised.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<HashMap<SenderId, Mark>>);

/// How far one sender has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The highest number in a batch that is written or being written.
    pub(crate) sealed: u64,
    /// The highest number in the sinks: what may be acked.
    pub(crate) written: u64,
}

impl Marks {
    /// The highest number of `sender` in the sinks, 0 for one never seen.
    pub(crate) fn written(&self, sender: SenderId) -> u64 {
        self.lock().get(&sender).map_or(0, |mark| mark.written)
    }

    /// The marks, for the hub to read and move; held for no longer than a batch takes to seal.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<SenderId, Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
