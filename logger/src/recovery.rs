//! Spools of dead programs: kept as small as possible, discarded when there is no room, delivered in
//! the background.

use crate::spool::{Directory, RingEntry, Spool, SpoolError};
use crate::stderr::report;
use crate::worker::{Context, Destination, RetryPolicy, Worker};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Pauses before further looks for dead programs, because one may still be ending: the parent of a
/// daemon, or a predecessor that was just killed.
const RESCANS: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
];

/// The spools that dead programs of one app left behind.
pub(crate) struct Recovery {
    directory: Arc<Directory>,
    app: String,
    /// Spools at the start of this program, the oldest first, also of running programs.
    rings: VecDeque<RingEntry>,
    found_any: bool,
    discarded: Discarded,
}

/// Records that were given up.
#[derive(Default)]
struct Discarded {
    spools: u64,
    by_level: [u64; 5],
}

impl Recovery {
    pub(crate) fn new(directory: Arc<Directory>, app: &str) -> Self {
        let rings = VecDeque::from(directory.rings(Some(app), |_| {}));
        let found_any = !rings.is_empty();
        Self { directory, app: app.to_owned(), rings, found_any, discarded: Discarded::default() }
    }

    /// Gives back the memory of dead programs' rings that holds no records.
    pub(crate) fn compact(&mut self) {
        let full_size = |entry: &&mut RingEntry| entry.allocated >= entry.len / 2;
        for entry in self.rings.iter_mut().filter(full_size) {
            if let Ok(Some(spool)) = self.directory.adopt(&entry.name) {
                spool.ring.compact();
                entry.allocated = self.directory.allocated(&entry.name);
            }
        }
    }

    /// `true` if there were spools, of dead or running programs.
    pub(crate) fn found_any(&self) -> bool {
        self.found_any
    }

    /// Discards the oldest spools of dead programs until the others take at most `keep` bytes.
    pub(crate) fn limit(&mut self, keep: u64) {
        self.rings.retain(|entry| self.directory.is_of_the_dead(&entry.name));
        let mut total: u64 = self.rings.iter().map(|entry| entry.allocated).sum();
        while total > keep
            && let Some(entry) = self.rings.pop_front()
        {
            total -= entry.allocated;
            self.discard(&entry);
        }
    }

    /// Discards the oldest spool to make room for a new one of `capacity`; `false` when there is
    /// none, or when even all of them would not be enough.
    pub(crate) fn make_room(&mut self, capacity: u64, error: &SpoolError) -> bool {
        self.rings.retain(|entry| self.directory.is_of_the_dead(&entry.name));
        let gain: u64 = self.rings.iter().map(|entry| entry.allocated).sum();
        // What the file system has free is not free for a user beyond a quota.
        let free = if error.is_quota() { 0 } else { self.directory.free() };
        if free.saturating_add(gain) < Directory::size_of_ring(capacity) {
            return false;
        }
        while let Some(entry) = self.rings.pop_front() {
            if self.discard(&entry) {
                return true;
            }
        }
        false
    }

    fn discard(&mut self, entry: &RingEntry) -> bool {
        let Ok(Some(spool)) = self.directory.adopt(&entry.name) else { return false };
        let records = spool.levels();
        let unreported = spool.unreported_by_level();
        for (total, count) in self.discarded.by_level.iter_mut().zip(records.iter().zip(unreported))
        {
            *total += count.0 + count.1;
        }
        self.discarded.spools += 1;
        spool.remove();
        true
    }

    /// Reports the discarded records on stderr, and counts them as lost by `heir`, which reports them
    /// in its stream. Returns their number.
    pub(crate) fn report_discarded(&mut self, heir: &Spool) -> u64 {
        let Discarded { spools, by_level } = std::mem::take(&mut self.discarded);
        if spools == 0 {
            return 0;
        }
        for (level, count) in netlog_wire::Level::ALL.into_iter().zip(by_level) {
            heir.lose(level, count);
        }
        let records: u64 = by_level.iter().sum();
        report(&format!(
            "discarded {records} records in spools of earlier runs to make room ({spools} of them)"
        ));
        records
    }

    /// Delivers the spools one after the other, the oldest first, beside the living stream. `busy` is
    /// 1 at first, and above 0 while there is something to deliver.
    pub(crate) fn deliver(&self, destination: &Arc<Destination>, busy: &AtomicUsize) {
        self.deliver_found(destination, busy, |line| report(&line));
        busy.fetch_sub(1, Ordering::AcqRel);
        for pause in RESCANS {
            std::thread::sleep(pause);
            self.deliver_found(destination, busy, |_| {});
        }
    }

    fn deliver_found(
        &self,
        destination: &Arc<Destination>,
        busy: &AtomicUsize,
        complain: impl Fn(String),
    ) {
        for entry in self.directory.rings(Some(&self.app), &complain) {
            let Some(spool) = self.directory.adopt_or(&entry.name, &complain) else { continue };
            busy.fetch_add(1, Ordering::AcqRel);
            let context =
                Context::new(Arc::new(spool), Arc::clone(destination), RetryPolicy::Quiet);
            let _ = Worker { context }.run();
            busy.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(all(target_os = "linux", not(netlog_portable)))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SenderIdentity;
    use std::io;
    use std::time::Instant;

    #[test]
    fn beyond_a_quota_no_earlier_run_is_discarded_for_a_spool_that_cannot_be_had_even_so() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open_or_create(dir.path()).unwrap();
        drop(directory.create(SenderIdentity::current("app", "host", 1 << 16)).unwrap());
        let error = |kind: io::ErrorKind| SpoolError {
            path: dir.path().into(),
            action: "create the spool",
            cause: kind.into(),
        };
        let quota = error(io::ErrorKind::QuotaExceeded);
        let mut recovery = Recovery::new(Arc::clone(&directory), "app");
        assert!(!recovery.make_room(1 << 20, &quota));
        assert_eq!(directory.rings(None, |_| {}).len(), 1);
        // One as small as the dead one's. A child of another test may hold its lock for a moment.
        let until = Instant::now() + Duration::from_secs(10);
        let discarded = || Recovery::new(Arc::clone(&directory), "app").make_room(1 << 16, &quota);
        while !discarded() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(directory.rings(None, |_| {}).is_empty());
    }
}
