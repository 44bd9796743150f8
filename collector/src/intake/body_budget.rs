//! Memory for the bodies of requests and for long messages: bounded in all, and for each address, so
//! that nobody takes what the others need.

use super::connection_limits::address_block;
use super::heavy_bodies::{HeavyBodies, HeavyTurn};
use crate::senders::peer::{Peer, PeerPlace};
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes that all bodies and messages may take at once.
pub(crate) const ALL_BODIES: usize = 32 << 20;

/// Bytes that those of one address may take: enough for the largest body with what it was before it
/// was unpacked, and it leaves as much as the largest body to others.
const OF_ONE: usize = ALL_BODIES / 4 * 3;

/// Addresses beyond which those that take nothing are forgotten.
const FEW: usize = 64;

/// The memory of all addresses.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    all: Arc<WholeRoom>,
    of_one: usize,
    shares: Mutex<KnownShares>,
    heavy: Arc<HeavyBodies>,
}

/// The shares that are in use.
#[derive(Debug, Default)]
struct KnownShares {
    by: HashMap<PeerPlace, Weak<Semaphore>>,
    /// Number of them at which to look for those that are not.
    most: usize,
}

/// The room of all addresses together.
#[derive(Debug)]
struct WholeRoom {
    bytes: Arc<Semaphore>,
    /// Held while room is taken, which is two steps.
    taking: Mutex<()>,
    freed: Notify,
}

/// The memory of one address, and its turns.
#[derive(Debug, Clone)]
pub(crate) struct BodyShare {
    all: Arc<WholeRoom>,
    own: Arc<Semaphore>,
    heavy: Arc<HeavyBodies>,
    address: IpAddr,
}

/// Memory that is taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
    /// Dropped last, when the room is there again.
    freed: FreedNotice,
}

/// Tells those who wait that there is room again.
#[derive(Debug)]
struct FreedNotice(Arc<WholeRoom>);

impl FreedNotice {
    fn notify(&self) {
        self.0.freed.notify_waiters();
    }
}

impl Drop for FreedNotice {
    fn drop(&mut self) {
        self.notify();
    }
}

impl WholeRoom {
    fn new(bytes: usize) -> Arc<Self> {
        let bytes = Arc::new(Semaphore::new(bytes));
        Arc::new(Self { bytes, taking: Mutex::default(), freed: Notify::new() })
    }
}

/// There is no room, or there was none in time; the same of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl BodyBudget {
    pub(crate) fn new() -> Self {
        Self::of(ALL_BODIES, OF_ONE)
    }

    fn of(all: usize, of_one: usize) -> Self {
        let heavy = Arc::new(HeavyBodies::new());
        Self { all: WholeRoom::new(all), of_one, shares: Mutex::default(), heavy }
    }

    /// The share of a peer's address, or of a process at a Unix socket.
    pub(crate) fn share(&self, peer: Peer) -> BodyShare {
        let PeerPlace { machine, process } = peer.place();
        let place = PeerPlace { machine: address_block(machine), process };
        let mut known = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.by.get(&place).and_then(Weak::upgrade);
        let own = own.unwrap_or_else(|| {
            if known.by.len() >= known.most {
                known.by.retain(|_, share| share.strong_count() > 0);
                known.most = FEW + 2 * known.by.len();
            }
            let own = Arc::new(Semaphore::new(self.of_one));
            known.by.insert(place, Arc::downgrade(&own));
            own
        });
        let heavy = self.heavy.clone();
        BodyShare { all: self.all.clone(), own, heavy, address: place.machine }
    }
}

impl BodyShare {
    /// Waits for room, at most as long as `limit`. Nobody waits for his turn: one who needs much would
    /// hold up those who need little to give back what they have.
    ///
    /// # Errors
    ///
    /// When there was none in time.
    pub(crate) async fn acquire(&self, bytes: usize, limit: Duration) -> Result<BodyRoom, NoRoom> {
        let room = async {
            loop {
                let mut freed = pin!(self.all.freed.notified());
                freed.as_mut().enable();
                if let Ok(room) = self.try_acquire(bytes) {
                    return room;
                }
                freed.await;
            }
        };
        timeout(limit, room).await.map_err(|_| NoRoom)
    }

