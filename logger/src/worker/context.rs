//! State that a worker works with: its spool, the destination, and the flags it shares with the
//! program.

use crate::builder::Format;
use crate::clock::Calibrator;
use crate::endpoint::Endpoint;
use crate::known_collectors::KnownCollector;
use crate::ring::Owner;
use crate::spool::Spool;
use crate::token::Token;
use crate::waker::Waker;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Address and format of the records, shared by the workers of a process.
pub(crate) struct Destination {
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Token,
    pub(crate) format: Format,
    pub(crate) known: KnownCollector,
}

/// Flags shared by a worker and its program.
#[derive(Default)]
pub(crate) struct WorkerStatus {
    pub(crate) connected: AtomicBool,
    /// Number of failed connections and attempts to connect.
    pub(crate) failures: AtomicU64,
    /// A flush is waiting: the next attempt to connect is due now.
    pub(crate) connect_now: AtomicBool,
    /// The program ends: close the connection when all is delivered, and remove the spool.
    pub(crate) ending: AtomicBool,
    /// The worker has done so.
    pub(crate) ended: AtomicBool,
}

/// A worker's spool and everything it needs to deliver it.
pub(crate) struct Context {
    pub(crate) spool: Arc<Spool>,
    pub(crate) destination: Arc<Destination>,
    pub(crate) waker: Arc<Waker>,
    pub(crate) status: Arc<WorkerStatus>,
    /// The program's own worker calibrates the clock of its log calls.
    pub(crate) clock: Option<RefCell<Calibrator>>,
}

impl Context {
    /// Calibrates the clock of the log calls if that is due.
    pub(super) fn set_clock(&self) {
        if let Some(clock) = &self.clock {
            clock.borrow_mut().set();
        }
    }

    /// Closes the ring if the program ends and everything is delivered.
    pub(super) fn close_at_end(&self) -> bool {
        self.spool.owner == Owner::Alive
            && self.status.ending.load(Ordering::Acquire)
            && self.spool.unreported() == 0
            && self.spool.ring.close_if_empty()
    }

    /// Removes the spool, of which everything is delivered, and says so to the program.
    pub(super) fn finish(&self) {
        self.spool.remove();
        self.status.ended.store(true, Ordering::Release);
    }
}

/// Outcome of a connection.
pub(super) enum ConnectionEnd {
    /// Everything is delivered.
    Done,
    /// The connection was lost.
    Lost { reason: String, took_records: bool },
}
