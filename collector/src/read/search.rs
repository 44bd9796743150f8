//! `GET /search`: stored records, sent as they are found.

use super::format::Notice;
use super::log_set::{LogFiles, LogStore};
use super::merge::Merge;
use super::params::{RecordCount, SearchOrder};
use super::position::Position;
use super::reader_task::{RecordCursor, Render};
use super::scan::{ScanCounts, ScanQuery};
use crate::stats::Stats;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Notice for a search without a file that can be read back.
const LATEST: &str = "the latest records, which are in memory: no file can be read back";

/// A search that has come so far.
pub(crate) struct SearchCursor {
    store: Arc<LogStore>,
    stats: Arc<Stats>,
    order: SearchOrder,
    /// Number of records that are enough.
    wanted: u64,
    matched: u64,
    last: Option<Position>,
    /// None until it has listed the logs.
    merge: Option<Merge>,
    done: bool,
}

impl SearchCursor {
    pub(crate) fn new(
        store: Arc<LogStore>,
        stats: Arc<Stats>,
        order: SearchOrder,
        count: RecordCount,
    ) -> Self {
        let wanted = match count {
            RecordCount::All => u64::MAX,
            RecordCount::Last(count) => count,
        };
        Self { store, stats, order, wanted, matched: 0, last: None, merge: None, done: false }
    }
}

impl RecordCursor for SearchCursor {
    fn advance(&mut self, most: u64, render: &Render, out: &mut Vec<u8>) {
        let Some(merge) = &mut self.merge else {
            let filter = render.filter.clone();
            let query = ScanQuery { filter, order: self.order, timed: false, budget: 0 };
            self.merge = Some(Merge::new(self.store.snapshot(), query));
            return;
        };
        let flow = if self.matched == self.wanted {
            ControlFlow::Break(())
        } else {
            merge.step(most, |found| {
                render.format.push(out, found.line, found.position);
                self.matched += 1;
                self.last = Some(found.position);
                match self.matched == self.wanted {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })
        };
        if flow.is_break() {
            self.done = true;
            let ScanCounts { scanned, skipped, unreadable } = merge.counts();
            self.stats.pieces_unreadable.add(unreadable);
            let memory = matches!(self.store.files, LogFiles::None);
            let only = memory.then_some(LATEST);
            let unreadable = NonZeroU64::new(unreadable);
            let notice = Notice::End { matched: self.matched, scanned, skipped, unreadable, only };
            render.format.push_notice(out, notice);
        }
    }

    fn has_caught_up(&self) -> bool {
        self.done
    }

    fn position(&mut self) -> Option<Position> {
        self.last
    }

    fn is_wide(&self) -> bool {
        self.merge.as_ref().is_some_and(Merge::is_wide)
    }

    fn release(&mut self) {
        self.merge.iter_mut().for_each(Merge::release);
    }
}
