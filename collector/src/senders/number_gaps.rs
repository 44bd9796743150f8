//! Numbers of a sender that a sink misses below the highest one it has.
//!
//! A sender that moves from one collector to another leaves some of its records in each. Whoever
//! receives from both, through relays, may receive the later ones first; the highest number alone
//! would then make the earlier ones look like repeats.

use serde::{Deserialize, Serialize, Serializer};

/// The most gaps of one sender. Beyond that the lowest one is forgotten: its records would be taken
/// for repeats.
pub(crate) const MOST: usize = 256;

/// Disjoint ranges of missing numbers, both ends included, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NumberGaps(Vec<NumberRange>);

/// Outcome of [`NumberGaps::add`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddedRange {
    /// The highest number now.
    pub(crate) mark: u64,
    /// Number of gaps forgotten, since there were more than [`MOST`].
    pub(crate) forgotten: u64,
}

/// Consecutive numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct NumberRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Serialize for NumberRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.first, self.last].serialize(serializer)
    }
}

impl NumberRange {
    fn overlap(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

impl NumberGaps {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of ranges.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all but the highest `most`: the numbers in the others count as there.
    pub(crate) fn keep_highest(&mut self, most: usize) {
        if self.0.len() > most {
            self.0.drain(..self.0.len() - most);
            self.0.shrink_to_fit();
        }
    }

    /// The parts of `range` that are missing where `mark` is the highest number.
    pub(crate) fn missing(&self, mark: u64, range: NumberRange) -> Vec<NumberRange> {
        let mut parts: Vec<_> = self.0.iter().filter_map(|gap| gap.overlap(range)).collect();
        let beyond = NumberRange { first: mark.saturating_add(1), last: u64::MAX };
        parts.extend(beyond.overlap(range));
        parts
    }

    /// Takes note that `range` is there where `mark` was the highest number.
    pub(crate) fn add(&mut self, mark: u64, range: NumberRange) -> AddedRange {
        if range.first > mark + 1 {
            self.0.push(NumberRange { first: mark + 1, last: range.first - 1 });
        } else if !self.0.is_empty() && range.first <= mark {
            let split = |gap: NumberRange| {
                let before = NumberRange { last: gap.last.min(range.first - 1), ..gap };
                let behind = NumberRange { first: gap.first.max(range.last + 1), ..gap };
                match gap.overlap(range) {
                    None => vec![gap],
                    Some(_) => vec![before, behind],
                }
            };
            let left = self.0.iter().flat_map(|gap| split(*gap));
            self.0 = left.filter(|gap| gap.first <= gap.last).collect();
        }
        let forgotten = self.0.len().saturating_sub(MOST);
        self.0.drain(..forgotten);
        AddedRange { mark: mark.max(range.last), forgotten: forgotten as u64 }
    }

    /// The gaps of what is there in either of two places, each with its highest number.
    pub(crate) fn join(&self, mark: u64, other: &Self, other_mark: u64) -> Self {
        let whole = |gaps: &Self, mark| {
            let beyond = NumberRange { first: mark + 1, last: u64::MAX };
            gaps.0.iter().copied().chain([beyond]).collect::<Vec<_>>()
        };
        let theirs = whole(other, other_mark);
        let both = whole(self, mark).into_iter().flat_map(|gap| {
            theirs.iter().filter_map(move |other| gap.overlap(*other)).collect::<Vec<_>>()
        });
        Self(both.filter(|gap| gap.last < u64::MAX).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> NumberRange {
        NumberRange { first, last }
    }

    fn gaps(ranges: &[[u64; 2]]) -> NumberGaps {
        NumberGaps(ranges.iter().map(|&[first, last]| range(first, last)).collect())
    }

    #[test]
    fn what_comes_late_is_missing_until_it_comes_and_never_twice() {
        let mut held = NumberGaps::default();
        let mut mark = held.add(0, range(1, 10)).mark;
        mark = held.add(mark, range(21, 30)).mark;
        assert_eq!((mark, &held), (30, &gaps(&[[11, 20]])));
        assert_eq!(held.missing(mark, range(5, 40)), [range(11, 20), range(31, 40)]);
        mark = held.add(mark, range(14, 15)).mark;
        assert_eq!((mark, &held), (30, &gaps(&[[11, 13], [16, 20]])));
        assert_eq!(held.missing(mark, range(1, 30)), [range(11, 13), range(16, 20)]);
        mark = held.add(mark, range(5, 31)).mark;
        assert_eq!((mark, held.is_empty()), (31, true));
        assert_eq!(held.missing(mark, range(1, 31)), []);
    }

    #[test]
    fn the_number_of_gaps_is_bounded() {
        let mut held = NumberGaps::default();
        let add = |mark, n: u64| held.add(mark, range(n * 10, n * 10)).mark;
        assert_eq!((1..=1000).fold(0, add), 10_000);
        assert_eq!(held.0.len(), MOST);
        assert_eq!(held.0.last(), Some(&range(9991, 9999)));
    }

    #[test]
    fn a_gap_that_is_split_is_bounded_like_others_and_what_is_forgotten_is_counted() {
        let mut held = NumberGaps::default();
        let mark = held.add(0, range(1 << 40, 1 << 40)).mark;
        let split = |n: u64| held.add(mark, range(n * 2, n * 2)).forgotten;
        assert_eq!((1..=1000).map(split).sum::<u64>(), 1001 - MOST as u64);
        assert_eq!(held.0.len(), MOST);
    }

    #[test]
    fn what_is_in_either_of_two_files_is_there() {
        let early = gaps(&[[3, 5]]);
        let late = gaps(&[[1, 10]]);
        assert_eq!(early.join(10, &late, 20), gaps(&[[3, 5]]));
        assert_eq!(late.join(20, &early, 10), gaps(&[[3, 5]]));
        assert_eq!(late.join(20, &gaps(&[]), 4), gaps(&[[5, 10]]));
    }

    /// Against a plain set of numbers.
    #[test]
    fn any_order_of_arrival_ends_in_the_same_set() {
        let mut seed = 7_u64;
        let mut dice = move |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        for _ in 0..200 {
            let (mut held, mut mark) = (NumberGaps::default(), 0);
            let mut set = std::collections::BTreeSet::new();
            for _ in 0..40 {
                let first = 1 + dice(90);
                let part = range(first, first + dice(10));
                let new: u64 = held.missing(mark, part).iter().map(|r| r.last - r.first + 1).sum();
                mark = held.add(mark, part).mark;
                let before = set.len();
                set.extend(part.first..=part.last);
                assert_eq!(new as usize, set.len() - before);
                assert_eq!(set.last(), Some(&mark));
            }
        }
    }
}
