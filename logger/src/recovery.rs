//! Spools of dead programs: kept as small as possible, discarded when there is no room, delivered in
//! the background.

use crate::spool::{Directory, RingEntry, Spool};
use crate::stderr::report;
use crate::worker::{Context, Destination, RetryPolicy, Worker};
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
        Self { directory, app: app.to_owned(), found_any: false, discarded: Discarded::default() }
    }

    fn rings(&self) -> Vec<RingEntry> {
        self.directory.rings(Some(&self.app), |_| {})
    }

    /// Gives back the memory of dead programs' rings that holds no records.
    pub(crate) fn compact(&self) {
        let rings = self.rings();
        let full_size = rings.into_iter().filter(|entry| entry.allocated >= entry.len / 2);
        for entry in full_size {
            if let Ok(Some(spool)) = self.directory.adopt(&entry.name) {
                spool.ring.compact();
            }
        }
    }

    /// `true` if there are spools, of dead or running programs.
    pub(crate) fn found_any(&self) -> bool {
        self.found_any
    }

    /// Discards the oldest spools until the others take at most `keep` bytes.
    pub(crate) fn limit(&mut self, keep: u64) {
        let rings = self.rings();
        self.found_any = !rings.is_empty();
        let mut total: u64 = rings.iter().map(|entry| entry.allocated).sum();
        for entry in rings {
            if total <= keep {
                return;
            }
            total -= entry.allocated; // also of a running program's, which do not count
            self.discard(&entry);
        }
    }

    /// Discards the oldest spool to make room; `false` when there is none.
    pub(crate) fn make_room(&mut self) -> bool {
        let rings = self.rings();
        rings.iter().any(|entry| self.discard(entry))
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
