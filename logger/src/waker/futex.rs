//! Sleeping on a futex, and not on an eventfd: a program that closes all descriptors would have its
//! own files written to.

use rustix::event::Timespec;
use rustix::thread::futex::{Flags, wait, wake};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A state that a thread can sleep on.
#[derive(Default)]
pub(crate) struct Futex {
    state: AtomicU32,
}

impl Futex {
    #[inline]
    pub(super) fn state(&self) -> &AtomicU32 {
        &self.state
    }

    /// Nothing is to prepare: a futex wakes whoever sleeps on it.
    pub(super) fn prepare(&self) {}

    /// Wakes the sleeper.
    pub(super) fn wake(&self) {
        let _ = wake(&self.state, Flags::PRIVATE, 1);
    }

    /// Sleeps for `limit` if the state is `asleep`; possibly for less.
    pub(super) fn sleep_while(&self, asleep: u32, limit: Duration) {
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let _ = wait(&self.state, Flags::PRIVATE, asleep, Some(&limit));
    }
}
