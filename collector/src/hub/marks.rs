//! The marks: the highest number of each sender in the sinks. Set by the hub alone, read at every hello.

mod forgetting;
mod mark;
mod table;

use crate::clock::monotonic_seconds;
use crate::senders::identity::SenderId;
use crate::senders::number_gaps::NumberGaps;
use crate::senders::owner::Owner;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use forgetting::FORGET;
pub(crate) use forgetting::Forgotten;
pub(crate) use mark::Mark;
pub(crate) use table::MarkTable;

/// The least `--max-marks-memory`.
pub(crate) const LEAST_MARKS_MEMORY: u64 = 1 << 20;

/// Default of `--max-marks-memory`.
pub(crate) const MARKS_MEMORY: u64 = 64 << 20;

/// The mark of every sender lately heard of. As long as one may come back, its resends must be
/// recognised; nobody can make a collector's memory grow by introducing himself again and again.
#[derive(Debug)]
pub(crate) struct Marks {
    table: Mutex<MarkTable>,
    /// The most bytes that may be charged for them.
    most: u64,
    /// Number of times that some were forgotten.
    rounds: AtomicU64,
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
    /// True once it came back on a second connection.
    pub(crate) returned: bool,
    /// When it was last heard of, in seconds since 1970.
    pub(crate) seen: i64,
    pub(crate) owner: Owner,
}

impl Default for Marks {
    fn default() -> Self {
        Self::new(MARKS_MEMORY)
    }
}

impl HeldMark {
    /// When it was heard of by the clock that nobody sets, if it is `now` by the wall clock. That may
    /// have been set ahead meanwhile: nobody counts as silent for so long that it is forgotten.
    pub(crate) fn by_monotonic_clock(self, now: i64) -> Self {
        let silent = now.saturating_sub(self.seen).clamp(0, FORGET / 2);
        Self { seen: monotonic_seconds() - silent, ..self }
    }
}

impl Marks {
    /// None yet, to take at most so many bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            table: Mutex::default(),
            most: most.max(LEAST_MARKS_MEMORY),
            rounds: AtomicU64::new(0),
        }
    }

    /// The highest number of `sender` in the sinks, 0 for one never seen.
    pub(crate) fn written(&self, sender: SenderId) -> u64 {
        self.lock().get(sender).map_or(0, |mark| mark.written)
    }

    /// Tells whether `owner` may speak for `sender`: anybody for one never seen or without an owner.
    pub(crate) fn may_speak(&self, sender: SenderId, owner: Owner) -> bool {
        let known = self.lock().get(sender).map_or(Owner::NOBODY, |mark| mark.owner);
        known == Owner::NOBODY || known == owner
    }

    /// Begins with what a sink holds from earlier. Of a sender that several files know, what is in
    /// any of them counts.
    pub(crate) fn restore(&self, holdings: Vec<HeldMark>, now: i64) -> Forgotten {
        let mut table = self.lock();
        for HeldMark { id, mark, gaps, ended, returned, seen, owner } in holdings {
            table.change(id, |known| {
                known.gaps = gaps.join(mark, &known.gaps, known.written);
                known.sealed = mark.max(known.written);
                known.written = known.sealed;
                known.ended |= ended;
                known.returned |= returned;
                known.recovered = 0;
                known.set_owner(owner);
                known.seen = known.seen.max(seen.min(now));
            });
        }
        drop(table);
        self.forget(now)
    }

    /// Forgets senders that will not be heard of again, and as many more as `--max-marks-memory`
    /// demands.
    pub(crate) fn forget(&self, now: i64) -> Forgotten {
        let mut table = self.lock();
        let before = table.len();
        let forgotten = table.forget(now, self.most);
        if table.len() < before || forgotten.gaps > 0 {
            self.rounds.fetch_add(1, Relaxed);
        }
        forgotten
    }

    /// The same, if they take more than they may.
    pub(crate) fn forget_beyond(&self, now: i64) -> Forgotten {
        let over = self.lock().bytes() > self.most;
        if over { self.forget(now) } else { Forgotten::default() }
    }

    /// Number of times that some were forgotten. Tables that know more senders follow when it grows.
    pub(crate) fn rounds(&self) -> u64 {
        self.rounds.load(Relaxed)
    }

    /// The marks, for the hub to read and move; held for no longer than a batch takes to seal.
    pub(crate) fn lock(&self) -> MutexGuard<'_, MarkTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
