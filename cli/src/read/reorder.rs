//! Records of several senders, put into the order of their times: those of a tail within a short
//! delay, those of a search among as many as may wait.

use crate::clock;
use memchr::memmem;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// The longest wait of a record for an earlier one.
const WINDOW: Duration = Duration::from_millis(100);

/// The age at which a record is shown, however long it was on its way: no sender's worker sleeps
/// for so long.
const SHOWN_AGE: Duration = Duration::from_millis(75);

/// The most records that wait, and their bytes; beyond that the first is shown before its time.
const MAX_WAITING: usize = 20_000;
const MAX_WAITING_BYTES: usize = 16 << 20;

/// The records that wait.
#[derive(Debug, Default)]
pub(crate) struct ReorderBuffer {
    waiting: BinaryHeap<Reverse<WaitingRecord>>,
    /// Bytes of their lines.
    bytes: usize,
    count: u64,
    senders: SenderCount,
}

/// The number of senders so far. The records of one sender arrive in order.
#[derive(Debug, Default)]
enum SenderCount {
    #[default]
    Zero,
    One(Vec<u8>),
    Several,
}

/// The time of an arrival, by the monotonic and by the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    instant: Instant,
    /// In microseconds since 1970.
    time: i64,
}

/// Ordered by time, and among equal times by arrival.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WaitingRecord {
    time: i64,
    number: u64,
    /// None while there is room.
    due: Option<Instant>,
    line: Vec<u8>,
}

impl ReorderBuffer {
    /// Adds a record that was logged at `time`.
    pub(crate) fn push(&mut self, line: Vec<u8>, time: i64, arrival: Arrival) {
        self.senders.add(&line);
        let due = arrival.instant + self.wait(arrival.time.saturating_sub(time));
        self.hold(line, time, Some(due));
    }

    /// Adds a record that waits for as long as there is room, ordered by `time`.
    pub(crate) fn hold(&mut self, line: Vec<u8>, time: i64, due: Option<Instant>) {
        self.count += 1;
        self.bytes += line.len();
        self.waiting.push(Reverse(WaitingRecord { time, number: self.count, due, line }));
    }

    /// The wait of a record of this age in microseconds.
    fn wait(&self, age: i64) -> Duration {
        let age = u64::try_from(age).ok().map(Duration::from_micros);
        match (age.filter(|age| *age < WINDOW), &self.senders) {
            (Some(age), SenderCount::Several) => SHOWN_AGE.saturating_sub(age),
            (Some(_), _) => Duration::ZERO,
            // An old one, which others of its time may follow, or of a wrong clock.
            (None, _) => WINDOW,
        }
    }

    /// Removes the next record if it has waited long enough at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let Reverse(first) = self.waiting.peek()?;
        if first.due.is_some_and(|due| now >= due) { self.pop() } else { self.pop_surplus() }
    }

    /// Removes the next record if more are waiting than may.
    pub(crate) fn pop_surplus(&mut self) -> Option<Vec<u8>> {
        let over = self.waiting.len() > MAX_WAITING || self.bytes > MAX_WAITING_BYTES;
        if over { self.pop() } else { None }
    }

    /// Removes the next record.
    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        let Reverse(first) = self.waiting.pop()?;
        self.bytes -= first.line.len();
        Some(first.line)
    }

    /// The time at which the next record will have waited long enough.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().and_then(|Reverse(first)| first.due)
    }
}

impl SenderCount {
    /// Counts the sender of `line`, which stands in front of the time.
    fn add(&mut self, line: &[u8]) {
        let sender = &line[..memmem::find(line, b"\"time\":").unwrap_or(0)];
        match self {
            Self::Zero => *self = Self::One(sender.to_owned()),
            Self::One(known) if known != sender => *self = Self::Several,
            _ => {}
        }
    }
}

impl Arrival {
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), time: clock::now().timestamp_micros() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wall clock when the tests begin.
    const TIME: i64 = 1_795_372_943_000_000;

    /// An empty buffer, and arrivals by milliseconds from its start.
    fn begin() -> (ReorderBuffer, impl Fn(i64) -> Arrival) {
        let start = Instant::now();
        let arrival = move |millis: i64| Arrival {
            instant: start + Duration::from_millis(millis.unsigned_abs()),
            time: TIME + millis * 1000,
        };
        (ReorderBuffer::default(), arrival)
    }

    fn line(sender: &str, msg: &str) -> Vec<u8> {
        format!(r#"{{"app":"{sender}","time":"","msg":"{msg}"}}"#).into_bytes()
    }

    #[test]
    fn an_earlier_record_that_comes_a_little_later_goes_first() {
        let (mut buffer, after) = begin();
        buffer.push(line("a", "zeroth"), TIME, after(1));
        assert_eq!(
            buffer.pop_due(after(1).instant),
            Some(line("a", "zeroth")),
            "there is one sender"
        );
        buffer.push(line("b", "second"), TIME + 20_000, after(21));
        buffer.push(line("a", "first"), TIME + 10_000, after(60));
        buffer.push(line("b", "third"), TIME + 70_000, after(71));
        assert_eq!(buffer.pop_due(after(84).instant), None, "it is not old enough");
        assert_eq!(buffer.next_due(), Some(after(85).instant));
        assert_eq!(buffer.pop_due(after(85).instant), Some(line("a", "first")));
        assert_eq!(buffer.pop_due(after(95).instant), Some(line("b", "second")));
        assert_eq!(buffer.pop_due(after(95).instant), None);
        assert_eq!(buffer.pop(), Some(line("b", "third")));
    }

    #[test]
    fn records_of_one_sender_wait_for_nobody() {
        let (mut buffer, after) = begin();
        for number in 0..3 {
            buffer.push(line("a", "m"), TIME + number, after(5));
            assert_eq!(buffer.pop_due(after(5).instant), Some(line("a", "m")));
        }
    }

    #[test]
    fn a_record_of_long_ago_or_by_a_wrong_clock_waits_for_the_whole_window_and_no_longer() {
        for time in [TIME - 3_600_000_000, TIME + 3_600_000_000] {
            let (mut buffer, after) = begin();
            buffer.push(line("a", "m"), time, after(10));
            assert_eq!(buffer.pop_due(after(109).instant), None);
            assert_eq!(buffer.pop_due(after(110).instant), Some(line("a", "m")));
        }
    }
}
