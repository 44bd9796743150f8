//! The segments of each log that are archived, in `app.log.archived` beside it, and those that wait.

use crate::clock::now;
use crate::layout::paths::{beside, packed_of};
use crate::layout::segment_name::SegmentName;
use crate::layout::state_file;
use crate::link_state::LinkState;
use crate::stderr::{Chain, StderrLog};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};
use tokio::sync::Notify;

/// Version of the format.
const VERSION: u32 = 1;

/// State of the archive of all logs, shared with those who must not remove what is not in it.
#[derive(Debug)]
pub(crate) struct Archive {
    /// Its target is the URL of the archive: what is in another one does not count.
    pub(crate) link: Arc<LinkState>,
    logs: Mutex<BTreeMap<PathBuf, ArchivedLog>>,
    offered: Notify,
    stderr: StderrLog,
}

#[derive(Debug, Default)]
struct ArchivedLog {
    archived: BTreeSet<SegmentName>,
    /// Those that wait, since when in microseconds after 1970.
    waiting: BTreeMap<SegmentName, i64>,
}

/// Segments that wait to be archived.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WaitingSegments {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Time since when the first of them waits, in microseconds after 1970.
    pub(crate) since: Option<i64>,
}

/// Content of `app.log.archived`.
#[derive(Debug, Serialize, Deserialize)]
struct ArchivedSegments {
    version: u32,
    target: String,
    archived: Vec<String>,
}

impl Archive {
    pub(crate) fn new(target: String, stderr: StderrLog) -> Self {
        let link = Arc::new(LinkState::new(target));
        // There is no connection to wait for: all is well until a copy fails.
        link.connected();
        Self { link, logs: Mutex::default(), offered: Notify::new(), stderr }
    }

    /// Tells whether the archive has a segment of `log`.
    pub(crate) fn has(&self, log: &Path, segment: SegmentName) -> bool {
        self.log(&mut self.lock(), log).archived.contains(&segment)
    }

    /// Takes note of the segments that `log` has now, and of those that are ready to be archived.
    /// Returns `true` if all are archived.
    pub(crate) fn offer(
        &self,
        log: &Path,
        segments: &[SegmentName],
        ready: impl Fn(SegmentName) -> bool,
    ) -> bool {
        let mut logs = self.lock();
        let state = self.log(&mut logs, log);
        let there: BTreeSet<_> = segments.iter().copied().collect();
        state.archived.retain(|segment| there.contains(segment));
        let missing = there.difference(&state.archived).copied();
        let missing: Vec<_> = missing.collect();
        let since = |segment| state.waiting.get(&segment).copied().unwrap_or_else(now);
        let waiting = missing.iter().copied().filter(|segment| ready(*segment));
        state.waiting = waiting.map(|segment| (segment, since(segment))).collect();
        if !state.waiting.is_empty() {
            self.offered.notify_one();
        }
        missing.is_empty()
    }

    /// The first segment that waits, of the log that follows `last`.
    pub(super) fn next(&self, last: Option<&Path>) -> Option<(PathBuf, SegmentName)> {
        let logs = self.lock();
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = logs.range::<Path, _>((after, Bound::Unbounded));
        let mut all = behind.chain(logs.iter());
        all.find_map(|(log, state)| Some((log.clone(), *state.waiting.first_key_value()?.0)))
    }

    /// Waits until segments have been offered.
    pub(super) async fn offered(&self) {
        self.offered.notified().await;
    }

    /// Takes note that a segment is archived, also on the disk.
    ///
    /// # Errors
    ///
    /// When the disk does not take it; then it counts as not archived.
    pub(super) fn add(&self, log: &Path, segment: SegmentName) -> io::Result<()> {
        let mut logs = self.lock();
        let state = self.log(&mut logs, log);
        state.archived.insert(segment);
        let written = state_file::write(&file_of(log), &self.written(state));
        match written {
            Ok(()) => {
                state.waiting.remove(&segment);
            }
            Err(_) => {
                state.archived.remove(&segment);
            }
        }
        written
    }

    /// Leaves a segment until it is offered again.
    pub(super) fn leave(&self, log: &Path, segment: SegmentName) {
        self.log(&mut self.lock(), log).waiting.remove(&segment);
    }