    /// Waits for the turn of a body that grows out of proportion, at most as long as `limit`.
    ///
    /// # Errors
    ///
    /// When it did not come in time.
    pub(super) async fn heavy_turn(&self, limit: Duration) -> Result<HeavyTurn, NoRoom> {
        timeout(limit, self.heavy.turn(self.address)).await.map_err(|_| NoRoom)
    }

    /// Takes room if there is any.
    ///
    /// # Errors
    ///
    /// When there is not enough now.
    pub(crate) fn try_acquire(&self, bytes: usize) -> Result<BodyRoom, NoRoom> {
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom)?;
        let _taking = self.all.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.own.clone().try_acquire_many_owned(bytes).map_err(|_| NoRoom)?;
        let all = self.all.bytes.clone().try_acquire_many_owned(bytes).map_err(|_| NoRoom)?;
        Ok(BodyRoom { own, all, freed: FreedNotice(self.all.clone()) })
    }
}

impl BodyRoom {
    /// Number of bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.all.num_permits()
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let spare = self.bytes().saturating_sub(bytes);
        drop(self.own.split(spare));
        drop(self.all.split(spare));
        self.freed.notify();
    }

    /// Adds more of the same address.
    pub(crate) fn merge(&mut self, more: Self) {
        self.own.merge(more.own);
        self.all.merge(more.all);
    }
}

/// A share of so many bytes, for tests of those who take from it.
#[cfg(test)]
pub(super) fn share_of(bytes: usize) -> BodyShare {
    BodyShare {
        all: WholeRoom::new(bytes),
        own: Arc::new(Semaphore::new(bytes)),
        heavy: Arc::new(HeavyBodies::new()),
        address: [127, 0, 0, 1].into(),
    }
}

#[cfg(test)]
impl BodyShare {
    /// Number of bytes that nobody takes.
    pub(super) fn free(&self) -> usize {
        self.all.bytes.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        address.parse().unwrap()
    }

    #[test]
    fn one_address_leaves_room_for_others() {
        let budget = BodyBudget::of(100, 60);
        let one = budget.share(at("10.0.0.1:1"));
        let taken = one.try_acquire(60).unwrap();
        assert_eq!(budget.share(at("10.0.0.1:2")).try_acquire(1).unwrap_err(), NoRoom);
        let other = budget.share(at("10.0.0.2:1"));
        let mut others = other.try_acquire(20).unwrap();
        others.merge(other.try_acquire(20).unwrap());
        assert_eq!(others.bytes(), 40);
        assert_eq!(other.try_acquire(1).unwrap_err(), NoRoom, "all is taken");
        drop(taken);
        let mut taken = one.try_acquire(60).unwrap();
        taken.shrink_to(25);
        assert_eq!((taken.bytes(), one.try_acquire(36).unwrap_err()), (25, NoRoom));
        assert!(one.try_acquire(35).is_ok());
    }

    #[test]
    fn an_address_that_takes_nothing_is_forgotten() {
        let budget = BodyBudget::of(100, 60);
        let kept = budget.share(at("10.0.0.1:1"));
        let room = kept.try_acquire(60).unwrap();
        for n in 0..10 * FEW {
            budget.share(at(&format!("10.1.{}.{}:1", n / 250, n % 250)));
        }
        assert!(budget.shares.lock().unwrap().by.len() <= 2 * FEW);
        drop(kept);
        // What is taken counts as long as it is.
        assert_eq!(budget.share(at("10.0.0.1:2")).try_acquire(1).unwrap_err(), NoRoom);
        drop(room);
    }

    #[tokio::test(start_paused = true)]
    async fn room_that_is_given_back_in_time_is_taken() {
        let share = share_of(10);
        let room = share.try_acquire(10).unwrap();
        let wait = |limit| share.acquire(1, Duration::from_secs(limit));
        assert_eq!(wait(1).await.unwrap_err(), NoRoom);
        let waiting = wait(60);
        drop(room);
        assert_eq!(waiting.await.unwrap().bytes(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_needs_much_does_not_hold_up_one_that_needs_little() {
        let share = share_of(10);
        let room = share.try_acquire(8).unwrap();
        let much = pin!(share.acquire(9, Duration::from_secs(60)));
        let little = pin!(share.acquire(1, Duration::from_secs(1)));
        let waited = tokio::join!(much, async {
            let little = little.await;
            drop(room);
            little.map(|room| room.bytes())
        });
        assert_eq!((waited.0.unwrap().bytes(), waited.1), (9, Ok(1)));
    }
}
