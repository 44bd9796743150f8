//! A value that another thread changes, and whose changes are waited for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Changes may come by the thousand, and a condition may read all of the value: so many changes count
/// as one.
const GATHER: Duration = Duration::from_millis(3);

/// A handle of it; clones are of the same value.
#[derive(Debug, Default)]
pub(crate) struct Watched<T>(Arc<WatchedValue<T>>);

#[derive(Debug, Default)]
struct WatchedValue<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Watched<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.value.lock().expect("nobody panics with it")
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    /// Waits until `condition` holds, and gives up after `limit`; tells whether it came to hold.
    pub(crate) fn wait(&self, limit: Duration, mut condition: impl FnMut(&T) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut value = self.lock();
        while !condition(&value) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let wait = self.0.changed.wait_timeout(value, left).expect("nobody panics with it");
            value = wait.0;
            if !wait.1.timed_out() {
                drop(value);
                std::thread::sleep(GATHER);
                value = self.lock();
            }
        }
        true
    }
}
