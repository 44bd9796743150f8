//! The marks by sender, and the memory they take with everything that depends on them.

use super::mark::Mark;
use crate::hub::batch::Batch;
use crate::hub::line_run::LineRun;
use crate::senders::identity::{Sender, SenderId};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

/// Bytes charged for a sender: its mark, its place in the ledger, and that in a snapshot of it.
pub(super) const SENDER_BYTES: u64 = 384;

/// Bytes charged for each of its gaps in all three of them.
pub(super) const GAP_BYTES: u64 = 80;

/// The fewest senders with a connection that are worth looking through for those that left.
const CONNECTED: usize = 1024;

/// A tree, because it grows in small steps.
#[derive(Debug, Default)]
pub(crate) struct MarkTable {
    pub(super) marks: BTreeMap<SenderId, Mark>,
    /// Number of gaps in all of them.
    pub(super) gaps: usize,
    /// Gaps forgotten because one sender had too many.
    pub(super) gaps_forgotten: u64,
    /// Senders as they came on their latest connections, which may have ended.
    pub(super) connected: HashMap<SenderId, Weak<Sender>>,
    /// Number of these at which those that left are taken out.
    crowded: usize,
}

impl MarkTable {
    /// Number of senders.
    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn get(&self, id: SenderId) -> Option<&Mark> {
        self.marks.get(&id)
    }

    /// Bytes charged for all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.marks.len() as u64 * SENDER_BYTES + self.gaps_bytes()
    }

    pub(super) fn gaps_bytes(&self) -> u64 {
        self.gaps as u64 * GAP_BYTES
    }

    /// Changes the mark of a sender, which is added if there is none.
    pub(crate) fn change<T>(&mut self, id: SenderId, change: impl FnOnce(&mut Mark) -> T) -> T {
        let mark = self.marks.entry(id).or_default();
        let before = mark.gaps.len();
        let result = change(mark);
        self.gaps = self.gaps + mark.gaps.len() - before;
        result
    }

    /// Lets through to `batch` what of `run` is new, and returns how many records were not.
    pub(crate) fn pass(&mut self, run: LineRun, sender: &Arc<Sender>, batch: &mut Batch) -> u64 {
        let first_run = !sender.met.swap(true, Relaxed);
        let back = first_run && self.marks.contains_key(&sender.id);
        sender.returned.fetch_or(back, Relaxed);
        let passed = self.change(sender.id, |mark| {
            mark.set_owner(sender.owner);
            mark.returned |= back;
            mark.pass(run, sender, batch)
        });
        self.gaps_forgotten += passed.gaps_forgotten;
        if first_run {
            self.connected.insert(sender.id, Arc::downgrade(sender));
        }
        passed.repeated
    }

    /// Takes out those that left, if there may be many.
    pub(crate) fn leave(&mut self, now: i64) {
        if self.connected.len() >= self.crowded.max(CONNECTED) {
            self.take_out_those_that_left(now);
        }
    }

    /// Takes out the senders whose connections have ended; they were heard of until now.
    pub(super) fn take_out_those_that_left(&mut self, now: i64) {
        let marks = &mut self.marks;
        self.connected.retain(|id, sender| {
            let there = sender.strong_count() > 0;
            if let Some(mark) = marks.get_mut(id).filter(|_| !there) {
                mark.seen = mark.seen.max(now);
            }
            there
        });
        self.crowded = 2 * self.connected.len();
        self.connected.shrink_to(self.crowded);
    }
}
