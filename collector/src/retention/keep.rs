//! Limits on the number, age and size of old files.

use crate::layout::forwarded::Forwarded;
use crate::layout::paths::{ledger_of, packed_of};
use crate::layout::segment_name::SegmentName;
use crate::ledger::unsent_records;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// Limits on the old files of a log: number, age, and size of all together. Without a limit, all
/// are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeepLimits {
    pub(crate) age: Option<Duration>,
    pub(crate) files: Option<u64>,
    pub(crate) size: Option<u64>,
}

/// An old file that is not to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExpiredSegment {
    pub(super) path: PathBuf,
    pub(super) generation: u64,
    /// Its bytes, and its ledger's.
    pub(super) bytes: u64,
    /// False if a copy of it was to be made, and is not.
    pub(super) archived: bool,
    /// The option that says so.
    pub(super) why: &'static str,
}

impl KeepLimits {
    /// Segments of `log` that are not to be kept at `now`: always the oldest of `segments`, which
    /// are in their order. Those that are not `archived` are kept, unless they are too large.
    pub(super) fn over(
        self,
        log: &Path,
        segments: &[SegmentName],
        now: i64,
        archived: &dyn Fn(SegmentName) -> bool,
    ) -> Vec<ExpiredSegment> {
        let weigh = |segment: &SegmentName| weight(&segment.path(log));
        let mut size: u64 = self.size.map_or(0, |_| segments.iter().map(weigh).sum());
        let mut over = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let rest = &segments[at..];
            let archived = archived(*segment);
            let why = if !archived {
                match self.size {
                    Some(most) if size > most => "--keep-size, before it was archived",
                    _ => break,
                }
            } else if self.is_too_old(rest, now) {
                "--keep-age"
            } else if self.files.is_some_and(|files| rest.len() as u64 > files) {
                "--keep-files"
            } else if self.size.is_some_and(|most| size > most) {
                "--keep-size"
            } else {
                break;
            };
            let bytes = weigh(segment);
            let generation = segment.generation;
            over.push(ExpiredSegment { path: segment.path(log), generation, bytes, archived, why });
            size = size.saturating_sub(bytes);
        }
        over
    }

    /// Tells whether the first of `segments` is too old. One whose name is in the future, because
    /// the clock was wrong, is at least as old as the next one whose name is not.
    fn is_too_old(self, segments: &[SegmentName], now: i64) -> bool {
        let Some(age) = self.age else { return false };
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let oldest = SegmentName::new(0, now.saturating_sub(age).max(0));
        let latest = SegmentName::new(0, now);
        let known = segments.iter().find(|segment| !latest.is_earlier(**segment));
        known.is_some_and(|segment| segment.is_earlier(oldest))
    }
}

impl ExpiredSegment {
    /// Counts what a relay has not sent of it, and moves the relay's position behind it.
    pub(super) fn give_up(&self, forwarded: &Forwarded) -> io::Result<u64> {
        if forwarded.now().place.generation > self.generation {
            return Ok(0);
        }
        let _pause = forwarded.pause()?;
        let place = forwarded.now().place;
        let from = match place.generation.cmp(&self.generation) {
            Ordering::Less => 0,
            Ordering::Equal => place.offset,
            Ordering::Greater => return Ok(0),
        };
        let unsent = unsent_records(&ledger_of(&self.path), from).ok();
        forwarded.give_up_before(self.generation + 1, unsent)
    }

