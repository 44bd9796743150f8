//! Turns of compressed bodies that grow out of all proportion: those of all senders together take a
//! tenth of a processor, and each address has its turn.

use crate::turns::{AddressTurns, Turn, Turns};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that each byte of a compressed body may become without a turn. Logs shrink five- to
/// thirtyfold.
const GROWTH: usize = 32;

/// Bytes that every compressed body may become without one.
const SMALL: usize = 64 << 10;

/// Nanoseconds that a byte takes to be unpacked and read, where the most is read from it. It is
/// counted rather than measured, because records are read between waits for the hub.
const NANOS_PER_BYTE: u64 = 5;

/// The most bytes that a body of so many compressed ones may become without a turn.
pub(super) fn light_len(packed: usize) -> usize {
    SMALL.max(packed.saturating_mul(GROWTH))
}

/// The bodies that wait for a turn.
#[derive(Debug)]
pub(super) struct HeavyBodies {
    turns: Turns,
    /// Taken by those of all addresses.
    all: Arc<AddressTurns>,
}

impl HeavyBodies {
    pub(super) fn new() -> Self {
        Self { turns: Turns::new(), all: Arc::default() }
    }

    /// Waits for the turn of a body of this address.
    pub(super) async fn turn(&self, address: IpAddr) -> HeavyTurn {
        let own = self.turns.of(address);
        let turn = self.turns.begin(&own).await;
        self.all.rest().await;
        HeavyTurn { own, all: self.all.clone(), _turn: turn }
    }
}

/// Permission to unpack a body, whatever it becomes.
#[derive(Debug)]
pub(crate) struct HeavyTurn {
    own: Arc<AddressTurns>,
    all: Arc<AddressTurns>,
    _turn: Turn,
}

impl HeavyTurn {
    /// Ends it, after so many bytes came out.
    pub(super) fn end(self, unpacked: usize) {
        let taken = Duration::from_nanos(NANOS_PER_BYTE * unpacked as u64);
        self.own.charge(taken);
        self.all.charge(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn bodies_that_grow_out_of_proportion_take_a_tenth_of_a_processor_in_all() {
        const LEN: usize = 4 << 20;
        let heavy = HeavyBodies::new();
        let start = Instant::now();
        for nth in 0..100 {
            heavy.turn([10, 0, 0, nth].into()).await.end(LEN);
        }
        let taken = Duration::from_nanos(NANOS_PER_BYTE * 100 * LEN as u64);
        assert!(start.elapsed() > 8 * taken, "{:?} for {taken:?}", start.elapsed());
        assert!(start.elapsed() < 11 * taken, "{:?} for {taken:?}", start.elapsed());
    }
}
