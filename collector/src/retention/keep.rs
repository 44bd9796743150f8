//! How much of what is old is kept, and what is not.

use crate::layout::paths::{ledger_of, packed_of};
use crate::layout::segment_name::{SegmentName, rotated};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// How many old files of a log are kept, how old, and how large all together; without a limit, all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keep {
    pub(crate) age: Option<Duration>,
    pub(crate) files: Option<u64>,
    pub(crate) size: Option<u64>,
}

/// An old file that is not to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) path: PathBuf,
    /// Its bytes, and its ledger's.
    pub(super) bytes: u64,
    /// The option that says so.
    pub(super) why: &'static str,
}

impl Keep {
    /// Which of the old files of `log` are not to be kept at `now`: always the oldest.
    pub(super) fn over(self, log: &Path, now: i64) -> Vec<Over> {
        let weigh = |stamp: SegmentName| (stamp, weight(&stamp.path(log)));
        let mut old: VecDeque<_> = rotated(log).into_iter().map(weigh).collect();
        let mut size: u64 = old.iter().map(|(_, bytes)| bytes).sum();
        let age = self.age.map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        let oldest = age.map(|age| SegmentName::new(0, now.saturating_sub(age).max(0)));
        let mut over = Vec::new();
        while let Some((stamp, bytes)) = old.front().copied() {
            let why = if oldest.is_some_and(|oldest| stamp.is_earlier(oldest)) {
                "--keep-age"
            } else if self.files.is_some_and(|files| old.len() as u64 > files) {
                "--keep-files"
            } else if self.size.is_some_and(|most| size > most) {
                "--keep-size"
            } else {
                break;
            };
            over.push(Over { path: stamp.path(log), bytes, why });
            size -= bytes;
            old.pop_front();
        }
        over
    }
}

impl Over {
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
        let none = Keep::default();
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600 + 1));
        for (keep, count, why) in [
            (none, 0, ""),
            (Keep { age: hours(5), ..none }, 0, ""),
            (Keep { age: hours(3), ..none }, 2, "--keep-age"),
            (Keep { age: hours(0), ..none }, 5, "--keep-age"),
            (Keep { age: Some(Duration::MAX), ..none }, 0, ""),
            (Keep { files: Some(4), ..none }, 1, "--keep-files"),
            (Keep { size: Some(500), ..none }, 0, ""),
            (Keep { size: Some(499), ..none }, 1, "--keep-size"),
            (Keep { size: Some(1), ..none }, 5, "--keep-size"),
        ] {
            let over = keep.over(&log, NOW);
            let expected: Vec<_> = (6 - count..=5)
                .rev()
                .map(|hours| SegmentName::new(6 - hours as u64, NOW - hours * HOUR).path(&log))
                .map(|path| Over { path, bytes: 100, why })
                .collect();
            assert_eq!(over, expected, "{keep:?}");
        }
    }

    #[test]
    fn a_file_is_removed_with_its_ledger_whether_packed_or_not() {
        let (dir, log) = old();
        let over = Keep { files: Some(0), ..Keep::default() }.over(&log, NOW);
        over.iter().for_each(|over| over.remove().unwrap());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, [log]);
    }
}
