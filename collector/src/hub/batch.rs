//! A sealed batch: what the hub writes at once.

use super::line_run::LineRun;

/// The records that were there when the hub looked: none of them repeated, none of them changed
/// any more.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) runs: Vec<LineRun>,
}

impl Batch {
    /// Number of records.
    pub(crate) fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// All its lines.
    pub(crate) fn lines(&self) -> Vec<u8> {
        self.runs.iter().map(|run| run.lines.as_slice()).collect::<Vec<_>>().concat()
    }

    /// Length of its lines in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.lines.len() as u64).sum()
    }
}
