//! The UDP intake: one task per socket. Each line of a datagram is a record for itself.

use super::drops::Drops;
use super::gaps::{Gaps, Loss};
use super::{DRAIN, Wiring};
use crate::decode::{Datagram, Origin, now};
use crate::run::{Run, Source};
use netlog_wire::{Identity, Level, Record};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

/// The most bytes of datagrams that become one run.
const BURST: usize = 256 << 10;

/// The longest datagram there is.
const DATAGRAM: usize = 64 << 10;

/// What a burst is taken to become at most: datagrams are records, not single bytes, as a rule.
const ROOM: usize = 4 * (BURST + DATAGRAM);

/// How often losses are looked for while datagrams come or are missing.
const LOOK: Duration = Duration::from_millis(500);

/// Longer than it takes tokio to learn from the kernel that datagrams wait.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Receives until the collector is to end, then takes what the kernel has received already.
pub(crate) async fn run(socket: UdpSocket, wiring: Wiring) {
    let (buffer, drops) = (vec![0; DATAGRAM], Drops::of(&socket).ok());
    let mut intake =
        Intake { socket, buffer, gaps: Gaps::default(), drops, fresh: false, from: None };
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = wiring.stopped() => break,
            _ = look.tick(), if intake.fresh || intake.gaps.any() => intake.report(&wiring).await,
            ready = intake.socket.readable() => {
                if ready.is_ok() {
                    intake.fresh |= intake.burst(&wiring).await;
                }
            }
        }
    }
    let deadline = tokio::time::Instant::now() + DRAIN;
    while tokio::time::Instant::now() < deadline
        && let Ok(Ok(())) = timeout(LAST_LOOK, intake.socket.readable()).await
        && let Ok(true) = timeout_at(deadline, intake.burst(&wiring)).await
    {}
    intake.report(&wiring).await;
}

struct Intake {
    socket: UdpSocket,
    buffer: Vec<u8>,
    gaps: Gaps,
    drops: Option<Drops>,
    /// Whether any datagrams came since losses were looked for.
    fresh: bool,
    /// Who sent last: mostly who sends next.
    from: Option<(SocketAddr, Origin)>,
}

impl Intake {
    /// Takes what datagrams there are, up to a limit, as one run; `false` when there were none.
    async fn burst(&mut self, wiring: &Wiring) -> bool {
        let Ok(room) = wiring.feed.reserve(ROOM).await else { return false };
        let (mut runs, mut taken, started) = (Vec::new(), 0, Instant::now());
        while taken < BURST {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((len, peer)) => {
                    taken += len.max(64);
                    self.take(len, peer, (&mut runs, started), wiring);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error here is about an earlier datagram of ours, and we send none.
                Err(_) => {}
            }
        }
        wiring.feed.give(runs, room);
        taken > 0
    }

    fn take(
        &mut self,
        len: usize,
        peer: SocketAddr,
        (runs, started): (&mut Vec<Run>, Instant),
        wiring: &Wiring,
    ) {
        let from = self.from.take().filter(|(address, _)| *address == peer);
        let (_, origin) = self.from.insert(from.unwrap_or_else(|| (peer, Origin::new(peer))));
        wiring.stats.datagrams.add(1);
        wiring.stats.bytes_in.add(len as u64);
        let datagram = Datagram { origin, stats: &wiring.stats, max_line: wiring.max_line };
        let total =
            |runs: &[Run]| runs.last().map_or((0, 0), |run| (run.count, run.lines.len() as u64));
        let before = total(runs);
        let numbered = datagram.take(&mut self.buffer[..len], runs);
        let (records, bytes) = total(runs);
        let (records, bytes) = (records.saturating_sub(before.0), bytes.saturating_sub(before.1));
        wiring.senders.datagram(peer, records, bytes);
        if let Some(numbered) = numbered {
            let place = (numbered.sender, numbered.number);
            self.gaps.saw(place, started, || numbered.identity());
        }
    }

    /// Writes a record for what the kernel dropped and for what has been missing for too long.
    async fn report(&mut self, wiring: &Wiring) {
        self.fresh = false;
        let mut run = Run::new(Source::Plain, 1, 0);
        let dropped = self.drops.as_mut().map_or(0, Drops::more);
        if dropped > 0 {
            wiring.stats.datagrams_dropped.add(dropped);
            let mut record = loss(format!("the kernel dropped {dropped} datagrams"));
            // Not as `lost`: those with numbers are missed, and told of, one by one.
            record.kv.push(("dropped".into(), dropped.to_string().into()));
            run.record(&record, &Identity::default());
        }
        for Loss { identity, lost } in self.gaps.due(Instant::now()) {
            wiring.stats.datagrams_lost.add(lost);
            let mut record = loss(format!("{lost} datagrams never came"));
            record.lost = Some(lost);
            run.record(&record, &identity);
        }
        if run.count == 0 {
            return;
        }
        if let Ok(room) = wiring.feed.reserve(run.lines.len()).await {
            wiring.feed.give(vec![run], room);
        }
    }
}

fn loss(msg: String) -> Record<'static> {
    let mut record = Record::new(now(), Level::Warn, msg);
    record.target = Some("netlog".into());
    record
}
