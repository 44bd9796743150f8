//! Wakes the worker when a log call or a flush needs it.
//!
//! A worker that can do nothing for a record, because nobody listens or the socket takes no more,
//! sleeps *deep*: records do not wake it, so they cost no more than when all is well. Only a flush
//! wakes it then.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod futex;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod park;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
use futex::Futex as Sleeper;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
use park::ParkedThread as Sleeper;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Wakes one sleeper. Waking costs a system call only while somebody sleeps.
#[derive(Default)]
pub(crate) struct Waker {
    sleeper: Sleeper,
}

const AWAKE: u32 = 0;
const LIGHT: u32 = 1;
const DEEP: u32 = 2;
const NOTIFIED: u32 = 3;

/// Events that end a sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SleepMode {
    /// A record or a flush.
    Light,
    /// A flush.
    Deep,
}

impl Waker {
    /// Wakes a sleeper who can do something for a record.
    #[inline]
    pub(crate) fn wake_for_record(&self) {
        if self.sleeper.state().load(Ordering::Relaxed) == LIGHT {
            self.wake();
        }
    }

    /// Wakes any sleeper, or keeps the next one from sleeping.
    pub(crate) fn wake(&self) {
        if matches!(self.sleeper.state().swap(NOTIFIED, Ordering::AcqRel), LIGHT | DEEP) {
            self.sleeper.wake();
        }
    }

    /// Sleeps until woken or for `limit`; `true` if woken.
    pub(crate) fn sleep(&self, mode: SleepMode, limit: Duration) -> bool {
        let asleep = if mode == SleepMode::Light { LIGHT } else { DEEP };
        let awake = Ordering::AcqRel;
        self.sleeper.prepare();
        if self.sleeper.state().compare_exchange(AWAKE, asleep, awake, Ordering::Acquire).is_ok() {
            self.sleeper.sleep_while(asleep, limit);
        }
        self.sleeper.state().swap(AWAKE, Ordering::AcqRel) == NOTIFIED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_wakes_a_light_sleeper_and_leaves_a_deep_one() {
        let waker = Waker::default();
        let woken = || waker.sleep(SleepMode::Deep, Duration::ZERO);
        waker.sleeper.state().store(DEEP, Ordering::Relaxed);
        waker.wake_for_record();
        assert_eq!(waker.sleeper.state().swap(AWAKE, Ordering::Relaxed), DEEP);
        waker.sleeper.state().store(LIGHT, Ordering::Relaxed);
        waker.wake_for_record();
        assert!(woken());
        waker.wake();
        assert!(woken(), "a flush is noticed by the next sleeper");
        assert!(!woken());
    }

    #[test]
    fn a_sleeper_is_woken_long_before_its_limit() {
        let waker = Waker::default();
        std::thread::scope(|scope| {
            let sleeping = scope.spawn(|| waker.sleep(SleepMode::Light, Duration::from_secs(3600)));
            while waker.sleeper.state().load(Ordering::Relaxed) != LIGHT {
                std::thread::yield_now();
            }
            waker.wake_for_record();
            assert!(sleeping.join().unwrap());
        });
    }
}
