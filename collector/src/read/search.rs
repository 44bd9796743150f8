//! `GET /search`: what is held, sent as it is found.

use super::Look;
use super::body::Outlet;
use super::course::{Course, Way};
use super::filter::Filter;
use super::form::{Form, Notice};
use super::query::{Count, Order};
use super::volume::PIECE;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is searched where there is no file that can be read back.
const LATEST: &str = "the latest records, which are in memory: no file can be read back";

/// A search to be done.
pub(crate) struct Search {
    pub(crate) look: Arc<Look>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) form: Form,
    pub(crate) order: Order,
    pub(crate) count: Count,
}

/// What one step came to.
struct Stepped {
    out: Vec<u8>,
    matched: u64,
    done: bool,
}

impl Search {
    /// Searches until all is searched, enough is found, or nobody reads any more.
    pub(crate) async fn run(self, outlet: Outlet) {
        let asked = (self.filter.clone(), self.order);
        let Some(mut course) = Course::over_all(&self.look, asked).await else { return };
        let mut matched = 0;
        loop {
            let left = match self.count {
                Count::All => u64::MAX,
                Count::Last(count) => count - matched,
            };
            let Ok(room) = course.room(&outlet, PIECE).await else { return };
            let stepped = self.step(course, (room.most, left)).await;
            let Some((next, stepped)) = stepped else { return };
            matched += stepped.matched;
            course = next;
            if course.fill(&outlet, room, stepped.out).await.is_err() {
                return;
            }
            if stepped.done {
                break;
            }
        }
        let mut out = Vec::new();
        let (scanned, skipped) = course.way.bytes();
        let memory = self.look.shelves.is_none() && self.look.shelf.is_memory();
        let only = memory.then_some(LATEST);
        self.look.view.stats.pieces_unreadable.add(course.way.unreadable());
        self.form.push_notice(&mut out, Notice::End { matched, scanned, skipped, only });
        let _ = outlet.send(out).await;
    }

    /// Searches one piece of at most so many bytes, when it is its turn, for at most `left` records.
    async fn step(
        &self,
        mut course: Course,
        (most, left): (u64, u64),
    ) -> Option<(Course, Stepped)> {
        course.wait().await?;
        let turn = self.look.searching.clone().acquire_owned().await.ok()?;
        let form = self.form;
        let work = move |way: &mut Way| {
            let (mut out, mut matched) = (Vec::new(), 0);
            if left == 0 {
                return Stepped { out, matched, done: true };
            }
            let flow = way.step(most, |found| {
                form.push(&mut out, found.line, found.cursor);
                matched += 1;
                if matched < left { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            drop(turn);
            Stepped { out, matched, done: flow.is_break() }
        };
        course.step(work).await
    }
}
