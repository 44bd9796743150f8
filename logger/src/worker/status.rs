//! Flags between a worker and its program.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// Flags shared by a worker and its program.
#[derive(Default)]
pub(crate) struct WorkerStatus {
    pub(crate) connected: AtomicBool,
    /// Time of the connection in microseconds since 1970; 0 without one.
    pub(crate) connected_since: AtomicU64,
    /// Number of failed connections and attempts to connect.
    pub(crate) failures: AtomicU64,
    /// Number of flushes that wait.
    pub(crate) flushing: AtomicU32,
    /// A flush has begun: the next attempt to connect is due now.
    pub(crate) connect_now: AtomicBool,
    /// The program ends: close the connection when all is delivered, and remove the spool.
    pub(crate) ending: AtomicBool,
    /// The worker has done so.
    pub(crate) ended: AtomicBool,
}
