//! A scan of all logs at once, in the order of their records' times: what comes next of all scans
//! comes first, each log in its own order. A log that cannot have the next record, according to its
//! ledger, is not read.

use super::log_set::LogSet;
use super::params::SearchOrder;
use super::scan::{FoundRecord, Scan, ScanCounts, ScanQuery};
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Bytes that are held of all logs together, and the least of one of them.
const HELD: usize = 8 << 20;
const LEAST: usize = 16 << 10;

/// Files that stay open from one piece to the next.
const OPEN: usize = 8;

/// Time that others may have to wait for a step.
const STEP: Duration = Duration::from_millis(20);

/// A merge that has come so far.
pub(crate) struct Merge {
    scans: Vec<Scan>,
    order: SearchOrder,
    /// The scans that are not at their ends, the first one on top.
    heap: BinaryHeap<(i64, usize)>,
    open: usize,
    /// Number of directories and files that could not be opened.
    unopened: u64,
}

impl Merge {
    /// A merge of all records of `set` that `query` asks for.
    pub(crate) fn new(set: LogSet, query: ScanQuery) -> Self {
        let count = set.logs.len().max(1);
        let budget = (HELD / count).max(LEAST);
        Self::within(set, ScanQuery { timed: count > 1, budget, ..query })
    }

    /// The same, holding no more than the query's budget of each.
    pub(super) fn within(set: LogSet, query: ScanQuery) -> Self {
        let scan = |log: super::log_set::Log| {
            let start = log.start();
            Scan::new(log, query.clone(), start)
        };
        let scans: Vec<_> = set.logs.into_iter().map(scan).collect();
        let order = query.order;
        let unopened = set.unopened;
        let mut merge = Self { scans, order, heap: BinaryHeap::new(), open: 0, unopened };
        (0..merge.scans.len()).for_each(|scan| merge.queue(scan));
        merge
    }

    /// Sum of all scans' counts.
    pub(crate) fn counts(&self) -> ScanCounts {
        let mut counts = ScanCounts { unreadable: self.unopened, ..ScanCounts::default() };
        self.scans.iter().for_each(|scan| counts += scan.counts);
        counts
    }

    /// Tells whether it holds pieces of many logs.
    pub(crate) fn is_wide(&self) -> bool {
        self.scans.len() > 1
    }

    /// Reads on a little and shows what is wanted of it, some `most` bytes. `Break` when that was
    /// all, or when `visit` wants no more.
    pub(crate) fn step(
        &mut self,
        most: u64,
        mut visit: impl FnMut(FoundRecord<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let until = Instant::now() + STEP;
        let mut left = most;
        while left > 0 {
            let Some((_, at)) = self.heap.pop() else { return ControlFlow::Break(()) };
            if self.scans[at].is_ready() {
                let flow = self.show(at, &mut left, &mut visit);
                self.queue(at);
                flow?;
                continue;
            }
            let was = self.scans[at].is_open();
            self.scans[at].fill();
            self.open = self.open + usize::from(self.scans[at].is_open()) - usize::from(was);
            if self.open > OPEN {
                self.scans[at].close();
                self.open -= 1;
            }
            self.queue(at);
            if Instant::now() > until {
                break;
            }
        }
        ControlFlow::Continue(())
    }

    /// Shows what is at hand of a scan until something of another comes first.
    fn show(
        &mut self,
        at: usize,
        left: &mut u64,
        visit: &mut impl FnMut(FoundRecord<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let first = self.heap.peek().map(|(key, _)| *key);
        loop {
            let flow = self.scans[at].take(|record| {
                *left = left.saturating_sub(record.line.len() as u64 + 1);
                visit(record)
            });
            flow.unwrap_or(ControlFlow::Continue(()))?;
            let goes_on = self.scans[at].is_ready() && *left > 0;
            if !goes_on || self.key(at) < first {
                return ControlFlow::Continue(());
            }
        }
    }

    /// Lets go of all that can be read again, as long as nothing is read.
    pub(crate) fn release(&mut self) {
        self.scans.iter_mut().for_each(Scan::release);
        self.open = 0;
    }

    /// Priority of a scan in the heap: the first in the order has the highest.
    fn key(&self, at: usize) -> Option<i64> {
        let time = self.scans[at].bound()?;
        Some(if self.order == SearchOrder::Newest { time } else { !time })
    }

    fn queue(&mut self, at: usize) {
        let key = self.key(at);
        self.heap.extend(key.map(|key| (key, at)));
    }
}
