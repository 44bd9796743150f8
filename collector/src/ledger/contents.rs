//! Contents of a file as its ledger describes them: times, levels and names of each stretch.

use super::entry::{BatchEntry, IndexEntry, StretchSpan};
use super::names::NameTable;

/// Most bytes of the file that one index entry covers, unless a single batch is longer.
const STRETCH: u64 = 256 << 10;

/// Stretches of one file, in its order, and the names in them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileContents {
    pub(crate) names: NameTable,
    /// Number of the names that a sender writes under, by the sender's number from 1.
    names_of: Vec<u32>,
    pub(crate) stretches: Vec<IndexEntry>,
}

impl FileContents {
    /// Number of the names that the sender with `number` writes under; 0 for plain peers.
    pub(super) fn names_of(&self, number: u32) -> u32 {
        let slot = number.checked_sub(1).map(|at| at as usize);
        slot.and_then(|at| self.names_of.get(at)).copied().unwrap_or(0)
    }

    /// From now on, the sender with `number` writes under `names`.
    pub(super) fn rename(&mut self, number: u32, names: u32) {
        let end = number as usize;
        if end > self.names_of.len() {
            self.names_of.resize(end, 0);
        }
        if let Some(at) = end.checked_sub(1) {
            self.names_of[at] = names;
        }
    }

    /// Tells whether the ledger has introduced all senders of `batch`.
    pub(super) fn knows(&self, batch: &BatchEntry) -> bool {
        batch.runs.iter().all(|run| self.knows_number(run.sender))
    }

    pub(super) fn knows_number(&self, number: u32) -> bool {
        number as usize <= self.names_of.len()
    }

    /// Adds a batch that is in the file, to the last stretch if it continues there.
    pub(super) fn push(&mut self, batch: &BatchEntry) {
        let StretchSpan { at, len, times, levels } = batch.span;
        if len == 0 {
            return;
        }
        let continues =
            |last: &mut IndexEntry| last.span.end() == at && last.span.len + len <= STRETCH;
        if !self.stretches.last_mut().is_some_and(continues) {
            let span = StretchSpan { at, len: 0, times, levels: 0 };
            self.stretches.push(IndexEntry { span, names: Vec::new() });
        }
        let mut names: Vec<u32> = batch.runs.iter().map(|run| self.names_of(run.sender)).collect();
        names.dedup();
        let Some(last) = self.stretches.last_mut() else { return };
        last.span.len += len;
        last.span.times = (last.span.times.0.min(times.0), last.span.times.1.max(times.1));
        last.span.levels |= levels;
        for number in names {
            if let Err(place) = last.names.binary_search(&number) {
                last.names.insert(place, number);
            }
        }
    }

    /// Adds a stretch as a ledger describes it.
    pub(super) fn push_stretch(&mut self, stretch: IndexEntry) {
        self.stretches.push(stretch);
    }

    /// Forgets everything: the file is another one now.
    pub(super) fn clear(&mut self) {
        let names_of = vec![0; self.names_of.len()];
        *self = Self { names_of, ..Self::default() };
    }

    /// End of the last stretch.
    pub(crate) fn end(&self) -> u64 {
        self.stretches.last().map_or(0, |entry| entry.span.end())
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::RunEntry;
    use super::*;

    /// A batch of one sender.
    fn batch(at: u64, len: u64, sender: u32) -> BatchEntry {
        let runs = vec![RunEntry { sender, first: 1, count: 1, bytes: len }];
        BatchEntry { span: StretchSpan { at, len, times: (0, 0), levels: 1 }, runs }
    }

    #[test]
    fn short_batches_are_joined_and_a_long_one_is_an_entry_of_its_own() {
        let mut contents = FileContents::default();
        contents.rename(1, 1);
        contents.rename(2, 2);
        let (short, long) = (STRETCH / 2, 4 * STRETCH);
        let mut at = 0;
        for (len, sender) in [(short, 1), (short, 2), (short, 1), (long, 2), (short, 1)] {
            contents.push(&batch(at, len, sender));
            at += len;
        }
        let entries = contents.stretches.iter();
        let entries: Vec<_> =
            entries.map(|entry| (entry.span.len, entry.names.as_slice())).collect();
        let expected: [(u64, &[u32]); 4] =
            [(2 * short, &[1, 2]), (short, &[1]), (long, &[2]), (short, &[1])];
        assert_eq!(entries, expected);
    }
}
