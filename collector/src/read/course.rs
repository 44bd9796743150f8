//! A walk over all that is held, wherever that is, which gives way to others: of those that hold
//! pieces of many files there are few at once, and whoever reads slowly holds none meanwhile.

use super::Look;
use super::body::{Gone, Outlet};
use super::filter::Filter;
use super::leg::By;
use super::merge::Merge;
use super::query::Order;
use super::room::Room;
use super::walk::{Found, Walk};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

/// How long what is held waits for a reader, and for how long others wait for it.
const TURN: Duration = Duration::from_secs(1);

/// A walk over one file and those before it, or over many.
pub(crate) enum Way {
    One(Walk),
    Many(Merge),
}

/// A walk, and its turn among others.
pub(crate) struct Course {
    look: Arc<Look>,
    pub(crate) way: Way,
    turn: Option<(OwnedSemaphorePermit, Instant)>,
}

impl Way {
    /// Reads on, so many bytes at most, and shows what is wanted of them. `Break` when that was all,
    /// or when `visit` wants no more.
    pub(crate) fn step(
        &mut self,
        most: u64,
        visit: impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Self::One(walk) => walk.step(most, visit),
            Self::Many(merge) => merge.step(most, visit),
        }
    }

    /// Bytes that were read, and that the ledgers said need not be.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        match self {
            Self::One(walk) => (walk.scanned, walk.skipped),
            Self::Many(merge) => (merge.passed.scanned, merge.passed.skipped),
        }
    }

    /// How much was lost on the way that should have been there: bytes that no file has, and files
    /// that were removed, or could not be read, before they were.
    pub(crate) fn lost(&self) -> u64 {
        let Self::Many(merge) = self else { return 0 };
        merge.lost()
    }

    /// Pieces and files that could not be read.
    pub(crate) fn unreadable(&self) -> u64 {
        match self {
            Self::One(walk) => walk.unreadable,
            Self::Many(merge) => merge.passed.unreadable,
        }
    }
}

impl Course {
    pub(crate) fn new(look: &Arc<Look>, way: Way) -> Self {
        Self { look: look.clone(), way, turn: None }
    }

    /// A course over all that is held now, in the order of the records' times if that is in many
    /// files.
    pub(crate) async fn over_all(
        look: &Arc<Look>,
        (filter, order): (Arc<Filter>, Order),
    ) -> Option<Self> {
        let (shelf, shelves) = (look.shelf.clone(), look.shelves.clone());
        let begin = move || match shelves {
            Some(shelves) => {
                Way::Many(Merge::new(Arc::new(shelves.stock()), (filter, order), By::Time, None))
            }
            None => {
                let holding = Arc::new(shelf.holding());
                let start = holding.start();
                Way::One(Walk::new(holding, filter, order, start))
            }
        };
        Some(Self::new(look, spawn_blocking(begin).await.ok()?))
    }

    /// Does some `work` on the way, where it may wait for the disk.
    pub(crate) async fn step<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Way) -> T + Send + 'static,
    ) -> Option<(Self, T)> {
        let Self { look, mut way, turn } = self;
        let work = move || {
            let outcome = work(&mut way);
            (way, outcome)
        };
        let (way, outcome) = spawn_blocking(work).await.ok()?;
        Some((Self { look, way, turn }, outcome))
    }

    /// Waits for room for what is read of `wish` bytes. If that takes long, all is let go that can
    /// be read again.
    pub(crate) async fn room(&mut self, outlet: &Outlet, wish: u64) -> Result<Room, Gone> {
        if matches!(self.way, Way::One(_)) {
            return outlet.room(wish).await;
        }
        if let Ok(room) = timeout(TURN, outlet.room(wish)).await {
            return room;
        }
        self.give_way();
        outlet.room(wish).await
    }

    /// Sends what was found, in the same way.
    pub(crate) async fn fill(
        &mut self,
        outlet: &Outlet,
        room: Room,
        out: Vec<u8>,
    ) -> Result<(), Gone> {
        if matches!(self.way, Way::Many(_)) && timeout(TURN, outlet.ready()).await.is_err() {
            self.give_way();
        }
        outlet.fill(room, out).await
    }

    /// Waits until it is its turn.
    pub(crate) async fn wait(&mut self) -> Option<()> {
        if matches!(self.way, Way::One(_)) {
            return Some(());
        }
        let long = self.turn.as_ref().is_some_and(|(_, since)| since.elapsed() > TURN);
        if long && self.look.merging.available_permits() == 0 {
            self.give_way();
        }
        if self.turn.is_none() {
            let turn = self.look.merging.clone().acquire_owned().await.ok()?;
            self.turn = Some((turn, Instant::now()));
        }
        Some(())
    }

    fn give_way(&mut self) {
        if let Way::Many(merge) = &mut self.way {
            merge.forget();
        }
        self.turn = None;
    }
}
