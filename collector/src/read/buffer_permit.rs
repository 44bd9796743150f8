//! Turns of readers that buffer pieces of many files: few have one at once, each for a while.

use super::stream::Outlet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Time without progress of the client after which a turn is over, and others may have to wait.
const TURN: Duration = Duration::from_secs(1);

/// The turn of one reader.
#[derive(Debug, Default)]
pub(crate) struct BufferPermit(Option<(OwnedSemaphorePermit, Instant)>);

impl BufferPermit {
    /// Waits for room, and ends the turn if that takes long, or if it was long and others wait.
    /// Returns true if the buffers have to be released.
    pub(crate) async fn is_over(&mut self, outlet: &Outlet, turns: &Semaphore) -> bool {
        let Some((_, since)) = &self.0 else { return false };
        let long = since.elapsed() > TURN && turns.available_permits() == 0;
        if long || !outlet.has_room_within(TURN).await {
            self.0 = None;
        }
        self.0.is_none()
    }

    /// Waits until it is its turn; none at the collector's end.
    pub(crate) async fn take(&mut self, turns: &Arc<Semaphore>) -> Option<()> {
        if self.0.is_none() {
            let permit = turns.clone().acquire_owned().await.ok()?;
            self.0 = Some((permit, Instant::now()));
        }
        Some(())
    }

    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}