    /// Removes it, its ledger first: one without its file would stay for ever.
    pub(super) fn remove(&self) -> io::Result<()> {
        for path in [ledger_of(&self.path), packed_of(&self.path), self.path.clone()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The bytes on the disk of the old file at `path`, packed or not, and of its ledger.
fn weight(path: &Path) -> u64 {
    let paths = [path.to_owned(), packed_of(path), ledger_of(path)];
    paths.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::forwarded::ForwardPlace;
    use crate::layout::segment_name::rotated;
    use std::thread;
    use tempfile::{TempDir, tempdir};

    const HOUR: i64 = 3_600_000_000;
    const NOW: i64 = 495_000 * HOUR;

    /// Five old files of 100 bytes, an hour apart, the last one an hour old; every other is packed.
    fn old() -> (TempDir, PathBuf) {
        let dir = tempdir().unwrap();
        let log = dir.path().join("app.log");
        fs::write(&log, [0; 5000]).unwrap();
        for hours in 1..=5 {
            let name = SegmentName::new(6 - hours as u64, NOW - hours * HOUR).path(&log);
            let file = if hours % 2 == 0 { packed_of(&name) } else { name.clone() };
            fs::write(file, [0; 90]).unwrap();
            fs::write(ledger_of(&name), [0; 10]).unwrap();
        }
        (dir, log)
    }

    #[test]
    fn what_is_over_a_limit_is_the_oldest_and_never_the_file_being_written() {
        let (_dir, log) = old();
        let none = KeepLimits::default();
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600 + 1));
        for (keep, count, why) in [
            (none, 0, ""),
            (KeepLimits { age: hours(5), ..none }, 0, ""),
            (KeepLimits { age: hours(3), ..none }, 2, "--keep-age"),
            (KeepLimits { age: hours(0), ..none }, 5, "--keep-age"),
            (KeepLimits { age: Some(Duration::MAX), ..none }, 0, ""),
            (KeepLimits { files: Some(4), ..none }, 1, "--keep-files"),
            (KeepLimits { size: Some(500), ..none }, 0, ""),
            (KeepLimits { size: Some(499), ..none }, 1, "--keep-size"),
            (KeepLimits { size: Some(1), ..none }, 5, "--keep-size"),
        ] {
            let over = keep.over(&log, &rotated(&log).unwrap(), NOW, &|_| true);
            let expected: Vec<_> = (6 - count..=5)
                .rev()
                .map(|hours| SegmentName::new(6 - hours as u64, NOW - hours * HOUR))
                .map(|name| (name.path(&log), name.generation))
                .map(|(path, generation)| ExpiredSegment {
                    path,
                    generation,
                    bytes: 100,
                    archived: true,
                    why,
                })
                .collect();
            assert_eq!(over, expected, "{keep:?}");
        }
    }

    #[test]
    fn what_is_not_archived_is_kept_unless_it_is_too_large() {
        let (_dir, log) = old();
        let none = KeepLimits::default();
        let age = Some(Duration::from_secs(1));
        let archived = |segment: SegmentName| segment.generation < 3;
        for (keep, count) in [
            (KeepLimits { age, ..none }, 2),
            (KeepLimits { files: Some(0), ..none }, 2),
            (KeepLimits { files: Some(0), size: Some(200), ..none }, 3),
            (KeepLimits { size: Some(1), ..none }, 5),
        ] {
            let over = keep.over(&log, &rotated(&log).unwrap(), NOW, &archived);
            assert_eq!(over.len(), count, "{keep:?}");
            let lost = over.iter().filter(|over| !over.archived).count();
            assert_eq!(lost, count - 2, "{keep:?}");
        }
    }

    #[test]
    fn a_clock_that_was_ten_years_ahead_removes_the_oldest_and_no_other() {
        let years = |years: i64| NOW + years * 8766 * HOUR;
        let log = Path::new("/nowhere/app.log");
        let times = [NOW - 9 * HOUR, years(10), years(10), NOW - 5 * HOUR, NOW - 4 * HOUR];
        let segments: Vec<_> =
            (1..).zip(times).map(|(number, time)| SegmentName::new(number, time)).collect();
        let over = |keep: KeepLimits| keep.over(log, &segments, NOW, &|_| true).len();
        assert_eq!(over(KeepLimits { files: Some(3), ..KeepLimits::default() }), 2);
        let age = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let hours = |hours| KeepLimits { age: age(hours), ..KeepLimits::default() };
        assert_eq!([10, 6, 4].map(|age| over(hours(age))), [0, 1, 4]);
    }

    #[test]
    fn what_is_on_its_way_when_its_file_expires_is_not_given_up_once_it_has_arrived() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("app.log.20261122T184223Z-7");
        let batch = "{\"batch\":{\"span\":[0,18,[1,2],4],\"runs\":[[1,1,6,18]]}}";
        let lines = ["{\"ledger\":2,\"generation\":7,\"at\":0,\"inode\":[1,2]}", batch];
        let line = |line: &str| format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()));
        fs::write(ledger_of(&path), lines.map(line).concat()).unwrap();
        let old =
            ExpiredSegment { path, generation: 7, bytes: 18, archived: true, why: "--keep-files" };
        let place = |generation, offset| ForwardPlace { generation, offset };
        let forwarded = Forwarded::begin(&dir.path().join("app.log"), place(7, 0), 1).unwrap();
        assert!(forwarded.begin_sending());
        thread::scope(|scope| {
            let giving_up = scope.spawn(|| old.give_up(&forwarded).unwrap());
            // Until it waits for what is on its way, or does not.
            while forwarded.begin_sending() && !giving_up.is_finished() {
                thread::yield_now();
            }
            forwarded.advance(place(7, 18), 6);
            forwarded.all_landed();
            assert_eq!(giving_up.join().unwrap(), 0);
        });
        let now = forwarded.now();
        assert_eq!((now.place, now.numbered, now.lost), (place(8, 0), 6 + (1 << 32), 0));
        assert!(forwarded.begin_sending());
    }

    #[test]
    fn a_file_is_removed_with_its_ledger_whether_packed_or_not() {
        let (dir, log) = old();
        let keep = KeepLimits { files: Some(0), ..KeepLimits::default() };
        let over = keep.over(&log, &rotated(&log).unwrap(), NOW, &|_| true);
        over.iter().for_each(|over| over.remove().unwrap());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, [log]);
    }
}
