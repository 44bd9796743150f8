//! The length of pieces: as long as they are worth their overhead, and as short as others can wait
//! for.

use std::time::{Duration, Instant};

/// The least and the most that is read at once.
const LEAST: u64 = 8 << 10;
const MOST: u64 = 1 << 20;

/// The first piece, when nothing is known.
const FIRST: u64 = 64 << 10;

/// A piece that takes longer is too long, and one that takes less could be longer.
const LONG: Duration = Duration::from_millis(20);
const SHORT: Duration = Duration::from_millis(5);

/// The length of the next piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PieceSize {
    piece: u64,
    /// Recent time for a KiB.
    cost: Option<Duration>,
}

impl Default for PieceSize {
    fn default() -> Self {
        Self { piece: FIRST, cost: None }
    }
}

impl PieceSize {
    pub(crate) fn piece(&self) -> u64 {
        self.piece
    }

    pub(crate) fn begin(&self) -> Instant {
        Instant::now()
    }

    /// Takes note of a piece that was begun then; it should become no longer if it was `full` of
    /// matches.
    pub(crate) fn end(&mut self, begun: Instant, full: bool) {
        let took = begun.elapsed();
        if took > LONG || full {
            self.piece = (self.piece / 2).max(LEAST);
        } else if took < SHORT {
            self.piece = (self.piece * 2).min(MOST);
        }
    }

    /// Takes note of how long so many bytes took that begun then.
    pub(crate) fn took(&mut self, begun: Instant, bytes: u64) {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).max(1);
        self.cost = Some(begun.elapsed() / kib);
        self.end(begun, false);
    }

    /// Expected time for so many bytes, if it can be estimated.
    pub(crate) fn expected(&self, bytes: u64) -> Option<Duration> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        self.cost.map(|cost| cost.saturating_mul(kib))
    }
}
