//! The processor's time-stamp counter. It is kept here because reading it counts as `unsafe`.

/// Reads the counter. Only differences between two readings mean something.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn read_tsc() -> u64 {
    // SAFETY: every x86-64 has the instruction; it touches no memory.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Always 0: the counter of this processor is not used.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn read_tsc() -> u64 {
    0
}
