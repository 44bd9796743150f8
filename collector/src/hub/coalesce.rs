//! Coalescing of wake-ups, as network drivers do it.
//!
//! To be woken costs more than to take what woke us. While little comes at a time and often, a
//! thread naps before it waits, so that what comes meanwhile is taken at one waking. What comes
//! alone, or to a thread that has plenty to do, is never delayed; and much of it least of all, since
//! what waits has left the processor's cache when it is taken at last.

use std::cell::{Cell, RefCell};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Length of a nap: some wake-ups long, and no delay that anybody sees.
const NAP: Duration = Duration::from_millis(2);

/// A wait shorter than this means that records come often.
const QUICK: Duration = Duration::from_millis(2);

/// So many quick waits in a row make it worth a nap.
const STREAK: u32 = 16;

/// Whoever was busy for longer than this found enough at one waking.
const PLENTY: Duration = Duration::from_millis(1);

/// Whoever was busy for longer than this with [`MUCH`] did too, and so did the one thread that
/// writes, in twice the time, whatever it was.
const ENOUGH: Duration = Duration::from_micros(200);

/// Bytes that are much at one waking.
const MUCH: usize = 64 << 10;

/// The waiting of one thread that takes what is there, and waits again. It naps before it waits
/// or before it takes, as suits it.
#[derive(Debug)]
pub(crate) struct Coalescer {
    /// Quick waits in a row.
    quick: u32,
    napped: bool,
    /// When the wait, or the work, began that goes on now.
    since: Instant,
    /// Duration of the last work, and the one that would have been plenty.
    worked: Duration,
    plenty: Duration,
    /// True for the thread that writes.
    writes: bool,
}

/// Work at one waking.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WorkDone {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

impl Coalescer {
    pub(crate) fn new() -> Self {
        Self::at(Instant::now())
    }

    /// That of the thread that writes.
    pub(crate) fn of_writer() -> Self {
        Self { writes: true, ..Self::new() }
    }

    fn at(now: Instant) -> Self {
        let worked = Duration::ZERO;
        let plenty = PLENTY;
        Self { quick: 0, napped: false, since: now, worked, plenty, writes: false }
    }

    /// A wait begins.
    pub(crate) fn wait(&mut self) {
        self.since = Instant::now();
    }

    /// The wait is over, and work begins.
    pub(crate) fn wake(&mut self) {
        self.woken(Instant::now());
    }

    /// The work is done.
    pub(crate) fn done(&mut self, work: WorkDone) {
        self.took(work, Instant::now());
    }

    /// Lets more gather, if that pays.
    pub(crate) fn nap(&mut self) {
        if self.should_nap() {
            thread::sleep(NAP);
            self.since = Instant::now();
        }
    }

    fn woken(&mut self, now: Instant) {
        let quick = now.duration_since(self.since) < QUICK;
        self.quick = if quick { self.quick.saturating_add(1) } else { 0 };
        self.since = now;
    }

    fn took(&mut self, work: WorkDone, now: Instant) {
        self.worked = now.duration_since(self.since);
        self.plenty = match work.bytes >= MUCH {
            true => ENOUGH,
            false if self.writes => ENOUGH * 2,
            false => PLENTY,
        };
        // What one nap did not bring together, another one will not.
        if std::mem::take(&mut self.napped) && work.items < 2 {
            self.quick = 0;
        }
    }

    fn should_nap(&mut self) -> bool {
        self.napped = self.quick >= STREAK && self.worked < self.plenty;
        self.napped
    }
}

thread_local! {
    static COALESCER: RefCell<Coalescer> = RefCell::new(Coalescer::new());
    /// Reads of this thread since it waited.
    static READ: Cell<WorkDone> = const { Cell::new(WorkDone { items: 0, bytes: 0 }) };
}

/// Takes note that so many `bytes` were read at once by a task of this thread.
pub(crate) fn note_read(bytes: usize) {
    let read = READ.get();
    READ.set(WorkDone { items: read.items + 1, bytes: read.bytes + bytes });
}

/// The runtime that suits a collector best: a single thread, which naps so that reads grow.
///
/// One thread reads and decodes more than one file takes, and wakes nobody but the one that writes.
///
/// # Errors
///
/// When the system has no descriptors left.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| {
            COALESCER.with_borrow_mut(|coalescer| {
                coalescer.done(READ.take());
                coalescer.nap();
                coalescer.wait();
            });
        })
        .on_thread_unpark(|| COALESCER.with_borrow_mut(Coalescer::wake))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A coalescer at a time of its own.
    struct Driven(Coalescer, Instant);

    impl Driven {
        fn new() -> Self {
            let now = Instant::now();
            Self(Coalescer::at(now), now)
        }

        /// Whether it naps, having worked for so many microseconds, and then waits.
        fn turn(&mut self, found: usize, worked: u64, waited: u64) -> bool {
            self.take(WorkDone { items: found, bytes: found * 200 }, worked, waited)
        }

        /// The same, with so many bytes in all.
        fn take(&mut self, found: WorkDone, worked: u64, waited: u64) -> bool {
            self.1 += Duration::from_micros(worked);
            self.0.took(found, self.1);
            let napped = self.0.should_nap();
            self.1 += if napped { NAP } else { Duration::ZERO };
            self.0.since = self.1;
            self.1 += Duration::from_micros(waited);
            self.0.woken(self.1);
            napped
        }
    }

    #[test]
    fn what_comes_alone_is_never_waited_for() {
        let mut coalescer = Driven::new();
        assert!((0..1000).all(|_| !coalescer.turn(1, 10, 2500)));
    }

    #[test]
    fn what_comes_often_is_gathered_until_it_is_rare_again() {
        let mut coalescer = Driven::new();
        assert!((0..16).all(|_| !coalescer.turn(1, 10, 100)));
        assert!((0..1000).all(|_| coalescer.turn(10, 100, 0)));
        assert!(coalescer.turn(10, 100, 5000), "it naps before it knows");
        assert!(!coalescer.turn(1, 10, 5000));
    }

    #[test]
    fn one_peer_that_awaits_each_answer_hardly_waits_for_more() {
        let mut coalescer = Driven::new();
        let naps = (0..1700).filter(|_| coalescer.turn(1, 10, 50)).count();
        assert_eq!(naps, 100);
    }

    #[test]
    fn much_is_plenty_sooner_and_so_is_all_that_is_written() {
        let mut coalescer = Driven::new();
        assert!((0..1000).all(|_| !coalescer.take(WorkDone { items: 10, bytes: MUCH }, 200, 0)));
        assert!(coalescer.take(WorkDone { items: 10, bytes: MUCH - 1 }, 200, 0));
        assert!(coalescer.take(WorkDone { items: 10, bytes: MUCH }, 199, 0));
        coalescer.0.writes = true;
        assert!((0..1000).all(|_| !coalescer.take(WorkDone { items: 10, bytes: 1 }, 400, 0)));
    }

    #[test]
    fn whoever_has_plenty_to_do_does_not_nap() {
        let mut coalescer = Driven::new();
        assert!((0..1000).all(|_| !coalescer.turn(100, 1100, 0)));
    }
}
