//! A running program that logs: its spool and the worker that delivers it.

use crate::builder::{Builder, Full};
use crate::clock::Calibrator;
use crate::endpoint::Endpoint;
use crate::identity::SenderIdentity;
use crate::known_collectors::KnownCollector;
use crate::spool::{Directory, Spool};
use crate::stderr::{mark_internal_thread, report};
use crate::waker::Waker;
use crate::worker::{Context, Destination, RetryPolicy, Worker, WorkerStatus};
use netlog_wire::Level;
use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes of the ring faulted in before the first log call; the worker does the rest.
const FIRST_PAGES: u64 = 1 << 20;

/// Time for the worker to close the connection at the program's end, once all is delivered.
const CLOSE_LIMIT: Duration = Duration::from_millis(200);

pub(crate) struct Sender {
    spool: Arc<Spool>,
    waker: Arc<Waker>,
    status: Arc<WorkerStatus>,
    /// Number of dead senders' rings still to be delivered.
    left_behind: Arc<AtomicUsize>,
    /// Fill level of the ring that wakes the worker.
    quarter: u64,
}

/// Result of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a flush may not have delivered everything"]
#[non_exhaustive]
pub struct Flushed {
    /// `true` if every record logged before the flush is delivered: acked by the collector, or
    /// written to an endpoint that does not ack.
    pub acked: bool,
    /// Bytes of records that still wait in the spool.
    pub pending: u64,
    /// Number of records this program has lost so far because the spool was full.
    pub lost: u64,
}

impl Sender {
    /// Creates the spool and starts its worker, and another one for the rings of dead senders.
    pub(crate) fn start(builder: &Builder, endpoint: Endpoint) -> io::Result<Self> {
        let capacity = builder.spool_size as u64;
        let identity = SenderIdentity::current(&builder.app, &builder.host, capacity);
        let directory = builder.spool_dir.clone().unwrap_or_else(Directory::default_path);
        let (spool, left_behind) = open(directory, identity)?;
        spool.ring.prefault(0..FIRST_PAGES);
        let left_behind = discard_oldest(left_behind, builder.keep as u64, &spool);
        let format = builder.format;
        let token = builder.token.clone();
        let known = KnownCollector::load(&endpoint, spool.directory());
        let destination = Arc::new(Destination { endpoint, format, known, token });
        let sender = Self {
            quarter: capacity / 4,
            spool: Arc::new(spool),
            waker: Arc::new(Waker::new()?),
            status: Arc::default(),
            left_behind: Arc::new(AtomicUsize::new(left_behind.len())),
        };
        let context = Context {
            spool: Arc::clone(&sender.spool),
            destination: Arc::clone(&destination),
            waker: Arc::clone(&sender.waker),
            status: Arc::clone(&sender.status),
            clock: Some(RefCell::new(Calibrator::new())),
        };
        let worker = Worker { context, retry: RetryPolicy::Report };
        spawn("netlog", move || {
            worker.context.spool.ring.prefault(FIRST_PAGES..capacity);
            let _ = worker.run();
        })?;
        if !left_behind.is_empty() {
            let left = Arc::clone(&sender.left_behind);
            spawn("netlog-adopt", move || deliver(left_behind, &destination, &left))?;
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
            self.waker.wake_for_record();
        }
    }

    #[cold]
    fn append_to_full(&self, level: Level, line: &[u8], full: Full) {
        // A lost record wakes nobody: the worker was woken when the ring was a quarter full.
        if let Full::Block(limit) = full {
            self.waker.wake_for_record();
            if self.append_when_roomy(level, line, limit) {
                return;
            }
        }
        self.spool.lose(level, 1);
        if self.spool.ring.closed() {
            report(&format!("logged after the end: {}", String::from_utf8_lossy(line)));
        }
    }

