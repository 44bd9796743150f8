//! `GET /tail`: the last records, then each one as it is written, with no gap and none twice.
//!
//! Where there is a file a tail is a reader of that file: it waits for the hub's word that the file
//! has grown, and reads what it has not read. Being slow only means to read later.

mod streamed;

use super::Look;
use super::body::{Gone, Outlet};
use super::course::Way;
use super::cursor::Cursor;
use super::filter::Filter;
use super::form::{Form, Notice};
use super::query::{Count, Order};
use super::shelf::{Holding, Spot};
use super::volume::{Lines, PIECE, Volume};
use super::walk::Walk;
use crate::hub::progress::End;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

/// How many records a tail begins with.
const BEGIN: u64 = 10;

/// How far back those are looked for when a filter lets few through.
const BACK: u64 = 256 << 20;

/// How much is read at once: what the processor's cache holds, and an allocator hands out again
/// without asking the system for it.
const STRIDE: u64 = 96 << 10;

/// What was written last, so much of it, is in memory.
const WARM: u64 = 32 << 20;

/// How often something is sent, if only to notice that nobody is there any more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A tail to be run.
pub(crate) struct Tail {
    pub(crate) look: Arc<Look>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) form: Form,
    pub(crate) count: Option<Count>,
    pub(crate) after: Option<Cursor>,
    pub(crate) follow: bool,
    /// Its place among the tails.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Where a tail is among records that are still being written.
struct Place {
    volume: Option<Volume>,
    turn: u64,
    at: u64,
    /// How many records of the ring are before it, if that is known.
    records: Option<u64>,
}

impl Tail {
    /// Runs until nobody reads it any more.
    pub(crate) async fn run(self, outlet: Outlet) {
        // Whoever is gone is told nothing.
        let _ = self.tail(&outlet).await;
        drop(self.place);
    }

    async fn tail(&self, outlet: &Outlet) -> Result<(), Gone> {
        if let Some(shelves) = &self.look.shelves {
            return self.streamed(shelves, outlet).await;
        }
        let shelf = self.look.shelf.clone();
        let holding = spawn_blocking(move || Arc::new(shelf.holding())).await.map_err(|_| Gone)?;
        let (start, missed) = self.start(&holding, outlet).await?;
        let mut out = Vec::new();
        if missed {
            self.form.push_notice(&mut out, Notice::Missed(None));
            outlet.send(out).await?;
        }
        let mut place = Place::behind(&holding);
        if self.look.view.progress.ring().is_some() {
            // What is in memory may go while it is read, and that has to be told.
            place.at = start.at;
            place.records = self.records_before(start.at);
        } else {
            self.backlog(&holding, start, outlet).await?;
        }
        let seam = holding.end;
        drop(holding);
        self.follow(place, seam, outlet).await
    }

    fn records_before(&self, at: u64) -> Option<u64> {
        self.look.view.progress.ring().and_then(|ring| ring.records_before(at))
    }

    /// Where to begin, and whether what was asked for is not held any more.
    async fn start(&self, holding: &Arc<Holding>, outlet: &Outlet) -> Result<(Spot, bool), Gone> {
        if let Some(cursor) = self.after {
            let held = holding.clone();
            let found = spawn_blocking(move || held.find(cursor)).await.map_err(|_| Gone)?;
            let found = found.filter(|spot| self.still_held(*spot));
            return Ok((found.unwrap_or_else(|| holding.start()), found.is_none()));
        }
        let start = match self.begin() {
            Count::All => holding.start(),
            Count::Last(0) => holding.end(),
            Count::Last(count) => self.last(holding, count, outlet).await?,
        };
        Ok((start, false))
    }

    /// With how many records it begins.
    fn begin(&self) -> Count {
        match (self.count, self.filter.since) {
            (Some(count), _) => count,
            (None, Some(_)) => Count::All,
            (None, None) => Count::Last(BEGIN),
        }
    }

    fn still_held(&self, spot: Spot) -> bool {
        self.look.view.progress.ring().is_none_or(|ring| spot.at >= ring.start().at)
    }

    /// Where the last `count` records begin.
    async fn last(&self, holding: &Arc<Holding>, count: u64, out: &Outlet) -> Result<Spot, Gone> {
        let walk = self.walk(holding, Order::Newest, holding.start());
        let (first, _) = self.count_back(Way::One(walk), count, out).await?;
        Ok(first.unwrap_or_else(|| holding.end()))
    }

    fn walk(&self, holding: &Arc<Holding>, order: Order, from: Spot) -> Walk {
        Walk::new(holding.clone(), self.filter.clone(), order, from)
    }

    /// Sends what was there when the tail began.
    async fn backlog(&self, held: &Arc<Holding>, from: Spot, outlet: &Outlet) -> Result<(), Gone> {
        let mut walk = self.walk(held, Order::Oldest, from);
        loop {
            let (form, room) = (self.form, outlet.room(PIECE).await?);
            let piece = room.most;
            let step = move || {
                let mut out = Vec::new();
                let flow = walk.step(piece, |found| {
                    form.push(&mut out, found.line, found.cursor);
                    ControlFlow::Continue(())
                });
                (walk, out, flow.is_break())
            };
            let (next, bytes, done) = spawn_blocking(step).await.map_err(|_| Gone)?;
            outlet.fill(room, bytes).await?;
            if done {
                self.look.view.stats.pieces_unreadable.add(next.unreadable);
                return Ok(());
            }
            walk = next;
        }
    }

