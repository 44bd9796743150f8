//! The way that batches leave by.

use super::outgoing::Outgoing;
use crate::layout::forwarded::ForwardState;
use std::io;

/// A batch that is sent next.
pub(super) struct Departure {
    pub(super) batch: Outgoing,
    /// Number of the batch on its link, from 1.
    pub(super) number: u64,
    /// The position behind it.
    pub(super) to: ForwardState,
}

/// A connection that takes batches and acknowledges them in their order.
pub(super) trait ForwardLink {
    /// Batches that may be on their way at once.
    fn window(&self) -> usize;

    /// Sends a batch, and returns how many bytes that were.
    fn send(&mut self, departure: Departure) -> io::Result<u64>;

    /// Waits for the number of the batch that is acknowledged next.
    fn acknowledged(&mut self) -> io::Result<u64>;

    /// Checks the connection while nothing is on its way.
    fn idle(&mut self) -> io::Result<()>;
}
