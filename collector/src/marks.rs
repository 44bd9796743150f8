//! The marks: what the sinks hold of each sender. Set by the hub alone, read at every hello.

use crate::decode::SenderId;
use crate::run::Run;
use crate::sink::Holding;
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
    /// Records written since the collector first saw someone deliver them for the dead sender.
    pub(crate) recovered: u64,
    /// Whether its end has been reported.
    pub(crate) ended: bool,
}

impl Mark {
    /// Lets through what of `run` is new, and says how many records were not.
    pub(crate) fn pass(&mut self, run: &mut Run, recovered: bool) -> u64 {
        let last = run.last();
        let skipped = run.skip_to(self.sealed);
        self.sealed = self.sealed.max(last);
        self.recovered += if recovered { run.count } else { 0 };
        skipped
    }
}

impl Marks {
    /// The highest number of `sender` in the sinks, 0 for one never seen.
    pub(crate) fn written(&self, sender: SenderId) -> u64 {
        self.lock().get(&sender).map_or(0, |mark| mark.written)
    }

    /// Begins with what a sink holds from earlier.
    pub(crate) fn restore(&self, holdings: Vec<Holding>) {
        let mut marks = self.lock();
        for Holding { id, mark, ended } in holdings {
            marks.insert(id, Mark { sealed: mark, written: mark, recovered: 0, ended });
        }
    }

    /// The marks, for the hub to read and move; held for no longer than a batch takes to seal.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<SenderId, Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
