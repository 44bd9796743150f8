//! The ways in, and the one way from all of them to the hub.

mod bounds;
mod connection;
mod datagrams;
mod drops;
mod endpoint;
mod gaps;
pub(crate) mod passed;
mod places;
mod socket_file;
mod stream;
pub(crate) mod tcp;
pub(crate) mod udp;

use crate::decode::Foreign;
use crate::hub::marks::Marks;
use crate::hub::submission::HubHandle;
use crate::senders::peer::Peer;
use crate::senders::registry::Senders;
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::SetOnce;

pub(crate) use bounds::Bounds;
pub(crate) use connection::Limits;
pub(crate) use datagrams::Datagrams;
pub use endpoint::{Address, Endpoint, UnknownEndpoint};
pub(crate) use endpoint::{Bound, Transport};
pub(crate) use places::Places;
pub(crate) use stream::Listener;

/// How much is read at once.
pub(crate) const READ: usize = 64 << 10;

/// How much of a line that has not ended every connection may hold, whatever the others do.
const FREE: usize = 4 << 10;

/// How long an intake goes on reading what the kernel has received when the collector ends.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// How long a sink may go on failing once the collector is to end.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(5);

/// What every intake is given.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) hub: HubHandle,
    pub(crate) marks: Arc<Marks>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) stderr: StderrLog,
    pub(crate) bounds: Arc<Bounds>,
    /// A bit for each foreign protocol that has been complained about.
    pub(crate) told: Arc<AtomicU32>,
    /// Where only those are heard who show one.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Set when the collector is to end.
    pub(crate) stop: Arc<SetOnce<()>>,
}

impl Shared {
    /// Counts a peer that speaks what is not taken. It is said once for each such protocol: a
    /// program that is set up wrongly tries again and again.
    pub(crate) fn refuse(&self, foreign: Foreign, peer: Peer) {
        self.stats.foreign_refused.add(1);
        let bit = 1 << foreign as u32;
        if self.told.fetch_or(bit, Relaxed) & bit == 0 {
            self.stderr.log(format_args!("refused {peer}, which sends {foreign}; said only once"));
        } else {
            self.stderr.debug(format_args!("refused {peer}, which sends {foreign}"));
        }
    }

    /// Waits until the collector is to end.
    pub(crate) async fn stopped(&self) {
        self.stop.wait().await;
    }
}
