//! The datagram intakes, UDP and Unix: one task per socket. A datagram is a record, several lines, or part of one.

use super::datagram_socket::{DatagramSocket, ReceivedDatagram};
use super::kernel_drops::KernelDrops;
use super::sequence_gaps::{SequenceGaps, SequenceLoss};
use super::shared::{DRAIN, Shared};
use crate::clock::now;
use crate::decode::{Chunks, Datagram, Origin, Pinned, count_cut};
use crate::hub::coalesce::note_read;
use crate::hub::line_run::{LineRun, Source};
use crate::senders::peer::Peer;
use crate::stats::{Stats, Tally};
use netlog_wire::{Identity, Level, Record};
use std::io;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

/// The most bytes of datagrams that become one run.
const BURST: usize = 256 << 10;

/// What a datagram counts as at least, so that a burst of small ones takes about a millisecond.
const LEAST: usize = 256;

/// How often losses are looked for while datagrams come or are missing.
const LOOK: Duration = Duration::from_millis(500);

/// Longer than it takes tokio to learn from the kernel that datagrams wait.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Receives until the collector is to end, then takes what the kernel has received already.
pub(crate) async fn run(socket: DatagramSocket, pin: Option<Pinned>, shared: Shared) {
    let mut intake = DatagramIntake {
        drops: socket.drops(),
        buffer: vec![0; socket.room()],
        socket,
        gaps: SequenceGaps::default(),
        chunks: Chunks::new(shared.limits.max_chunked),
        pin,
        progress: false,
        tally: Tally::default(),
        from: None,
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

struct DatagramIntake {
    socket: DatagramSocket,
    buffer: Vec<u8>,
    gaps: SequenceGaps,
    chunks: Chunks,
    pin: Option<Pinned>,
    drops: Option<KernelDrops>,
    /// Whether any datagrams came since losses were looked for.
    progress: bool,
    /// What the burst came to so far.
    tally: Tally,
    /// Who sent last: mostly who sends next.
    from: Option<(Peer, Origin)>,
}

impl DatagramIntake {
    /// Takes what datagrams there are, up to a limit, as one run; `false` when there were none.
    async fn burst(&mut self, shared: &Shared) -> bool {
        // Datagrams are records, not single bytes, as a rule.
        let room = shared.hub.reserve(4 * (BURST + self.buffer.len())).await;
        let Ok(room) = room else { return false };
        let (mut runs, started) = (Vec::<LineRun>::new(), Instant::now());
        let (mut received, mut taken) = (0, 0);
        let mut datagrams = Vec::new();
        while taken < BURST {
            match self.socket.try_receive(&mut self.buffer, &mut datagrams) {
                Ok(()) => {
                    for datagram in datagrams.drain(..) {
                        note_read(datagram.place.len());
                        received += datagram.place.len().max(LEAST);
                        self.take(datagram, (&mut runs, started), shared);
                    }
                    // What was packed may have become much more than came.
                    taken = received.max(runs.iter().map(|run| run.lines.len() / 4).sum());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error here is about an earlier datagram of ours, and we send none.
                Err(_) => {}
            }
        }
        self.tally.settle(&shared.stats);
        self.count_chunks(&shared.stats);
        shared.hub.give(runs, room);
        if taken >= BURST {
            // Otherwise whoever always has more to send would keep the thread from all others.
            yield_now().await;
        }
        taken > 0
    }

    fn take(
        &mut self,
        ReceivedDatagram { place, cut, peer }: ReceivedDatagram,
        (runs, started): (&mut Vec<LineRun>, Instant),
        shared: &Shared,
    ) {
        let from = self.from.take().filter(|(address, _)| *address == peer);
        let (_, origin) = self.from.insert(from.unwrap_or_else(|| (peer, Origin::new(peer))));
        shared.stats.datagrams.add(1);
        shared.stats.bytes_in.add((place.len() + cut) as u64);
        if shared.tokens.is_some() {
            return shared.stats.strangers_refused.add(1);
        }
        count_cut(cut as u64, &shared.stats);
        let (stats, tally, max_line) = (&shared.stats, &self.tally, shared.limits.max_line);
        let datagram = Datagram { origin, stats, tally, max_line, pin: self.pin, received: now() };
        let before = total(runs);
        let taken = datagram.take(&mut self.buffer[place], (peer, &mut self.chunks), runs);
        let (records, bytes) = total(runs);
        shared.senders.datagram(peer, records - before.0, bytes - before.1);
        match taken {
            Ok(Some(numbered)) => {
                let place = (numbered.sender, numbered.number);
                self.gaps.saw(place, started, || numbered.identity());
            }
            Ok(None) => {}
            Err(error) => shared.refuse(&error, peer),
        }
    }

    /// Whether losses may be found if they are looked for.
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
    async fn report(&mut self, shared: &Shared) {
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

/// How many records and bytes there are in `runs`.
fn total(runs: &[LineRun]) -> (u64, u64) {
    runs.iter().fold((0, 0), |sum, run| (sum.0 + run.count, sum.1 + run.lines.len() as u64))
}
