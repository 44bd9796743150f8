//! A running program that logs: its spool and the worker that delivers it.

use crate::acquaintance::Acquaintance;
use crate::bell::Bell;
use crate::builder::{Builder, Full};
use crate::clock::Setter;
use crate::endpoint::Endpoint;
use crate::origin::Origin;
use crate::spool::{Directory, Spool};
use crate::voice::{mute, say};
use crate::worker::{Patience, Route, Status, Worker};
use netlog_wire::Level;
use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Pages of the ring made present before the first log call; the worker does the rest.
const FIRST_PAGES: u64 = 1 << 20;

/// How long the end of a program waits for the worker to say goodbye, once all is delivered.
const GOODBYE: Duration = Duration::from_millis(200);

pub(crate) struct Sender {
    spool: Arc<Spool>,
    bell: Arc<Bell>,
    status: Arc<Status>,
    /// How many dead senders' rings are still to be delivered.
    left_behind: Arc<AtomicUsize>,
    /// A ring this full wakes the worker.
    quarter: u64,
}

/// What became of the records logged before a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a flush may not have delivered everything"]
#[non_exhaustive]
pub struct Flushed {
    /// Whether all of them are delivered: acked by the collector, or written to an endpoint that
    /// does not ack.
    pub acked: bool,
    /// How many bytes of records still wait in the spool.
    pub pending: u64,
    /// How many records this program has lost so far because the spool was full.
    pub lost: u64,
}

impl Sender {
    /// Makes the spool and starts its worker, and one for what dead senders of this app left.
    pub(crate) fn start(builder: &Builder, endpoint: Endpoint) -> io::Result<Self> {
        let capacity = builder.spool_size as u64;
        let origin = Origin::here(&builder.app, &builder.host, capacity);
        let directory = builder.spool_dir.clone().unwrap_or_else(Directory::default_path);
        let (spool, left_behind) = open(directory, origin)?;
        spool.ring.prefault(0..FIRST_PAGES);
        let left_behind = give_up_the_oldest(left_behind, builder.keep as u64, &spool);
        let (format, token) = (builder.format, builder.token.clone());
        let acquaintance = Acquaintance::with(&endpoint, spool.directory());
        let route = Arc::new(Route { endpoint, format, acquaintance, token });
        let sender = Self {
            quarter: capacity / 4,
            spool: Arc::new(spool),
            bell: Arc::new(Bell::new()?),
            status: Arc::default(),
            left_behind: Arc::new(AtomicUsize::new(left_behind.len())),
        };
        let worker = Worker {
            spool: Arc::clone(&sender.spool),
            route: Arc::clone(&route),
            bell: Arc::clone(&sender.bell),
            status: Arc::clone(&sender.status),
            patience: Patience::Speaks,
            clock: Some(RefCell::new(Setter::new())),
        };
        spawn("netlog", move || {
            worker.spool.ring.prefault(FIRST_PAGES..capacity);
            let _ = worker.run();
        })?;
        if !left_behind.is_empty() {
            let left = Arc::clone(&sender.left_behind);
            spawn("netlog-adopt", move || deliver(left_behind, &route, &left))?;
        }
        Ok(sender)
    }

    /// Appends a record: a copy into the ring, no more.
    #[inline]
    pub(crate) fn append(&self, level: Level, line: &[u8], full: Full) {
        let Ok(held) = self.spool.append(level, line) else {
            return self.append_to_full(level, line, full);
        };
        let crossed = held >= self.quarter && held - (line.len() as u64) < self.quarter;
        if level == Level::Error || crossed {
            self.bell.ring();
        }
    }

    #[cold]
    fn append_to_full(&self, level: Level, line: &[u8], full: Full) {
        // One that is given up wakes nobody: the worker was woken when the ring was a quarter full.
        if let Full::Block(limit) = full {
            self.bell.ring();
            if self.append_when_roomy(level, line, limit) {
                return;
            }
        }
        self.spool.lose(level, 1);
        if self.spool.ring.closed() {
            say(&format!("logged after the end: {}", String::from_utf8_lossy(line)));
        }
    }

    /// Waits for some more room than this record needs, so that whoever waits is not woken for each
    /// record; at the end of the limit any room will do.
    fn append_when_roomy(&self, level: Level, line: &[u8], limit: Duration) -> bool {
        const PAUSE: Duration = Duration::from_micros(500);
        let roomy = self.spool.ring.capacity() / 16 * 13;
        let until = Instant::now() + limit;
        loop {
            let now = Instant::now();
            std::thread::sleep(PAUSE.min(until.saturating_duration_since(now)));
            let last = now >= until;
            if (last || self.spool.ring.held() <= roomy) && self.spool.append(level, line).is_ok() {
                return true;
            }
            if last {
                return false;
            }
        }
    }

