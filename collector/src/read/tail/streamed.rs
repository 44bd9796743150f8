//! A tail of many files. What was written last is in memory; what is not any more it reads from the
//! files, in the order in which the hub wrote them, and goes on where that meets the memory.

use super::{BACK, Place, Tail};
use crate::read::body::{Gone, Outlet};
use crate::read::course::{Course, Way};
use crate::read::form::Notice;
use crate::read::leg::By;
use crate::read::merge::Merge;
use crate::read::query::{Count, Order};
use crate::read::shelf::{Holding, Spot};
use crate::read::shelves::{Shelves, Stock};
use crate::read::volume::{PIECE, Volume};
use crate::read::walk::Walk;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::task::spawn_blocking;

impl Tail {
    /// The tail, where there are many files.
    pub(super) async fn streamed(&self, shelves: &Arc<Shelves>, out: &Outlet) -> Result<(), Gone> {
        let progress = &self.look.view.progress;
        let end = progress.end();
        let print = progress.ring().map(|ring| ring.print);
        let from = match (self.after, self.begin()) {
            (Some(cursor), _) if Some(cursor.print) == print && cursor.at <= end.len => {
                Some(cursor.at)
            }
            (Some(_), _) => {
                self.missed(out).await?;
                None
            }
            (None, Count::All) => None,
            (None, Count::Last(0)) => Some(end.len),
            (None, Count::Last(count)) => Some(self.last_streamed(count, shelves, out).await?),
        };
        let at = self.read_files(from, shelves, out).await?;
        let volume = Some(Volume::ring(progress.clone()));
        self.follow(Place { volume, turn: end.turn, at, records: None }, end, out).await
    }

    /// Goes back to the files, if what comes next is not in memory any more; says whether it was so.
    pub(super) async fn fall_back(&self, place: &mut Place, out: &Outlet) -> Result<bool, Gone> {
        let Some(shelves) = &self.look.shelves else { return Ok(false) };
        let before = place.at;
        place.at = self.read_files(Some(before), shelves, out).await?;
        Ok(place.at > before)
    }

    /// Sends what is in the files behind `from`, or all that is there, and says up to where; unless
    /// what comes behind `from` is in memory.
    async fn read_files(
        &self,
        from: Option<u64>,
        shelves: &Arc<Shelves>,
        out: &Outlet,
    ) -> Result<u64, Gone> {
        let held = self.look.view.progress.ring().map(|ring| ring.start().at).unwrap_or_default();
        if let Some(from) = from.filter(|from| *from >= held) {
            return Ok(from);
        }
        let stock = self.stock(shelves).await?;
        let end = stock.end;
        let merge = Merge::new(stock, (self.filter.clone(), Order::Oldest), By::Place, from);
        self.pass_on(merge, from.is_some(), out).await?;
        Ok(end)
    }

    /// Sends all of `merge`, and says what was missed if it is to have all there ever was.
    async fn pass_on(&self, merge: Merge, all: bool, outlet: &Outlet) -> Result<(), Gone> {
        let mut course = Course::new(&self.look, Way::Many(merge));
        let (form, mut told) = (self.form, 0);
        loop {
            let room = course.room(outlet, PIECE).await?;
            course.wait().await.ok_or(Gone)?;
            let most = room.most;
            let work = move |way: &mut Way| {
                let mut out = Vec::new();
                let flow = way.step(most, |found| {
                    form.push(&mut out, found.line, found.cursor);
                    ControlFlow::Continue(())
                });
                (out, flow.is_break(), way.lost())
            };
            let (next, (mut out, done, lost)) = course.step(work).await.ok_or(Gone)?;
            if all && lost > told {
                // Before what was found behind it.
                let mut notice = Vec::new();
                form.push_notice(&mut notice, Notice::Missed(None));
                out.splice(0..0, notice);
                told = lost;
            }
            course = next;
            course.fill(outlet, room, out).await?;
            if done {
                self.look.view.stats.pieces_unreadable.add(course.way.unreadable());
                return Ok(());
            }
        }
    }

    /// Where the last `count` records begin: in memory, or else in the files. Those without a place
    /// in the stream, from before there was one, are not among them.
    async fn last_streamed(
        &self,
        count: u64,
        shelves: &Arc<Shelves>,
        out: &Outlet,
    ) -> Result<u64, Gone> {
        let progress = &self.look.view.progress;
        let holding = Arc::new(Holding::of_ring(progress.clone()));
        let start = progress.ring().map(|ring| ring.start().at).unwrap_or_default();
        let spot = Spot { volume: 0, at: start };
        let walk = Walk::new(holding.clone(), self.filter.clone(), Order::Newest, spot);
        let (first, found) = self.count_back(Way::One(walk), count, out).await?;
        if found == count {
            return Ok(first.map_or(holding.end.len, |spot| spot.at));
        }
        let stock = self.stock(shelves).await?;
        let end = stock.end;
        let merge = Merge::new(stock, (self.filter.clone(), Order::Newest), By::Place, Some(0));
        let (first, _) = self.count_back(Way::Many(merge), count, out).await?;
        Ok(first.map_or(end, |spot| spot.at))
    }

    /// Where the last of `count` records is that the way comes by, and how many it came by.
    pub(super) async fn count_back(
        &self,
        way: Way,
        count: u64,
        out: &Outlet,
    ) -> Result<(Option<Spot>, u64), Gone> {
        let (mut first, mut found, mut done) = (None, 0, false);
        let mut course = Course::new(&self.look, way);
        while !done && course.way.bytes().0 < BACK {
            course.wait().await.ok_or(Gone)?;
            let work = move |way: &mut Way| {
                let flow = way.step(PIECE, |record| {
                    (first, found) = (Some(record.spot), found + 1);
                    if found < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                (first, found, flow.is_break())
            };
            (course, (first, found, done)) = course.step(work).await.ok_or(Gone)?;
            out.send(Vec::new()).await?;
        }
        Ok((first, found))
    }

    async fn stock(&self, shelves: &Arc<Shelves>) -> Result<Arc<Stock>, Gone> {
        let shelves = shelves.clone();
        spawn_blocking(move || Arc::new(shelves.stock())).await.map_err(|_| Gone)
    }

    async fn missed(&self, outlet: &Outlet) -> Result<(), Gone> {
        let mut out = Vec::new();
        self.form.push_notice(&mut out, Notice::Missed(None));
        outlet.send(out).await
    }
}
