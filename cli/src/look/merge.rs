//! Records of several senders in the order of their times, as far as a short wait can put them.

use memchr::memmem;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a record waits for an earlier one.
const WINDOW: Duration = Duration::from_millis(100);

/// How old it is when it is shown, however long it was under way: whoever looks sees it within the
/// window, and no sender's worker sleeps for so long.
const SHOWN: Duration = Duration::from_millis(75);

/// How many may wait; beyond that the first goes before its time.
const WAITING: usize = 20_000;

/// Records that wait.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
    senders: Senders,
}

/// How many senders there were. Those of one come in their order.
#[derive(Debug, Default)]
enum Senders {
    #[default]
    None,
    One(Vec<u8>),
    Several,
}

/// The moment something came, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Instant,
    /// In microseconds since 1970.
    time: i64,
}

/// Ordered by its time, and of one time by when it came.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    time: i64,
    number: u64,
    due: Instant,
    line: Vec<u8>,
}

impl Merge {
    /// Takes a record that came `now` and was logged at `time`.
    pub(crate) fn push(&mut self, line: Vec<u8>, time: i64, now: Moment) {
        self.count += 1;
        self.senders.meet(&line);
        let due = now.at + self.wait(now.time - time);
        self.waiting.push(Reverse(Waiting { time, number: self.count, due, line }));
    }

    /// How long a record waits that is so many microseconds old.
    fn wait(&self, age: i64) -> Duration {
        let age = u64::try_from(age).ok().map(Duration::from_micros);
        match (age.filter(|age| *age < WINDOW), &self.senders) {
            (Some(age), Senders::Several) => SHOWN.saturating_sub(age),
            (Some(_), _) => Duration::ZERO,
            // Of long ago, with others of then perhaps behind it, or by another clock.
            (None, _) => WINDOW,
        }
    }

    /// The next record that has waited long enough at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        let Reverse(first) = self.waiting.peek()?;
        let ripe = now >= first.due;
        if ripe || self.waiting.len() > WAITING { self.pop_any() } else { None }
    }

    /// The next record, whether it has waited or not.
    pub(crate) fn pop_any(&mut self) -> Option<Vec<u8>> {
        self.waiting.pop().map(|Reverse(first)| first.line)
    }

    /// When the next record will have waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(first)| first.due)
    }
}

impl Senders {
    /// Takes note of whoever sent `line`: what stands in front of its time.
    fn meet(&mut self, line: &[u8]) {
        let sender = &line[..memmem::find(line, b"\"time\":").unwrap_or(0)];
        match self {
            Self::None => *self = Self::One(sender.to_owned()),
            Self::One(known) if known != sender => *self = Self::Several,
            _ => {}
        }
    }
}

impl Moment {
    pub(crate) fn now() -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), time: i64::try_from(time.as_micros()).unwrap_or(i64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the clock shows when the tests begin.
    const TIME: i64 = 1_795_372_943_000_000;

    /// A tail that begins, and its moments by milliseconds from there on.
    fn begin() -> (Merge, impl Fn(i64) -> Moment) {
        let start = Instant::now();
        let moment = move |millis: i64| Moment {
            at: start + Duration::from_millis(millis.unsigned_abs()),
            time: TIME + millis * 1000,
        };
        (Merge::default(), moment)
    }

    fn line(sender: &str, msg: &str) -> Vec<u8> {
        format!(r#"{{"app":"{sender}","time":"","msg":"{msg}"}}"#).into_bytes()
    }

    #[test]
    fn an_earlier_record_that_comes_a_little_later_goes_first() {
        let (mut merge, after) = begin();
        merge.push(line("a", "zeroth"), TIME, after(1));
        assert_eq!(merge.pop(after(1).at), Some(line("a", "zeroth")), "there is one sender");
        merge.push(line("b", "second"), TIME + 20_000, after(21));
        merge.push(line("a", "first"), TIME + 10_000, after(60));
        merge.push(line("b", "third"), TIME + 70_000, after(71));
        assert_eq!(merge.pop(after(84).at), None, "it is not old enough");
        assert_eq!(merge.due(), Some(after(85).at));
        assert_eq!(merge.pop(after(85).at), Some(line("a", "first")));
        assert_eq!(merge.pop(after(95).at), Some(line("b", "second")));
        assert_eq!(merge.pop(after(95).at), None);
        assert_eq!(merge.pop_any(), Some(line("b", "third")));
    }

    #[test]
    fn records_of_one_sender_wait_for_nobody() {
        let (mut merge, after) = begin();
        for number in 0..3 {
            merge.push(line("a", "m"), TIME + number, after(5));
            assert_eq!(merge.pop(after(5).at), Some(line("a", "m")));
        }
    }

    #[test]
    fn a_record_of_long_ago_or_by_a_wrong_clock_waits_for_the_whole_window_and_no_longer() {
        for time in [TIME - 3_600_000_000, TIME + 3_600_000_000] {
            let (mut merge, after) = begin();
            merge.push(line("a", "m"), time, after(10));
            assert_eq!(merge.pop(after(109).at), None);
            assert_eq!(merge.pop(after(110).at), Some(line("a", "m")));
        }
    }
}
