//! Registry behind `GET /senders`: senders that are connected, and the latest that were. Bounded;
//! nothing else depends on it.

use crate::clock::{now, utc};
use crate::senders::grant::Grant;
use crate::senders::identity::Sender;
use crate::senders::peer::Peer;
use netlog_wire::Identity;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Number of senders kept after their end.
const ENDED: usize = 1000;

/// Number of peers kept that send datagrams, and so never end.
const DATAGRAMS: usize = 1000;

/// Time in microseconds for which a peer counts as sending after a datagram.
const SENDING: i64 = 60_000_000;

/// All senders, present and past.
#[derive(Debug, Default)]
pub(crate) struct SenderRegistry(Mutex<RegistryState>);

#[derive(Debug, Default)]
struct RegistryState {
    next: u64,
    present: HashMap<u64, Arc<SenderEntry>>,
    ended: VecDeque<Arc<SenderEntry>>,
    datagrams: HashMap<Peer, Arc<SenderEntry>>,
}

/// Counts of what one read gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// Records reported as lost.
    pub(crate) lost: u64,
    /// Records that were cut.
    pub(crate) truncated: u64,
}

/// One sender, as `/senders` shows it.
#[derive(Debug)]
struct SenderEntry {
    peer: Peer,
    kind: &'static str,
    since: AtomicI64,
    seen: AtomicI64,
    records: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    truncated: AtomicU64,
    sender: OnceLock<Arc<Sender>>,
    close_reason: OnceLock<CloseReason>,
}

/// Counts of the programs that an order is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReachedPrograms {
    /// Those that obey orders.
    pub(crate) programs: u64,
    /// Those that do not.
    pub(crate) unable: u64,
}

/// Reason of a connection's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The sender was done.
    Ended,
    /// It broke off, or nothing came any more.
    Broken,
    /// The collector refused it.
    Refused,
}

/// SenderEntry of one open connection; it moves to the ended ones when this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    number: u64,
    entry: Arc<SenderEntry>,
    senders: Arc<SenderRegistry>,
}

impl SenderEntry {
    fn new(peer: Peer, kind: &'static str) -> Arc<Self> {
        let count = AtomicU64::default;
        Arc::new(Self {
            peer,
            kind,
            since: AtomicI64::new(now()),
            seen: AtomicI64::new(now()),
            records: count(),
            bytes: count(),
            lost: count(),
            truncated: count(),
            sender: OnceLock::new(),
            close_reason: OnceLock::new(),
        })
    }

    fn add(&self, received: Received) {
        self.records.fetch_add(received.records, Relaxed);
        self.bytes.fetch_add(received.bytes, Relaxed);
        self.lost.fetch_add(received.lost, Relaxed);
        self.truncated.fetch_add(received.truncated, Relaxed);
    }

    /// Adds the counts of `earlier`, the same sender's last connection.
    fn add_counts_of(&self, earlier: &Self) {
        self.since.store(earlier.since.load(Relaxed), Relaxed);
        self.records.fetch_add(earlier.records(), Relaxed);
        for (ours, theirs) in [
            (&self.bytes, &earlier.bytes),
            (&self.lost, &earlier.lost),
            (&self.truncated, &earlier.truncated),
        ] {
            ours.fetch_add(theirs.load(Relaxed), Relaxed);
        }
    }

    /// Number of its records, without those that it repeated.
    fn records(&self) -> u64 {
        let repeated = self.sender.get().map_or(0, |sender| sender.repeated.load(Relaxed));
        self.records.load(Relaxed).saturating_sub(repeated)
    }

    /// True if it sends datagrams.
    fn unconnected(&self) -> bool {
        matches!(self.kind, "udp" | "unixgram")
    }

    fn is_visible_to(&self, reader: &Grant) -> bool {
        let identity = self.sender.get().map(|sender| &sender.identity);
        let app = identity.and_then(|identity| identity.app.as_deref());
        let host = identity.and_then(|identity| identity.host.clone());
        reader.read.covers(app, Some(&host.unwrap_or_else(|| self.peer.host())))
    }

    fn json(&self) -> Value {
        let sender = self.sender.get();
        let identity = sender.map(|sender| &sender.identity);
        let name = |pick: fn(&Identity) -> Option<&String>| identity.and_then(pick);
        let time = |micros: &AtomicI64| utc(micros.load(Relaxed));
        let state = match self.close_reason.get() {
            None if !self.unconnected() => "connected",
            None if now() - self.seen.load(Relaxed) < SENDING => "sending",
            None => "silent",
            Some(CloseReason::Ended) => "ended",
            Some(CloseReason::Broken) => "broken",
            Some(CloseReason::Refused) => "refused",
        };
        json!({
            "app": name(|identity| identity.app.as_ref()),
            "host": name(|identity| identity.host.as_ref())
                .map_or_else(|| self.peer.host(), String::clone),
            "pid": identity.and_then(|identity| identity.pid),
            "peer": self.peer.to_string(),
            "kind": if sender.is_some() { "netlog" } else { self.kind },
            "since": time(&self.since),
            "last_seen": time(&self.seen),
            "records": self.records(),
            "bytes": self.bytes.load(Relaxed),
            "acked": sender.map(|sender| *sender.acked.borrow()),
            "lost": self.lost.load(Relaxed),
            "truncated": self.truncated.load(Relaxed),
            "state": state,
        })
    }
}

