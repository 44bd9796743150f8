//! What a ledger is to those who search its file: what can be skipped.

use super::entry::{IndexEntry, Span};
use super::names::{NameTable, Names};
use super::order::{Order, Together};
use super::state::State;
use crate::layout::paths;
use std::fs;
use std::path::Path;

/// The stretches of one file. Without a ledger there are none, and nothing is skipped.
#[derive(Debug, Default)]
pub(crate) struct Index {
    stretches: Vec<IndexEntry>,
    names: NameTable,
    /// By what the stream is known that its stretches have places in.
    stream: Option<u64>,
}

/// Which part of a stream is wanted: up to `end`, and from `from` on, or also what has no place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) print: u64,
    pub(crate) from: Option<u64>,
    pub(crate) end: u64,
}

/// What a file has of an extent.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// What may hold what is looked for, in the order of the file.
    pub(crate) shares: Vec<Share>,
    pub(crate) skipped: u64,
    /// How many bytes of the stream there are, looked at or not.
    pub(crate) covered: u64,
    /// Whether something in the file comes before the extent.
    pub(crate) earlier: bool,
}

/// A part of a stretch.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) times: (i64, i64),
    /// Where the stretch begins in the file, how long it is, and its places in the stream.
    order: Option<(u64, u64, Order)>,
}

impl Index {
    /// Reads the ledger beside the file at `path`, if it is that of the file with `inode`, or
    /// whatever it has if none is given.
    pub(crate) fn read(path: &Path, inode: Option<(u64, u64)>, len: u64) -> Self {
        let Ok(text) = fs::read(paths::ledger_of(path)) else { return Self::default() };
        let State { head, contents, .. } = State::of_contents().replay(&text, len).state;
        if inode.is_some_and(|inode| head.inode != inode) {
            return Self::default();
        }
        let stream = contents.stream.map(|stream| stream.print);
        Self { stretches: contents.stretches, names: contents.names, stream }
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Whether something in the file comes before the end of `extent`.
    pub(crate) fn begins_before(&self, extent: Extent) -> bool {
        let before =
            |entry: &IndexEntry| entry.order.as_ref().is_some_and(|order| order.pos < extent.end);
        self.stream == Some(extent.print) && self.stretches.iter().any(before)
    }

    /// How much of the file the ledger counts, if its file is a part of the stream.
    pub(crate) fn counted(&self, extent: Extent) -> Option<u64> {
        let end = self.stretches.last().map_or(0, |entry| entry.span.end());
        (self.stream == Some(extent.print)).then_some(end)
    }

    /// What the first `len` bytes of the file have of `extent`. `keep` is asked about each stretch
    /// that the ledger knows.
    pub(crate) fn shares(
        self,
        len: u64,
        extent: Extent,
        keep: impl Fn(&Stretch<'_>) -> bool,
    ) -> Shares {
        let (mut found, mut at) = (Shares::default(), 0);
        let placed = self.stream == Some(extent.print);
        let unknown = |from, to| Share { from, to, times: (i64::MIN, i64::MAX), order: None };
        for entry in &self.stretches {
            let Span { at: begin, len: long, times, .. } = entry.span;
            let (low, high) = (begin.max(at), entry.span.end().min(len));
            if low >= high {
                continue;
            }
            if at < low && extent.from.is_none() {
                found.shares.push(unknown(at, low));
            }
            at = high;
            let order = entry.order.as_ref().filter(|_| placed);
            let (from, to) = match order {
                Some(order) => {
                    let from = begin + order.before(extent.from.unwrap_or(0), long);
                    let to = begin + order.before(extent.end, long);
                    found.earlier |= low < from;
                    (from.max(low), to.min(high))
                }
                None if extent.from.is_none() => (low, high),
                None => continue,
            };
            if from >= to {
                continue;
            }
            found.covered += if order.is_some() { to - from } else { 0 };
            match keep(&Stretch { entry, names: &self.names }) {
                true => {
                    let order = order.map(|order| (begin, long, order.clone()));
                    found.shares.push(Share { from, to, times, order });
                }
                false => found.skipped += to - from,
            }
        }
        if at < len && extent.from.is_none() {
            found.shares.push(unknown(at, len));
        }
        found
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
            match keep(&Stretch { entry, names: &self.names }) {
                true => add(low, high),
                false => skipped += high - low,
            }
            at = high;
        }
        add(at, to.max(at));
        (parts, skipped)
    }
}

impl Share {
    pub(crate) fn is_placed(&self) -> bool {
        self.order.is_some()
    }