    /// Waits for more room than this record needs, so that waiting threads are not woken for each
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
    /// when the endpoint cannot be reached and the spool outlives the program. It uses atomics and
    /// sleeps only, because it also runs at exit, when half of the program is gone.
    pub(crate) fn flush(&self, limit: Duration) -> Flushed {
        let target = self.spool.ring.tail();
        let until = Instant::now() + limit;
        let failures = self.status.failures.load(Ordering::Acquire);
        self.status.connect_now.store(true, Ordering::Release);
        self.waker.wake();
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

    /// Ends the sender with the program: flushes, waits for the rings of dead senders, closes the
    /// connection, and removes the spool if it is empty.
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
        self.waker.wake();
        let until = Instant::now() + CLOSE_LIMIT.min(limit);
        while !self.status.ended.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Lets go of the parent's sender in a forked child.
    pub(crate) fn disown(&self) {
        self.spool.disown();
    }
}

/// Creates the spool of `identity` and adopts the rings of dead senders of the same app.
fn open(directory: PathBuf, identity: SenderIdentity) -> io::Result<(Spool, Vec<Spool>)> {
    let mut left_behind = Vec::new();
    let opened = Directory::open_or_create(&directory).and_then(|directory| {
        left_behind = directory.adopt(Some(&identity.app), |line| report(&line));
        directory.create(identity.clone())
    });
    let spool = opened.or_else(|e| {
        // Adopted rings are delivered all the same: they may be what fills the directory.
        let cause = e.source().map_or_else(String::new, |cause| format!(": {cause}"));
        report(&format!("{e}{cause}; records wait in memory and do not survive the program"));
        Spool::anonymous(identity)
    });
    Ok((spool?, left_behind))
}

/// Discards dead senders' rings, the oldest first, until the others take at most `keep` bytes.
/// Their records are counted as lost by `heir`, which reports them in its stream.
fn discard_oldest(mut left_behind: Vec<Spool>, keep: u64, heir: &Spool) -> Vec<Spool> {
    let mut held: u64 = left_behind.iter().map(|spool| spool.ring.capacity()).sum();
    while held > keep && !left_behind.is_empty() {
        let oldest = left_behind.remove(0);
        held -= oldest.ring.capacity();
        let levels = oldest.levels();
        let unreported = oldest.unreported_by_level();
        for (level, count) in Level::ALL.into_iter().zip(levels.iter().zip(unreported)) {
            heir.lose(level, count.0 + count.1);
        }
        oldest.remove();
        let count: u64 = levels.iter().sum();
        let pid = oldest.identity.pid;
        report(&format!(
            "discarded {count} records of pid {pid}: spools of dead programs exceed {keep} bytes"
        ));
    }
    left_behind
}

/// Delivers dead senders' rings one after the other, oldest first, beside the living stream.
fn deliver(left_behind: Vec<Spool>, destination: &Arc<Destination>, left: &AtomicUsize) {
    for spool in left_behind {
        let Ok(waker) = Waker::new() else { return };
        let context = Context {
            spool: Arc::new(spool),
            destination: Arc::clone(destination),
            waker: Arc::new(waker),
            status: Arc::default(),
            clock: None,
        };
        let _ = Worker { context, retry: RetryPolicy::Quiet }.run();
        left.fetch_sub(1, Ordering::AcqRel);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(|| {
        mark_internal_thread();
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
        let spool = directory.create(SenderIdentity::current("app", "host", 8192)).unwrap();
        spool.lose(Level::Info, 3);
        spool.report_losses();
        spool.lose(Level::Info, 2);
        spool.lose(Level::Warn, 4);
        drop(spool);
        crate::worker::tests::left_behind(&directory)
    }

    #[test]
    fn the_unreported_losses_of_a_discarded_ring_are_counted_with_its_records() {
        let dir = tempfile::tempdir().unwrap();
        let heir = Spool::anonymous(SenderIdentity::current("app", "host", 8192)).unwrap();
        assert!(discard_oldest(left_behind(dir.path()), 0, &heir).is_empty());
        // The report is a record too, and is lost with the three that it reports.
        assert_eq!(heir.lost().iter().sum::<u64>(), 2 + 4 + 1);
    }

    #[test]
    fn rings_of_dead_programs_are_delivered_even_by_a_program_without_room_for_its_own() {
        let dir = tempfile::tempdir().unwrap();
        drop(left_behind(dir.path()));
        let identity = SenderIdentity::current("app", "host", 8192);
        // As on a full file system, nothing can be made here.
        std::fs::write(dir.path().join(format!("{}.new", identity.file_name())), "").unwrap();
        let (spool, left_behind) = open(dir.path().to_owned(), identity).unwrap();
        assert!(!spool.durable());
        assert_eq!(left_behind.len(), 1);
    }
}
