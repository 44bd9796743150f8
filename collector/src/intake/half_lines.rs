//! Memory of unfinished lines: what each connection holds of one is charged to its address and to
//! all, and where either has no more, its lines are completed one at a time.

use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// One address may hold a quarter of what all may.
const SHARES: usize = 4;

/// Addresses that may complete a line at the same time without a charge.
const COMPLETING: usize = 64;

/// Bytes of an unfinished line that every connection may hold, whatever the others do.
const FREE: usize = 4 << 10;

/// Bytes read at a time while memory is scarce.
const STEP: usize = 4 << 10;

/// The budget of all addresses.
#[derive(Debug)]
pub(crate) struct HalfLineBudget {
    bytes: Semaphore,
    share: usize,
    completing: Arc<Semaphore>,
    max_line: usize,
}

/// The share of one address.
#[derive(Debug)]
pub(crate) struct AddressShare {
    budget: Arc<HalfLineBudget>,
    bytes: Semaphore,
    completing: Arc<Semaphore>,
}

/// The part of it that one connection has.
#[derive(Debug)]
pub(super) struct LineRoom {
    share: Arc<AddressShare>,
    charged: usize,
    /// Held while its line is completed without a charge.
    completing: Option<Box<[OwnedSemaphorePermit; 2]>>,
}

impl HalfLineBudget {
    /// A budget of `bytes` for lines of at most `max_line`.
    pub(crate) fn new(bytes: usize, max_line: usize) -> Arc<Self> {
        let bytes = bytes.clamp(max_line, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            bytes: Semaphore::new(bytes),
            share: (bytes / SHARES).max(max_line),
            completing: Arc::new(Semaphore::new(COMPLETING)),
            max_line,
        })
    }

    /// The share of an address that has none yet.
    pub(crate) fn share(self: &Arc<Self>) -> Arc<AddressShare> {
        Arc::new(AddressShare {
            budget: self.clone(),
            bytes: Semaphore::new(self.share),
            completing: Arc::new(Semaphore::new(1)),
        })
    }
}

impl LineRoom {
    pub(super) fn new(share: Arc<AddressShare>) -> Self {
        Self { share, charged: 0, completing: None }
    }

    /// Number of bytes, at most `most`, that a connection may read now which holds `held` bytes of
    /// a line; `None` when it has to [wait](Self::wait).
    pub(super) fn allowance(&mut self, held: usize, most: usize) -> Option<usize> {
        if self.completing.is_some() || self.charge(self.wanted(held, most)) {
            return Some(most);
        }
        self.charge(self.wanted(held, STEP));
        Some((FREE + self.charged).saturating_sub(held)).filter(|&room| room > 0)
    }

    /// The charge of a line that grows by at most `more`.
    fn wanted(&self, held: usize, more: usize) -> usize {
        (held + more).min(self.share.budget.max_line).saturating_sub(FREE)
    }

    /// Has `bytes` charged in all; `false` when there are not as many left.
    fn charge(&mut self, bytes: usize) -> bool {
        let more = u32::try_from(bytes.saturating_sub(self.charged)).unwrap_or(u32::MAX);
        let AddressShare { budget, bytes: own, .. } = &*self.share;
        let Ok(own) = own.try_acquire_many(more) else { return false };
        let Ok(all) = budget.bytes.try_acquire_many(more) else { return false };
        own.forget();
        all.forget();
        self.charged = self.charged.max(bytes);
        true
    }

    /// Waits until it is this connection's turn to complete its line.
    pub(super) async fn wait(&mut self) -> Result<(), AcquireError> {
        let own = self.share.completing.clone().acquire_owned().await?;
        let all = self.share.budget.completing.clone().acquire_owned().await?;
        self.completing = Some(Box::new([own, all]));
        Ok(())
    }

    /// Gives back all that `held` bytes of a line do not need.
    pub(super) fn settle(&mut self, held: usize) {
        let needed = held.saturating_sub(FREE);
        if needed == 0 {
            self.completing = None;
        }
        if let Some(spare) = self.charged.checked_sub(needed) {
            self.share.bytes.add_permits(spare);
            self.share.budget.bytes.add_permits(spare);
            self.charged = needed;
        }
    }
}

impl Drop for LineRoom {
    fn drop(&mut self) {
        self.settle(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const LINE: usize = 64 << 10;

    #[test]
    fn a_line_is_charged_what_is_held_of_it() {
        let budget = HalfLineBudget::new(4 * LINE, LINE);
        let share = budget.share();
        let rooms: Vec<LineRoom> = (0..30)
            .map(|_| {
                let mut room = LineRoom::new(share.clone());
                assert!(room.allowance(0, LINE).is_some());
                room.settle(FREE + 100);
                room
            })
            .collect();
        assert_eq!(budget.bytes.available_permits(), 4 * LINE - 30 * 100);
        drop(rooms);
        assert_eq!(budget.bytes.available_permits(), 4 * LINE);
        assert_eq!(share.bytes.available_permits(), LINE);
    }

    #[tokio::test]
    async fn an_address_that_has_used_its_share_completes_one_line_at_a_time() {
        let budget = HalfLineBudget::new(8 * LINE, LINE);
        let share = budget.share();
        let (mut rooms, mut held) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            let mut room = LineRoom::new(share.clone());
            let mut line = 0;
            while let Some(more) = room.allowance(line, STEP).filter(|_| line < LINE / 2) {
                line += more;
                room.settle(line);
            }
            rooms.push(room);
            held.push(line);
        }
        assert_eq!(rooms[99].allowance(held[99], LINE), None);
        rooms[99].wait().await.unwrap();
        assert_eq!(rooms[99].allowance(held[99], LINE), Some(LINE));
        let waits = timeout(Duration::ZERO, rooms[98].wait()).await;
        assert!(waits.is_err(), "only one line of an address is completed without a charge");
        rooms[99].settle(0);
        rooms[98].wait().await.unwrap();
        let mut other = LineRoom::new(budget.share());
        assert_eq!(other.allowance(0, LINE), Some(LINE), "another address has its own share");
    }
}
