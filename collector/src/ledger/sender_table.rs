//! Senders in one ledger: their numbers and their marks.

use super::entry::{KnownSender, RunEntry};
use crate::senders::identity::SenderId;
use crate::senders::number_gaps::NumberRange;
use crate::senders::owner::Owner;
use std::collections::BTreeMap;

/// The highest number that a ledger may give, so that a damaged one takes bounded memory.
pub(super) const MOST: u32 = 1 << 22;

/// Senders by number and by id. The number of a forgotten one goes to another.
#[derive(Debug, Default)]
pub(super) struct SenderTable {
    numbers: BTreeMap<SenderId, u32>,
    /// By number, from 1.
    slots: Vec<Option<KnownSender>>,
    free: Vec<u32>,
}

impl SenderTable {
    pub(super) fn iter(&self) -> impl Iterator<Item = &KnownSender> {
        self.slots.iter().flatten()
    }

    pub(super) fn number_of(&self, id: SenderId) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// Adds a sender of which nothing is known yet, and returns its number.
    pub(super) fn add(&mut self, id: SenderId, owner: Owner) -> u32 {
        let number = self.free.pop().unwrap_or(self.slots.len() as u32 + 1);
        self.insert(KnownSender { owner, ..KnownSender::new(number, id) });
        number
    }

    /// Puts a sender at its number, in place of the one that had it; `false` if it cannot have it.
    pub(super) fn insert(&mut self, known: KnownSender) -> bool {
        let Some(at) = slot(known.number).filter(|_| known.number <= MOST) else { return false };
        let KnownSender { id, number, .. } = known;
        if at >= self.slots.len() {
            self.slots.resize(at + 1, None);
        }
        if let Some(before) = self.slots[at].replace(known) {
            self.numbers.remove(&before.id);
        }
        self.numbers.insert(id, number);
        true
    }

    /// Takes note that a sender came back on another connection; `false` if that was known.
    pub(super) fn came_back(&mut self, number: u32) -> bool {
        let slot = slot(number).and_then(|at| self.slots.get_mut(at));
        let known = slot.and_then(Option::as_mut);
        known.is_some_and(|known| !std::mem::replace(&mut known.returned, true))
    }

    /// Counts a run that is in the file.
    pub(super) fn count(&mut self, run: &RunEntry, now: i64) {
        let slot = slot(run.sender).and_then(|at| self.slots.get_mut(at));
        let Some(known) = slot.and_then(Option::as_mut) else { return };
        known.seen = now;
        match run.count {
            0 => known.ended = true,
            count => {
                let last = run.first.saturating_add(count - 1);
                known.mark = match known.id.is_derived() {
                    true => known.mark.max(last),
                    false => {
                        known.gaps.add(known.mark, NumberRange { first: run.first, last }).mark
                    }
                };
            }
        }
    }

    /// Forgets all senders but those that `keep` wants, which may forget some of their gaps.
    pub(super) fn retain(&mut self, keep: impl Fn(&mut KnownSender) -> bool) {
        self.free.clear();
        for (at, slot) in self.slots.iter_mut().enumerate().rev() {
            if slot.as_mut().is_some_and(|known| !keep(known)) {
                *slot = None;
            }
            if slot.is_none() {
                self.free.push(at as u32 + 1);
            }
        }
        self.numbers.retain(|_, number| self.slots[*number as usize - 1].is_some());
    }
}

fn slot(number: u32) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
