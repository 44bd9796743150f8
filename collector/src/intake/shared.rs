//! The context that every intake is given.

use super::limits::IntakeLimits;
use crate::hub::marks::Marks;
use crate::hub::submission::HubHandle;
use crate::senders::peer::Peer;
use crate::senders::peer_error::PeerError;
use crate::senders::registry::Senders;
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::SetOnce;

/// Bytes read at once.
pub(crate) const READ: usize = 64 << 10;

/// Bytes of an unfinished line that every connection may hold, whatever the others do.
pub(super) const FREE: usize = 4 << 10;

/// Time for an intake to read what the kernel has received when the collector ends.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// Time for a sink to recover when the collector ends.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(5);

/// Shared by all intakes.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) hub: HubHandle,
    pub(crate) marks: Arc<Marks>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) stderr: StderrLog,
    pub(crate) limits: Arc<IntakeLimits>,
    /// A bit for each unsupported protocol that has been reported.
    pub(crate) reported: Arc<AtomicU32>,
    /// Required of every sender, if there are any.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Set when the collector is to end.
    pub(crate) stop: Arc<SetOnce<()>>,
}

impl Shared {
    /// Counts a peer with an unsupported protocol. Each protocol is reported once: a program that is
    /// set up wrongly tries again and again.
    pub(crate) fn refuse(&self, error: &PeerError, peer: Peer) {
        let PeerError::Unsupported(protocol) = error else { return };
        self.stats.foreign_refused.add(1);
        let bit = 1 << *protocol as u32;
        if self.reported.fetch_or(bit, Relaxed) & bit == 0 {
            self.stderr.log(format_args!(
                "refused {peer}: unsupported protocol: {protocol}; reported once"
            ));
        } else {
            self.stderr.debug(format_args!("refused {peer}: unsupported protocol: {protocol}"));
        }
    }

    /// Waits until the collector is to end.
    pub(crate) async fn stopped(&self) {
        self.stop.wait().await;
    }
}
