//! What a caller is measured with: the processor's tick counter, and its own CPU time.

use std::time::{Duration, Instant};

/// The processor's own counter, with nothing moved across its reading. It costs a tenth of what
/// the system's clock does, and a log call takes only a few times as long as that.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 has these instructions; they touch no memory.
    unsafe {
        _mm_lfence();
        let now = _rdtsc();
        _mm_lfence();
        now
    }
}

/// Elsewhere: nanoseconds of the system's clock.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn ticks() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// How long a tick is.
pub(crate) fn nanos_per_tick() -> f64 {
    let (time, tick) = (Instant::now(), ticks());
    while time.elapsed() < Duration::from_millis(50) {}
    let (nanos, ticks) = (time.elapsed().as_nanos(), ticks() - tick);
    nanos as f64 / ticks as f64
}

/// The CPU time all threads of this process have used, in seconds.
pub(crate) fn own_cpu() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9
}
