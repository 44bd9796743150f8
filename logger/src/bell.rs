//! The bell: what a log call rings when the worker must not sleep on.
//!
//! A worker that can do nothing for a record, because nobody listens or the socket takes no more,
//! sleeps *deep*: records do not wake it, and so cost no more than when all is well. Only a flush
//! does.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Wakes one sleeper. Ringing costs a system call only while somebody sleeps.
pub(crate) struct Bell {
    event: OwnedFd,
    sleep: AtomicU8,
}

const AWAKE: u8 = 0;
const LIGHT: u8 = 1;
const DEEP: u8 = 2;

/// What a sleeper waits for besides the bell.
pub(crate) enum Sleep<'a> {
    /// Something to read from the socket; any bell.
    Light(BorrowedFd<'a>),
    /// Something to read or room to write; a flush.
    Blocked(BorrowedFd<'a>),
    /// Nothing; a flush.
    Deep,
}

/// What ended a sleep.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Woken {
    pub(crate) rung: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, sleep: AtomicU8::new(AWAKE) })
    }

    /// For a record: wakes a sleeper who can do something for it.
    #[inline]
    pub(crate) fn ring(&self) {
        if self.sleep.load(Ordering::Relaxed) == LIGHT
            && self.sleep.swap(AWAKE, Ordering::AcqRel) != AWAKE
        {
            self.summon();
        }
    }

    /// For a flush: wakes any sleeper, and whoever is about to sleep.
    pub(crate) fn summon(&self) {
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Sleeps until woken, until what `sleep` waits for, or for `limit`.
    pub(crate) fn sleep(&self, sleep: &Sleep<'_>, limit: Duration) -> Woken {
        let (depth, socket) = match sleep {
            Sleep::Light(socket) => (LIGHT, Some((socket, PollFlags::IN))),
            Sleep::Blocked(socket) => (DEEP, Some((socket, PollFlags::IN | PollFlags::OUT))),
            Sleep::Deep => (DEEP, None),
        };
        self.sleep.store(depth, Ordering::Release);
        let bell = PollFd::new(&self.event, PollFlags::IN);
        let (socket, count) = match socket {
            Some((socket, wanted)) => (PollFd::from_borrowed_fd(*socket, wanted), 2),
            None => (bell.clone(), 1),
        };
        let mut fds = [bell, socket];
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let _ = poll(&mut fds[..count], Some(&limit));
        self.sleep.store(AWAKE, Ordering::Release);
        let rung = !fds[0].revents().is_empty();
        if rung {
            let _ = rustix::io::read(self.event.as_fd(), &mut [0; 8]);
        }
        let events = fds[..count].get(1).map_or(PollFlags::empty(), PollFd::revents);
        Woken {
            rung,
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
        let bell = Bell::new().unwrap();
        let woken = || bell.sleep(&Sleep::Deep, Duration::ZERO).rung;
        bell.sleep.store(DEEP, Ordering::Relaxed);
        bell.ring();
        assert!(!woken());
        bell.sleep.store(LIGHT, Ordering::Relaxed);
        bell.ring();
        assert!(woken());
        bell.summon();
        assert!(woken(), "a flush is heard by whoever sleeps next");
        assert!(!woken());
    }
}
