//! The file of a living spool that somebody removed, as systemd-logind does when a user's last session
//! ends (`RemoveIPC=`). Its records are then in memory that nothing but the process holds.
//!
//! The program goes on with another sender, and so with another file. What is not delivered yet is
//! copied into a file too, and the worker ends once it has delivered it.

#[cfg(all(test, target_os = "linux", not(netlog_portable)))]
mod tests;

use super::status::WorkerStatus;
use crate::spool::Spool;
use crate::stderr::report;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Interval between checks of the file.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Watches the file of a program's spool.
pub(crate) struct SpoolWatch {
    /// Has the program log to another sender; `false` if it cannot yet.
    succeed: fn() -> bool,
    next_check: Cell<Instant>,
    succeeded: Cell<bool>,
    /// Mapping of the copy, which keeps it locked.
    copy: RefCell<Option<Spool>>,
}

impl SpoolWatch {
    pub(crate) fn new(succeed: fn() -> bool) -> Self {
        Self {
            succeed,
            next_check: Cell::new(Instant::now() + CHECK_INTERVAL),
            succeeded: Cell::new(false),
            copy: RefCell::default(),
        }
    }

    /// `true` once the program has another sender.
    pub(super) fn has_successor(&self) -> bool {
        self.succeeded.get()
    }

    /// Checks the file if that is due.
    pub(super) fn check(&self, spool: &Spool, status: &WorkerStatus) {
        let now = Instant::now();
        if now < self.next_check.get() {
            return;
        }
        self.next_check.set(now + CHECK_INTERVAL);
        if !self.succeeded.get() && spool.is_removed() && (self.succeed)() {
            let path = spool.path().unwrap_or_default();
            report(&format!("{} was removed; a new spool takes its place", path.display()));
            self.succeeded.set(true);
            // A log call that still has this ring, and has not begun to write, goes to the successor.
            spool.ring.close();
        }
        // A log call that began before may still be copying its record.
        if self.succeeded.get() && spool.ring.settled() {
            self.restore(spool);
            status.ending.store(true, Ordering::Release);
        }
    }

    fn restore(&self, spool: &Spool) {
        if spool.ring.held() == 0 || !spool.is_removed() {
            return;
        }
        match spool.restore_file() {
            Ok(copy) => *self.copy.borrow_mut() = copy,
            Err(e) => {
                let cause = e.source().map_or_else(String::new, |cause| format!(": {cause}"));
                report(&format!("{e}{cause}; a crash loses what is not delivered yet"));
            }
        }
    }
}
