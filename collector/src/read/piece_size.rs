//! Length of pieces: as long as they are worth their overhead, and as short as others can wait for.

use std::time::Duration;

/// The least and the most that is read at once.
const LEAST: u64 = 8 << 10;
const MOST: u64 = 1 << 20;

/// The first piece, when nothing is known.
const FIRST: u64 = 64 << 10;

/// A piece that takes longer is too long, and one that takes less could be longer.
const LONG: Duration = Duration::from_millis(20);
const SHORT: Duration = Duration::from_millis(5);

/// Length of the next piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PieceSize(pub(crate) u64);

impl Default for PieceSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl PieceSize {
    /// Adapts to a piece that took so long.
    pub(crate) fn adapt(&mut self, took: Duration) {
        if took > LONG {
            self.shrink();
        } else if took < SHORT {
            self.0 = (self.0 * 2).min(MOST);
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.0 = (self.0 / 2).max(LEAST);
    }
}
