//! What a ledger is to those who search its file: what can be skipped.

use super::account::Account;
use super::entry::{IndexEntry, Known, Span};
use super::names::Names;
use crate::paths;
use std::fs;
use std::path::Path;

/// The stretches of one file. Without a ledger there are none, and nothing is skipped.
#[derive(Debug, Default)]
pub(crate) struct Index {
    stretches: Vec<IndexEntry>,
    senders: Vec<Known>,
}

impl Index {
    /// Reads the ledger beside the file at `path`, if it is that of the file with `inode`, or
    /// whatever it has if none is given.
    pub(crate) fn read(path: &Path, inode: Option<(u64, u64)>, len: u64) -> Self {
        let Ok(text) = fs::read(paths::ledger_of(path)) else { return Self::default() };
        let account = Account::replay(&text, len, 0).account;
        if inode.is_some_and(|inode| account.head.inode != inode) {
            return Self::default();
        }
        let (stretches, senders) = account.index();
        Self { stretches, senders }
    }

    /// The parts of `from..to` that may hold what is looked for, and how many bytes do not.
    /// `keep` is asked about each stretch that the ledger knows.
    pub(crate) fn parts(
        &self,
        (from, to): (u64, u64),
        keep: impl Fn(&Stretch<'_>) -> bool,
    ) -> (Vec<(u64, u64)>, u64) {
        let (mut at, mut skipped) = (from, 0);
        let mut parts: Vec<(u64, u64)> = Vec::new();
        let mut add = |low: u64, high: u64| match parts.last_mut() {
            Some(last) if last.1 == low => last.1 = high,
            _ if low < high => parts.push((low, high)),
            _ => {}
        };
        for entry in &self.stretches {
            let (low, high) = (entry.span.at.max(at), entry.span.end().min(to));
            if low >= high {
                continue;
            }
            add(at, low);
            match keep(&Stretch { entry, senders: &self.senders }) {
                true => add(low, high),
                false => skipped += high - low,
            }
            at = high;
        }
        add(at, to.max(at));
        (parts, skipped)
    }
}

/// One stretch of a file.
pub(crate) struct Stretch<'a> {
    entry: &'a IndexEntry,
    senders: &'a [Known],
}

impl Stretch<'_> {
    pub(crate) fn span(&self) -> Span {
        self.entry.span
    }

    /// Whether it may hold a record of a sender whose names are `wanted`: what has no names, as all
    /// plain peers, is never skipped.
    pub(crate) fn any_sender(&self, wanted: impl Fn(&Names) -> bool) -> bool {
        self.entry.senders.iter().any(|number| {
            let place = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
            let known = place.and_then(|at| self.senders.get(at));
            known.and_then(|known| known.names.as_deref()).is_none_or(&wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ledger_does_not_know_is_never_skipped() {
        let entry = |at, len, levels| IndexEntry {
            span: Span { at, len, times: (0, 0), levels },
            senders: vec![0],
        };
        let stretches = vec![entry(10, 10, 1), entry(20, 10, 4), entry(40, 10, 1)];
        let index = Index { stretches, senders: Vec::new() };
        let parts = |range, level| index.parts(range, |s| s.span().levels & level > 0);
        assert_eq!(parts((0, 60), 1), (vec![(0, 20), (30, 60)], 10));
        assert_eq!(parts((0, 60), 4), (vec![(0, 10), (20, 40), (50, 60)], 20));
        assert_eq!(parts((15, 45), 4), (vec![(20, 40)], 10));
        assert_eq!(parts((12, 15), 2), (vec![], 3));
        assert_eq!(Index::default().parts((3, 9), |_| false), (vec![(3, 9)], 0));
    }
}
