//! `GET /search`: what is held, sent as it is found.

use super::Look;
use super::body::Outlet;
use super::filter::Filter;
use super::form::{Form, Notice};
use super::query::{Count, Order};
use super::volume::PIECE;
use super::walk::Walk;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What is searched where each app and host has its own file.
const LATEST: &str = "the latest records, which are in memory: \
    of files by app and host none is searched";

/// A search to be done.
pub(crate) struct Search {
    pub(crate) look: Arc<Look>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) form: Form,
    pub(crate) order: Order,
    pub(crate) count: Count,
}

/// What one step over a piece came to.
struct Stepped {
    walk: Walk,
    out: Vec<u8>,
    matched: u64,
    done: bool,
}

impl Search {
    /// Searches until all is searched, enough is found, or nobody reads any more.
    pub(crate) async fn run(self, outlet: Outlet) {
        let shelf = self.look.shelf.clone();
        let Ok(holding) = spawn_blocking(move || Arc::new(shelf.holding())).await else { return };
        let start = holding.start();
        let mut walk = Walk::new(holding, self.filter.clone(), self.order, start);
        let mut matched = 0;
        loop {
            let left = match self.count {
                Count::All => u64::MAX,
                Count::Last(count) => count - matched,
            };
            let Ok(room) = outlet.room(PIECE).await else { return };
            let Some(stepped) = self.step(walk, (room.most, left)).await else { return };
            matched += stepped.matched;
            walk = stepped.walk;
            if outlet.fill(room, stepped.out).await.is_err() {
                return;
            }
            if stepped.done {
                break;
            }
        }
        let mut out = Vec::new();
        let (scanned, skipped) = (walk.scanned, walk.skipped);
        let only = self.look.view.many_files.then_some(LATEST);
        self.look.view.stats.pieces_unreadable.add(walk.unreadable);
        self.form.push_notice(&mut out, Notice::End { matched, scanned, skipped, only });
        let _ = outlet.send(out).await;
    }

    /// Searches one piece of at most so many bytes, when it is its turn, for at most `left` records.
    async fn step(&self, mut walk: Walk, (most, left): (u64, u64)) -> Option<Stepped> {
        let turn = self.look.searching.clone().acquire_owned().await.ok()?;
        let form = self.form;
        let work = move || {
            let (mut out, mut matched) = (Vec::new(), 0);
            if left == 0 {
                return Stepped { walk, out, matched, done: true };
            }
            let flow = walk.step(most, |found| {
                form.push(&mut out, found.line, found.cursor);
                matched += 1;
                if matched < left { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            drop(turn);
            Stepped { walk, out, matched, done: flow.is_break() }
        };
        spawn_blocking(work).await.ok()
    }
}
