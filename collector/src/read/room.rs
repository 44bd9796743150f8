//! Room for what is on its way to those who read: what one of them has not taken stays in memory,
//! and there may be ten thousand of them.

use super::body::Gone;
use crate::stats::Stats;
use hyper::body::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all of them together may have under way, in bytes, beyond a little of each.
const SHARED: usize = 32 << 20;

/// What each may have under way whatever the others do: it is read so many bytes at a time then, and
/// the next only when those are gone.
const LITTLE: u64 = 8 << 10;

/// Bytes to a permit.
const UNIT: u64 = 1 << 10;

/// The room for all.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    shared: Arc<Semaphore>,
    stats: Arc<Stats>,
}

/// The rooms of one reader.
#[derive(Debug)]
pub(crate) struct Own {
    all: Rooms,
    little: Arc<Semaphore>,
}

/// Room for what is read of so many bytes.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) most: u64,
    permit: OwnedSemaphorePermit,
}

struct Lodged {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Rooms {
    pub(crate) fn new(stats: Arc<Stats>) -> Self {
        Self { shared: Arc::new(Semaphore::new(SHARED / UNIT as usize)), stats }
    }

    /// The rooms of one more reader.
    pub(crate) fn own(&self) -> Own {
        Own { all: self.clone(), little: Arc::new(Semaphore::new(1)) }
    }
}

impl Own {
    /// Room for what is read of `wish` bytes, or of a little once the last of that has been taken.
    pub(crate) async fn room(&self, wish: u64) -> Result<Room, Gone> {
        let units = u32::try_from(wish.div_ceil(UNIT)).unwrap_or(u32::MAX);
        if let Ok(permit) = self.all.shared.clone().try_acquire_many_owned(units) {
            return Ok(Room { most: wish, permit });
        }
        self.all.stats.pieces_delayed.add(1);
        let permit = self.little.clone().acquire_owned().await.map_err(|_| Gone)?;
        Ok(Room { most: wish.min(LITTLE), permit })
    }
}

impl Room {
    /// Keeps as much of it as `bytes` take, until they are sent or nobody reads them any more.
    pub(crate) fn lodge(mut self, mut bytes: Vec<u8>) -> Bytes {
        bytes.shrink_to_fit();
        let units = bytes.len().div_ceil(UNIT as usize);
        let spare = self.permit.num_permits().saturating_sub(units);
        drop(self.permit.split(spare));
        Bytes::from_owner(Lodged { bytes, _room: self.permit })
    }
}

impl AsRef<[u8]> for Lodged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Duration, timeout};

    #[tokio::test]
    async fn who_takes_nothing_holds_a_little_and_the_others_go_on() {
        let rooms = Rooms::new(Arc::default());
        let (idle, busy) = (rooms.own(), rooms.own());
        let mut held = Vec::new();
        loop {
            let Ok(room) = timeout(Duration::ZERO, idle.room(1 << 20)).await else { break };
            let room = room.unwrap();
            let bytes = vec![0; room.most as usize];
            held.push(room.lodge(bytes));
        }
        let bytes: usize = held.iter().map(Bytes::len).sum();
        assert_eq!(bytes, SHARED + LITTLE as usize);
        for _ in 0..9 {
            let room = busy.room(1 << 20).await.unwrap();
            assert_eq!(room.most, LITTLE, "what is shared is taken");
            drop(room.lodge(vec![0; 99]));
        }
        held.clear();
        assert_eq!(busy.room(1 << 20).await.unwrap().most, 1 << 20);
    }

    #[tokio::test]
    async fn what_is_not_needed_is_free_at_once() {
        let rooms = Rooms::new(Arc::default());
        let own = rooms.own();
        let mut held = Vec::new();
        for _ in 0..99 {
            let room = own.room(1 << 20).await.unwrap();
            assert_eq!(room.most, 1 << 20);
            held.push(room.lodge(vec![0; 99]));
        }
    }
}
