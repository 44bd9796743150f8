//! Forgetting of senders: those silent for a week, and the cheapest to forget when all of them take
//! more memory than they may.

use super::mark::Mark;
use super::table::{GAP_BYTES, MarkTable, SENDER_BYTES};
use crate::senders::identity::SenderId;
use crate::senders::number_gaps::MOST as MOST_GAPS;

/// A sender not heard of for this many seconds, a week, is forgotten: every run of a program is a
/// sender, and most will never be heard of again.
pub(super) const FORGET: i64 = 7 * 86_400;

/// Share of the memory that gaps may take, as a divisor.
const GAPS: u64 = 4;

/// Share of it that is made free at once, so that it is worth looking through all.
const FREE: u64 = 8;

/// Counts of what was forgotten to keep within `--max-marks-memory`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    pub(crate) senders: u64,
    pub(crate) gaps: u64,
}

/// The later something is forgotten, the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    class: Class,
    seen: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// It had one connection, and its end came in order or not; that costs nothing to make up.
    CameOnce,
    CameBack,
    /// It may have more in its spool.
    Connected,
}

impl MarkTable {
    /// Forgets senders that were silent for a week, and then the cheapest until the others take at most
    /// `most` bytes.
    pub(super) fn forget(&mut self, now: i64, most: u64) -> Forgotten {
        self.take_out_those_that_left(now);
        let since = now - FORGET;
        self.retain(|mark, worth| worth.class == Class::Connected || mark.seen >= since);
        let mut forgotten = Forgotten { gaps: self.gaps_forgotten, senders: 0 };
        self.gaps_forgotten = 0;
        forgotten.gaps += self.trim_gaps(most / GAPS);
        if self.bytes() > most {
            forgotten.senders += self.forget_cheapest(most - most / FREE);
        }
        forgotten
    }

    /// Forgets the lowest gaps of those who have most of them, until all take at most so many bytes.
    fn trim_gaps(&mut self, most: u64) -> u64 {
        let before = self.gaps;
        let mut each = MOST_GAPS;
        while self.gaps_bytes() > most && each > 0 {
            each /= 2;
            self.marks.values_mut().for_each(|mark| mark.gaps.keep_highest(each));
            self.gaps = self.marks.values().map(|mark| mark.gaps.len()).sum();
        }
        (before - self.gaps) as u64
    }

    /// Forgets the cheapest, until the others take at most so many bytes.
    fn forget_cheapest(&mut self, most: u64) -> u64 {
        let costs = self.marks.iter().map(|(id, mark)| (self.worth(*id, mark), cost(mark)));
        let mut costs: Vec<_> = costs.collect();
        costs.sort_unstable_by_key(|&(worth, _)| worth);
        let mut excess = self.bytes().saturating_sub(most);
        let enough = costs.iter().position(|&(_, cost)| {
            excess = excess.saturating_sub(cost);
            excess == 0
        });
        let Some(bound) = enough.and_then(|last| costs.get(last + 1)).map(|&(worth, _)| worth)
        else {
            return 0;
        };
        // Of those who are worth the same, some go and some stay.
        let below = costs.partition_point(|&(worth, _)| worth < bound);
        let mut of_bound = enough.map_or(0, |last| (last + 1).saturating_sub(below));
        let before = self.len();
        self.retain(|_, worth| {
            if worth != bound {
                return worth > bound;
            }
            let stays = of_bound == 0;
            of_bound = of_bound.saturating_sub(1);
            stays
        });
        (before - self.len()) as u64
    }

    fn retain(&mut self, mut keep: impl FnMut(&Mark, Worth) -> bool) {
        let mut marks = std::mem::take(&mut self.marks);
        marks.retain(|id, mark| {
            let kept = keep(mark, self.worth(*id, mark));
            self.gaps -= if kept { 0 } else { mark.gaps.len() };
            kept
        });
        self.marks = marks;
    }

    fn worth(&self, id: SenderId, mark: &Mark) -> Worth {
        let class = match self.connected.contains_key(&id) {
            true => Class::Connected,
            false if mark.returned => Class::CameBack,
            false => Class::CameOnce,
        };
        Worth { class, seen: mark.seen }
    }
}

fn cost(mark: &Mark) -> u64 {
    SENDER_BYTES + mark.gaps.len() as u64 * GAP_BYTES
}
