//! Locks that are held for a few copies, and by nobody for good: not even in a forked child.

use crate::logger::for_tracing;
use std::sync::{LockResult, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::sync::{TryLockError, TryLockResult};

/// Attempts of a forked child to take a lock: its owner may be a thread that was not forked with it.
const ATTEMPTS: usize = 1000;

pub(super) fn read<T>(lock: &RwLock<T>) -> Option<RwLockReadGuard<'_, T>> {
    acquire(|| lock.try_read(), || lock.read())
}

pub(super) fn write<T>(lock: &RwLock<T>) -> Option<RwLockWriteGuard<'_, T>> {
    acquire(|| lock.try_write(), || lock.write())
}

#[inline]
fn acquire<G>(
    attempt: impl Fn() -> TryLockResult<G>,
    wait: impl FnOnce() -> LockResult<G>,
) -> Option<G> {
    match attempt() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => wait_for(attempt, wait),
    }
}

#[cold]
fn wait_for<G>(
    attempt: impl Fn() -> TryLockResult<G>,
    wait: impl FnOnce() -> LockResult<G>,
) -> Option<G> {
    if !for_tracing::is_forked() {
        return Some(wait().unwrap_or_else(PoisonError::into_inner));
    }
    (0..ATTEMPTS).find_map(|_| {
        std::thread::yield_now();
        attempt().ok()
    })
}
