//! The way from the intakes to the hub, bounded in bytes.

use super::line_run::LineRun;
use crate::layout::forwarded::LossRecord;
use crate::senders::identity::Sender;
use crate::stats::Stats;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The least room a submission takes, so that their number is bounded too.
const LEAST: usize = 4 << 10;

/// Runs of one read on their way to the hub, and the room they take there.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) runs: Vec<LineRun>,
    /// Told where the runs are, if they are the report of a loss.
    pub(crate) loss: Option<LossRecord>,
    /// A sender that ended without a word, all of whose records have been delivered by another.
    pub(crate) recovered: Option<Arc<Sender>>,
    /// Answered when all up to here is in the sinks; dropped when it never will be.
    pub(crate) settled: Option<oneshot::Sender<()>>,
    /// The same, once it was forwarded too if `--ack both` says so.
    pub(crate) acked: Option<oneshot::Sender<()>>,
    /// Held until the hub is done with the batch: this is what bounds memory and slows readers.
    pub(crate) room: OwnedSemaphorePermit,
}

impl Submission {
    fn empty(room: OwnedSemaphorePermit) -> Self {
        Self { runs: Vec::new(), loss: None, recovered: None, settled: None, acked: None, room }
    }

    pub(super) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.lines.len()).sum()
    }
}

/// The way to the hub, bounded in bytes.
#[derive(Debug, Clone)]
pub(crate) struct HubHandle {
    room: Arc<Semaphore>,
    bytes: usize,
    submissions: SyncSender<Submission>,
    stats: Arc<Stats>,
}

/// A feed of so many bytes, and the end that the hub takes submissions from.
pub(crate) fn feed(bytes: usize, stats: Arc<Stats>) -> (HubHandle, Receiver<Submission>) {
    let (submissions, receiver) = sync_channel(bytes / LEAST);
    (HubHandle { room: Arc::new(Semaphore::new(bytes)), bytes, submissions, stats }, receiver)
}

/// The hub takes nothing any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl HubHandle {
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
    pub(crate) fn give(&self, runs: Vec<LineRun>, mut room: OwnedSemaphorePermit) {
        if runs.is_empty() {
            return;
        }
        let bytes = runs.iter().map(|run| run.lines.capacity()).sum::<usize>().max(LEAST);
        let spare = room.num_permits().saturating_sub(bytes);
        drop(room.split(spare));
        self.send(Submission { runs, ..Submission::empty(room) });
    }

    /// Hands over the record of a loss.
    pub(crate) fn give_loss(&self, run: LineRun, loss: LossRecord, room: OwnedSemaphorePermit) {
        let loss = Some(loss);
        self.send(Submission { runs: vec![run], loss, ..Submission::empty(room) });
    }

    /// Reports that all records of a dead sender have been delivered.
    pub(crate) async fn recovered(&self, sender: Arc<Sender>) {
        if let Ok(room) = self.reserve(LEAST).await {
            let recovered = Some(sender);
            self.send(Submission { recovered, ..Submission::empty(room) });
        }
    }

    /// Waits until all that was given before is in the sinks, or never will be.
    pub(crate) async fn settled(&self) -> Result<(), Closed> {
        let room = self.reserve(LEAST).await?;
        let (tell, settled) = oneshot::channel();
        self.send(Submission { settled: Some(tell), ..Submission::empty(room) });
        settled.await.map_err(|_| Closed)
    }

    /// Waits until all that was given before may be acknowledged: until it is in the sinks, and was
    /// forwarded if `--ack both` says so.
    pub(crate) async fn acked(&self) -> Result<(), Closed> {
        let room = self.reserve(LEAST).await?;
        let (tell, acked) = oneshot::channel();
        self.send(Submission { acked: Some(tell), ..Submission::empty(room) });
        acked.await.map_err(|_| Closed)
    }

    /// Every submission holds at least [`LEAST`] of the room, so that the channel always has a place.
    fn send(&self, submission: Submission) {
        // The hub only goes away when the collector gives up, and says then what was not written.
        let _ = self.submissions.try_send(submission);
    }

    /// The room, to be closed when the hub is gone, so that nobody waits for it any more.
    pub(crate) fn room(&self) -> Arc<Semaphore> {
        self.room.clone()
    }
}
