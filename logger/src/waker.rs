//! Wakes the worker when a log call or a flush needs it.
//!
//! A worker that can do nothing for a record, because nobody listens or the socket takes no more,
//! sleeps *deep*: records do not wake it, so they cost no more than when all is well. Only a flush
//! wakes it then.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Wakes one sleeper. Waking costs a system call only while somebody sleeps.
pub(crate) struct Waker {
    event: OwnedFd,
    sleep: AtomicU8,
}

const AWAKE: u8 = 0;
const LIGHT: u8 = 1;
const DEEP: u8 = 2;

/// Events that end a sleep.
pub(crate) enum SleepMode<'a> {
    /// Bytes to read from the socket; a record or a flush.
    Light(BorrowedFd<'a>),
    /// Bytes to read or room to write; a flush.
    Blocked(BorrowedFd<'a>),
    /// A flush.
    Deep,
}

/// Events that ended a sleep; none of them after its time limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WakeReason {
    pub(crate) notified: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, sleep: AtomicU8::new(AWAKE) })
    }

    /// Wakes a sleeper who can do something for a record.
    #[inline]
    pub(crate) fn wake_for_record(&self) {
        if self.sleep.load(Ordering::Relaxed) == LIGHT
            && self.sleep.swap(AWAKE, Ordering::AcqRel) != AWAKE
        {
            self.wake();
        }
    }

    /// Wakes any sleeper, and whoever is about to sleep.
    pub(crate) fn wake(&self) {
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Sleeps until woken, until an event of `mode`, or for `limit`.
    pub(crate) fn sleep(&self, mode: &SleepMode<'_>, limit: Duration) -> WakeReason {
        let (depth, socket) = match mode {
            SleepMode::Light(socket) => (LIGHT, Some((socket, PollFlags::IN))),
            SleepMode::Blocked(socket) => (DEEP, Some((socket, PollFlags::IN | PollFlags::OUT))),
            SleepMode::Deep => (DEEP, None),
        };
        self.sleep.store(depth, Ordering::Release);
        let event = PollFd::new(&self.event, PollFlags::IN);
        let (socket, count) = match socket {
            Some((socket, wanted)) => (PollFd::from_borrowed_fd(*socket, wanted), 2),
            None => (event.clone(), 1),
        };
        let mut fds = [event, socket];
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let _ = poll(&mut fds[..count], Some(&limit));
        self.sleep.store(AWAKE, Ordering::Release);
        let notified = !fds[0].revents().is_empty();
        if notified {
            let _ = rustix::io::read(self.event.as_fd(), &mut [0; 8]);
        }
        let events = fds[..count].get(1).map_or(PollFlags::empty(), PollFd::revents);
        WakeReason {
            notified,
            readable: events.intersects(!PollFlags::OUT),
            writable: events.contains(PollFlags::OUT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_wakes_a_light_sleeper_and_leaves_a_deep_one() {
        let waker = Waker::new().unwrap();
        let woken = || waker.sleep(&SleepMode::Deep, Duration::ZERO).notified;
        waker.sleep.store(DEEP, Ordering::Relaxed);
        waker.wake_for_record();
        assert!(!woken());
        waker.sleep.store(LIGHT, Ordering::Relaxed);
        waker.wake_for_record();
        assert!(woken());
        waker.wake();
        assert!(woken(), "a flush is noticed by the next sleeper");
        assert!(!woken());
    }
}
