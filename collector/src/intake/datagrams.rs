//! The datagram intakes, UDP and Unix: one task per socket. A datagram is a record, several lines, or part of one.

use super::datagram_socket::{DatagramSocket, ReceivedDatagram};
use super::kernel_drops::KernelDrops;
use super::sequence_gaps::{Seen, SequenceGaps, SequenceLoss};
use super::shared::{DRAIN, IntakeContext};
use crate::clock::now;
use crate::decode::{Chunks, Datagram, Origin, Pinned, count_cut, most_of_datagram};
use crate::hub::coalesce::note_read;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::submission::{Closed, HubHandle};
use crate::senders::peer::Peer;
use crate::stats::{Stats, Tally};
use netlog_wire::{Identity, Level, Record};
use std::collections::HashMap;
use std::io;
use std::mem::take;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

/// The most bytes of datagrams that become one run.
const BURST: usize = 256 << 10;

/// Bytes that a datagram counts as at least, so that a burst of small ones takes about a millisecond.
const LEAST: usize = 256;

/// Reserved for the records of a burst at first: datagrams are records, not single bytes, as a rule.
const ROOM: usize = 4 * BURST;

/// Interval between searches for losses while datagrams come or are missing.
const LOOK: Duration = Duration::from_millis(500);

/// Peers whose stamps are kept.
const ORIGINS: usize = 256;

/// Longer than it takes tokio to learn from the kernel that datagrams wait.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Receives until the collector is to end, then takes what the kernel has received already.
pub(crate) async fn run(socket: DatagramSocket, pin: Option<Pinned>, shared: IntakeContext) {
    let mut intake = DatagramIntake {
        drops: socket.drops(),
        buffer: vec![0; socket.room()],
        socket,
        gaps: SequenceGaps::default(),
        chunks: Chunks::new(shared.limits.max_chunked),
        pin,
        progress: false,
        tally: Tally::default(),
        origins: OriginCache::default(),
        received: Vec::new(),
    };
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shared.stopped() => break,
            _ = look.tick(), if intake.waits() => intake.report(&shared).await,
            ready = intake.socket.readable() => {
                if ready.is_ok() {
                    intake.progress |= intake.burst(&shared).await;
                }
            }
        }
    }
    intake.socket.hide();
    let deadline = tokio::time::Instant::now() + DRAIN;
    while tokio::time::Instant::now() < deadline
        && let Ok(Ok(())) = timeout(LAST_LOOK, intake.socket.readable()).await
        && let Ok(true) = timeout_at(deadline, intake.burst(&shared)).await
    {}
    intake.report(&shared).await;
}

/// The stamps of the peers that sent lately.
#[derive(Default)]
struct OriginCache(HashMap<Peer, Origin>);

impl OriginCache {
    fn of(&mut self, peer: Peer) -> &Origin {
        if self.0.len() >= ORIGINS && !self.0.contains_key(&peer) {
            self.0.clear();
        }
        self.0.entry(peer).or_insert_with(|| Origin::new(peer))
    }
}

struct DatagramIntake {
    socket: DatagramSocket,
    buffer: Vec<u8>,
    gaps: SequenceGaps,
    chunks: Chunks,
    pin: Option<Pinned>,
    drops: Option<KernelDrops>,
    /// Datagrams came since the last search for losses.
    progress: bool,
    /// Size of the burst so far.
    tally: Tally,
    origins: OriginCache,
    /// The datagrams that came together.
    received: Vec<ReceivedDatagram>,
}

/// The records of a burst so far, and the room that is reserved for them.
struct Burst {
    runs: Vec<LineRun>,
    room: OwnedSemaphorePermit,
    started: Instant,
}

impl Burst {
    /// Makes sure that `more` bytes of records find room: else what there is goes to the hub first.
    async fn make_room(&mut self, more: usize, hub: &HubHandle) -> Result<(), Closed> {
        let made: usize = self.runs.iter().map(|run| run.lines.len()).sum();
        if made + more > self.room.num_permits() && !self.runs.is_empty() {
            let room = self.room.split(self.room.num_permits()).ok_or(Closed)?;
            hub.give(take(&mut self.runs), room);
            self.room = hub.reserve(more.max(ROOM)).await?;
        }
        Ok(())
    }
}

