//! The processor's tick counter. It stands here because reading it counts as `unsafe`.

/// The counter now. It means something only in comparison with itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 has the instruction; it touches no memory.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// No such counter is known here, and nobody asks for it.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn ticks() -> u64 {
    0
}
