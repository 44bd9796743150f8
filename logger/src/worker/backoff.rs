//! Pauses between attempts to connect.

use std::time::Duration;

/// Pause before the second attempt; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Longest pause between attempts.
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Longest pause after one side refused the other, which seldom passes without a person.
pub(super) const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(60);

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
}