    /// Number of segments that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.lock().values().map(|state| state.waiting.len() as u64).sum()
    }

    /// The segments that wait, with their bytes on the disk.
    pub(crate) fn waiting_segments(&self) -> WaitingSegments {
        let mut waiting = WaitingSegments::default();
        let mut paths = Vec::new();
        for (log, state) in self.lock().iter() {
            paths.extend(state.waiting.keys().map(|segment| segment.path(log)));
            waiting.since = state.waiting.values().copied().chain(waiting.since).min();
        }
        waiting.files = paths.len() as u64;
        // The disk is asked without the lock.
        let len = |path: &Path| fs::metadata(path).map(|found| found.len());
        let lens =
            paths.iter().filter_map(|path| len(&packed_of(path)).or_else(|_| len(path)).ok());
        waiting.bytes = lens.sum();
        waiting
    }

    fn written(&self, state: &ArchivedLog) -> ArchivedSegments {
        let archived = state.archived.iter().map(SegmentName::to_string).collect();
        ArchivedSegments { version: VERSION, target: self.link.target().to_owned(), archived }
    }

    fn log<'a>(
        &self,
        logs: &'a mut BTreeMap<PathBuf, ArchivedLog>,
        log: &Path,
    ) -> &'a mut ArchivedLog {
        logs.entry(log.to_owned()).or_insert_with(|| {
            let archived = self.read(log);
            ArchivedLog { archived, waiting: BTreeMap::new() }
        })
    }

    /// The segments of `log` that this archive has. If the file cannot be used, each is compared with
    /// its object again, and nothing is lost but time.
    fn read(&self, log: &Path) -> BTreeSet<SegmentName> {
        let path = file_of(log);
        match state_file::read::<ArchivedSegments>(&path) {
            Ok(Some(file)) if file.version == VERSION && file.target == self.link.target() => {
                file.archived.iter().filter_map(|name| SegmentName::parse(name)).collect()
            }
            Ok(_) => BTreeSet::new(),
            Err(error) => {
                let path = path.display();
                let chain = Chain(&error);
                self.stderr.log(format_args!(
                    "failed to read {path}, comparing all segments with the archive: {chain}"
                ));
                BTreeSet::new()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, ArchivedLog>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_of(log: &Path) -> PathBuf {
    beside(log, ".archived")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(generation: u64) -> SegmentName {
        SegmentName::new(generation, 1_795_372_943_000_000)
    }

    fn archive(target: &str) -> Archive {
        Archive::new(target.to_owned(), StderrLog::default())
    }

    #[test]
    fn what_is_archived_is_written_in_these_bytes_and_known_to_the_next_collector() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let first = archive("s3://a/b");
        assert!(!first.offer(&log, &[segment(1), segment(2)], |_| true));
        assert_eq!(first.next(None), Some((log.clone(), segment(1))));
        first.add(&log, segment(1)).unwrap();
        let text = fs::read_to_string(file_of(&log)).unwrap();
        let expected = "{\"version\":1,\"target\":\"s3://a/b\",\
                        \"archived\":[\"20261122T184223Z-1\"]} ";
        assert!(text.starts_with(expected), "{text}");
        let again = archive("s3://a/b");
        assert!(again.has(&log, segment(1)) && !again.has(&log, segment(2)));
        assert!(!archive("s3://a/c").has(&log, segment(1)), "it is in another archive");
        fs::write(file_of(&log), text.replace("-1", "-2")).unwrap();
        assert!(!archive("s3://a/b").has(&log, segment(2)), "the file is damaged");
    }

    #[test]
    fn segments_wait_log_by_log_until_they_are_archived_or_gone() {
        let dir = tempfile::tempdir().unwrap();
        let logs = ["a.log", "b.log"].map(|name| dir.path().join(name));
        let archive = archive("s3://a");
        for log in &logs {
            archive.offer(log, &[segment(1), segment(2)], |it| it == segment(1));
        }
        assert_eq!(archive.waiting(), 2);
        let next = |last: Option<&Path>| archive.next(last).map(|(log, _)| log);
        assert_eq!(next(Some(&logs[0])).as_ref(), Some(&logs[1]));
        assert_eq!(next(Some(&logs[1])).as_ref(), Some(&logs[0]));
        archive.add(&logs[0], segment(1)).unwrap();
        archive.leave(&logs[1], segment(1));
        assert_eq!((archive.waiting(), archive.next(None)), (0, None));
        assert!(!archive.offer(&logs[1], &[segment(1)], |_| true));
        assert!(archive.offer(&logs[0], &[segment(1)], |_| true));
        assert!(archive.offer(&logs[1], &[], |_| true));
        assert_eq!(archive.waiting(), 0);
    }

    #[test]
    fn waiting_segments_are_counted_with_their_bytes_since_the_first_was_offered() {
        let dir = tempfile::tempdir().unwrap();
        let logs = ["a.log", "b.log"].map(|name| dir.path().join(name));
        fs::write(segment(1).path(&logs[0]), "four").unwrap();
        fs::write(packed_of(&segment(2).path(&logs[0])), "compressed").unwrap();
        let archive = archive("s3://a");
        assert_eq!(archive.waiting_segments(), WaitingSegments::default());
        let before = now();
        archive.offer(&logs[0], &[segment(1)], |_| true);
        let first = archive.waiting_segments();
        assert!(first.since.is_some_and(|since| (before..=now()).contains(&since)));
        archive.offer(&logs[1], &[segment(9)], |_| true);
        archive.offer(&logs[0], &[segment(1), segment(2)], |_| true);
        // One of them has gone.
        let expected = WaitingSegments { files: 3, bytes: 14, since: first.since };
        assert_eq!(archive.waiting_segments(), expected);
    }

    #[test]
    fn what_the_disk_did_not_take_counts_as_not_archived() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let archive = archive("s3://a");
        archive.offer(&log, &[segment(1)], |_| true);
        let obstacle = crate::layout::paths::next_of(&file_of(&log));
        fs::create_dir(&obstacle).unwrap();
        archive.add(&log, segment(1)).unwrap_err();
        assert!(!archive.has(&log, segment(1)));
        assert_eq!(archive.waiting(), 1);
    }
}
