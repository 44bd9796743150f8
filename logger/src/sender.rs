//! A running program that logs: its spool and the worker that delivers it.

#[cfg(all(test, target_os = "linux", not(netlog_portable)))]
mod tests;

use crate::builder::{Builder, Full};
use crate::clock::Calibrator;
use crate::endpoints::Endpoints;
use crate::identity::SenderIdentity;
use crate::recovery::Recovery;
use crate::spool::{Directory, Spool, SpoolError};
use crate::stats::Stats;
use crate::stderr::{mark_internal_thread, report};
use crate::waker::Waker;
use crate::worker::{Context, Destination, RetryPolicy, SpoolWatch, Worker, WorkerStatus};
use netlog_wire::Level;
use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes of the ring faulted in before the first log call; the worker does the rest.
const FIRST_PAGES: u64 = 1 << 20;

/// Time for the worker to close the connection at the program's end, once all is delivered.
const CLOSE_LIMIT: Duration = Duration::from_millis(200);

/// Interval at which flushes and blocked log calls check the ring.
const PAUSE: Duration = Duration::from_micros(200);

/// Smallest spool that is made instead of one of the wanted size, where there is little room.
const LEAST_SPOOL: u64 = 256 * 1024;

/// Report of a program that starts where there are no spool files.
const NOT_SURVIVED: &str = "on this system records wait in memory: a crash or a kill loses those that \
     are not delivered yet (Builder::memory_spool confirms this and silences this line)";

/// A sender with its spool and worker.
pub(crate) struct Sender {
    spool: Arc<Spool>,
    destination: Arc<Destination>,
    waker: Arc<Waker>,
    status: Arc<WorkerStatus>,
    /// Number of dead senders' rings that are being delivered.
    recovering: Arc<AtomicUsize>,
    /// Fill level of the ring that wakes the worker.
    quarter: u64,
    /// The sender of this process whose spool was removed.
    predecessor: Option<&'static Self>,
}

/// Senders before and after one, in a process whose spool is removed.
pub(crate) struct Succession {
    /// The sender before it.
    pub(crate) predecessor: Option<&'static Sender>,
    /// Starts the sender after it; `false` if that is impossible now.
    pub(crate) succeed: fn() -> bool,
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
    pub(crate) fn start(
        builder: &Builder,
        endpoints: Endpoints,
        succession: Succession,
    ) -> io::Result<Self> {
        let Opened { spool, recovery, discarded } = open(builder)?;
        spool.ring.prefault(0..FIRST_PAGES);
        let capacity = spool.ring.capacity();
        let destination = Arc::new(Destination {
            collectors: Destination::collectors(&endpoints, spool.directory()),
            format: builder.format,
            token: builder.token.clone(),
            remote: builder.remote,
            #[cfg(feature = "tls")]
            tls: builder.tls.clone(),
        });
        if let Some(before) = succession.predecessor {
            destination.remember_from(&before.destination);
        }
        let spool = Arc::new(spool);
        let mut context =
            Context::new(Arc::clone(&spool), Arc::clone(&destination), RetryPolicy::Report);
        context.status.discarded.store(discarded, Ordering::Relaxed);
        context.clock = Some(RefCell::new(Calibrator::new()));
        let succeed = succession.succeed;
        let sender = Self {
            spool,
            destination: Arc::clone(&destination),
            waker: Arc::clone(&context.waker),
            status: Arc::clone(&context.status),
            recovering: Arc::default(),
            quarter: capacity / 4,
            predecessor: succession.predecessor,
        };
        spawn("netlog", move || {
            context.watch = Some(SpoolWatch::new(succeed));
            context.spool.ring.prefault(FIRST_PAGES..capacity);
            let _ = Worker { context }.run();
        })?;
        if let Some(recovery) = recovery {
            let recovering = Arc::clone(&sender.recovering);
            recovering.store(1, Ordering::Release);
            spawn("netlog-adopt", move || recovery.deliver(&destination, &recovering))?;
        }
        Ok(sender)
    }

    /// Appends a record: a copy into the ring, no more. `false` if the ring takes none any more.
    #[inline]
    #[must_use]
    pub(crate) fn append(&self, level: Level, line: &[u8], full: Full) -> bool {
        let Ok(held) = self.spool.append(level, line) else {
            return self.append_to_full(level, line, full);
        };
        let crossed = held >= self.quarter && held - (line.len() as u64) < self.quarter;
        if level == Level::Error || crossed {
            self.waker.wake_for_record();
        }
        true
    }

    #[cold]
    fn append_to_full(&self, level: Level, line: &[u8], full: Full) -> bool {
        // A lost record wakes nobody: the worker was woken when the ring was a quarter full.
        if let Full::Block(limit) = full {
            self.waker.wake_for_record();
            if self.append_when_roomy(level, line, limit) {
                return true;
            }
        }
        if self.spool.ring.closed() {
            return false;
        }
        self.spool.lose(level, 1);
        true
    }

    /// Counts a record that was logged after the end.
    #[cold]
    pub(crate) fn lose_after_end(&self, level: Level, line: &[u8]) {
        self.spool.lose(level, 1);
        report(&format!("logged after the end: {}", String::from_utf8_lossy(line)));
    }

    /// Waits for more room than this record needs, so that waiting threads are not woken for each
    /// record; at the end of the limit any room will do.
    fn append_when_roomy(&self, level: Level, line: &[u8], limit: Duration) -> bool {
        const LONG_PAUSE: Duration = Duration::from_micros(500);
        let roomy = self.spool.ring.capacity() / 16 * 13;
        let until = Instant::now() + limit;
        loop {
            let now = Instant::now();
            std::thread::sleep(LONG_PAUSE.min(until.saturating_duration_since(now)));
            let last = now >= until || self.spool.ring.closed();
            if (last || self.spool.ring.held() <= roomy) && self.spool.append(level, line).is_ok() {
                return true;
            }
            if last {
                return false;
            }
        }
    }

