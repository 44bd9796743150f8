//! A sealed batch: what the hub writes at once.

use super::line_run::LineRun;

/// The records that were there when the hub looked: none of them repeated, none of them changed
/// any more.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) runs: Vec<LineRun>,
    /// Where it begins in the stream that its file is a part of.
    pub(crate) pos: Option<u64>,
}

impl Batch {
    /// How many records it has.
    pub(crate) fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// How many bytes its lines have.
    pub(crate) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.lines.len() as u64).sum()
    }
}
