//! The index of a ledger: what a search can skip of its file.

use super::entry::{IndexEntry, StretchSpan};
use super::names::{NameTable, SenderNames};
use super::state::LedgerState;
use crate::layout::file_id::FileId;
use crate::layout::paths;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The longest part that neighbours are joined to.
const JOINED: u64 = 1 << 20;

/// The stretches of one file. Without a ledger there are none, and nothing is skipped.
#[derive(Debug, Default)]
pub(crate) struct LedgerIndex {
    stretches: Vec<IndexEntry>,
    names: NameTable,
}

/// A part of a file that may hold what is wanted, and the times of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FilePart {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) times: (i64, i64),
}

/// All such parts of a file, in its order, and how many bytes are in none.
#[derive(Debug, Default)]
pub(crate) struct FileParts {
    pub(crate) parts: Vec<FilePart>,
    pub(crate) skipped: u64,
}

impl LedgerIndex {
    /// Reads the ledger beside the file at `path`, if it is that of the file with `inode`, or
    /// whatever it has if none is given.
    pub(crate) fn read(path: &Path, inode: Option<FileId>, len: u64) -> Self {
        let Ok(ledger) = File::open(paths::ledger_of(path)) else { return Self::default() };
        let replayed = LedgerState::of_contents().replay(BufReader::new(ledger), len);
        let LedgerState { head, contents, .. } = replayed.state;
        if inode.is_some_and(|inode| head.inode != inode) {
            return Self::default();
        }
        Self { stretches: contents.stretches, names: contents.names }
    }

    /// Tells whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// The parts of `range` that may hold what is wanted. `keep` is asked about each stretch that
    /// the ledger knows.
    pub(crate) fn parts(
        &self,
        range: std::ops::Range<u64>,
        keep: impl Fn(&IndexStretch<'_>) -> bool,
    ) -> FileParts {
        let mut at = range.start;
        let mut found = FileParts::default();
        let unknown = |from, to| FilePart { from, to, times: (i64::MIN, i64::MAX) };
        for entry in &self.stretches {
            let from = entry.span.at.max(at);
            let to = entry.span.end().min(range.end);
            if from >= to {
                continue;
            }
            found.add(unknown(at, from));
            match keep(&IndexStretch { entry, names: &self.names }) {
                true => found.add(FilePart { from, to, times: entry.span.times }),
                false => found.skipped += to - from,
            }
            at = to;
        }
        found.add(unknown(at, range.end.max(at)));
        found
    }
}

impl FileParts {
    fn add(&mut self, part: FilePart) {
        match self.parts.last_mut() {
            _ if part.from >= part.to => {}
            Some(last) if last.to == part.from && part.to - last.from <= JOINED => {
                last.to = part.to;
                last.times = (last.times.0.min(part.times.0), last.times.1.max(part.times.1));
            }
            _ => self.parts.push(part),
        }
    }
}

/// One stretch of a file.
pub(crate) struct IndexStretch<'a> {
    entry: &'a IndexEntry,
    names: &'a NameTable,
}

impl IndexStretch<'_> {
    pub(crate) fn span(&self) -> StretchSpan {
        self.entry.span
    }

    /// Tells whether it may hold a record of a sender whose names are `wanted`. Records
    /// without names, as those of all plain peers, are never skipped.
    pub(crate) fn any_sender(&self, wanted: impl Fn(&SenderNames) -> bool) -> bool {
        let names = self.entry.names.iter().map(|number| self.names.get(*number));
        names.into_iter().any(|names| names.is_none_or(&wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_a_ledger_entry_is_never_skipped() {
        let entry = |at, len, levels| IndexEntry {
            span: StretchSpan { at, len, times: (0, 0), levels },
            names: vec![0],
        };
        let stretches = vec![entry(10, 10, 1), entry(20, 10, 4), entry(40, 10, 1)];
        let index = LedgerIndex { stretches, ..LedgerIndex::default() };
        let parts = |range, level| {
            let found = index.parts(range, |s| s.span().levels & level > 0);
            let parts: Vec<_> = found.parts.iter().map(|part| (part.from, part.to)).collect();
            (parts, found.skipped)
        };
        assert_eq!(parts(0..60, 1), (vec![(0, 20), (30, 60)], 10));
        assert_eq!(parts(0..60, 4), (vec![(0, 10), (20, 40), (50, 60)], 20));
        assert_eq!(parts(15..45, 4), (vec![(20, 40)], 10));
        assert_eq!(parts(12..15, 2), (vec![], 3));
        let none = LedgerIndex::default().parts(3..9, |_| false);
        assert_eq!(none.parts, [FilePart { from: 3, to: 9, times: (i64::MIN, i64::MAX) }]);
    }
}
