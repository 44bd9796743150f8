//! The time of a record: the processor's tick counter, set by the system's clock ten times a
//! second. To read it costs a third of what the system's clock does, which is a good part of what
//! a log call costs at all.
//!
//! The worker sets it, if the kernel itself keeps time by that counter; a log call never waits for
//! the worker and never trusts what it did long ago, but asks the system's clock then.

use crate::origin;
use crate::ring::ticks;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the clock is set. What it is wrong by after a step of the system's clock, or after
/// the machine slept, is over by then.
const EVERY: Duration = Duration::from_millis(100);

/// One clock for all the process logs.
static CLOCK: Clock = Clock::new();

/// Microseconds since 1970.
#[inline]
pub(crate) fn now() -> i64 {
    CLOCK.now().unwrap_or_else(origin::now)
}

/// What log calls read. On a cache line of its own, which is written ten times a second.
#[repr(align(128))]
struct Clock {
    /// Odd while the others are being written.
    version: AtomicU64,
    /// A tick, and the nanoseconds since 1970 when it was.
    tick: AtomicU64,
    nanos: AtomicU64,
    /// Nanoseconds a tick takes, times 2^32; 0 when the counter is not to be used.
    rate: AtomicU64,
}

impl Clock {
    const fn new() -> Self {
        let [version, tick, nanos, rate] = [const { AtomicU64::new(0) }; 4];
        Self { version, tick, nanos, rate }
    }

    /// Microseconds since 1970; `None` when it is not set, was set too long ago, or is being set.
    #[inline]
    fn now(&self) -> Option<i64> {
        let version = self.version.load(Ordering::Acquire);
        let tick = self.tick.load(Ordering::Relaxed);
        let nanos = self.nanos.load(Ordering::Relaxed);
        let rate = self.rate.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let whole = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        if !whole || rate == 0 {
            return None;
        }
        // 2^32 ticks are one to four seconds.
        let passed = u32::try_from(ticks().wrapping_sub(tick)).ok()?;
        Some(((nanos + ((u64::from(passed) * rate) >> 32)) / 1000) as i64)
    }

    /// For the one thread that sets it.
    fn set(&self, tick: u64, nanos: u64, rate: u64) {
        let version = self.version.load(Ordering::Relaxed) | 1;
        self.version.store(version, Ordering::Relaxed);
        fence(Ordering::Release);
        self.tick.store(tick, Ordering::Relaxed);
        self.nanos.store(nanos, Ordering::Relaxed);
        self.rate.store(rate, Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Release);
    }
}

/// Sets the clock, in the thread of the program's own worker.
pub(crate) struct Setter {
    clock: &'static Clock,
    trusted: bool,
    last: Reading,
    /// How long a tick was between the last two readings.
    rate: Option<u64>,
}

/// The counter and the system's clocks at one moment.
#[derive(Clone, Copy)]
struct Reading {
    tick: u64,
    nanos: u64,
    instant: Instant,
}

impl Reading {
    /// The narrowest of a few attempts: the thread may be interrupted between two readings.
    fn take() -> Self {
        let attempts = (0..5).map(|_| {
            let before = ticks();
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let instant = Instant::now();
            let width = ticks().wrapping_sub(before);
            let tick = before.wrapping_add(width / 2);
            (width, Self { tick, nanos: time.as_nanos() as u64, instant })
        });
        let narrowest = attempts.min_by_key(|&(width, _)| width);
        narrowest.map_or_else(Self::take, |(_, reading)| reading)
    }

    /// How long a tick has been since `last`, times 2^32. The monotonic clock tells, which nobody
    /// steps.
    fn rate_since(self, last: Self) -> Option<u64> {
        let ticks = u128::from(self.tick.wrapping_sub(last.tick));
        let nanos = self.instant.saturating_duration_since(last.instant).as_nanos();
        u32::try_from((nanos << 32).checked_div(ticks)?).ok().map(u64::from)
    }
}

impl Setter {
    pub(crate) fn new() -> Self {
        Self { clock: &CLOCK, trusted: kernel_trusts_ticks(), last: Reading::take(), rate: None }
    }

    /// Sets the clock if it is due. To be called a few times a second.
    pub(crate) fn set(&mut self) {
        if !self.trusted || self.last.instant.elapsed() < EVERY {
            return;
        }
        let reading = Reading::take();
        let rate = reading.rate_since(self.last);
        // The kernel slews its clock by half a thousandth at most. More is a counter that jumped,
        // as when the machine slept or moved; two readings later all is well again.
        let steady = |rate: u64| self.rate.is_some_and(|last| rate.abs_diff(last) < last / 500);
        self.clock.set(reading.tick, reading.nanos, rate.filter(|&rate| steady(rate)).unwrap_or(0));
        (self.last, self.rate) = (reading, rate);
    }
}

/// Whether the kernel keeps time by the counter: it has tested what we cannot, that it runs evenly
/// and alike on all processors.
fn kernel_trusts_ticks() -> bool {
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    cfg!(target_arch = "x86_64")
        && std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos() -> u64 {
        Reading::take().nanos
    }

    /// Sets a clock of its own, with the interval between two settings.
    fn due(setter: &mut Setter) -> Option<i64> {
        std::thread::sleep(EVERY);
        setter.set();
        setter.clock.now()
    }

    #[test]
    fn it_goes_as_the_system_clock_goes_and_a_counter_that_jumps_is_left_alone() {
        if !kernel_trusts_ticks() {
            return;
        }
        static SET: Clock = Clock::new();
        let mut setter = Setter { clock: &SET, ..Setter::new() };
        assert_eq!(due(&mut setter), None, "one reading says nothing of its truth");
        for _ in 0..3 {
            assert!(due(&mut setter).is_some());
            let until = Instant::now() + EVERY;
            while Instant::now() < until {
                let (before, now, after) = (origin::now(), SET.now().unwrap(), origin::now());
                assert!((before - 500..=after + 500).contains(&now), "{before} {now} {after}");
            }
        }
        setter.last.tick = setter.last.tick.wrapping_sub(1 << 30);
        assert_eq!(due(&mut setter), None);
        assert_eq!(due(&mut setter), None);
        assert!(due(&mut setter).is_some());
    }

    #[test]
    fn what_was_set_too_long_ago_is_not_trusted() {
        let clock = Clock::new();
        clock.set(ticks(), nanos(), 1 << 31);
        assert!(clock.now().is_some());
        clock.set(ticks().wrapping_sub(1 << 33), nanos(), 1 << 31);
        assert_eq!(clock.now(), None);
        clock.set(ticks().wrapping_add(1 << 33), nanos(), 1 << 31);
        assert_eq!(clock.now(), None, "a counter that went back");
    }
}
