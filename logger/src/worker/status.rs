//! Flags between a worker and its program.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, PoisonError};

/// Flags shared by a worker and its program.
#[derive(Default)]
pub(crate) struct WorkerStatus {
    pub(crate) connected: AtomicBool,
    /// Time of the connection in microseconds since 1970; 0 without one.
    pub(crate) connected_since: AtomicU64,
    /// Address of the other side, while there is a connection.
    pub(crate) peer: Mutex<Option<SocketAddr>>,
    /// Number of records appended to the spool, as far as the worker has counted them.
    pub(crate) accepted: AtomicU64,
    /// Records lost because they are too long for a datagram.
    pub(crate) too_long: AtomicU64,
    /// Records of earlier runs that were discarded to make room.
    pub(crate) discarded: AtomicU64,
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

impl WorkerStatus {
    pub(super) fn set_peer(&self, peer: Option<SocketAddr>) {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
    }
}
