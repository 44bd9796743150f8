//! Pauses between attempts to connect.

use std::time::Duration;

/// Pause before the second attempt; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Longest pause between attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Longest pause after one side refused the other, which seldom passes without a person.
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Failures of the collectors since the first of them was tried.
#[derive(Debug, Default)]
pub(super) struct Round {
    refusals: u32,
    others: u32,
}

impl Round {
    /// Adds a failure, which may be that one side refused the other.
    pub(super) fn add(&mut self, refused: bool) {
        self.refusals += u32::from(refused);
        self.others += u32::from(!refused);
    }

    /// Longest pause after it: one collector that only was away may be back soon.
    pub(super) fn longest_backoff(self) -> Duration {
        match self.refusals > 0 && self.others == 0 {
            true => LONGEST_AFTER_REFUSAL,
            false => LONGEST_BACKOFF,
        }
    }
}

/// The pause after `attempt` attempts, without its jitter.
pub(super) fn pause(attempt: u32, longest: Duration) -> Duration {
    longest.min(FIRST_BACKOFF * 2_u32.saturating_pow(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_after_a_refusal_up_to_a_minute() {
        let pauses = |longest| [0, 1, 6, 20, u32::MAX].map(|attempt| pause(attempt, longest));
        let usual = pauses(LONGEST_BACKOFF);
        assert_eq!(usual[..2], [FIRST_BACKOFF, FIRST_BACKOFF * 2]);
        assert_eq!(usual[2..], [LONGEST_BACKOFF; 3]);
        let refused = pauses(LONGEST_AFTER_REFUSAL);
        assert_eq!(refused[2], Duration::from_millis(6400));
        assert_eq!(refused[3..], [LONGEST_AFTER_REFUSAL; 2]);
    }

    #[test]
    fn pauses_grow_to_a_minute_only_after_all_collectors_refused() {
        for (failures, longest) in [
            (vec![], LONGEST_BACKOFF),
            (vec![true], LONGEST_AFTER_REFUSAL),
            (vec![false, true], LONGEST_BACKOFF),
            (vec![true, true], LONGEST_AFTER_REFUSAL),
        ] {
            let mut round = Round::default();
            failures.into_iter().for_each(|refused| round.add(refused));
            assert_eq!(round.longest_backoff(), longest);
        }
    }
}
