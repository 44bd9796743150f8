//! A walk over all files of a template at once, in the order of the records' times or of the stream.
//!
//! Each row of files is a [leg](super::leg), and what comes next of all legs comes first. A leg
//! that can have nothing to come first, by what its ledgers say, is not read.

#[cfg(test)]
mod tests;

use super::filter::Filter;
use super::leg::{By, Key, Leg, Passed, Quest};
use super::query::Order;
use super::shelf::Spot;
use super::shelves::Stock;
use super::walk::Found;
use crate::ledger::Extent;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How much is held of all files together, and the least of one of them.
pub(crate) const HELD: u64 = 16 << 20;
const LEAST: u64 = 16 << 10;
const MOST: u64 = 256 << 10;

/// How many files stay open from one piece to the next.
const OPEN: usize = 8;

/// How much is read, and shown, in one step at most.
const STEP: u64 = 1 << 20;

/// A merge that has come so far.
pub(crate) struct Merge {
    quest: Quest,
    legs: Vec<Leg>,
    /// The legs to be looked at, the first one on top.
    next: BinaryHeap<(Key, usize)>,
    /// How many legs are surveyed, where that is done, and how much of the stream they have.
    surveyed: usize,
    covered: u64,
    open: usize,
    pub(crate) passed: Passed,
}

impl Merge {
    /// A merge of all that is held, or of what is behind `from` in the stream.
    pub(crate) fn new(
        stock: Arc<Stock>,
        asked: (Arc<Filter>, Order),
        by: By,
        from: Option<u64>,
    ) -> Self {
        let budget = (HELD / stock.rows.len().max(1) as u64).clamp(LEAST, MOST);
        Self::within(budget, stock, (asked, by), from)
    }

    /// The same, holding no more than `budget` of each row.
    fn within(
        budget: u64,
        stock: Arc<Stock>,
        ((filter, order), by): ((Arc<Filter>, Order), By),
        from: Option<u64>,
    ) -> Self {
        let count = stock.rows.len();
        let extent = stock.extent(from);
        let quest = Quest { stock, filter, order, by, extent, budget };
        let legs: Vec<_> = (0..count).map(|row| Leg::new(row, budget)).collect();
        // From the middle of the stream on, it has to be known where each row goes on.
        let surveyed = if from.is_some() && order == Order::Oldest { 0 } else { count };
        let (next, passed) = (BinaryHeap::new(), Passed::default());
        let mut merge = Self { quest, legs, next, surveyed, covered: 0, open: 0, passed };
        (0..surveyed).for_each(|leg| merge.queue(leg));
        merge
    }

    /// How much was lost that should have been there: bytes of the stream that no file has, and
    /// files that were removed, or could not be read, before they were. Known once it has begun.
    pub(crate) fn lost(&self) -> u64 {
        if self.surveyed < self.legs.len() {
            return 0;
        }
        let Extent { from, end, .. } = self.quest.extent;
        let from = from.filter(|_| self.quest.order == Order::Oldest);
        let missing = from.map_or(0, |from| end.saturating_sub(from).saturating_sub(self.covered));
        missing + self.passed.gone + self.passed.unreadable
    }

    /// Reads on a little and shows what is wanted of it, some `most` bytes. `Break` when that was
    /// all, or when `visit` wants no more.
    pub(crate) fn step(
        &mut self,
        most: u64,
        mut visit: impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.surveyed < self.legs.len() {
            self.survey();
            return ControlFlow::Continue(());
        }
        let (until, mut left) = (self.passed.scanned + STEP, most.min(STEP));
        while self.passed.scanned < until && left > 0 {
            let Some((_, leg)) = self.next.pop() else { return ControlFlow::Break(()) };
            if self.legs[leg].is_ready() {
                let flow = self.show(leg, (&mut left, &mut visit));
                self.queue(leg);
                flow?;
                continue;
            }
            let (was, quest) = (self.legs[leg].is_open(), &self.quest);
            self.legs[leg].fill(quest, &mut self.passed);
            self.count_open(leg, was);
            self.queue(leg);
            if self.legs[leg].is_ready() {
                continue;
            }
            // A file that held nothing cost a little too.
            left = left.saturating_sub(STEP / 256);
        }
        ControlFlow::Continue(())
    }

    /// Shows what is at hand of a leg until something of another comes first.
    fn show(
        &mut self,
        leg: usize,
        (left, visit): (&mut u64, &mut impl FnMut(Found<'_>) -> ControlFlow<()>),
    ) -> ControlFlow<()> {
        let first = self.next.peek().map(|(key, _)| *key);
        loop {
            let flow = self.legs[leg].show(self.quest.order, |record| {
                *left = left.saturating_sub(record.line.len() as u64 + 1);
                let spot = Spot { volume: leg, at: record.place.unwrap_or_default() };
                visit(Found { line: record.line, cursor: record.cursor, spot })
            });
            flow.unwrap_or(ControlFlow::Continue(()))?;
            let goes_on = self.legs[leg].is_ready() && *left > 0;
            if !goes_on || self.rank(leg) < first {
                return ControlFlow::Continue(());
            }
        }
    }

    /// Lets go of all that can be read again, as long as nothing is read.
    pub(crate) fn forget(&mut self) {
        for leg in &mut self.legs {
            leg.forget(self.quest.order);
        }
        self.open = 0;
        self.next.clear();
        (0..self.surveyed).for_each(|leg| self.queue(leg));
    }

    fn survey(&mut self) {
        let until = (self.surveyed + 16).min(self.legs.len());
        for leg in self.surveyed..until {
            self.covered += self.legs[leg].survey(&self.quest);
            self.queue(leg);
        }
        self.surveyed = until;
    }

    /// Where a leg stands, the first the highest.
    fn rank(&self, leg: usize) -> Option<Key> {
        let (rank, key) = self.legs[leg].key(&self.quest)?;
        Some(match self.quest.order {
            Order::Newest => (rank, key),
            Order::Oldest => (!rank, !key),
        })
    }

    fn queue(&mut self, leg: usize) {
        self.next.extend(self.rank(leg).map(|rank| (rank, leg)));
    }

    /// Closes the file of a leg again, if enough are open.
    fn count_open(&mut self, leg: usize, was: bool) {
        let is = self.legs[leg].is_open();
        self.open = self.open + usize::from(is) - usize::from(was);
        if self.open > OPEN {
            self.legs[leg].close();
            self.open -= 1;
        }
    }
}
