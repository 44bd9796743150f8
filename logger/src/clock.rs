//! Time stamps from the processor's time-stamp counter (TSC), calibrated against the system clock
//! ten times a second. Reading it takes a third of the time of the system clock, which is a good
//! part of a log call.
//!
//! The worker calibrates it, if the kernel itself keeps time by that counter. A log call never waits
//! for the worker, and reads the system clock when the calibration is too old.

use crate::identity;
use crate::machine::trusts_tsc;
use crate::ring::read_tsc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Interval between calibrations, and so the longest error after a step of the system clock or
/// after the machine slept.
const CALIBRATION_INTERVAL: Duration = Duration::from_millis(100);

/// The clock of all log calls.
static CLOCK: TscClock = TscClock::new();

/// Microseconds since 1970.
#[inline]
pub(crate) fn now() -> i64 {
    CLOCK.now().unwrap_or_else(identity::now)
}

/// Calibration that log calls read, on a cache line of its own, because it is written often.
#[repr(align(128))]
struct TscClock {
    /// Odd while the other fields are being written.
    version: AtomicU64,
    /// Counter at the calibration.
    tick: AtomicU64,
    /// Nanoseconds since 1970 at the calibration.
    nanos: AtomicU64,
    /// Nanoseconds of a tick, times 2^32; 0 when the counter must not be used.
    rate: AtomicU64,
}

impl TscClock {
    const fn new() -> Self {
        let [version, tick, nanos, rate] = [const { AtomicU64::new(0) }; 4];
        Self { version, tick, nanos, rate }
    }

    #[inline]
    fn now(&self) -> Option<i64> {
        self.at(read_tsc())
    }

    /// Microseconds since 1970 when the counter reads `now`; `None` when the calibration is missing,
    /// too old, or in progress.
    #[inline]
    fn at(&self, now: u64) -> Option<i64> {
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
        let passed = u32::try_from(now.wrapping_sub(tick)).ok()?;
        Some(((nanos + ((u64::from(passed) * rate) >> 32)) / 1000) as i64)
    }

    /// Stores a calibration. For one thread only.
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

/// Calibrates the clock, on the thread of the program's own worker.
pub(crate) struct Calibrator {
    clock: &'static TscClock,
    trusted: bool,
    last: ClockReading,
    /// Length of a tick between the last two readings.
    rate: Option<u64>,
}

/// Counter and system clocks at one moment.
#[derive(Clone, Copy)]
struct ClockReading {
    tick: u64,
    nanos: u64,
    instant: Instant,
}

impl ClockReading {
    /// Takes the shortest of a few readings, because the thread may be interrupted in one.
    fn take() -> Self {
        let attempts = (0..5).map(|_| {
            let before = read_tsc();
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let instant = Instant::now();
            let width = read_tsc().wrapping_sub(before);
            let tick = before.wrapping_add(width / 2);
            (width, Self { tick, nanos: time.as_nanos() as u64, instant })
        });
        let narrowest = attempts.min_by_key(|&(width, _)| width);
        narrowest.map_or_else(Self::take, |(_, reading)| reading)
    }

    /// Nanoseconds of a tick since `last`, times 2^32, by the monotonic clock, which never steps.
    fn rate_since(self, last: Self) -> Option<u64> {
        let ticks = u128::from(self.tick.wrapping_sub(last.tick));
        let nanos = self.instant.saturating_duration_since(last.instant).as_nanos();
        u32::try_from((nanos << 32).checked_div(ticks)?).ok().map(u64::from)
    }
}

impl Calibrator {
    pub(crate) fn new() -> Self {
        Self { clock: &CLOCK, trusted: trusts_tsc(), last: ClockReading::take(), rate: None }
    }

    /// Calibrates the clock if that is due. To be called a few times a second.
    pub(crate) fn set(&mut self) {
        if !self.trusted || self.last.instant.elapsed() < CALIBRATION_INTERVAL {
            return;
        }
        self.calibrate(ClockReading::take());
    }

    fn calibrate(&mut self, reading: ClockReading) {
        let rate = reading.rate_since(self.last);
        // The kernel slews its clock by half a thousandth at most. More is a counter that jumped,
        // as when the machine slept or moved; two readings later all is well again.
        let steady = |rate: u64| self.rate.is_some_and(|last| rate.abs_diff(last) < last / 500);
        self.clock.set(reading.tick, reading.nanos, rate.filter(|&rate| steady(rate)).unwrap_or(0));
        (self.last, self.rate) = (reading, rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos() -> u64 {
        ClockReading::take().nanos
    }

    /// Calibrates after the interval, and reads the clock.
    fn due(setter: &mut Calibrator) -> Option<i64> {
        std::thread::sleep(CALIBRATION_INTERVAL);
        setter.set();
        setter.clock.now()
    }

    #[test]
    fn the_clock_follows_the_system_clock_and_a_counter_that_jumps_is_not_used() {
        if !trusts_tsc() {
            return;
        }
        static SET: TscClock = TscClock::new();
        let mut setter = Calibrator { clock: &SET, ..Calibrator::new() };
        assert_eq!(due(&mut setter), None, "one reading is not enough");
        for _ in 0..3 {
            assert!(due(&mut setter).is_some());
            let until = Instant::now() + CALIBRATION_INTERVAL;
            while Instant::now() < until {
                let (before, now, after) = (identity::now(), SET.now().unwrap(), identity::now());
                assert!((before - 500..=after + 500).contains(&now), "{before} {now} {after}");
            }
        }
        setter.last.tick = setter.last.tick.wrapping_sub(1 << 30);
        assert_eq!(due(&mut setter), None);
        assert_eq!(due(&mut setter), None);
        assert!(due(&mut setter).is_some());
    }

    #[test]
    fn a_system_clock_that_steps_by_seconds_or_years_is_followed_with_the_next_calibration() {
        static SET: TscClock = TscClock::new();
        const TICKS: u64 = 300_000_000; // of a tenth of a second, at 3 GHz
        let start = ClockReading::take();
        let day = 86_400 * 1_000_000_000_i64;
        let mut setter = Calibrator { clock: &SET, trusted: true, last: start, rate: None };
        let mut step = 0;
        for (nth, jump) in
            [0, 0, 0, day, -3650 * day, 2_000_000_000, -1, 0, 3650 * day].into_iter().enumerate()
        {
            step += jump;
            let tenths = nth as u32 + 1;
            let tick = start.tick + u64::from(tenths) * TICKS;
            let instant = start.instant + CALIBRATION_INTERVAL * tenths;
            let nanos = start.nanos.wrapping_add_signed(i64::from(tenths) * 100_000_000 + step);
            setter.calibrate(ClockReading { tick, nanos, instant });
            let expected = (nanos / 1000) as i64 + 50_000;
            match SET.at(tick + TICKS / 2) {
                None => assert_eq!(nth, 0, "one reading is not enough"),
                Some(now) => assert!((now - expected).abs() <= 1, "{nth}: {now} {expected}"),
            }
        }
    }

    #[test]
    fn an_old_calibration_is_not_used() {
        let clock = TscClock::new();
        clock.set(read_tsc(), nanos(), 1 << 31);
        assert!(clock.now().is_some());
        clock.set(read_tsc().wrapping_sub(1 << 33), nanos(), 1 << 31);
        assert_eq!(clock.now(), None);
        clock.set(read_tsc().wrapping_add(1 << 33), nanos(), 1 << 31);
        assert_eq!(clock.now(), None, "a counter that went back");
    }
}
