//! Who sends, and who has sent: bounded, for people to look at. Nothing else depends on it.

use crate::clock::now;
use crate::senders::grant::Grant;
use crate::senders::identity::Sender;
use crate::senders::peer::Peer;
use netlog_wire::{Identity, format_utc};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How many senders that have ended are remembered.
const ENDED: usize = 1000;

/// How many peers are remembered that send datagrams, and so never end.
const DATAGRAMS: usize = 1000;

/// How long, in microseconds, a peer that sends datagrams counts as sending after each.
const SENDING: i64 = 60_000_000;

/// The roll of all senders.
#[derive(Debug, Default)]
pub(crate) struct Senders(Mutex<Roll>);

#[derive(Debug, Default)]
struct Roll {
    next: u64,
    present: HashMap<u64, Arc<Entry>>,
    ended: VecDeque<Arc<Entry>>,
    datagrams: HashMap<Peer, Arc<Entry>>,
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

/// What is known of one sender.
#[derive(Debug)]
struct Entry {
    peer: Peer,
    kind: &'static str,
    since: AtomicI64,
    seen: AtomicI64,
    records: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    truncated: AtomicU64,
    sender: OnceLock<Arc<Sender>>,
    departure: OnceLock<CloseReason>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The sender was done.
    Ended,
    /// It broke off, or nothing came any more.
    Broken,
    /// It was told why it is not wanted.
    Refused,
}

/// The entry of one connection, for as long as that is open.
#[derive(Debug)]
pub(crate) struct Attendance {
    number: u64,
    entry: Arc<Entry>,
    senders: Arc<Senders>,
}

impl Entry {
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
            departure: OnceLock::new(),
        })
    }

    fn add(&self, received: Received) {
        self.records.fetch_add(received.records, Relaxed);
        self.bytes.fetch_add(received.bytes, Relaxed);
        self.lost.fetch_add(received.lost, Relaxed);
        self.truncated.fetch_add(received.truncated, Relaxed);
    }

    /// Goes on counting where `earlier`, the same sender's last connection, has stopped.
    fn succeed(&self, earlier: &Self) {
        self.since.store(earlier.since.load(Relaxed), Relaxed);
        for (ours, theirs) in [
            (&self.records, &earlier.records),
            (&self.bytes, &earlier.bytes),
            (&self.lost, &earlier.lost),
            (&self.truncated, &earlier.truncated),
        ] {
            ours.fetch_add(theirs.load(Relaxed), Relaxed);
        }
    }

    /// Whether it sends datagrams.
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
        let time = |micros: &AtomicI64| {
            String::from_utf8_lossy(&format_utc(micros.load(Relaxed))).into_owned()
        };
        let state = match self.departure.get() {
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
            "records": self.records.load(Relaxed),
            "bytes": self.bytes.load(Relaxed),
            "acked": sender.map(|sender| *sender.acked.borrow()),
            "lost": self.lost.load(Relaxed),
            "truncated": self.truncated.load(Relaxed),
            "state": state,
        })
    }
}

impl Senders {
    fn lock(&self) -> MutexGuard<'_, Roll> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a new connection.
    pub(crate) fn arrive(self: &Arc<Self>, peer: Peer) -> Attendance {
        let entry = Entry::new(peer, "lines");
        let mut roll = self.lock();
        let number = roll.next;
        roll.next += 1;
        roll.present.insert(number, entry.clone());
        drop(roll);
        Attendance { number, entry, senders: self.clone() }
    }

    /// Takes note of a datagram from `peer`. Many programs send each from another port, so that all
    /// of one address count as one sender.
    pub(crate) fn datagram(&self, peer: Peer, records: u64, bytes: u64) {
        let peer = peer.at_any_port();
        let mut roll = self.lock();
        if roll.datagrams.len() >= DATAGRAMS && !roll.datagrams.contains_key(&peer) {
            let oldest = roll.datagrams.iter().min_by_key(|(_, entry)| entry.seen.load(Relaxed));
            let oldest = oldest.map(|(peer, _)| *peer);
            oldest.and_then(|peer| roll.datagrams.remove(&peer));
        }
        let kind = match peer {
            Peer::Remote(_) => "udp",
            Peer::Local(_) => "unixgram",
        };
        let entry = roll.datagrams.entry(peer).or_insert_with(|| Entry::new(peer, kind)).clone();
        drop(roll);
        entry.seen.store(now(), Relaxed);
        entry.records.fetch_add(records, Relaxed);
        entry.bytes.fetch_add(bytes, Relaxed);
    }

    /// `GET /senders`: those that are connected first, and of each kind the latest first; with
    /// `reader`, only those whose records it may read.
    pub(crate) fn json(&self, reader: Option<&Grant>) -> String {
        let roll = self.lock();
        let mut entries: Vec<_> =
            roll.present.values().chain(roll.datagrams.values()).cloned().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.since.load(Relaxed)));
        entries.extend(roll.ended.iter().rev().cloned());
        drop(roll);
        let visible = |entry: &&Arc<Entry>| reader.is_none_or(|grant| entry.is_visible_to(grant));
        let entries: Vec<Value> =
            entries.iter().filter(visible).map(|entry| entry.json()).collect();
        format!("{}\n", Value::from(entries))
    }
}

impl Attendance {
    /// Takes note of what came, and of who it turned out to be from.
    pub(crate) fn heard(
        &self,
        received: impl Iterator<Item = Received>,
        sender: Option<&Arc<Sender>>,
    ) {
        self.entry.seen.store(now(), Relaxed);
        received.for_each(|received| self.entry.add(received));
        if let (Some(sender), None) = (sender, self.entry.sender.get()) {
            self.introduce(sender);
        }
    }

    fn introduce(&self, sender: &Arc<Sender>) {
        let _ = self.entry.sender.set(sender.clone());
        let mut roll = self.senders.lock();
        let same = |entry: &Arc<Entry>| entry.sender.get().is_some_and(|s| s.id == sender.id);
        if let Some(at) = roll.ended.iter().position(same)
            && let Some(earlier) = roll.ended.remove(at)
        {
            self.entry.succeed(&earlier);
        }
    }

    /// Takes note of the connection's end.
    pub(crate) fn part(&self, departure: CloseReason) {
        let _ = self.entry.departure.set(departure);
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let _ = self.entry.departure.set(CloseReason::Broken);
        let mut roll = self.senders.lock();
        let Some(entry) = roll.present.remove(&self.number) else { return };
        // Whoever came and said nothing is not worth a line.
        if entry.records.load(Relaxed) > 0 || entry.sender.get().is_some() {
            roll.ended.push_back(entry);
        }
        let over = roll.ended.len().saturating_sub(ENDED);
        roll.ended.drain(..over);
    }
}