    /// Waits until everything appended before now is delivered, for at most `limit`; not at all
    /// when the endpoint cannot be reached and the spool outlives the program. Atomics and sleeps
    /// only: it is called when half of the program is gone.
    pub(crate) fn flush(&self, limit: Duration) -> Flushed {
        let (target, until) = (self.spool.ring.tail(), Instant::now() + limit);
        let failures = self.status.failures.load(Ordering::Acquire);
        self.status.hurry.store(true, Ordering::Release);
        self.bell.summon();
        loop {
            let head = self.spool.ring.control().head.load(Ordering::Acquire);
            let unreachable = !self.status.connected.load(Ordering::Acquire)
                && self.status.failures.load(Ordering::Acquire) > failures;
            let acked = head >= target;
            if acked || (unreachable && self.spool.durable()) || Instant::now() >= until {
                let lost = self.spool.lost().iter().sum();
                return Flushed { acked, pending: target.saturating_sub(head), lost };
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The program ends: flushes, lets what dead senders left be delivered, takes leave of the
    /// collector, and removes the spool if it is empty.
    pub(crate) fn end(&self, limit: Duration) {
        let until = Instant::now() + limit;
        self.spool.ring.control().ended.store(1, Ordering::Release);
        if !self.flush(limit).acked {
            return;
        }
        let connected = || self.status.connected.load(Ordering::Acquire);
        while self.left_behind.load(Ordering::Acquire) > 0 && connected() && Instant::now() < until
        {
            std::thread::sleep(Duration::from_micros(200));
        }
        self.status.ending.store(true, Ordering::Release);
        self.bell.summon();
        let until = Instant::now() + GOODBYE.min(limit);
        while !self.status.ended.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// In a forked child: the parent's sender is the parent's.
    pub(crate) fn disown(&self) {
        self.spool.disown();
    }
}

/// The spool of `origin`, and what dead senders of the same app left in the same directory.
fn open(directory: PathBuf, origin: Origin) -> io::Result<(Spool, Vec<Spool>)> {
    let mut left_behind = Vec::new();
    let opened = Directory::open(&directory).and_then(|directory| {
        left_behind = directory.adopt(Some(&origin.app), |line| say(&line));
        directory.create(origin.clone())
    });
    let spool = opened.or_else(|e| {
        // What was left behind is delivered nevertheless: it may be what fills the directory.
        say(&format!("{e}; records wait in memory and do not survive the program"));
        Spool::anonymous(origin)
    });
    Ok((spool?, left_behind))
}

/// Gives up dead senders' rings, the oldest first, until the others take at most `keep` bytes.
/// Their records are counted as lost by `heir`, whose stream tells of it.
fn give_up_the_oldest(mut left_behind: Vec<Spool>, keep: u64, heir: &Spool) -> Vec<Spool> {
    let mut held: u64 = left_behind.iter().map(|spool| spool.ring.capacity()).sum();
    while held > keep && !left_behind.is_empty() {
        let oldest = left_behind.remove(0);
        held -= oldest.ring.capacity();
        let (levels, untold) = (oldest.levels(), oldest.untold_levels());
        for (level, count) in Level::ALL.into_iter().zip(levels.iter().zip(untold)) {
            heir.lose(level, count.0 + count.1);
        }
        oldest.remove();
        let (count, pid): (u64, u32) = (levels.iter().sum(), oldest.origin.pid);
        say(&format!(
            "gave up {count} records of pid {pid}: dead programs' spools took more than {keep} bytes"
        ));
    }
    left_behind
}

/// Delivers dead senders' rings one after the other, oldest first, beside the living stream.
fn deliver(left_behind: Vec<Spool>, route: &Arc<Route>, left: &AtomicUsize) {
    for spool in left_behind {
        let Ok(bell) = Bell::new() else { return };
        let worker = Worker {
            spool: Arc::new(spool),
            route: Arc::clone(route),
            bell: Arc::new(bell),
            status: Arc::default(),
            patience: Patience::Silent,
            clock: None,
        };
        let _ = worker.run();
        left.fetch_sub(1, Ordering::AcqRel);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(|| {
        mute();
        run();
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn left_behind(dir: &Path) -> Vec<Spool> {
        let directory = Directory::open(dir).unwrap();
        let spool = directory.create(Origin::here("app", "host", 8192)).unwrap();
        spool.lose(Level::Info, 3);
        spool.report_losses();
        spool.lose(Level::Info, 2);
        spool.lose(Level::Warn, 4);
        drop(spool);
        crate::worker::tests::left_behind(&directory)
    }

    #[test]
    fn what_a_ring_that_is_given_up_had_not_told_of_is_counted_with_its_records() {
        let dir = tempfile::tempdir().unwrap();
        let heir = Spool::anonymous(Origin::here("app", "host", 8192)).unwrap();
        assert!(give_up_the_oldest(left_behind(dir.path()), 0, &heir).is_empty());
        // The report is a record too, and is lost with the three that it tells of.
        assert_eq!(heir.lost().iter().sum::<u64>(), 2 + 4 + 1);
    }

    #[test]
    fn what_was_left_behind_is_delivered_also_by_a_program_that_finds_no_room_for_a_spool() {
        let dir = tempfile::tempdir().unwrap();
        drop(left_behind(dir.path()));
        let origin = Origin::here("app", "host", 8192);
        // As on a full file system, nothing can be made here.
        std::fs::write(dir.path().join(format!("{}.new", origin.file_name())), "").unwrap();
        let (spool, left_behind) = open(dir.path().to_owned(), origin).unwrap();
        assert!(!spool.durable());
        assert_eq!(left_behind.len(), 1);
    }
}