impl SenderRegistry {
    fn lock(&self) -> MutexGuard<'_, RegistryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a new connection.
    pub(crate) fn connected(self: &Arc<Self>, peer: Peer) -> ConnectionEntry {
        let entry = SenderEntry::new(peer, "lines");
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.present.insert(number, entry.clone());
        drop(state);
        ConnectionEntry { number, entry, senders: self.clone() }
    }

    /// Counts a datagram of `peer`. Many programs send each from another port, so all of one address
    /// count as one sender.
    pub(crate) fn datagram(&self, peer: Peer, records: u64, bytes: u64) {
        let peer = peer.at_any_port();
        let mut state = self.lock();
        if state.datagrams.len() >= DATAGRAMS && !state.datagrams.contains_key(&peer) {
            let oldest = state.datagrams.iter().min_by_key(|(_, entry)| entry.seen.load(Relaxed));
            let oldest = oldest.map(|(peer, _)| *peer);
            oldest.and_then(|peer| state.datagrams.remove(&peer));
        }
        let kind = match peer {
            Peer::Remote(_) => "udp",
            Peer::Local(_) => "unixgram",
        };
        let entry =
            state.datagrams.entry(peer).or_insert_with(|| SenderEntry::new(peer, kind)).clone();
        drop(state);
        entry.seen.store(now(), Relaxed);
        entry.records.fetch_add(records, Relaxed);
        entry.bytes.fetch_add(bytes, Relaxed);
    }

    /// Lets the connections of these programs look for orders, and counts them.
    pub(crate) fn wake(&self, is_meant: impl Fn(&Identity) -> bool) -> ReachedPrograms {
        let mut reached = ReachedPrograms::default();
        let state = self.lock();
        let senders = state.present.values().filter_map(|entry| entry.sender.get());
        for sender in senders.filter(|sender| !sender.recovered && is_meant(&sender.identity)) {
            if sender.takes_filters {
                sender.acked.send_modify(|_| {});
                reached.programs += 1;
            } else {
                reached.unable += 1;
            }
        }
        reached
    }

    /// `GET /senders`: those that are connected first, and of each kind the latest first; with
    /// `reader`, only those whose records it may read.
    pub(crate) fn json(&self, reader: Option<&Grant>) -> String {
        let state = self.lock();
        let mut entries: Vec<_> =
            state.present.values().chain(state.datagrams.values()).cloned().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.since.load(Relaxed)));
        entries.extend(state.ended.iter().rev().cloned());
        drop(state);
        let visible =
            |entry: &&Arc<SenderEntry>| reader.is_none_or(|grant| entry.is_visible_to(grant));
        let entries: Vec<Value> =
            entries.iter().filter(visible).map(|entry| entry.json()).collect();
        format!("{}\n", Value::from(entries))
    }
}

impl ConnectionEntry {
    /// The connection's other end.
    pub(crate) fn peer(&self) -> Peer {
        self.entry.peer
    }

    /// Counts received records, and sets the sender once it is known.
    pub(crate) fn received(
        &self,
        received: impl Iterator<Item = Received>,
        sender: Option<&Arc<Sender>>,
    ) {
        self.entry.seen.store(now(), Relaxed);
        received.for_each(|received| self.entry.add(received));
        if let (Some(sender), None) = (sender, self.entry.sender.get()) {
            self.set_sender(sender);
        }
    }

    fn set_sender(&self, sender: &Arc<Sender>) {
        let _ = self.entry.sender.set(sender.clone());
        let mut state = self.senders.lock();
        let same = |entry: &Arc<SenderEntry>| entry.sender.get().is_some_and(|s| s.id == sender.id);
        if let Some(at) = state.ended.iter().position(same)
            && let Some(earlier) = state.ended.remove(at)
        {
            self.entry.add_counts_of(&earlier);
        }
    }

    /// Sets the reason of the connection's end.
    pub(crate) fn closed(&self, close_reason: CloseReason) {
        let _ = self.entry.close_reason.set(close_reason);
    }
}

impl Drop for ConnectionEntry {
    fn drop(&mut self) {
        let _ = self.entry.close_reason.set(CloseReason::Broken);
        let mut state = self.senders.lock();
        let Some(entry) = state.present.remove(&self.number) else { return };
        // A connection on which nothing came is not worth a line.
        if entry.records.load(Relaxed) > 0 || entry.sender.get().is_some() {
            state.ended.push_back(entry);
        }
        let over = state.ended.len().saturating_sub(ENDED);
        state.ended.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::identity::SenderId;

    #[test]
    fn records_that_a_sender_repeats_are_counted_once() {
        let registry = Arc::<SenderRegistry>::default();
        let counts = |records| Received { records, bytes: 0, lost: 0, truncated: 0 };
        // The second time, two of three are the same ones.
        for (received, repeated) in [(2, 0), (3, 2)] {
            let sender = Arc::new(Sender::new(SenderId(7), Identity::default(), false));
            let peer = Peer::remote("127.0.0.1:9".parse().unwrap());
            let connection = registry.connected(peer);
            connection.received([counts(received)].into_iter(), Some(&sender));
            sender.repeated.fetch_add(repeated, Relaxed);
            connection.closed(CloseReason::Ended);
            drop(connection);
            assert!(registry.json(None).contains(&format!("\"records\":{received},")));
        }
    }
}
