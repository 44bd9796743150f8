//! Counters of a running logger, for a metrics endpoint or a health check.

use crate::spool::Spool;
use crate::worker::WorkerStatus;
use netlog_wire::Level;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// Counters of this process' logger, since it started. Read with [`stats`](crate::stats()).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Address the records are sent to.
    pub endpoint: String,
    /// Address of the other side, while there is a connection; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Time of the connection, while there is one.
    pub connected_since: Option<SystemTime>,
    /// Number of records appended to the spool. The worker counts them, so that log calls need not:
    /// usually within 50 ms, while the endpoint is slow or cannot be reached within seconds.
    pub accepted: u64,
    /// Number of records that were delivered.
    pub delivered: u64,
    /// Number of accepted records that wait in the spool.
    pub pending: u64,
    /// Bytes of records appended to the spool, with a few for each record's place in it.
    pub accepted_bytes: u64,
    /// Bytes of records that were delivered, counted in the same way.
    pub delivered_bytes: u64,
    /// Bytes of records that wait in the spool.
    pub pending_bytes: u64,
    /// Number of records lost because the spool was full, or discarded with the spools of earlier runs,
    /// by level, most severe first.
    pub lost: [u64; 5],
    /// Number of those that were discarded with the spools of earlier runs.
    pub lost_discarded: u64,
    /// Number of records lost because they were too long for a datagram; `lost` does not count them.
    pub lost_too_long: u64,
    /// Size of the spool, in bytes.
    pub spool_size: u64,
    /// File of the spool; `None` if it is in ordinary memory and ends with the program.
    pub spool_path: Option<PathBuf>,
}

impl Stats {
    /// Counters of a sender, read without disturbing anybody.
    pub(crate) fn read(spool: &Spool, status: &WorkerStatus, endpoint: String) -> Self {
        let control = spool.ring.control();
        // In this order, so that no more is delivered than was accepted.
        let delivered = spool.ring.first().number.saturating_sub(1);
        let accepted = status.accepted.load(Ordering::Acquire).max(delivered);
        let delivered_bytes = control.head.load(Ordering::Acquire);
        let accepted_bytes = spool.ring.tail();
        let since = status.connected_since.load(Ordering::Acquire);
        Self {
            endpoint,
            peer: status.peer.try_lock().ok().and_then(|peer| *peer),
            connected_since: (since > 0)
                .then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(since)),
            accepted,
            delivered,
            pending: accepted - delivered,
            accepted_bytes,
            delivered_bytes,
            pending_bytes: accepted_bytes.saturating_sub(delivered_bytes),
            lost: spool.lost(),
            lost_discarded: status.discarded.load(Ordering::Relaxed),
            lost_too_long: status.too_long.load(Ordering::Relaxed),
            spool_size: spool.ring.capacity(),
            spool_path: spool.path(),
        }
    }

    /// Number of records of `level` that were lost.
    ///
    /// ```no_run
    /// if let Some(stats) = netlog::stats() {
    ///     println!("netlog_lost_errors {}", stats.lost_of(log::Level::Error));
    /// }
    /// ```
    pub fn lost_of(&self, level: log::Level) -> u64 {
        self.lost[crate::encode::level(level) as usize - Level::Error as usize]
    }
}