impl DatagramIntake {
    /// Takes the datagrams that wait, up to a limit; `false` when there were none.
    async fn burst(&mut self, shared: &IntakeContext) -> bool {
        let Ok(room) = shared.hub.reserve(ROOM).await else { return false };
        let mut burst = Burst { runs: Vec::new(), room, started: Instant::now() };
        let mut received = 0;
        while received < BURST {
            match self.socket.try_receive(&mut self.buffer, &mut self.received) {
                Ok(()) => {
                    for at in 0..self.received.len() {
                        let len = self.received[at].place.len();
                        note_read(len);
                        received += len.max(LEAST);
                        if self.take(at, &mut burst, shared).await.is_err() {
                            return false;
                        }
                    }
                    self.received.clear();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error here is about an earlier datagram of ours, and we send none.
                Err(_) => {}
            }
        }
        self.tally.settle(&shared.stats);
        self.count_chunks(&shared.stats);
        shared.hub.give(burst.runs, burst.room);
        if received >= BURST {
            // Otherwise whoever always has more to send would keep the thread from all others.
            yield_now().await;
        }
        received > 0
    }

    async fn take(
        &mut self,
        at: usize,
        burst: &mut Burst,
        shared: &IntakeContext,
    ) -> Result<(), Closed> {
        let ReceivedDatagram { place, cut, peer } = self.received[at].clone();
        let stats = &shared.stats;
        stats.datagrams.add(1);
        stats.bytes_in.add((place.len() + cut) as u64);
        if shared.tokens.is_some() {
            stats.strangers_refused.add(1);
            return Ok(());
        }
        count_cut(cut as u64, stats);
        let max_line = shared.limits.max_line;
        let most = most_of_datagram(&self.buffer[place.clone()], self.origins.of(peer), max_line);
        burst.make_room(most, &shared.hub).await?;
        let origin = self.origins.of(peer);
        let tally = &self.tally;
        let datagram =
            Datagram { origin, peer, stats, tally, max_line, pin: self.pin, received: now() };
        let bytes = &mut self.buffer[place];
        let before = total(&burst.runs);
        let taken = datagram.take(bytes, &mut self.chunks, &mut burst.runs);
        let (records, len) = total(&burst.runs);
        shared.senders.datagram(peer, records - before.0, len - before.1);
        match taken {
            Ok(Some(numbered)) => {
                let seen =
                    Seen { sender: numbered.sender, number: numbered.number, now: burst.started };
                self.gaps.saw(seen, || numbered.identity());
            }
            Ok(None) => {}
            Err(error) => shared.refuse(&error, peer),
        }
        Ok(())
    }

    /// True if there may be losses to find.
    fn waits(&self) -> bool {
        self.progress || self.gaps.any() || self.chunks.any()
    }

    /// Counts the parts of messages that became none.
    fn count_chunks(&mut self, stats: &Stats) {
        self.chunks.expire(now());
        let counts = self.chunks.counts();
        stats.chunked_expired.add(counts.expired);
        stats.chunked_crowded_out.add(counts.crowded_out);
        stats.chunks_malformed.add(counts.malformed);
        stats.chunks_repeated.add(counts.repeated);
    }

    /// Writes a record for what the kernel dropped and for what has been missing for too long.
    async fn report(&mut self, shared: &IntakeContext) {
        self.count_chunks(&shared.stats);
        self.progress = false;
        let mut run = LineRun::new(Source::Plain, 1, 0);
        let dropped = self.drops.as_mut().map_or(0, KernelDrops::more);
        if dropped > 0 {
            shared.stats.datagrams_dropped.add(dropped);
            let mut record = loss(format!("the kernel dropped {dropped} datagrams"));
            // Not as `lost`: those with numbers are missed, and told of, one by one.
            record.kv.push(("dropped".into(), dropped.to_string().into()));
            run.record(&record, &Identity::default());
        }
        for SequenceLoss { identity, lost } in self.gaps.due(Instant::now()) {
            shared.stats.datagrams_lost.add(lost);
            let mut record = loss(format!("{lost} datagrams never came"));
            record.lost = Some(lost);
            run.record(&record, &identity);
        }
        if run.count == 0 {
            return;
        }
        if let Ok(room) = shared.hub.reserve(run.lines.len()).await {
            shared.hub.give(vec![run], room);
        }
    }
}

fn loss(msg: String) -> Record<'static> {
    let mut record = Record::new(now(), Level::Warn, msg);
    record.target = Some("netlog".into());
    record
}

/// Numbers of records and bytes in `runs`.
fn total(runs: &[LineRun]) -> (u64, u64) {
    runs.iter().fold((0, 0), |sum, run| (sum.0 + run.count, sum.1 + run.lines.len() as u64))
}
