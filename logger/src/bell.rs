//! The bell: what a log call rings when the worker must not sleep on.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Wakes one sleeper. Ringing costs a system call only while somebody sleeps.
pub(crate) struct Bell {
    event: OwnedFd,
    asleep: AtomicBool,
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
        Ok(Self { event, asleep: AtomicBool::new(false) })
    }

    #[inline]
    pub(crate) fn ring(&self) {
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }

    /// Sleeps until rung, until `socket` has something to read (or room to write, if `write`), or
    /// for `limit`.
    pub(crate) fn sleep(
        &self,
        socket: Option<BorrowedFd<'_>>,
        write: bool,
        limit: Duration,
    ) -> Woken {
        self.asleep.store(true, Ordering::Release);
        let wanted = if write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let bell = PollFd::new(&self.event, PollFlags::IN);
        let socket = socket.map(|fd| PollFd::from_borrowed_fd(fd, wanted));
        let fds =
            &mut [bell, socket.clone().unwrap_or_else(|| PollFd::new(&self.event, PollFlags::IN))];
        let fds = if socket.is_some() { &mut fds[..] } else { &mut fds[..1] };
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let _ = poll(fds, Some(&limit));
        self.asleep.store(false, Ordering::Release);
        let rung = !fds[0].revents().is_empty();
        if rung {
            let _ = rustix::io::read(self.event.as_fd(), &mut [0; 8]);
        }
        let events = fds.get(1).map_or(PollFlags::empty(), |fd| fd.revents());
        Woken {
            rung,
            readable: events.intersects(!PollFlags::OUT),
            writable: events.contains(PollFlags::OUT),
        }
    }
}