    /// Where what stands at `at` in the file stands in the stream: what stands together, from the
    /// first of it that ends behind `at`.
    pub(crate) fn places(&self, at: u64) -> impl Iterator<Item = Together> {
        let order = self.order.iter();
        let all = order.flat_map(|(begin, long, order)| {
            order.all(*long).map(move |part| Together { at: part.at + begin, ..part })
        });
        all.skip_while(move |part| part.at + part.len <= at)
    }

    /// The place of the byte at `at`.
    pub(crate) fn place(&self, at: u64) -> Option<u64> {
        self.places(at).next().map(|part| part.pos + at.saturating_sub(part.at))
    }

    /// How much memory its places take.
    pub(crate) fn size(&self) -> usize {
        self.order.as_ref().map_or(0, |(_, _, order)| order.size())
    }
}

/// One stretch of a file.
pub(crate) struct Stretch<'a> {
    entry: &'a IndexEntry,
    names: &'a NameTable,
}

impl Stretch<'_> {
    pub(crate) fn span(&self) -> Span {
        self.entry.span
    }

    /// Whether it may hold a record of a sender whose names are `wanted`: what has no names, as all
    /// plain peers, is never skipped.
    pub(crate) fn any_sender(&self, wanted: impl Fn(&Names) -> bool) -> bool {
        let names = self.entry.names.iter().map(|number| self.names.get(*number));
        names.into_iter().any(|names| names.is_none_or(&wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ledger_does_not_know_is_never_skipped() {
        let entry = |at, len, levels| IndexEntry {
            span: Span { at, len, times: (0, 0), levels },
            order: None,
            names: vec![0],
        };
        let stretches = vec![entry(10, 10, 1), entry(20, 10, 4), entry(40, 10, 1)];
        let index = Index { stretches, ..Index::default() };
        let parts = |range, level| index.parts(range, |s| s.span().levels & level > 0);
        assert_eq!(parts((0, 60), 1), (vec![(0, 20), (30, 60)], 10));
        assert_eq!(parts((0, 60), 4), (vec![(0, 10), (20, 40), (50, 60)], 20));
        assert_eq!(parts((15, 45), 4), (vec![(20, 40)], 10));
        assert_eq!(parts((12, 15), 2), (vec![], 3));
        assert_eq!(Index::default().parts((3, 9), |_| false), (vec![(3, 9)], 0));
    }

    #[test]
    fn a_file_has_of_an_extent_what_its_ledger_says_and_no_byte_more() {
        let entry = |at, pos: Option<u64>, gap| {
            let mut order = pos.map(Order::new);
            if let (Some(order), Some(pos)) = (&mut order, pos) {
                assert!(order.go_on(4, pos + 4 + gap));
            }
            let span = Span { at, len: 10, times: (0, 0), levels: 1 };
            IndexEntry { span, order, names: vec![0] }
        };
        // Ten bytes without a place, twice ten with one in the middle of which are others', and
        // five that nobody knows.
        let stretches =
            || vec![entry(0, None, 0), entry(10, Some(100), 50), entry(20, Some(200), 9)];
        let shares = |print, from, end| {
            let index =
                Index { stretches: stretches(), names: NameTable::default(), stream: Some(77) };
            let shares = index.shares(35, Extent { print, from, end }, |_| true);
            let ranges = shares.shares.iter().map(|share| (share.from, share.to));
            (ranges.collect::<Vec<_>>(), shares.covered, shares.earlier)
        };
        let all = vec![(0, 10), (10, 20), (20, 30), (30, 35)];
        assert_eq!(shares(77, None, 999), (all.clone(), 20, false));
        assert_eq!(shares(78, None, 999), (all, 0, false), "another stream's places are none");
        assert_eq!(shares(77, Some(0), 999), (vec![(10, 20), (20, 30)], 20, false));
        assert_eq!(shares(77, Some(102), 156), (vec![(12, 16)], 4, true));
        assert_eq!(shares(77, Some(130), 201), (vec![(14, 20), (20, 21)], 7, true));
        assert_eq!(shares(77, Some(300), 999), (vec![], 0, true));
    }
}
