//! `GET /search`: stored records, sent as they are found.

use super::ReadContext;
use super::buffer_permit::BufferPermit;
use super::filter::Filter;
use super::format::{Notice, ResponseFormat};
use super::log_set::LogFiles;
use super::merge::Merge;
use super::params::{RecordCount, SearchOrder};
use super::position::Position;
use super::scan::{ScanCounts, ScanQuery};
use super::stream::{Outlet, StreamEnd};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Notice for a search without a file that can be read back.
const LATEST: &str = "the latest records, which are in memory: no file can be read back";

/// A search to be done.
pub(crate) struct Search {
    pub(crate) reading: Arc<ReadContext>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) format: ResponseFormat,
    pub(crate) order: SearchOrder,
    pub(crate) count: RecordCount,
}

/// A step of a search.
#[derive(Default)]
struct SearchStep {
    out: Vec<u8>,
    matched: u64,
    last: Option<Position>,
    done: bool,
}

impl Search {
    /// Searches until all is searched, enough is found, or the client is gone.
    pub(crate) async fn run(self, outlet: Outlet) {
        let mut last = None;
        if self.search(&outlet, &mut last).await == Err(StreamEnd::Stalled) {
            let mut out = Vec::new();
            self.format.push_notice(&mut out, Notice::disconnected(last));
            outlet.disconnect(out);
        }
    }

    async fn search(&self, outlet: &Outlet, last: &mut Option<Position>) -> Result<(), StreamEnd> {
        let store = self.reading.store.clone();
        let filter = self.filter.clone();
        let order = self.order;
        let query = ScanQuery { filter, order, timed: false, budget: 0 };
        let begin = move || Merge::new(store.snapshot(), query);
        let mut merge = spawn_blocking(begin).await.map_err(|_| StreamEnd::Closed)?;
        let mut matched = 0;
        let mut turn = BufferPermit::default();
        loop {
            if turn.is_over(outlet, &self.reading.turns).await {
                merge.release();
            }
            let room = outlet.room().await?;
            if merge.is_wide() {
                turn.take(&self.reading.turns).await.ok_or(StreamEnd::Closed)?;
            }
            let left = match self.count {
                RecordCount::All => u64::MAX,
                RecordCount::Last(count) => count - matched,
            };
            let (next, step) = self.step(merge, outlet.chunk(), left).await?;
            merge = next;
            matched += step.matched;
            outlet.send(room, step.out).await?;
            *last = step.last.or(*last);
            if step.done {
                break;
            }
        }
        let ScanCounts { scanned, skipped, unreadable } = merge.counts();
        self.reading.stats.pieces_unreadable.add(unreadable);
        let memory = matches!(self.reading.store.files, LogFiles::None);
        let notice = Notice::End { matched, scanned, skipped, only: memory.then_some(LATEST) };
        let mut out = Vec::new();
        self.format.push_notice(&mut out, notice);
        let room = outlet.room().await?;
        outlet.send(room, out).await
    }

    /// Searches a little, some `most` bytes of what is found and at most `left` records, where
    /// nobody waits for it, when it is its turn.
    async fn step(
        &self,
        mut merge: Merge,
        most: u64,
        left: u64,
    ) -> Result<(Merge, SearchStep), StreamEnd> {
        let turn = self.reading.searching.clone().acquire_owned().await;
        let turn = turn.map_err(|_| StreamEnd::Closed)?;
        let format = self.format;
        let work = move || {
            let mut step = SearchStep { done: left == 0, ..SearchStep::default() };
            if !step.done {
                let flow = merge.step(most, |found| {
                    format.push(&mut step.out, found.line, found.position);
                    step.matched += 1;
                    step.last = Some(found.position);
                    if step.matched < left {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                });
                step.done = flow.is_break();
            }
            drop(turn);
            (merge, step)
        };
        spawn_blocking(work).await.map_err(|_| StreamEnd::Closed)
    }
}
