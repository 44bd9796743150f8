//! Datagrams that never came, found by the numbers that netlog senders put into theirs.

use crate::senders::identity::SenderId;
use netlog_wire::Identity;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Time that a missing datagram may still take: networks reorder, but not for long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most datagrams that count as lost at once.
const MAX_GAP: u64 = 1 << 20;

/// Senders followed at once, and the silence after which one is forgotten for another.
const MAX_SENDERS: usize = 4096;
const SILENCE: Duration = Duration::from_secs(60);

/// The numbers seen of each sender's datagrams.
#[derive(Debug, Default)]
pub(crate) struct SequenceGaps {
    senders: HashMap<SenderId, Sequence>,
}

#[derive(Debug)]
struct Sequence {
    identity: Identity,
    highest: u64,
    missing: u64,
    /// When the oldest of the missing was found to be missing.
    since: Instant,
    heard: Instant,
}

/// DatagramSocket of one sender that are given up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SequenceLoss {
    pub(crate) identity: Identity,
    pub(crate) lost: u64,
}

/// A numbered datagram that has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) sender: SenderId,
    pub(crate) number: u64,
    pub(crate) now: Instant,
}

impl SequenceGaps {
    /// Takes note of a datagram; `identity` is asked for once, when the sender is new.
    pub(crate) fn saw(&mut self, seen: Seen, identity: impl FnOnce() -> Identity) {
        let Seen { sender, number, now } = seen;
        if let Some(follow) = self.senders.get_mut(&sender) {
            return follow.saw(number, now);
        }
        if self.senders.len() >= MAX_SENDERS {
            self.senders.retain(|_, follow| now < follow.heard + SILENCE || follow.missing > 0);
        }
        if self.senders.len() < MAX_SENDERS {
            // What came before the first datagram seen is unknown: the collector may be the later.
            let identity = identity();
            let new = Sequence { identity, highest: number, missing: 0, since: now, heard: now };
            self.senders.insert(sender, new);
        }
    }

    /// Takes the losses that are old enough to report. Each is reported once; a datagram that
    /// arrives afterwards is kept all the same.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<SequenceLoss> {
        let due = self.senders.values_mut();
        let due = due.filter(|follow| follow.missing > 0 && now >= follow.since + PATIENCE);
        due.map(|follow| SequenceLoss {
            identity: follow.identity.clone(),
            lost: std::mem::take(&mut follow.missing),
        })
        .collect()
    }

    /// True if anything is missing.
    pub(crate) fn any(&self) -> bool {
        self.senders.values().any(|follow| follow.missing > 0)
    }
}

impl Sequence {
    fn saw(&mut self, number: u64, now: Instant) {
        self.heard = now;
        if number <= self.highest {
            self.missing = self.missing.saturating_sub(1);
            return;
        }
        let gap = number - self.highest - 1;
        if gap > MAX_GAP {
            // No network loses so many: the number is not one, or another sender's.
            self.highest = number;
            return;
        }
        if gap > 0 && self.missing == 0 {
            self.since = now;
        }
        self.missing = self.missing.saturating_add(gap);
        self.highest = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sender: SenderId, number: u64, now: Instant) -> Seen {
        Seen { sender, number, now }
    }

    fn lost(numbers: &[u64]) -> Vec<u64> {
        let (mut gaps, start) = (SequenceGaps::default(), Instant::now());
        for &number in numbers {
            gaps.saw(seen(SenderId(7), number, start), Identity::default);
        }
        assert_eq!(gaps.due(start), []);
        let due = gaps.due(start + PATIENCE);
        assert!(!gaps.any(), "a loss is reported once");
        due.into_iter().map(|loss| loss.lost).collect()
    }

    #[test]
    fn a_gap_that_is_not_filled_is_a_loss() {
        assert_eq!(lost(&[5, 6, 7]), [0; 0]);
        assert_eq!(lost(&[5, 9]), [3]);
        assert_eq!(lost(&[5, 9, 6, 7]), [1]);
        assert_eq!(lost(&[5, u64::MAX, 6]), [0; 0], "a number that jumps is no loss");
        assert_eq!(lost(&[5, 1 << 62, (1 << 62) + 2]), [1]);
        assert_eq!(lost(&[5, 7, 6, 8]), [0; 0]);
    }

    #[test]
    fn the_number_of_senders_followed_is_bounded() {
        let (mut gaps, start) = (SequenceGaps::default(), Instant::now());
        for id in 0..MAX_SENDERS as u128 + 10 {
            gaps.saw(seen(SenderId(id), 1, start), Identity::default);
        }
        assert_eq!(gaps.senders.len(), MAX_SENDERS);
        gaps.saw(seen(SenderId(u128::MAX), 1, start + SILENCE), Identity::default);
        assert_eq!(gaps.senders.len(), 1);
    }
}
