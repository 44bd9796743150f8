//! Buffers that wait for the next read: what was written lately is still in the processor's cache,
//! and memory that goes to the system and back costs more than the records in it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most that are kept, and the smallest and largest that are worth it: 4 MiB at most.
const KEPT: usize = 16;
const LEAST: usize = 16 << 10;
const MOST: usize = 256 << 10;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn lock() -> MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty buffer with room for about `capacity` bytes: the one that came back last.
pub(super) fn take(capacity: usize) -> Vec<u8> {
    let spare = if capacity < LEAST { None } else { lock().pop() };
    spare.unwrap_or_else(|| Vec::with_capacity(capacity))
}

/// Keeps `buffer` for the next, if it is worth it.
pub(super) fn give_back(mut buffer: Vec<u8>) {
    if !(LEAST..=MOST).contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    let mut spare = lock();
    if spare.len() < KEPT {
        spare.push(buffer);
    }
}

/// Gives the system all of it, when nothing comes any more.
pub(crate) fn forget() {
    lock().clear();
}
