//! When it pays to wait a little before looking again, as network drivers do.
//!
//! To be woken costs more than to take what woke us. While little comes at a time and often, a
//! thread naps before it waits, so that what comes meanwhile is taken at one waking. What comes
//! alone, or to a thread that has plenty to do, is never delayed.

use std::cell::{Cell, RefCell};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// How long a nap is: some wake-ups long, and no delay that anybody sees.
const NAP: Duration = Duration::from_millis(1);

/// A wait shorter than this means that records come often.
const QUICK: Duration = Duration::from_micros(250);

/// So many quick waits in a row make it worth a nap.
const STREAK: u32 = 16;

/// Whoever was busy for longer than this found enough at one waking.
const PLENTY: Duration = Duration::from_micros(500);

/// The pace of one thread that waits, takes what is there, and waits again.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How many waits in a row were quick.
    quick: u32,
    napped: bool,
    /// When the last wait ended.
    woke: Instant,
    /// When the last wait began.
    waiting: Instant,
}

impl Pace {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { quick: 0, napped: false, woke: now, waiting: now }
    }

    /// Before a wait, after `found` things were taken: naps if that pays.
    pub(crate) fn wait(&mut self, found: usize) {
        let nap = self.nap(found, Instant::now());
        if nap {
            thread::sleep(NAP);
        }
        self.waiting = Instant::now();
    }

    /// After a wait.
    pub(crate) fn wake(&mut self) {
        self.woken(Instant::now());
    }

    fn nap(&mut self, found: usize, now: Instant) -> bool {
        // What one nap did not bring together, another one will not.
        if self.napped && found < 2 {
            self.quick = 0;
        }
        self.napped = self.quick >= STREAK && now.duration_since(self.woke) < PLENTY;
        self.napped
    }

    fn woken(&mut self, now: Instant) {
        let quick = now.duration_since(self.waiting) < QUICK;
        self.quick = if quick { self.quick.saturating_add(1) } else { 0 };
        self.woke = now;
    }
}

thread_local! {
    static PACE: RefCell<Pace> = RefCell::new(Pace::new());
    /// What this thread has read since it waited.
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Takes note that something was read by a task of this thread.
pub(crate) fn note_read() {
    READ.with(|read| read.set(read.get() + 1));
}

/// The runtime that suits a collector best: a single thread, which has its pace.
///
/// One thread reads and decodes more than one file takes, and wakes nobody but the one that writes.
///
/// # Errors
///
/// When the system has no descriptors left.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| PACE.with_borrow_mut(|pace| pace.wait(READ.replace(0))))
        .on_thread_unpark(|| PACE.with_borrow_mut(Pace::wake))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pace at a time of its own.
    struct Driven(Pace, Instant);

    impl Driven {
        fn new() -> Self {
            let now = Instant::now();
            Self(Pace { quick: 0, napped: false, woke: now, waiting: now }, now)
        }

        /// Whether it naps, having worked for so many microseconds, and then waits.
        fn turn(&mut self, found: usize, worked: u64, waited: u64) -> bool {
            self.1 += Duration::from_micros(worked);
            let napped = self.0.nap(found, self.1);
            self.1 += if napped { NAP } else { Duration::ZERO };
            self.0.waiting = self.1;
            self.1 += Duration::from_micros(waited);
            self.0.woken(self.1);
            napped
        }
    }

    #[test]
    fn what_comes_alone_is_never_waited_for() {
        let mut pace = Driven::new();
        assert!((0..1000).all(|_| !pace.turn(1, 10, 300)));
    }

    #[test]
    fn what_comes_often_is_gathered_until_it_is_rare_again() {
        let mut pace = Driven::new();
        assert!((0..16).all(|_| !pace.turn(1, 10, 100)));
        assert!((0..1000).all(|_| pace.turn(10, 100, 0)));
        assert!(pace.turn(10, 100, 5000), "it naps before it knows");
        assert!(!pace.turn(1, 10, 5000));
    }

    #[test]
    fn one_peer_that_awaits_each_answer_hardly_waits_for_more() {
        let mut pace = Driven::new();
        let naps = (0..1700).filter(|_| pace.turn(1, 10, 50)).count();
        assert_eq!(naps, 100);
    }

    #[test]
    fn whoever_has_plenty_to_do_does_not_nap() {
        let mut pace = Driven::new();
        assert!((0..1000).all(|_| !pace.turn(100, 600, 0)));
    }
}
