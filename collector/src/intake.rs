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
use crate::marks::Marks;
use crate::peer::Peer;
use crate::run::{Parcel, Run};
use crate::sender::Sender;
use crate::senders::Senders;
use crate::stats::Stats;
use crate::tokens::Tokens;
use crate::voice::Voice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SetOnce, oneshot};

pub(crate) use bounds::Bounds;
pub(crate) use connection::Limits;
pub(crate) use datagrams::Datagrams;
pub use endpoint::{Address, Endpoint, UnknownEndpoint};
pub(crate) use endpoint::{Bound, Transport};
pub(crate) use places::Places;
pub(crate) use stream::Listener;

/// The least room a parcel takes, so that their number is bounded too.
const LEAST: usize = 4 << 10;

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
pub(crate) struct Wiring {
    pub(crate) feed: Feed,
    pub(crate) marks: Arc<Marks>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) voice: Voice,
    pub(crate) bounds: Arc<Bounds>,
    /// A bit for each foreign protocol that has been complained about.
    pub(crate) told: Arc<AtomicU32>,
    /// Where only those are heard who show one.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Set when the collector is to end.
    pub(crate) stop: Arc<SetOnce<()>>,
}

impl Wiring {
    /// Counts a peer that speaks what is not taken. It is said once for each such protocol: a
    /// program that is set up wrongly tries again and again.
    pub(crate) fn refuse(&self, foreign: Foreign, peer: Peer) {
        self.stats.foreign_refused.add(1);
        let bit = 1 << foreign as u32;
        if self.told.fetch_or(bit, Relaxed) & bit == 0 {
            self.voice.say(format_args!("refused {peer}, which sends {foreign}; said only once"));
        } else {
            self.voice.debug(format_args!("refused {peer}, which sends {foreign}"));
        }
    }

    /// Waits until the collector is to end.
    pub(crate) async fn stopped(&self) {
        self.stop.wait().await;
    }
}

/// The way to the hub, bounded in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    room: Arc<Semaphore>,
    bytes: usize,
    parcels: SyncSender<Parcel>,
    stats: Arc<Stats>,
}

/// A feed of so many bytes, and the end that the hub takes parcels from.
pub(crate) fn feed(bytes: usize, stats: Arc<Stats>) -> (Feed, Receiver<Parcel>) {
    let (parcels, receiver) = sync_channel(bytes / LEAST);
    (Feed { room: Arc::new(Semaphore::new(bytes)), bytes, parcels, stats }, receiver)
}

/// The hub takes nothing any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl Feed {
    /// Waits until there is room for `bytes` more on their way; this wait is the backpressure.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Closed> {
        let bytes = u32::try_from(bytes.clamp(LEAST, self.bytes)).map_err(|_| Closed)?;
        if let Ok(room) = self.room.clone().try_acquire_many_owned(bytes) {
            return Ok(room);
        }
        self.stats.reads_delayed.add(1);
        self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Closed)
    }

    /// Hands runs to the hub, and gives back the room they turned out not to need.
    pub(crate) fn give(&self, runs: Vec<Run>, mut room: OwnedSemaphorePermit) {
        if runs.is_empty() {
            return;
        }
        let bytes = runs.iter().map(|run| run.lines.capacity()).sum::<usize>().max(LEAST);
        let spare = room.num_permits().saturating_sub(bytes);
        drop(room.split(spare));
        self.send(Parcel { runs, recovered: None, settled: None, room });
    }

    /// Tells the hub that all a dead sender left has been delivered.
    pub(crate) async fn recovered(&self, sender: Arc<Sender>) {
        if let Ok(room) = self.reserve(LEAST).await {
            let (runs, recovered) = (Vec::new(), Some(sender));
            self.send(Parcel { runs, recovered, settled: None, room });
        }
    }

    /// Waits until all that was given before is in the sinks, or never will be.
    pub(crate) async fn settled(&self) -> Result<(), Closed> {
        let room = self.reserve(LEAST).await?;
        let (tell, settled) = oneshot::channel();
        self.send(Parcel { runs: Vec::new(), recovered: None, settled: Some(tell), room });
        settled.await.map_err(|_| Closed)
    }

    /// Every parcel holds at least [`LEAST`] of the room, so that the channel always has a place.
    fn send(&self, parcel: Parcel) {
        // The hub only goes away when the collector gives up, and says then what was not written.
        let _ = self.parcels.try_send(parcel);
    }

    /// The room, to be closed when the hub is gone, so that nobody waits for it any more.
    pub(crate) fn room(&self) -> Arc<Semaphore> {
        self.room.clone()
    }
}
