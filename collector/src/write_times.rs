//! Times at which records were written, by which it is known since when those wait that are still to be
//! forwarded.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Times that are remembered. Beyond that, every second one is forgotten.
const MOST: usize = 4096;

/// Times, and how many bytes had been written by then.
#[derive(Debug)]
pub(crate) struct WriteTimes(Mutex<VecDeque<WriteTime>>);

#[derive(Debug, Clone, Copy)]
struct WriteTime {
    at: i64,
    bytes: u64,
}

impl WriteTimes {
    /// Begins at a time at which nothing had been written.
    pub(crate) fn new(at: i64) -> Self {
        Self(Mutex::new(VecDeque::from([WriteTime { at, bytes: 0 }])))
    }

    /// Takes note that so many bytes have been written by now.
    pub(crate) fn add(&self, at: i64, bytes: u64) {
        let mut times = self.lock();
        match times.back_mut() {
            Some(last) if last.bytes == bytes => last.at = at,
            _ => times.push_back(WriteTime { at, bytes }),
        }
        if times.len() > MOST {
            let mut odd = false;
            times.retain(|_| {
                odd = !odd;
                odd
            });
        }
    }

    /// A time, as late as is known, after which the byte behind the first `bytes` was written.
    pub(crate) fn after(&self, bytes: u64) -> Option<i64> {
        let times = self.lock();
        let behind = times.partition_point(|time| time.bytes <= bytes);
        times.get(behind.saturating_sub(1)).map(|time| time.at)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<WriteTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_was_written_after_the_last_time_at_which_it_was_not_there() {
        let times = WriteTimes::new(10);
        for (at, bytes) in [(20, 0), (30, 100), (40, 100), (50, 300)] {
            times.add(at, bytes);
        }
        for (bytes, after) in [(0, 20), (99, 20), (100, 40), (299, 40), (300, 50)] {
            assert_eq!(times.after(bytes), Some(after), "{bytes}");
        }
    }

    #[test]
    fn a_long_time_takes_little_memory_and_the_first_time_stays() {
        let times = WriteTimes::new(0);
        for second in 1..=MOST as u64 * 10 {
            times.add(second.cast_signed(), second);
        }
        assert!(times.lock().len() <= MOST);
        assert_eq!(times.after(0), Some(0));
        let after = times.after(MOST as u64 * 5).unwrap();
        assert!((MOST as i64 * 5 - 32..=MOST as i64 * 5).contains(&after), "{after}");
    }
}
