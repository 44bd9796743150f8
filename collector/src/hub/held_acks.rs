//! Acks that wait until what they acknowledge was forwarded: `--ack both`.
//!
//! Each batch of the hub adds the place behind it, with the acks that are due there. They are given when
//! the other side has acknowledged everything up to that place.

use crate::clock::monotonic_seconds;
use crate::layout::forwarded::{ForwardPlace, Forwarded};
use crate::senders::identity::{Sender, SenderId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Places that are waited for. What comes beyond them waits for the last one.
const MOST: usize = 1024;

/// Acks of one sender, and answers to those who went away, that may be kept.
const SPARE: usize = 64;

/// Age in seconds of an ack at which the other side counts as away.
const AWAY: i64 = 10;

/// All acks that wait.
#[derive(Debug)]
pub(crate) struct HeldAcks {
    forwarded: Arc<Forwarded>,
    state: Mutex<HeldState>,
}

#[derive(Debug, Default)]
struct HeldState {
    held: VecDeque<HeldBatch>,
    /// Senders some of whose records are still to be forwarded.
    behind: HashMap<SenderId, SenderBehind>,
    /// End of the log when the collector was started: what each sender has in front of it is unknown.
    opened: Option<ForwardPlace>,
    /// Set when the collector ends: nobody waits any more.
    given_up: bool,
}

/// Acks that are due at a place.
#[derive(Debug)]
pub(crate) struct HeldBatch {
    pub(crate) place: ForwardPlace,
    pub(crate) senders: Vec<SenderAck>,
    /// Answered then too.
    pub(crate) settled: Vec<oneshot::Sender<()>>,
    since: i64,
}

/// An ack of one sender.
#[derive(Debug)]
pub(crate) struct SenderAck {
    pub(crate) sender: Arc<Sender>,
    pub(crate) number: u64,
    /// The highest number before the batch.
    pub(crate) before: u64,
}

#[derive(Debug)]
struct SenderBehind {
    acked: u64,
    /// Number of acks that wait.
    waiting: usize,
}

impl HeldAcks {
    /// Begins with a log that ends at `opened`.
    pub(crate) fn new(forwarded: Arc<Forwarded>, opened: ForwardPlace) -> Self {
        let state = HeldState { opened: Some(opened), ..HeldState::default() };
        Self { forwarded, state: Mutex::new(state) }
    }

    /// Holds the acks of a batch until what is in front of `place` was forwarded.
    pub(crate) fn hold(
        &self,
        place: ForwardPlace,
        senders: Vec<SenderAck>,
        settled: Vec<oneshot::Sender<()>>,
    ) {
        if senders.is_empty() && settled.is_empty() {
            return;
        }
        let since = monotonic_seconds();
        let mut state = self.lock();
        if state.given_up {
            return;
        }
        state.add(HeldBatch { place, senders, settled, since });
        drop(state);
        // It may have been passed already.
        self.release();
    }

    /// Gives the acks that are due. To be called whenever the position was moved.
    pub(crate) fn release(&self) {
        let place = self.forwarded.now().place;
        let mut state = self.lock();
        if state.opened.is_some_and(|opened| opened <= place) {
            state.opened = None;
        }
        while state.held.front().is_some_and(|held| held.place <= place) {
            state.release_first();
        }
    }

    /// Drops all acks that are held, and those to come.
    pub(crate) fn give_up(&self) {
        let mut state = self.lock();
        state.given_up = true;
        state.held.clear();
    }

    /// The highest number of a sender that was forwarded, where the files have `written`.
    pub(crate) fn acked(&self, sender: SenderId, written: u64) -> u64 {
        self.release();
        let state = self.lock();
        match state.behind.get(&sender) {
            Some(behind) => behind.acked.min(written),
            None if state.opened.is_some() => 0,
            None => written,
        }
    }

    /// True if the other side has acknowledged nothing for a while, though something waits for that.
    pub(crate) fn is_stalled(&self) -> bool {
        let state = self.lock();
        let oldest = state.held.front().map(|held| held.since);
        oldest.is_some_and(|since| monotonic_seconds() - since >= AWAY)
    }

    fn lock(&self) -> MutexGuard<'_, HeldState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldState {
    fn add(&mut self, batch: HeldBatch) {
        let unknown = self.opened.is_some();
        for ack in &batch.senders {
            let acked = if unknown { 0 } else { ack.before };
            let behind = self.behind.entry(ack.sender.id);
            behind.or_insert(SenderBehind { acked, waiting: 0 }).waiting += 1;
        }
        let full = self.held.len() >= MOST;
        match self.held.back_mut().filter(|last| full || last.place == batch.place) {
            Some(last) => last.join(batch, &mut self.behind),
            None => self.held.push_back(batch),
        }
    }

    fn release_first(&mut self) {
        let Some(HeldBatch { senders, settled, .. }) = self.held.pop_front() else { return };
        for SenderAck { sender, number, .. } in senders {
            sender.acked.send_if_modified(|acked| {
                let more = number > *acked;
                *acked = number.max(*acked);
                more
            });
            if let Some(behind) = self.behind.get_mut(&sender.id) {
                behind.acked = number.max(behind.acked);
                behind.waiting -= 1;
                if behind.waiting == 0 {
                    self.behind.remove(&sender.id);
                }
            }
        }
        for settled in settled {
            let _ = settled.send(());
        }
    }
}

impl HeldBatch {
    fn join(&mut self, later: Self, behind: &mut HashMap<SenderId, SenderBehind>) {
        self.place = later.place;
        self.senders.extend(later.senders);
        self.settled.extend(later.settled);
        if self.senders.len() > behind.len() * 2 + SPARE {
            self.keep_last_acks(behind);
        }
        if self.settled.len() > SPARE {
            self.settled.retain(|settled| !settled.is_closed());
        }
    }

    /// Keeps one ack of each sender: that of its last connection.
    fn keep_last_acks(&mut self, behind: &mut HashMap<SenderId, SenderBehind>) {
        let mut last = HashMap::new();
        for ack in self.senders.drain(..) {
            let id = ack.sender.id;
            if last.insert(id, ack).is_some()
                && let Some(behind) = behind.get_mut(&id)
            {
                behind.waiting -= 1;
            }
        }
        self.senders.extend(last.into_values());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Identity;

    fn place(offset: u64) -> ForwardPlace {
        ForwardPlace { generation: 1, offset }
    }

    struct Bench {
        forwarded: Arc<Forwarded>,
        acks: HeldAcks,
        sender: Arc<Sender>,
        _dir: tempfile::TempDir,
    }

    impl Bench {
        /// A log of 100 bytes of which the first `forwarded` were forwarded.
        fn new(forwarded: u64) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let log = dir.path().join("app.log");
            let forwarded = Arc::new(Forwarded::begin(&log, place(forwarded), 1).unwrap());
            let acks = HeldAcks::new(forwarded.clone(), place(100));
            let sender = Arc::new(Sender::new(SenderId(7), Identity::default(), false));
            Self { forwarded, acks, sender, _dir: dir }
        }

        fn hold(&self, offset: u64, before: u64, number: u64) -> oneshot::Receiver<()> {
            let (tell, settled) = oneshot::channel();
            let sender = self.sender.clone();
            let ack = SenderAck { sender, number, before };
            self.acks.hold(place(offset), vec![ack], vec![tell]);
            settled
        }

        fn forward(&self, offset: u64) {
            self.forwarded.advance(place(offset), 0);
            self.acks.release();
        }

        fn acked(&self, written: u64) -> [u64; 2] {
            [*self.sender.acked.borrow(), self.acks.acked(self.sender.id, written)]
        }
    }

    #[test]
    fn an_ack_is_given_when_its_place_was_forwarded() {
        let bench = Bench::new(100);
        assert_eq!(bench.acked(5), [0, 5], "all that is in the file was forwarded");
        let mut first = bench.hold(200, 5, 7);
        let mut second = bench.hold(300, 7, 9);
        assert_eq!(bench.acked(9), [0, 5]);
        bench.forward(199);
        assert_eq!(bench.acked(9), [0, 5]);
        assert!(first.try_recv().is_err());
        bench.forward(200);
        assert_eq!((first.try_recv(), bench.acked(9)), (Ok(()), [7, 7]));
        bench.forward(300);
        assert_eq!((second.try_recv(), bench.acked(9)), (Ok(()), [9, 9]));
        // What was forwarded before the hub came to hold its ack.
        let mut third = bench.hold(250, 9, 10);
        assert_eq!((third.try_recv(), bench.acked(10)), (Ok(()), [10, 10]));
        assert!(bench.acks.lock().behind.is_empty());
    }

    #[test]
    fn nothing_is_acked_to_a_sender_that_may_have_records_in_front_of_the_start() {
        let bench = Bench::new(40);
        assert_eq!(bench.acked(5), [0, 0]);
        let _held = bench.hold(200, 5, 7);
        assert_eq!(bench.acked(7), [0, 0]);
        bench.forward(100);
        assert_eq!(bench.acked(7), [0, 0]);
        bench.forward(200);
        assert_eq!(bench.acked(7), [7, 7]);
    }

    #[test]
    fn the_centre_counts_as_away_when_an_ack_has_waited_for_a_while() {
        let bench = Bench::new(100);
        let _held = bench.hold(200, 5, 7);
        assert!(!bench.acks.is_stalled());
        bench.acks.lock().held[0].since -= AWAY;
        assert!(bench.acks.is_stalled());
        bench.forward(200);
        assert!(!bench.acks.is_stalled());
    }

    #[test]
    fn a_centre_that_is_away_for_long_takes_little_memory() {
        let bench = Bench::new(100);
        let mut all: Vec<_> =
            (1..=3 * MOST as u64).map(|n| bench.hold(100 + n, n - 1, n)).collect();
        assert_eq!(bench.acks.lock().held.len(), MOST);
        assert!(bench.acks.lock().held.iter().all(|held| held.senders.len() <= SPARE + 2));
        assert!(!bench.acks.is_stalled());
        bench.forward(100 + MOST as u64 - 1);
        assert_eq!(bench.acked(3 * MOST as u64), [MOST as u64 - 1; 2]);
        bench.forward(100 + 3 * MOST as u64);
        assert_eq!(bench.acked(3 * MOST as u64), [3 * MOST as u64; 2]);
        assert!(all.iter_mut().all(|settled| settled.try_recv().is_ok()));
    }
}
