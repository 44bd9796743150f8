//! Bytes that decoding looks at, counted in tests: a bound of the work that an input makes must not
//! depend on how fast a machine is.

#[cfg(any(test, fuzzing))]
use std::cell::Cell;

#[cfg(any(test, fuzzing))]
thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Counts so many bytes that are looked at, or moved, once more.
#[inline(always)]
pub(super) fn step(bytes: usize) {
    #[cfg(any(test, fuzzing))]
    STEPS.set(STEPS.get() + bytes as u64);
    #[cfg(not(any(test, fuzzing)))]
    let _ = bytes;
}

/// Steps of this thread since this was asked last.
#[cfg(any(test, fuzzing))]
pub(crate) fn steps_taken() -> u64 {
    STEPS.take()
}
