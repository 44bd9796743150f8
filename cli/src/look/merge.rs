//! Records of several senders in the order of their times, as far as a short wait can put them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// How long a record waits for an earlier one.
const WINDOW: Duration = Duration::from_millis(100);

/// How many may wait; beyond that the first goes before its time.
const WAITING: usize = 20_000;

/// Records that wait.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
}

/// Ordered by its time, and of one time by when it came.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    time: i64,
    number: u64,
    came: Instant,
    line: Vec<u8>,
}

impl Merge {
    /// Takes a record that came at `now` and was logged at `time`.
    pub(crate) fn push(&mut self, line: Vec<u8>, time: i64, now: Instant) {
        self.count += 1;
        self.waiting.push(Reverse(Waiting { time, number: self.count, came: now, line }));
    }

    /// The next record that has waited long enough at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        let Reverse(first) = self.waiting.peek()?;
        let ripe = now.saturating_duration_since(first.came) >= WINDOW;
        if ripe || self.waiting.len() > WAITING { self.pop_any() } else { None }
    }

    /// The next record, whether it has waited or not.
    pub(crate) fn pop_any(&mut self) -> Option<Vec<u8>> {
        self.waiting.pop().map(|Reverse(first)| first.line)
    }

    /// When the next record will have waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(first)| first.came + WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_record_that_comes_a_little_later_goes_first() {
        let (mut merge, start) = (Merge::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        merge.push(b"second".to_vec(), 20, start);
        merge.push(b"first".to_vec(), 10, after(50));
        merge.push(b"third".to_vec(), 20, after(60));
        assert_eq!(merge.pop(after(120)), None, "the first has not waited yet");
        assert_eq!(merge.due(), Some(after(150)));
        assert_eq!(merge.pop(after(150)).as_deref(), Some(&b"first"[..]));
        assert_eq!(merge.pop(after(150)).as_deref(), Some(&b"second"[..]));
        assert_eq!(merge.pop(after(150)), None);
        assert_eq!(merge.pop_any().as_deref(), Some(&b"third"[..]));
    }
}