    /// Sends what is written from `place` on; what is before `seam` was there already.
    async fn follow(&self, mut place: Place, seam: End, outlet: &Outlet) -> Result<(), Gone> {
        let (mut end, mut stop) = (self.look.end.clone(), self.look.stop.clone());
        let (mut sent, mut live) = (Instant::now(), false);
        loop {
            let ending = *stop.borrow_and_update();
            // With the mark of having seen it, so that what comes later wakes us.
            end.borrow_and_update();
            while place.behind_of(self.look.view.progress.end()) {
                if place.at >= seam.len && !live {
                    break;
                }
                if self.fall_back(&mut place, outlet).await? {
                    continue;
                }
                let room = outlet.room(STRIDE).await?;
                let out = self.advance(&mut place, room.most).await?;
                if !out.is_empty() {
                    sent = Instant::now();
                }
                outlet.fill(room, out).await?;
            }
            if !live {
                live = true;
                if !self.follow {
                    return Ok(());
                }
                let mut out = Vec::new();
                self.form.push_notice(&mut out, Notice::Live(place.cursor()));
                outlet.send(out).await?;
                continue;
            }
            if ending {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = outlet.closed() => return Err(Gone),
                _ = stop.changed() => {}
                changed = end.changed() => changed.map_err(|_| Gone)?,
                () = sleep_until(sent + KEEP_ALIVE) => {
                    sent = Instant::now();
                    outlet.send(self.form.keep_alive().to_vec()).await?;
                }
            }
        }
    }

    /// Reads the next piece, of at most so many bytes, and gives what is to be sent of it.
    async fn advance(&self, place: &mut Place, most: u64) -> Result<Vec<u8>, Gone> {
        let mut out = Vec::new();
        let end = self.look.view.progress.end();
        let limit = place.limit(end);
        if place.at >= limit {
            if !place.turn_over(&self.look, end) {
                self.form.push_notice(&mut out, Notice::Missed(None));
            }
            return Ok(out);
        }
        if let Some(missed) = place.catch_up(&self.look) {
            self.form.push_notice(&mut out, Notice::Missed(missed));
        }
        let Some(volume) = place.find(&self.look, end) else {
            self.form.push_notice(&mut out, Notice::Missed(None));
            return Ok(out);
        };
        let (from, form, filter) = (place.at, self.form, self.filter.clone());
        let to = limit.min(from + most);
        let work = move || {
            let mut volume = volume;
            let print = volume.print(limit).unwrap_or_default();
            let lines = volume.lines_from((from, to), limit).unwrap_or_default();
            render(&lines, (form, &filter, print), &mut out);
            (volume, lines, out)
        };
        // No need to wait for another thread where nothing has to wait for the disk.
        let progress = end.turn == place.turn && limit - from <= WARM;
        let (volume, lines, out) =
            if progress { work() } else { spawn_blocking(work).await.map_err(|_| Gone)? };
        if lines.at > from && self.look.view.progress.ring().is_some() {
            // It went while it was read: to be told, and not to be counted wrongly.
            return Ok(Vec::new());
        }
        place.volume = Some(volume);
        place.at = to.max(lines.at + lines.bytes.len() as u64);
        place.records = place
            .records
            .map(|records| records + memchr::memchr_iter(b'\n', &lines.bytes).count() as u64);
        Ok(out)
    }
}

fn render(lines: &Lines, (form, filter, print): (Form, &Filter, u64), out: &mut Vec<u8>) {
    if filter.is_open() {
        // Grown step by step, it would be copied as often.
        out.reserve(lines.bytes.len() / 4 * 5);
    }
    filter.each(&lines.bytes, |(begin, end)| {
        let line = &lines.bytes[begin..end];
        let cursor = Cursor { print, at: lines.at + end as u64 };
        form.push(out, line.strip_suffix(b"\n").unwrap_or(line), cursor);
    });
}

impl Place {
    /// Behind all of `holding`.
    fn behind(holding: &Holding) -> Self {
        let volume = holding.current().map(|(volume, _)| volume);
        Self { volume, turn: holding.end.turn, at: holding.end.len, records: None }
    }

    /// The place as a reader may name it.
    fn cursor(&mut self) -> Option<Cursor> {
        let (at, volume) = (self.at, self.volume.as_mut()?);
        let volume = if at > 0 { volume } else { return None };
        volume.print(at).map(|print| Cursor { print, at })
    }

    /// Whether there is more to read.
    fn behind_of(&self, end: End) -> bool {
        self.turn < end.turn || self.at < end.len
    }

    /// How far the volume can be read: one that makes way for another is whole.
    fn limit(&self, end: End) -> u64 {
        match &self.volume {
            _ if self.turn == end.turn => end.len,
            Some(volume) => volume.len().unwrap_or(0),
            None => 0,
        }
    }

    /// The volume; where somebody has taken that away, the place moves behind it.
    fn find(&mut self, look: &Look, end: End) -> Option<Volume> {
        if self.volume.is_none() {
            self.volume = look.shelf.find(end.turn);
            self.at = if self.volume.is_none() { end.len } else { self.at };
        }
        self.volume.clone()
    }

    /// Goes on to the volume that was begun next; `false` when that one is not to be found.
    fn turn_over(&mut self, look: &Look, end: End) -> bool {
        self.turn = end.turn.min(self.turn + 1);
        self.volume = look.shelf.find(self.turn);
        self.at = 0;
        if self.volume.is_none() && self.turn == end.turn {
            self.at = end.len;
        }
        self.volume.is_some()
    }

    /// In the ring: goes on where it begins by now, and says how many records that leaves out.
    fn catch_up(&mut self, look: &Look) -> Option<Option<u64>> {
        let start = look.view.progress.ring().map(|ring| ring.start())?;
        // Where there are files, they are read instead, before the next piece.
        if self.at >= start.at || look.shelves.is_some() {
            return None;
        }
        let missed = self.records.map(|records| start.records.saturating_sub(records));
        (self.at, self.records) = (start.at, Some(start.records));
        Some(missed)
    }
}
