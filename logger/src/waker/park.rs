//! Sleeping as the standard library parks threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A state that one thread can sleep on.
#[derive(Default)]
pub(crate) struct ParkedThread {
    state: AtomicU32,
    thread: OnceLock<Thread>,
}

impl ParkedThread {
    #[inline]
    pub(super) fn state(&self) -> &AtomicU32 {
        &self.state
    }

    /// Makes this thread the one to wake, before the state says that it sleeps.
    pub(super) fn prepare(&self) {
        self.thread.get_or_init(thread::current);
    }

    /// Wakes the sleeper.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Sleeps for `limit` while the state is `asleep`.
    pub(super) fn sleep_while(&self, asleep: u32, limit: Duration) {
        let until = Instant::now() + limit;
        while self.state.load(Ordering::Acquire) == asleep {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }
}
