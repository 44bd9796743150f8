//! The marks: the highest number of each sender in the sinks. Set by the hub alone, read at every hello.

use crate::hub::batch::Batch;
use crate::hub::line_run::LineRun;
use crate::senders::identity::{Sender, SenderId};
use crate::senders::number_gaps::{NumberGaps, NumberRange};
use crate::senders::owner::Owner;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A sender not heard of for this many seconds, a week, is forgotten: every run of a program is a
/// sender, and most will never be heard of again.
pub(crate) const FORGET: i64 = 7 * 86_400;

/// And so are the senders beyond this many, the earliest first: nobody can make a collector's
/// memory grow by introducing himself again and again.
pub(crate) const MOST: usize = 1_000_000;

/// The mark of every sender lately heard of, some 80 bytes each. As long as one may come back, its
/// resends must be recognised; see [`FORGET`] and [`MOST`] for when it will not.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<HashMap<SenderId, Mark>>);

/// Progress of one sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The highest number in a batch that is written or being written.
    pub(crate) sealed: u64,
    /// The numbers below it that are not.
    gaps: NumberGaps,
    /// The highest number in the sinks: what may be acked.
    pub(crate) written: u64,
    /// Records written since the collector first saw someone deliver them for the dead sender.
    pub(crate) recovered: u64,
    /// True once its end has been reported.
    pub(crate) ended: bool,
    /// When it was last heard of, in seconds since 1970.
    pub(crate) seen: i64,
    /// The token or the certificate that its first record came with.
    pub(crate) owner: Owner,
}

/// A sender that a sink holds records of.
#[derive(Debug, Clone)]
pub(crate) struct HeldMark {
    pub(crate) id: SenderId,
    /// The highest number.
    pub(crate) mark: u64,
    /// The numbers below it that the sink misses.
    pub(crate) gaps: NumberGaps,
    /// True once its end has been reported.
    pub(crate) ended: bool,
    pub(crate) owner: Owner,
}

impl Mark {
    /// Sets the owner, once.
    pub(crate) fn set_owner(&mut self, owner: Owner) {
        if self.owner == Owner::NOBODY {
            self.owner = owner;
        }
    }

    /// Lets through to `batch` what of `run` is new, and says how many records were not. The
    /// numbers of a sender whose id was derived have no gaps.
    pub(crate) fn pass(&mut self, mut run: LineRun, sender: &Sender, batch: &mut Batch) -> u64 {
        let range = NumberRange { first: run.first, last: run.last() };
        let all = run.count;
        let before = batch.runs.len();
        if all == 0 {
            return 0;
        }
        let parts = match self.gaps.is_empty() {
            true => Vec::new(),
            false => self.gaps.missing(self.sealed, range),
        };
        if parts.is_empty() {
            run.skip_to(if self.gaps.is_empty() { self.sealed } else { range.last });
        }
        match parts.as_slice() {
            [] if run.count == 0 => {}
            [] => batch.runs.push(run),
            parts => batch.runs.extend(parts.iter().map(|part| run.part(part.first, part.last))),
        }
        self.sealed = match sender.id.is_derived() {
            true => self.sealed.max(range.last),
            false => self.gaps.add(self.sealed, range),
        };
        let new: u64 = batch.runs[before..].iter().map(|run| run.count).sum();
        self.recovered += if sender.recovered { new } else { 0 };
        all - new
    }
}

impl Marks {
    /// The highest number of `sender` in the sinks, 0 for one never seen.
    pub(crate) fn written(&self, sender: SenderId) -> u64 {
        self.lock().get(&sender).map_or(0, |mark| mark.written)
    }

    /// Tells whether `owner` may speak for `sender`: anybody for one never seen or without an owner.
    pub(crate) fn may_speak(&self, sender: SenderId, owner: Owner) -> bool {
        let known = self.lock().get(&sender).map_or(Owner::NOBODY, |mark| mark.owner);
        known == Owner::NOBODY || known == owner
    }

    /// Tells whether `sender` is known.
    pub(crate) fn remembers(&self, sender: SenderId) -> bool {
        self.lock().contains_key(&sender)
    }

    /// Begins with what a sink holds from earlier, heard of `now`. Of a sender that several files
    /// know, what is in any of them counts.
    pub(crate) fn restore(&self, holdings: Vec<HeldMark>, now: i64) {
        let mut marks = self.lock();
        for HeldMark { id, mark, gaps, ended, owner } in holdings {
            let known = marks.entry(id).or_default();
            known.gaps = gaps.join(mark, &known.gaps, known.written);
            known.sealed = mark.max(known.written);
            known.written = known.sealed;
            known.ended |= ended;
            known.recovered = 0;
            known.set_owner(owner);
            known.seen = now;
        }
    }

    /// Forgets senders that will not be heard of again.
    pub(crate) fn forget(&self, now: i64) {
        let mut marks = self.lock();
        let mut seen: Vec<i64> = marks.values().map(|mark| mark.seen).collect();
        seen.sort_unstable_by(|a, b| b.cmp(a));
        let since = seen.get(MOST).map_or(now - FORGET, |&earliest| earliest + 1);
        marks.retain(|_, mark| mark.seen >= since);
    }

    /// The marks, for the hub to read and move; held for no longer than a batch takes to seal.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<SenderId, Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_long_silent_is_forgotten() {
        let marks = Marks::default();
        for (id, seen) in [(1, 0), (2, FORGET)] {
            let gaps = NumberGaps::default();
            let holding =
                HeldMark { id: SenderId(id), mark: 7, gaps, ended: false, owner: Owner::NOBODY };
            marks.restore(vec![holding], seen);
        }
        marks.forget(FORGET + 1);
        assert_eq!([1, 2].map(|id| marks.written(SenderId(id))), [0, 7]);
    }
}