    /// Has it end for log calls, as when its file was removed.
    #[cfg(test)]
    pub(crate) fn close(&self) {
        self.spool.ring.close();
    }

    /// Counters of this sender, which sends to `endpoints`.
    pub(crate) fn stats(&self, endpoints: &Endpoints) -> Stats {
        Stats::read(&self.spool, &self.status, endpoints.to_string())
    }

    /// Waits until everything appended before now is delivered, for at most `limit`; not at all
    /// when the endpoint cannot be reached and the spool outlives the program. It uses atomics and
    /// sleeps only, because it also runs at exit, when half of the program is gone.
    pub(crate) fn flush(&self, limit: Duration) -> Flushed {
        let until = Instant::now() + limit;
        let earlier = self.predecessor.map(|sender| sender.flush(limit));
        let mut flushed = self.flush_own(until.saturating_duration_since(Instant::now()));
        if let Some(earlier) = earlier {
            flushed.acked &= earlier.acked;
            flushed.pending += earlier.pending;
            flushed.lost += earlier.lost;
        }
        flushed
    }

    fn flush_own(&self, limit: Duration) -> Flushed {
        let target = self.spool.ring.tail();
        let until = Instant::now() + limit;
        let failures = self.status.failures.load(Ordering::Acquire);
        self.status.connect_now.store(true, Ordering::Release);
        self.status.flushing.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
        let flushed = loop {
            let head = self.spool.ring.control().head.load(Ordering::Acquire);
            let unreachable = !self.status.connected.load(Ordering::Acquire)
                && self.status.failures.load(Ordering::Acquire) > failures;
            let acked = head >= target;
            if acked || (unreachable && self.spool.durable()) || Instant::now() >= until {
                let lost = self.spool.lost().iter().sum();
                break Flushed { acked, pending: target.saturating_sub(head), lost };
            }
            std::thread::sleep(PAUSE);
        };
        self.status.flushing.fetch_sub(1, Ordering::AcqRel);
        flushed
    }

    /// Ends the sender with the program: flushes, waits for the rings of dead senders, closes the
    /// connection, and removes the spool if it is empty.
    pub(crate) fn end(&self, limit: Duration) {
        let until = Instant::now() + limit;
        if let Some(predecessor) = self.predecessor {
            predecessor.end(limit);
        }
        let limit = until.saturating_duration_since(Instant::now());
        self.spool.ring.control().ended.store(1, Ordering::Release);
        if !self.flush_own(limit).acked {
            return;
        }
        let connected = || self.status.connected.load(Ordering::Acquire);
        while self.recovering.load(Ordering::Acquire) > 0 && connected() && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
        self.status.ending.store(true, Ordering::Release);
        self.waker.wake();
        let until = Instant::now() + CLOSE_LIMIT.min(limit);
        while !self.status.ended.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
        // On a busy machine the worker may not get to it.
        if self.spool.unreported() == 0 && self.spool.ring.close_if_empty() {
            self.spool.remove();
        }
    }
}

/// A spool to log to, and those of dead senders.
struct Opened {
    spool: Spool,
    /// `None` if there are none.
    recovery: Option<Recovery>,
    /// Number of records that were discarded to make room.
    discarded: u64,
}

/// Creates the spool, and finds those of dead senders of the same app. Without room for a file, the
/// spool is in memory.
fn open(builder: &Builder) -> io::Result<Opened> {
    let capacity = builder.spool_size as u64;
    let identity = SenderIdentity::current(&builder.app, &builder.host, capacity);
    let path = builder.spool_dir.clone().unwrap_or_else(Directory::default_path);
    if builder.memory_spool || !Directory::SUPPORTED {
        if !builder.memory_spool {
            report(NOT_SURVIVED);
        }
        return Ok(Opened { spool: Spool::anonymous(identity)?, recovery: None, discarded: 0 });
    }
    let mut recovery = None;
    let created = Directory::open_or_create(&path).and_then(|directory| {
        let recovery = recovery.insert(Recovery::new(Arc::clone(&directory), &identity.app));
        recovery.compact();
        recovery.limit(builder.keep as u64);
        create_fitting(&directory, identity.clone(), recovery)
    });
    let spool = created.or_else(|e| {
        // Dead senders' rings are delivered all the same: they may be what fills the directory.
        let cause = e.source().map_or_else(String::new, |cause| format!(": {cause}"));
        report(&format!("{e}{cause}; records wait in memory and do not survive the program"));
        Spool::anonymous(identity)
    })?;
    let discarded = recovery.as_mut().map_or(0, |recovery| recovery.report_discarded(&spool));
    Ok(Opened { spool, recovery: recovery.filter(Recovery::found_any), discarded })
}

/// Creates a spool of the wanted size, or the largest for which there is room. Only for the smallest
/// one are spools of earlier runs discarded.
fn create_fitting(
    directory: &Arc<Directory>,
    mut identity: SenderIdentity,
    recovery: &mut Recovery,
) -> Result<Spool, SpoolError> {
    let wanted = identity.capacity;
    loop {
        match directory.create(identity.clone()) {
            Err(e) if e.is_too_large() && identity.capacity > LEAST_SPOOL => identity.capacity /= 2,
            Err(e) if e.is_no_room() && recovery.make_room(identity.capacity, &e) => {}
            created => {
                if created.is_ok() && identity.capacity < wanted {
                    let size = identity.capacity >> 10;
                    report(&format!("there is room for a spool of {size} KiB only"));
                }
                return created;
            }
        }
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
