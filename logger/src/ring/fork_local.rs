//! A value that each process has for itself: a forked child starts without one.

use super::ForkDetector;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A cell that a fork empties: not even a thread that was about to fill it in the parent leaves a
/// trace in the child.
pub(crate) struct ForkLocal<T: 'static> {
    /// `NONE`, `STARTING`, or the address of a value that is never freed.
    page: ForkDetector,
    /// Address of the first value.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    first: AtomicU64,
    value: PhantomData<&'static T>,
}

const NONE: u64 = ForkDetector::CHILD;
const STARTING: u64 = 1;

/// Longest wait for another thread that starts the value.
const START_LIMIT: Duration = Duration::from_secs(5);

impl<T: Send + Sync + 'static> ForkLocal<T> {
    /// Creates the cell with this process' value.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn new(value: T) -> io::Result<Self> {
        let first = leak(value) as u64;
        let page = ForkDetector::new(first)?;
        Ok(Self { page, first: AtomicU64::new(first), value: PhantomData })
    }

    fn cell(&self) -> &AtomicU64 {
        self.page.state()
    }

    /// `true` in a forked child.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_forked(&self) -> bool {
        self.cell().load(Ordering::Acquire) != self.first.load(Ordering::Acquire)
    }

    /// The value of this process; `None` in a forked child that has not started one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        let address = self.cell().load(Ordering::Acquire);
        // SAFETY: any other number is the address of a value leaked in this process.
        (address > STARTING).then(|| unsafe { &*(address as *const T) })
    }

    /// Replaces the value of this process, if it has one; the old value stays valid.
    pub(crate) fn replace(&self, value: T) {
        let before = self.cell().load(Ordering::Acquire);
        if before <= STARTING {
            return;
        }
        let after = leak(value) as u64;
        let order = Ordering::AcqRel;
        if self.cell().compare_exchange(before, after, order, Ordering::Acquire).is_ok() {
            let _ = self.first.compare_exchange(before, after, order, Ordering::Acquire);
        }
    }

    /// Returns the value of this process, which the first of its threads to come here starts. Gives
    /// up after a while, so that a signal handler that interrupts that thread does not hang.
    pub(crate) fn get_or_start(&self, start: impl FnOnce() -> T) -> Option<&'static T> {
        let until = Instant::now() + START_LIMIT;
        let order = Ordering::AcqRel;
        while self.cell().compare_exchange(NONE, STARTING, order, Ordering::Acquire).is_err() {
            if let Some(value) = self.get() {
                return Some(value);
            }
            if Instant::now() > until {
                return None;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        let reset = ResetOnPanic(self.cell());
        let value = leak(start());
        std::mem::forget(reset);
        self.cell().store(value as u64, Ordering::Release);
        self.get()
    }
}

/// Address of a value that lives as long as the process.
fn leak<T>(value: T) -> *const T {
    Box::leak(Box::new(value))
}

/// Lets another thread start the value if this one panics.
struct ResetOnPanic<'a>(&'a AtomicU64);

impl Drop for ResetOnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(NONE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_started_once_however_many_threads_come() {
        let cell = ForkLocal::new(0).unwrap();
        cell.cell().store(NONE, Ordering::Relaxed); // as in a forked child
        assert!(cell.get().is_none());
        let starts = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let value = cell.get_or_start(|| {
                        std::thread::sleep(Duration::from_millis(5));
                        starts.fetch_add(1, Ordering::Relaxed);
                        7
                    });
                    assert_eq!(value, Some(&7));
                });
            }
        });
        assert_eq!(starts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_start_that_panics_is_tried_again() {
        let cell = ForkLocal::new(0).unwrap();
        cell.cell().store(NONE, Ordering::Relaxed);
        std::thread::scope(|scope| {
            assert!(scope.spawn(|| cell.get_or_start(|| panic!("no"))).join().is_err());
        });
        assert_eq!(cell.get_or_start(|| 7), Some(&7));
    }
}
