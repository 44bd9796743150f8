//! When a file is full, and how it makes way for the next, its ledger with it.
//!
//! ```text
//!  1  app.log.ledger.new   written: all marks, and the name that app.log is to get
//!  2  app.log              renamed to app.log.20261122T184223Z-7
//!  3  app.log.ledger       renamed to app.log.20261122T184223Z-7.ledger
//!  4  app.log.ledger.new   renamed to app.log.ledger
//! ```
//!
//! The second step decides: died before it, the rotation never was; died after it, the ledger's
//! `rotation::finish` does the rest.

use crate::layout::paths::{ledger_of, packed_of};
use crate::layout::segment_name::SegmentName;
#[cfg(test)]
use std::fs;
use std::path::Path;

const DAY: i64 = 86_400_000_000;

/// When to rotate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RotationSchedule {
    /// A file this long is full.
    pub(crate) size: Option<u64>,
    /// A file is closed when a period of this many microseconds, counted from 1970, is over.
    pub(crate) every: Option<i64>,
}

impl RotationSchedule {
    /// Tells whether a file of `len` bytes, last written at `then`, makes way before a write at
    /// `now`.
    pub(crate) fn due(self, len: u64, then: i64, now: i64) -> bool {
        let full = self.size.is_some_and(|size| len >= size);
        let over = self.every.is_some_and(|every| then.div_euclid(every) < now.div_euclid(every));
        len > 0 && (full || over)
    }
}

/// Name that the file at `path` gets when it is rotated at `now`. The generation is counted on if
/// another file has the name.
pub(crate) fn next_name(path: &Path, generation: u64, now: i64) -> SegmentName {
    let mut name = SegmentName::new(generation, now);
    let is_taken = |name: SegmentName| {
        let path = name.path(path);
        path.exists() || packed_of(&path).exists() || ledger_of(&path).exists()
    };
    while is_taken(name) {
        name.generation += 1;
    }
    name
}

/// Microseconds of a `--rotate-every`; a day if there are too many.
pub(crate) fn every(period: std::time::Duration) -> i64 {
    i64::try_from(period.as_micros()).unwrap_or(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_file_makes_way_when_it_is_full_or_its_time_is_over() {
        let full = RotationSchedule { size: Some(100), every: None };
        assert_eq!([99, 100].map(|len| full.due(len, 0, 0)), [false, true]);
        let daily = RotationSchedule { size: None, every: Some(DAY) };
        assert_eq!([DAY - 1, DAY].map(|now| daily.due(1, 0, now)), [false, true]);
        assert!(!daily.due(0, 0, DAY), "an empty file stays");
        assert!(!RotationSchedule::default().due(u64::MAX, 0, i64::MAX));
    }

    #[test]
    fn a_clock_that_goes_back_delays_no_rotation_beyond_the_next_period() {
        let daily = RotationSchedule { size: None, every: Some(DAY) };
        // Ten years ahead, then right: the first write is as if nothing had happened.
        assert!(!daily.due(1, 3650 * DAY, DAY / 2));
        assert!(daily.due(1, DAY / 2, DAY));
    }

    #[test]
    fn a_rotated_name_is_never_taken_twice() {
        let dir = tempdir().unwrap();
        let (path, now) = (dir.path().join("app.log"), 1_795_372_943_000_000);
        let next = |generation| next_name(&path, generation, now).path(&path);
        let there = |name: &str| fs::write(dir.path().join(name), "").unwrap();
        assert_eq!(next(1), dir.path().join("app.log.20261122T184223Z-1"));
        there("app.log.20261122T184223Z-1.zst");
        there("app.log.20261122T184223Z-2.ledger");
        assert_eq!(next(1), dir.path().join("app.log.20261122T184223Z-3"));
    }
}
