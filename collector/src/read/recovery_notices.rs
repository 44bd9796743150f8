//! Notices to a tail that records of a dead program follow, which were logged earlier than those
//! before them.

use super::format::{Notice, ResponseFormat};
use crate::hub::progress::Progress;
use crate::hub::recovered_run::RecoveredRun;
use std::sync::Arc;

/// The most runs whose first record is awaited; of more, the earliest go without a notice.
const AWAITED: usize = 64;

/// The recovered runs that a tail was not told of yet.
pub(super) struct RecoveryNotices {
    progress: Arc<Progress>,
    /// Number of runs that it knows of.
    seen: u64,
    awaited: Vec<Arc<RecoveredRun>>,
    /// The file that the tail reads.
    pub(super) turn: u64,
}

impl RecoveryNotices {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        let seen = progress.announced();
        Self { progress, seen, awaited: Vec::new(), turn: 0 }
    }

    /// Asks for further runs.
    pub(super) fn update(&mut self) {
        let new = self.progress.recovered_since(self.seen);
        self.seen += new.len() as u64;
        self.awaited.extend(new);
        let over = self.awaited.len().saturating_sub(AWAITED);
        self.awaited.drain(..over);
    }

    /// Appends the notice that belongs in front of the record in `line`, if there is one.
    pub(super) fn push(
        &mut self,
        line: &[u8],
        position: u64,
        format: ResponseFormat,
        out: &mut Vec<u8>,
    ) {
        let turn = self.turn;
        let first = self.awaited.iter().position(|run| run.has(line, turn, position));
        if let Some(run) = first.map(|index| self.awaited.remove(index)) {
            format.push_notice(out, Notice::recovered(&run));
        }
    }
}
